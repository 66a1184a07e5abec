"""A back-up was put back: nobody may be called again because it does not know of their call."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ringback.outbox import transitions
from ringback.outbox.request import State
from ringback.store.console_tables import intended
from ringback.store.tables import in_state, requests

_WHY = "a back-up was put back: it may have been handed over since"


@dataclass(frozen=True)
class PutBack:
    """How many requests became `unknown`, and how many go on waiting for a time that is still to come.

    `dropped`: acts of operators that could still be undone, and may have happened since.
    """

    unknown: int
    booked: int
    dropped: int


def put_back(connection: sa.Connection, now: datetime) -> PutBack:
    """Make unknown what may have been handed over since the back-up: what was due by now, or on its way.

    What is held becomes so to its visitor alone, as at any other time, and stays held. Nothing is sent once
    more by itself either, for that may have been done as well.
    """
    dropped = connection.execute(intended.delete()).rowcount
    due = sa.or_(requests.c.due_at <= now, requests.c.next_attempt_at <= now)
    was_due = transitions.apply(connection, transitions.PUT_BACK, due, now, _WHY)
    on_way = transitions.apply(
        connection, transitions.LOSE, sa.true(), now, _WHY, owner=None, lease_ends_at=None, resend_at=None
    )
    to_resend = in_state(State.UNKNOWN), requests.c.resend_at.is_not(None)
    resent = connection.execute(requests.update().where(*to_resend).values(resend_at=None).returning(requests))
    again = [row.id for row in resent if row.held is None]
    transitions.tell(connection, again, now, State.UNKNOWN)
    booked = sa.select(sa.func.count()).select_from(requests).where(in_state(State.WAITING))
    unknown = sum(row.held is None for row in [*was_due, *on_way]) + len(again)
    return PutBack(unknown, connection.execute(booked).scalar_one(), dropped)
