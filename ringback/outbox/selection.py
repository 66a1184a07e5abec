"""Which requests an operator asks for, and what is true of each."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.outbox.request import CallbackRequest, Held, State
from ringback.store.tables import in_state, requests

HELD = "held"
# What operators may ask for.
STATES = (*(state.value for state in State), HELD)
KEPT = requests.c.erased_at.is_(None)
NOT_HELD = requests.c.held.is_(None)
# Not "is not null", which not every SQLite takes for a beginning of the index.
IS_HELD = sa.and_(
    requests.c.held > sa.literal_column("''"), requests.c.state != sa.literal_column("'cancelled'"), KEPT
)


@dataclass(frozen=True)
class Selection:
    """Which requests: all conditions that are given have to hold.

    `state` is one of STATES, as operators are shown it; `since` a time before now, in which they were asked for.
    """

    state: str | None = None
    held: Held | None = None
    widget: str | None = None
    phone: str | None = None
    since: timedelta | None = None

    @property
    def is_of_held(self) -> bool:
        """Whether nothing but held requests is in it."""
        return self.state == HELD or self.held is not None

    def where(self, now: datetime) -> list[sa.ColumnElement[bool]]:
        """The same for the store."""
        where: list[sa.ColumnElement[bool]] = [KEPT]
        if self.is_of_held:
            where.append(IS_HELD)
        if self.state and self.state != HELD:
            where.append(in_state(self.state))
            if self.state != State.CANCELLED:
                where.append(NOT_HELD)
        if self.held:
            where.append(requests.c.held == self.held)
        if self.widget:
            where.append(requests.c.widget == self.widget)
        if self.phone:
            where.append(requests.c.phone == self.phone)
        if self.since:
            where.append(requests.c.requested_at > now - self.since)
        return where


EVERYTHING = Selection()


def is_late(request: CallbackRequest, now: datetime) -> bool:
    """Whether it waits past its promise."""
    waits = true_state(request) == State.WAITING
    return bool(waits and request.promised_by and request.promised_by < now)


def is_not_called(request: CallbackRequest) -> bool:
    """Whether it was handed over, and nobody called."""
    return true_state(request) == State.WITH_TEAM and request.not_called_at is not None


def true_state(request: CallbackRequest) -> str:
    """What is true, and not what its visitor sees."""
    return HELD if request.held and request.state is not State.CANCELLED else request.state.value
