"""What holds for every request before a page sees it: its host and scheme, and who sent a post.

How much of it is read is for bounds.py to say.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, current_app, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequest, NotFound

from ringback.server.proxies import believe
from ringback.services import Services, services
from ringback.web.page import own_origin

_LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"]


def init_app(app: Flask, services: Services) -> None:
    """Check every request, and give it the scheme that visitors use."""
    settings = services.settings
    app.config["SECRET_KEY"] = settings.secret_keys[-1]
    _trust_hosts(app, services)
    app.wsgi_app = believe(services.proxies, app.wsgi_app, services.tell)  # type: ignore[method-assign, assignment]
    if not settings.sandbox:
        own = urlsplit(settings.public_url)
        # Whom a test client asks that is told no address. Flask keeps out no other name by it: `check_host` does.
        app.config.update(SERVER_NAME=own.netloc, PREFERRED_URL_SCHEME=own.scheme)
        _keep_scheme(app, own.scheme)


def _keep_scheme(app: Flask, scheme: str) -> None:
    """Make addresses with the scheme that visitors use, whatever a header says."""
    inner = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return inner(environ | {"wsgi.url_scheme": scheme}, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]


_OTHER_HOST = (
    "PUBLIC_URL: its host is {host}, and a request for another host got 400. Behind a proxy, have it pass the "
    "Host header on (nginx: proxy_set_header Host $host); if visitors use another address, correct PUBLIC_URL"
)
_NOT_LOCAL = (
    "The sandbox answers to localhost, 127.0.0.1 and [::1] alone, and a request for another host got 400. "
    "For a site that others see, set RINGBACK_CONFIG and PUBLIC_URL"
)
_OTHER_ORIGIN = (
    "PUBLIC_URL: it is {origin}, and a form that was sent from another origin got 403. "
    "If visitors use another scheme, host or port, correct PUBLIC_URL"
)


def _trust_hosts(app: Flask, services: Services) -> None:
    """Answer only to the host name visitors use: links and checks are built on it."""
    settings = services.settings
    host = urlsplit(settings.public_url).hostname or ""
    trusted = _LOCAL_NAMES if settings.sandbox else [f"[{host}]" if ":" in host else host]

    @app.before_request
    def check_host() -> None:
        # Not as Werkzeug compares hosts: it takes what stands before the first colon, of [::1] a bracket.
        name = re.sub(r":\d+$", "", request.host.lower())
        if request.blueprint == "health":
            return
        if settings.has_console_host and _is_of_the_other_host(name == settings.console_host):
            raise NotFound
        if name not in trusted and not (settings.has_console_host and name == settings.console_host):
            services.tell(_NOT_LOCAL if settings.sandbox else _OTHER_HOST.format(host=host))
            raise BadRequest


def _is_of_the_other_host(asks_console: bool) -> bool:
    """Whether a page is asked for at the wrong one of two hosts. What pages are made of is at both."""
    if request.path.startswith("/static/"):
        return False
    # Some of the console's pages stand beside the form they are about.
    is_console = request.path.startswith("/console/") or (request.blueprint or "").startswith("console_")
    return asks_console != is_console


def is_forged() -> bool:
    """Whether a browser says that another site sent this post."""
    # Flask users switch CSRF protection off in their tests; here that switches off our token with it.
    is_protected = bool(current_app.config.get("WTF_CSRF_ENABLED", True))
    if not (is_protected and _is_cross_site(request.headers, own_origin())):
        return False
    services().tell(_OTHER_ORIGIN.format(origin=own_origin()))
    return True


def _is_cross_site(headers: Headers, public_url: str) -> bool:
    """True when a browser says that another site's page sent this. `public_url` is our origin.

    A forged post gains little here, where no cookie is sent along: it borrows a visitor's address and browser to
    request calls. Browsers give it away. The order is that of Go's CrossOriginProtection
    (https://pkg.go.dev/net/http#CrossOriginProtection): Sec-Fetch-Site first, then Origin; a client that sends
    neither is no browser, so there is no visitor whose address it could borrow.
    Origin is compared with the address visitors use, never with Host, which a proxy may rewrite.
    """
    site = headers.get("Sec-Fetch-Site")
    if site:
        return site not in ("same-origin", "none")
    origin = headers.get("Origin")
    return bool(origin) and origin != public_url
