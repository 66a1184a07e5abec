"""What the pages work with, made once by the factory."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

from ringback.clock import Clock
from ringback.config.settings import Settings
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import PersonalData

if TYPE_CHECKING:  # held here for who works with them, and known to nobody below
    from ringback.web.form.token import Tokens


@dataclass(frozen=True)
class Parts:
    """The parts of one app."""

    settings: Settings
    outbox: Outbox
    tokens: "Tokens"
    clock: Clock
    personal_data: PersonalData
    form_version: str


def parts() -> Parts:
    """The parts of the app that answers now."""
    return cast(Parts, current_app.extensions["ringback"])
