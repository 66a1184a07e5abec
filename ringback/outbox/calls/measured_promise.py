"""The promise that is measured: within how many minutes three of four visitors were called of late.

Reckoned from the first calls of the last 14 days in the same part of the week, the latest twenty of each hour,
while the team was open; rounded up to five minutes. With fewer than 20 calls, or where it takes longer than a
visitor waits for, nothing is promised.

The same number is shown and is what lateness is reckoned from, in every process, for an hour.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import sqlalchemy as sa

from ringback import opening_hours
from ringback.clock import SKEW, Clock, utc_now
from ringback.config.widget import MEASURED, Widget
from ringback.outbox.request import EventKind
from ringback.store.call_tables import CALLED_FROM, measured_promises
from ringback.store.database import Database
from ringback.store.failures import STORE_ERRORS
from ringback.store.locks import lock
from ringback.store.tables import Instant, events, requests

LOOKS_BACK = timedelta(days=14)
FEWEST_CALLS = 20
ROUNDED_TO = 5  # minutes
MOST_MINUTES = 240
GOOD_FOR = timedelta(hours=1)
AN_HOUR = FEWEST_CALLS  # at most, of those who were due in it: a visitor waits while they are read
_PART_HOURS = 6
_FIRST_OF_WEEKEND = 5


@dataclass(frozen=True)
class Measured:
    """A promise and how it came about: from how many calls, in which part of the week, when.

    `minutes` is None where nothing can be promised. `part` is like `weekday 06-12`.
    """

    minutes: int | None
    calls: int
    part: str
    measured_at: datetime


def promised_minutes(waits: Iterable[timedelta]) -> int | None:
    """What three of four waited at most, rounded up to five minutes; None if they are too few, or too long."""
    ordered = sorted(waits)
    if len(ordered) < FEWEST_CALLS:
        return None
    longest = ordered[ceil(len(ordered) * 3 / 4) - 1]
    minutes = max(ceil(longest / timedelta(minutes=ROUNDED_TO)), 1) * ROUNDED_TO
    return minutes if minutes <= MOST_MINUTES else None


def part_of_week(widget: Widget, at: datetime) -> str:
    """The part of the team's week that an instant lies in: weekdays or the weekend, in spans of six hours."""
    there = at.astimezone(widget.team_zone)
    first = there.hour // _PART_HOURS * _PART_HOURS
    days = "weekend" if there.weekday() >= _FIRST_OF_WEEKEND else "weekday"
    return f"{days} {first:02}-{first + _PART_HOURS:02}"


class Promises:
    """The promises of one store's widgets, those that are set and those that are measured."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def settled(self, widget: Widget) -> Widget:
        """The widget with what is promised to whoever asks now, as minutes or None."""
        if widget.promise_minutes != MEASURED:
            return widget
        try:
            minutes = self.measured(widget).minutes
        except STORE_ERRORS:
            minutes = None  # the form is shown all the same
        return widget.model_copy(update={"promise_minutes": minutes})

    def measured(self, widget: Widget) -> Measured:
        """What was measured for now, and how it came about."""
        now = self._clock()
        with self._database.read() as connection:
            found = _stored(connection, widget, part_of_week(widget, now), now)
        if found:
            return found
        with self._database.write() as connection:
            return measure(connection, widget, now, now)


def minutes_at(connection: sa.Connection, widget: Widget, at: datetime, now: datetime) -> int | None:
    """The same within a transaction that may write, for somebody whose wait begins at `at`."""
    if widget.promise_minutes != MEASURED:
        return widget.promise_minutes
    return measure(connection, widget, at, now).minutes


def measure(connection: sa.Connection, widget: Widget, at: datetime, now: datetime) -> Measured:
    """The promise for a part of the week: the one of this hour, or a new one that holds for an hour."""
    part = part_of_week(widget, at)
    lock(connection, f"promise {widget.key} {part}")
    found = _stored(connection, widget, part, now)
    if found:
        return found
    waits = _waits(connection, widget, part, now)
    measured = Measured(promised_minutes(waits), len(waits), part, now)
    mine = measured_promises.c.widget == widget.key, measured_promises.c.part == part
    connection.execute(measured_promises.delete().where(*mine))
    connection.execute(measured_promises.insert().values(widget=widget.key, **vars(measured)))
    return measured


def _stored(connection: sa.Connection, widget: Widget, part: str, now: datetime) -> Measured | None:
    mine = measured_promises.c.widget == widget.key, measured_promises.c.part == part
    row: Any = connection.execute(sa.select(measured_promises).where(*mine)).first()
    if row is None or not -SKEW <= now - row.measured_at < GOOD_FOR:
        return None
    return Measured(row.minutes, row.calls, row.part, row.measured_at)


def _waits(connection: sa.Connection, widget: Widget, part: str, now: datetime) -> list[timedelta]:
    """How long each waited for its first call, while the team was open; not of who chose a time."""
    due: dict[str, datetime] = {}
    for begin in _hours(widget, part, now):
        asked = {"widget": widget.key, "begin": begin, "end": begin + _HOUR}
        due |= {row.id: row.due_at for row in connection.execute(_LATEST, asked)}
    first = sa.func.min(events.c.at, type_=events.c.at.type).label("called_at")
    query = (
        sa.select(events.c.request_id, first)
        .where(events.c.request_id.in_(list(due)), events.c.kind == EventKind.CALLED)
        .where(events.c.at > now - LOOKS_BACK, events.c.at <= now)
        .group_by(events.c.request_id)
    )
    return [
        opening_hours.open_time(widget.hours, due[row.request_id], row.called_at)
        for row in connection.execute(query)
        if part_of_week(widget, due[row.request_id]) == part
    ]


def _hours(widget: Widget, part: str, now: datetime) -> Iterator[datetime]:
    """When each hour begins that has some of that part of the week; from a day before it is looked back to."""
    begin = (now - LOOKS_BACK - timedelta(days=1)).astimezone(widget.team_zone)
    begin = begin.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    while begin <= now:
        last = begin + _HOUR - timedelta(microseconds=1)
        if part in (part_of_week(widget, begin), part_of_week(widget, last)):  # clocks may change by half an hour
            yield begin
        begin += _HOUR


_HOUR = timedelta(hours=1)
_LATEST = (
    sa.select(requests.c.id, requests.c.due_at)
    .where(CALLED_FROM, requests.c.widget == sa.bindparam("widget"))
    .where(requests.c.due_at >= sa.bindparam("begin", type_=Instant))
    .where(requests.c.due_at < sa.bindparam("end", type_=Instant))
    .order_by(requests.c.due_at.desc())
    .limit(AN_HOUR)
)
