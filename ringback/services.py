"""What an app is made of, started and stopped in one place."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import Flask, current_app

from ringback.accounts.accounts import Accounts
from ringback.accounts.api_keys import ApiKeys
from ringback.accounts.kept_answers import KeptAnswers
from ringback.clock import Clock
from ringback.config.settings import Settings
from ringback.logs import Sparing
from ringback.outbox.audit import Audit
from ringback.outbox.calls.calls import Calls
from ringback.outbox.calls.measured_promise import Promises
from ringback.outbox.calls.outcomes import Outcomes
from ringback.outbox.figures.figure_counter import FigureCounter
from ringback.outbox.figures.figures_loop import FiguresLoop
from ringback.outbox.figures.tallies import Tallies
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
from ringback.server.proxies import Proxies
from ringback.store.database import Database

if TYPE_CHECKING:  # held here for those who work with them, and known to nobody below
    from ringback.alerts.sender import Alerts
    from ringback.alerts.visitor_sender import VisitorMails
    from ringback.handover.auth_token import AuthToken
    from ringback.handover.call_reports import CallReportLoop
    from ringback.handover.click_to_call import ClickToCall
    from ringback.handover.loop import Delivery
    from ringback.handover.samespace import Samespace
    from ringback.handover.token_renewal import TokenRenewal
    from ringback.web.form.token import Tokens
    from ringback.web.health import Probe
    from ringback.webhooks.delivery_list import DeliveryList
    from ringback.webhooks.sender import Webhooks

_LAST_ALERTS_SECONDS = 5
_LAST_COUNT_SECONDS = 2


@dataclass(frozen=True)
class Services:
    """The services of one app, made by the factory."""

    settings: Settings
    clock: Clock
    database: Database
    outbox: Outbox
    operations: Operations
    console_list: ConsoleList
    by_hand: ByHand
    intended: Intended
    click_to_call: "ClickToCall"
    accounts: Accounts
    audit: Audit
    calls: Calls
    outcomes: Outcomes
    audit_list: AuditList
    promises: Promises
    personal_data: PersonalData
    purge_loop: PurgeLoop
    figures: FigureCounter
    figures_loop: FiguresLoop
    tallies: Tallies
    upkeep: Upkeep
    samespace: "Samespace"
    delivery: "Delivery"
    call_reports: "CallReportLoop"
    alerts: "Alerts"
    visitor_mails: "VisitorMails"
    webhooks: "Webhooks"
    delivery_list: "DeliveryList"
    auth_token: "AuthToken"
    api_keys: ApiKeys
    kept_answers: KeptAnswers
    programs: Programs
    token_renewal: "TokenRenewal"
    tokens: "Tokens"
    proxies: Proxies
    probe: "Probe"
    form_version: str
    tell: Sparing  # of what refuses a visitor and can be mended

    def start(self) -> None:
        """Start what runs beside the answers: hand-over, alerts, purge, figures. Again, it changes nothing."""
        self.alerts.start()
        self.visitor_mails.start()
        self.webhooks.start()
        self.delivery.start()
        self.purge_loop.start()
        self.figures_loop.start()
        self.call_reports.start()
        self.upkeep.start()
        self.token_renewal.start()

    def start_web(self) -> None:
        """Start what runs in a web process: all of it, or the alerts alone where others hand over.

        So somebody is left to tell of a hand-over that has died.
        """
        if self.settings.delivery_mode == "inline":
            self.start()
        else:
            self.alerts.start()

    def stop(self) -> None:
        """Stop it, and wait for the calls that are in the air: none is cut off that may still be answered."""
        self.upkeep.stop(0)
        self.purge_loop.stop(0)
        self.call_reports.stop(0)
        self.token_renewal.stop(0)
        self.alerts.stop(0)
        self.delivery.stop(self.settings.delivery.timeout_seconds + 5)
        self.figures_loop.stop(_LAST_COUNT_SECONDS)
        self.alerts.stop(_LAST_ALERTS_SECONDS)
        self.tallies.close()
        self.visitor_mails.stop(_LAST_ALERTS_SECONDS)
        self.webhooks.stop(_LAST_ALERTS_SECONDS)


def services() -> Services:
    """The services of the app that answers now."""
    return services_of(current_app)


def services_of(app: Flask) -> Services:
    """The services of an app."""
    return cast(Services, app.extensions["ringback"])
