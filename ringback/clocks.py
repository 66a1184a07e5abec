"""Stored times that a clock left behind which was wrong when it wrote them.

A time that lies further ahead than its own schedule allows counts as run out: else what was written while a
clock was a year ahead would hold things up for a year after it was put right.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.callback_request import State
from ringback.database import Database
from ringback.settings import DeliverySettings
from ringback.tables import in_state, requests

# The clocks of machines that share a store differ by less. One that is so little wrong holds nothing up for long.
DIFFER = timedelta(minutes=1)


# Nobody is left alone for longer because Samespace asked for it.
LONGEST_ASKED_WAIT_SECONDS = 3600.0
# Waits are longer or shorter by a fifth, so that what failed together does not come together again.
WAITS_VARY_FROM, WAITS_VARY_TO = 0.8, 1.2


def longest_wait(delivery: DeliverySettings) -> timedelta:
    """How far ahead the next attempt may lie, whatever went wrong with the last one."""
    longest = max(delivery.retry_seconds) * WAITS_VARY_TO
    return timedelta(seconds=max(longest, LONGEST_ASKED_WAIT_SECONDS))


def has_run_out(at: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether a time that was set at most `longest` ahead is over, or cannot be right. None is over."""
    return at is None or at <= now or at > now + longest + DIFFER


def run_out(at: sa.ColumnElement[Any], now: datetime, longest: timedelta) -> sa.ColumnElement[bool]:
    """The same, for a statement."""
    return sa.or_(at.is_(None), at <= now, at > now + longest + DIFFER)


def put_right(database: Database, delivery: DeliverySettings, closed: Collection[str], now: datetime) -> None:
    """See to requests whose times cannot be right. Those of `closed` widgets wait for the opening."""
    with database.read() as connection:
        found = [
            (which, values)
            for which, values in _cannot_be_right(delivery, closed, now)
            if connection.execute(sa.select(requests.c.id).where(which).limit(1)).first()
        ]
    if found:
        with database.write() as connection:
            for which, values in found:
                connection.execute(requests.update().where(which).values(values))


def _cannot_be_right(
    delivery: DeliverySettings, closed: Collection[str], now: datetime
) -> Iterator[tuple[sa.ColumnElement[bool], dict[str, datetime]]]:
    """Which they are, and what is right instead."""
    columns, by_now = requests.c, now + DIFFER
    lease = timedelta(seconds=delivery.lease_seconds)
    in_the_air = in_state(State.HANDING_OVER), columns.lease_ends_at > by_now + lease
    yield sa.and_(*in_the_air), {"lease_ends_at": now + lease}
    # It may be an hour, which is what many a wrong clock is wrong by: so its beginning is looked at as well.
    too_late = sa.or_(columns.next_attempt_at > by_now + longest_wait(delivery), columns.changed_at > by_now)
    again = in_state(State.WAITING), columns.attempt > 0, columns.due_at <= now, columns.next_attempt_at > now
    yield sa.and_(*again, too_late, columns.widget.not_in(closed)), {"next_attempt_at": now}
    too_late = sa.or_(columns.resend_at > by_now + longest_wait(delivery), columns.changed_at > by_now)
    yield sa.and_(in_state(State.UNKNOWN), columns.resend_at > now, too_late), {"resend_at": now}
