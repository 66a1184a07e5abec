"""What an app is made of, as a list. It decides nothing."""

import logging
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from flask import Flask, Response

from ringback import api, cli, console, logs
from ringback.accounts.accounts import Accounts
from ringback.accounts.api_keys import ApiKeys
from ringback.accounts.kept_answers import KeptAnswers
from ringback.alerts.sender import Alerts
from ringback.alerts.visitor_sender import VisitorMails
from ringback.clock import Clock, utc_now
from ringback.config.environment import KEY_CHARACTERS
from ringback.config.settings import Settings
from ringback.handover.auth_token import AuthToken
from ringback.handover.call_reports import CallReportLoop
from ringback.handover.click_to_call import ClickToCall
from ringback.handover.loop import Delivery
from ringback.handover.samespace import Samespace
from ringback.handover.token_renewal import TokenRenewal
from ringback.outbox.audit import Audit
from ringback.outbox.calls.calls import Calls
from ringback.outbox.calls.measured_promise import Promises
from ringback.outbox.calls.not_called import NotCalled
from ringback.outbox.calls.outcomes import Outcomes
from ringback.outbox.figures.figure_counter import FigureCounter
from ringback.outbox.figures.figures_loop import FiguresLoop
from ringback.outbox.figures.gauges import GaugeReader
from ringback.outbox.figures.tallies import Tallies
from ringback.outbox.operators.attention import SAMESPACE
from ringback.outbox.operators.audit_list import AuditList
from ringback.outbox.operators.by_hand import ByHand
from ringback.outbox.operators.console_list import ConsoleList
from ringback.outbox.operators.intended import Intended
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import PersonalData
from ringback.outbox.programs import Programs
from ringback.outbox.purge_loop import PurgeLoop
from ringback.outbox.upkeep import Upkeep
from ringback.server.patching import refuse_if_late
from ringback.server.proxies import Proxies
from ringback.services import Services
from ringback.store.database import Database
from ringback.web import bounds, errors, headers, limits, outcome, page, request_hygiene, spans, static_files
from ringback.web.brand_pages import brand_pages
from ringback.web.embed_script import embed_script
from ringback.web.form import funnel
from ringback.web.form import routes as form_routes
from ringback.web.form.token import Tokens
from ringback.web.form.version import form_version
from ringback.web.health import STUCK_AFTER, Probe, health_pages, seldom
from ringback.web.metrics import metrics_page
from ringback.web.request import change_time, stop
from ringback.web.request import routes as request_routes
from ringback.webhooks.delivery_list import DeliveryList
from ringback.webhooks.sender import Webhooks

log = logging.getLogger("ringback")

ROOT = Path(__file__).parent.parent


class Opening(Enum):
    """What is done with the store while an app is made. Without a store, an app can do little but look."""

    MAKES_IT = "make it if it is not there, and bring its tables up to date"
    IF_THERE = "bring its tables up to date if it is there"
    NOT_YET = "leave it as it is"


def create_app(settings: Settings, clock: Clock = utc_now, opening: Opening = Opening.MAKES_IT) -> Flask:
    """Make the app. Raises StoreError when the store cannot be used."""
    logs.configure(settings.log_format)
    _warn_of_short_keys(settings)
    app = Flask("ringback", root_path=str(ROOT))
    services = make_services(settings, clock, opening)
    app.extensions["ringback"] = services

    bounds.init_app(app)
    page.init_app(app)
    request_hygiene.init_app(app, services)
    spans.init_app(app)
    bounds.bound_bodies(app)
    errors.init_app(app)
    limits.init_app(app, settings)
    headers.init_app(app, settings)
    app.register_blueprint(health_pages(services.probe, _hand_over(app, services), _others(services)))
    app.register_blueprint(metrics_page(services.tallies, GaugeReader(services.database, settings, clock)))
    app.register_blueprint(embed_script(ROOT / "static", settings))
    app.register_blueprint(brand_pages(settings))
    static_files.init_app(app, ROOT / "static")
    for pages in (form_routes, funnel, request_routes, change_time, stop, outcome):
        app.register_blueprint(pages.blueprint)
    console.init_app(app, settings)
    api.init_app(app)
    cli.init_app(app, services)
    app.wsgi_app = refuse_if_late(app.wsgi_app, services.tell)  # type: ignore[method-assign, assignment]
    _work_beside(app, services)
    return app


def _work_beside(app: Flask, services: Services) -> None:
    """Tell of alerts and hand over beside the answers.

    While the app is tested nothing runs beside them: what is handed over is so before a 303.
    """

    @app.before_request
    def begin() -> None:
        # Servers that have a moment for it start the hand-over when they are up; this is for the others.
        if not app.testing:
            services.start_web()

    if services.settings.delivery_mode != "inline":
        return

    @app.after_request
    def hand_over(response: Response) -> Response:
        if app.testing and response.status_code in (201, 303):
            services.delivery.run_once()
        return response


def make_services(settings: Settings, clock: Clock, opening: Opening = Opening.MAKES_IT) -> Services:
    """What the app is made of, on a store whose tables are up to date. Raises StoreError."""
    database = Database(settings.database_url.get_secret_value())
    is_open = opening is Opening.MAKES_IT or (opening is Opening.IF_THERE and database.is_there)
    if is_open:
        database.migrate(settings.kind_of_store)
    tell = logs.Sparing(log)
    tallies = Tallies(database, is_wanted=settings.metrics_token is not None)
    outbox = Outbox(database, settings, clock)
    samespace = Samespace(settings.samespace.url, settings.samespace.space_id, settings.delivery.timeout_seconds)
    personal_data = PersonalData(database, settings, outbox.number_rules, clock)
    operations = Operations(database, settings, clock)
    by_hand = ByHand(database, settings, outbox.number_rules, clock)
    intended = Intended(database, outbox, operations, personal_data, clock)
    auth_token = AuthToken(database, settings)
    figures = FigureCounter(database, settings, clock)
    calls = Calls(database, settings, clock)
    webhooks = Webhooks(database, settings, clock)
    accounts = Accounts(database, settings, clock)
    if is_open:
        outbox.teams.register()
        webhooks.register()
        auth_token.lock_up()
        accounts.second_factor.lock_up()
        database.close()  # whoever made the app may fork now: a connection is one process's
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        outbox=outbox,
        operations=operations,
        console_list=ConsoleList(database, settings, clock),
        by_hand=by_hand,
        intended=intended,
        click_to_call=ClickToCall(by_hand, samespace, settings),
        accounts=accounts,
        audit=Audit(database, clock),
        calls=calls,
        promises=Promises(database, clock),
        outcomes=Outcomes(database, outbox.number_rules, clock),
        audit_list=AuditList(database),
        personal_data=personal_data,
        purge_loop=PurgeLoop(personal_data),
        figures=figures,
        figures_loop=FiguresLoop(figures),
        tallies=tallies,
        upkeep=Upkeep(database, tallies),
        samespace=samespace,
        delivery=Delivery(outbox, samespace, settings, clock, intended.carry_out),
        call_reports=CallReportLoop(calls, NotCalled(database, settings, clock), settings),
        alerts=Alerts(database, settings, clock),
        visitor_mails=VisitorMails(database, settings, clock),
        webhooks=webhooks,
        delivery_list=DeliveryList(database, clock),
        auth_token=auth_token,
        token_renewal=TokenRenewal(auth_token, samespace, settings, clock),
        api_keys=ApiKeys(database, clock),
        kept_answers=KeptAnswers(database, clock),
        programs=Programs(database, outbox.number_rules, clock),
        tokens=Tokens(settings.secret_keys, clock, tell),
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


def _hand_over(app: Flask, services: Services) -> Callable[[], str]:
    """How it stands with the hand-over of this process."""

    def check() -> str:
        if services.settings.delivery_mode == "worker":
            return "elsewhere"
        return "ok" if app.testing or services.delivery.is_running else "not running"

    return check


def _others(services: Services) -> Callable[[], dict[str, str]]:
    """What is not this process's own to mend: what is due and nobody takes, and whether Samespace is reached."""

    def check() -> dict[str, str]:
        is_reached = all(trouble.kind != SAMESPACE for trouble in services.operations.troubles())
        return {
            "backlog": "waiting" if services.outbox.is_stuck(STUCK_AFTER) else "ok",
            "samespace": "ok" if is_reached else "not reached",
            "limits": "ok" if counts_together() else "each process by itself",
        }

    counts_together = seldom(limits.storage_answers, services.clock)
    return check
