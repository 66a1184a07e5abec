"""The list of parts an app is made of. It decides nothing."""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Request, Response, request
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.sansio.utils import host_is_trusted

from ringback import cli, logs
from ringback.alerts.sender import Alerts
from ringback.config.settings import KEY_CHARACTERS, Settings
from ringback.handover.auth_token import AuthToken
from ringback.handover.loop import Delivery
from ringback.handover.samespace import Samespace
from ringback.outbox.operations import Attention
from ringback.outbox.outbox import Clock, Outbox, utc_now
from ringback.outbox.personal_data import PersonalData
from ringback.outbox.purge_loop import Housekeeping
from ringback.server.proxies import Proxies, believe
from ringback.services import Parts
from ringback.store.database import Database
from ringback.web import bounds, errors, headers, limits, page, static_files
from ringback.web.brand_pages import own_file_pages
from ringback.web.form import routes as form_routes
from ringback.web.form.token import Tokens
from ringback.web.form.version import form_version
from ringback.web.health import Probe, health_pages
from ringback.web.request import change_time, stop
from ringback.web.request import routes as request_routes

log = logging.getLogger("ringback")

ROOT = Path(__file__).parent.parent
BODY_BYTES = 64 * 1024
# Nothing that may go lies longer than this, unless nobody hands over.
_STUCK = timedelta(seconds=60)
_LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"]
_ASSET_SECONDS = 31_536_000  # their addresses change with what is in them


class _NoSessions(SessionInterface):
    """Visitors get no cookie: what is read from a session is empty, and to write to one is an error."""

    def open_session(self, app: Flask, request: Request) -> None:
        """None makes Flask use an empty one that cannot be written to."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Never called for such a one."""


def create_app(settings: Settings, clock: Clock = utc_now) -> Flask:
    """Make the app. Raises StoreError when the store cannot be used."""
    logs.configure()
    _tell_of_short_keys(settings)
    app = Flask("ringback", root_path=str(ROOT))
    app.config.update(
        SECRET_KEY=settings.secret_keys[-1],
        MAX_CONTENT_LENGTH=BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES,
        SEND_FILE_MAX_AGE_DEFAULT=_ASSET_SECONDS,
    )
    app.session_interface = _NoSessions()
    database = Database(settings.database_url.get_secret_value())
    database.migrate("sandbox" if settings.sandbox else "production")
    outbox = Outbox(database, settings, clock)
    outbox.gate.register_teams()
    alerts = Alerts(database, settings, clock)
    attention = Attention(database, settings, clock)
    samespace = Samespace(settings.samespace.url, settings.samespace.space_id, settings.delivery.timeout_seconds)
    delivery = Delivery(outbox, samespace, settings, clock)
    personal_data = PersonalData(database, settings, outbox.numbers, clock)
    housekeeping = Housekeeping(personal_data)
    auth_token = AuthToken(database, settings)
    auth_token.lock_up()
    probe = Probe(database, clock)
    tokens = Tokens(settings.secret_keys, clock)
    app.extensions["ringback"] = Parts(settings, outbox, tokens, clock, personal_data, form_version(ROOT))
    app.extensions["ringback-database"] = database
    app.extensions["ringback-alerts"] = alerts
    app.extensions["ringback-attention"] = attention
    app.extensions["ringback-delivery"] = delivery
    app.extensions["ringback-housekeeping"] = housekeeping
    app.extensions["ringback-samespace"] = samespace

    bounds.init_app(app)
    page.init_app(app)
    _trust_hosts(app, settings)
    _bound_bodies(app)
    errors.init_app(app)
    limits.init_app(app, settings)
    headers.init_app(app, settings)
    app.register_blueprint(health_pages(probe, _hands_over(settings, outbox, delivery)))
    app.register_blueprint(headers.embed_script(ROOT / "static"))
    app.register_blueprint(own_file_pages(settings))
    static_files.init_app(app, ROOT / "static")
    for pages in (form_routes, request_routes, change_time, stop):
        app.register_blueprint(pages.blueprint)
    cli.init_app(
        app,
        settings,
        outbox,
        attention,
        delivery,
        alerts,
        samespace,
        auth_token,
        personal_data,
        housekeeping,
        probe,
        clock,
    )
    proxies = Proxies(settings.trusted_proxies, settings.proxy_addresses)
    app.wsgi_app = believe(proxies, app.wsgi_app)  # type: ignore[method-assign, assignment]
    app.extensions["ringback-proxies"] = proxies
    if not settings.sandbox:
        _keep_scheme(app, urlsplit(settings.public_url).scheme)
    if settings.delivery_mode == "inline":
        # Servers that have a moment for it start the hand-over when they are up; this is for the others.
        app.before_request(delivery.start)
        app.before_request(alerts.start)
        app.before_request(housekeeping.start)
    return app


def _tell_of_short_keys(settings: Settings) -> None:
    """A short key still opens what it signed, and so does whoever guesses it."""
    if any(len(key.get_secret_value()) < KEY_CHARACTERS for key in settings.secret_key_fallbacks):
        log.warning(
            "SECRET_KEY_FALLBACKS: has a key of fewer than %d characters; take it out soon", KEY_CHARACTERS
        )


def _keep_scheme(app: Flask, scheme: str) -> None:
    """Redirect to the scheme that visitors use, whatever a header says of it."""
    inner = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return inner(environ | {"wsgi.url_scheme": scheme}, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]


def _hands_over(settings: Settings, outbox: Outbox, delivery: Delivery) -> Callable[[], bool]:
    """Whether requests leave: this process's own hand-over runs, and nothing lies there that nobody takes."""

    def check() -> bool:
        runs = settings.delivery_mode == "worker" or delivery.is_running
        return runs and not outbox.is_stuck(_STUCK)

    return check


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
