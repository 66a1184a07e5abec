"""What an app is made of, started and stopped in one place."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import Flask, current_app

from ringback.accounts.accounts import Accounts
from ringback.clock import Clock
from ringback.config.settings import Settings
from ringback.logs import Sparing
from ringback.outbox.audit import Audit
from ringback.outbox.audit_list import AuditList
from ringback.outbox.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import PersonalData
from ringback.outbox.purge_loop import PurgeLoop
from ringback.server.proxies import Proxies
from ringback.store.database import Database

if TYPE_CHECKING:  # held here for those who work with them, and known to nobody below
    from ringback.alerts.sender import Alerts
    from ringback.handover.auth_token import AuthToken
    from ringback.handover.loop import Delivery
    from ringback.handover.samespace import Samespace
    from ringback.web.form.token import Tokens
    from ringback.web.health import Probe

_LAST_ALERTS_SECONDS = 5


@dataclass(frozen=True)
class Services:
    """The services of one app, made by the factory."""

    settings: Settings
    clock: Clock
    database: Database
    outbox: Outbox
    operations: Operations
    accounts: Accounts
    audit: Audit
    audit_list: AuditList
    personal_data: PersonalData
    purge_loop: PurgeLoop
    samespace: "Samespace"
    delivery: "Delivery"
    alerts: "Alerts"
    auth_token: "AuthToken"
    tokens: "Tokens"
    proxies: Proxies
    probe: "Probe"
    form_version: str
    tell: Sparing  # of what refuses a visitor and can be mended

    def start(self) -> None:
        """Start what runs beside the answers: hand-over, alerts and purge. Started again, it changes nothing."""
        self.alerts.start()
        self.delivery.start()
        self.purge_loop.start()

    def stop(self) -> None:
        """Stop it, and wait for the calls that are in the air: none is cut off that may still be answered."""
        self.purge_loop.stop(0)
        self.alerts.stop(0)
        self.delivery.stop(self.settings.delivery.timeout_seconds + 5)
        self.alerts.stop(_LAST_ALERTS_SECONDS)


def services() -> Services:
    """The services of the app that answers now."""
    return services_of(current_app)


def services_of(app: Flask) -> Services:
    """The services of an app."""
    return cast(Services, app.extensions["ringback"])
