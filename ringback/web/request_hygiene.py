"""What holds for every request before a page sees it: its host and scheme, and who sent a post.

How much of it is read is for bounds.py to say.
"""

import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, current_app, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequest, NotFound

from ringback import logs
from ringback.server.proxies import LOOKED_AT_BY_MACHINES, believe
from ringback.services import Services, services
from ringback.web.page import own_origin

_LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"]


_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_LIKE_A_KEY = re.compile(r"[0-9a-fA-F]{32}")  # so are the ids of callback requests, which are in no log
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")


def _name_request() -> None:
    """Know it in the log by the name that a declared proxy gave it, or by a new one."""
    given = request.headers.get("X-Request-ID", "")
    of_trace = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    name = given if _REQUEST_ID.fullmatch(given) else of_trace[1] if of_trace else secrets.token_hex(8)
    if _LIKE_A_KEY.fullmatch(name):
        name = name[:16]
    request.environ[_BEFORE] = logs.trace.set(name)


def _forget_name(_error: BaseException | None) -> None:
    if before := request.environ.pop(_BEFORE, None):
        with suppress(ValueError):  # of another context, which ends with it
            logs.trace.reset(before)


def init_app(app: Flask, services: Services) -> None:
    """Check every request, and give it the scheme that visitors use."""
    settings = services.settings
    app.before_request(_name_request)
    app.teardown_request(_forget_name)
    app.config["SECRET_KEY"] = settings.secret_keys[-1]
    _trust_hosts(app, services)
    app.wsgi_app = believe(services.proxies, app.wsgi_app, services.tell)  # type: ignore[method-assign, assignment]
    if not settings.sandbox:
        own = urlsplit(settings.public_url)
        # Whom a test client asks that is told no address. Flask keeps out no other name by it: `check_host` does.
        app.config.update(
            SERVER_NAME=own.netloc, PREFERRED_URL_SCHEME=own.scheme, APPLICATION_ROOT=settings.path or "/"
        )
        _keep_scheme(app, own.scheme)
        if settings.path:
            _live_under(app, settings.path)


def _keep_scheme(app: Flask, scheme: str) -> None:
    """Make addresses with the scheme that visitors use, whatever a header says."""
    inner = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return inner(environ | {"wsgi.url_scheme": scheme}, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]


_ELSEWHERE, _BEFORE = "ringback.elsewhere", "ringback.trace_before"


def _live_under(app: Flask, path: str) -> None:
    """Answer below this path of somebody's site, and nowhere else but where load balancers look."""
    inner = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked = environ.get("PATH_INFO", "")
        if environ.get("SCRIPT_NAME") == path or asked in LOOKED_AT_BY_MACHINES:
            return inner(environ, start_response)
        is_below = asked == path or asked.startswith(f"{path}/")
        below = {"SCRIPT_NAME": path, "PATH_INFO": asked.removeprefix(path) or "/"}
        return inner(environ | (below if is_below else {_ELSEWHERE: True}), start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]


_OTHER_HOST = (
    "PUBLIC_URL: its host is {host}, and a request for another host got 400. Behind a proxy, have it pass the "
    "Host header on (nginx: proxy_set_header Host $host); if visitors use another address, correct PUBLIC_URL"
)
_NOT_LOCAL = (
    "The sandbox answers to localhost, 127.0.0.1 and [::1] alone, and a request for another host got 400. "
    "For a site that others see, set RINGBACK_CONFIG and PUBLIC_URL"
)
_OTHER_PATH = (
    "PUBLIC_URL: its path is {path}, and a request for another path got 404. Have the proxy pass the whole path "
    "on (nginx: proxy_pass with nothing behind its host and port), or correct PUBLIC_URL"
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
        if request.blueprint in ("health", "metrics"):
            return
        if settings.has_console_host and _is_of_the_other_host(name == settings.console_host):
            raise NotFound
        if name not in trusted and not (settings.has_console_host and name == settings.console_host):
            services.tell(_NOT_LOCAL if settings.sandbox else _OTHER_HOST.format(host=host))
            raise BadRequest
        if request.environ.get(_ELSEWHERE):
            services.tell(_OTHER_PATH.format(path=settings.path))
            raise NotFound


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
