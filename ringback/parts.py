"""What the pages work with, made once by the factory."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from ringback.form_token import Tokens
from ringback.outbox import Clock, Outbox
from ringback.personal_data import PersonalData
from ringback.settings import Settings


@dataclass(frozen=True)
class Parts:
    """The parts of one app."""

    settings: Settings
    outbox: Outbox
    tokens: Tokens
    clock: Clock
    personal_data: PersonalData
    form_version: str


def parts() -> Parts:
    """The parts of the app that answers now."""
    return cast(Parts, current_app.extensions["ringback"])
