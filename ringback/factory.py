"""What an app is made of, as a list. It decides nothing."""

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from flask import Flask, Response

from ringback import cli, console, logs
from ringback.accounts.accounts import Accounts
from ringback.alerts.sender import Alerts
from ringback.clock import Clock, utc_now
from ringback.config.environment import KEY_CHARACTERS
from ringback.config.settings import Settings
from ringback.handover.auth_token import AuthToken
from ringback.handover.loop import Delivery
from ringback.handover.samespace import Samespace
from ringback.outbox.audit import Audit
from ringback.outbox.audit_list import AuditList
from ringback.outbox.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import PersonalData
from ringback.outbox.purge_loop import PurgeLoop
from ringback.server.patching import refuse_if_late
from ringback.server.proxies import Proxies
from ringback.services import Services
from ringback.store.database import Database
from ringback.web import bounds, errors, headers, limits, page, request_hygiene, static_files
from ringback.web.brand_pages import brand_pages
from ringback.web.embed_script import embed_script
from ringback.web.form import routes as form_routes
from ringback.web.form.token import Tokens
from ringback.web.form.version import form_version
from ringback.web.health import Probe, health_pages
from ringback.web.request import change_time, stop
from ringback.web.request import routes as request_routes

log = logging.getLogger("ringback")

ROOT = Path(__file__).parent.parent
# Nothing that may go lies longer than this, unless nobody hands over.
_STUCK = timedelta(seconds=60)


def create_app(settings: Settings, clock: Clock = utc_now, makes_store: bool = True) -> Flask:
    """Make the app. Raises StoreError when the store cannot be used.

    `makes_store`: make an SQLite store that is not there; without, such an app can do little but look.
    """
    logs.configure()
    _warn_of_short_keys(settings)
    app = Flask("ringback", root_path=str(ROOT))
    services = make_services(settings, clock, makes_store)
    app.extensions["ringback"] = services

    bounds.init_app(app)
    page.init_app(app)
    request_hygiene.init_app(app, services)
    bounds.bound_bodies(app)
    errors.init_app(app)
    limits.init_app(app, settings)
    headers.init_app(app, settings)
    app.register_blueprint(health_pages(services.probe, _hands_over(app, services)))
    app.register_blueprint(embed_script(ROOT / "static", settings))
    app.register_blueprint(brand_pages(settings))
    static_files.init_app(app, ROOT / "static")
    for pages in (form_routes, request_routes, change_time, stop):
        app.register_blueprint(pages.blueprint)
    console.init_app(app, settings)
    cli.init_app(app, services)
    app.wsgi_app = refuse_if_late(app.wsgi_app, services.tell)  # type: ignore[method-assign, assignment]
    if settings.delivery_mode == "inline":
        _hand_over_from(app, services)
    return app


def _hand_over_from(app: Flask, services: Services) -> None:
    """Hand over beside the answers. While the app is tested nothing runs beside them: it is done before a 303."""

    @app.before_request
    def begin() -> None:
        # Servers that have a moment for it start the hand-over when they are up; this is for the others.
        if not app.testing:
            services.start()

    @app.after_request
    def hand_over(response: Response) -> Response:
        if app.testing and response.status_code == 303:
            services.delivery.run_once()
        return response


def make_services(settings: Settings, clock: Clock, makes_store: bool = True) -> Services:
    """What the app is made of, on a store whose tables are up to date. Raises StoreError."""
    database = Database(settings.database_url.get_secret_value())
    is_open = makes_store or database.is_there
    if is_open:
        database.migrate("sandbox" if settings.sandbox else "production")
    tell = logs.Sparing(log)
    outbox = Outbox(database, settings, clock)
    samespace = Samespace(settings.samespace.url, settings.samespace.space_id, settings.delivery.timeout_seconds)
    personal_data = PersonalData(database, settings, outbox.number_rules, clock)
    auth_token = AuthToken(database, settings)
    accounts = Accounts(database, settings, clock)
    if is_open:
        outbox.teams.register()
        auth_token.lock_up()
        accounts.second_factor.lock_up()
        database.close()  # whoever made the app may fork now: a connection is one process's
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        outbox=outbox,
        operations=Operations(database, settings, clock),
        accounts=accounts,
        audit=Audit(database, clock),
        audit_list=AuditList(database),
        personal_data=personal_data,
        purge_loop=PurgeLoop(personal_data),
        samespace=samespace,
        delivery=Delivery(outbox, samespace, settings, clock),
        alerts=Alerts(database, settings, clock),
        auth_token=auth_token,
        tokens=Tokens(settings.secret_keys, clock),
        proxies=Proxies(settings.trusted_proxies, settings.proxy_addresses),
        probe=Probe(database, clock, tell),
        form_version=form_version(ROOT),
        tell=tell,
    )


def _warn_of_short_keys(settings: Settings) -> None:
    """A short key still opens what it signed, and so does whoever guesses it."""
    if any(len(key.get_secret_value()) < KEY_CHARACTERS for key in settings.secret_key_fallbacks):
        log.warning(
            "SECRET_KEY_FALLBACKS: has a key of fewer than %d characters; take it out soon", KEY_CHARACTERS
        )


def _hands_over(app: Flask, services: Services) -> Callable[[], bool]:
    """Whether requests leave: this process's own hand-over runs, and nothing lies there that nobody takes."""

    def check() -> bool:
        elsewhere = services.settings.delivery_mode == "worker" or app.testing
        runs = elsewhere or services.delivery.is_running
        return runs and not services.outbox.is_stuck(_STUCK)

    return check
