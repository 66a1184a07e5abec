"""What holds for every request before a page sees it: its host, scheme and size, and that it has no session."""

from collections.abc import Iterable
from io import BytesIO
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Request, Response, request
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.sansio.utils import host_is_trusted

from ringback.config.settings import Settings
from ringback.server.proxies import believe
from ringback.services import Services

BODY_BYTES = 64 * 1024
_LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"]


class _NoSessions(SessionInterface):
    """Visitors get no cookie: what is read from a session is empty, and to write to one is an error."""

    def open_session(self, app: Flask, request: Request) -> None:
        """None makes Flask use an empty one that cannot be written to."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Never called for such a one."""


def init_app(app: Flask, services: Services) -> None:
    """Hold every request to it."""
    settings = services.settings
    app.config.update(
        SECRET_KEY=settings.secret_keys[-1], MAX_CONTENT_LENGTH=BODY_BYTES, MAX_FORM_MEMORY_SIZE=BODY_BYTES
    )
    app.session_interface = _NoSessions()
    _trust_hosts(app, settings)
    _bound_bodies(app)
    app.wsgi_app = believe(services.proxies, app.wsgi_app)  # type: ignore[method-assign, assignment]
    if not settings.sandbox:
        _keep_scheme(app, urlsplit(settings.public_url).scheme)


def _keep_scheme(app: Flask, scheme: str) -> None:
    """Redirect to the scheme that visitors use, whatever a header says of it."""
    inner = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return inner(environ | {"wsgi.url_scheme": scheme}, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]


def _trust_hosts(app: Flask, settings: Settings) -> None:
    """Answer to the name visitors use, and to no other: links and checks are built on it."""
    host = urlsplit(settings.public_url).hostname or ""
    trusted = _LOCAL_NAMES if settings.sandbox else [f"[{host}]" if ":" in host else host]

    @app.before_request
    def check_host() -> None:
        if request.blueprint != "health" and not host_is_trusted(request.host.lower(), trusted):
            raise BadRequest


def _bound_bodies(app: Flask) -> None:
    """Hold a body without a length, sent in chunks, to the same bytes as any other."""

    @app.before_request
    def read_chunks() -> None:
        if not request.environ.pop("HTTP_TRANSFER_ENCODING", None):
            return
        try:
            body = request.environ["wsgi.input"].read(BODY_BYTES + 1)
        except Exception as error:  # whatever the server makes of chunks that are none
            raise BadRequest from error
        if len(body) > BODY_BYTES:
            raise RequestEntityTooLarge
        request.environ["wsgi.input"], request.environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
