"""Call reports and the store: whose turn it is to read them, from when on, how it goes, and what they showed."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.clock import SKEW, Clock, utc_now
from ringback.config.settings import Settings
from ringback.outbox.calls import call_store
from ringback.outbox.calls.call_matching import CallRecord
from ringback.outbox.calls.call_store import Batch
from ringback.outbox.request import EventKind, State
from ringback.outbox.selection import KEPT, NOT_HELD
from ringback.outbox.wrong_clock import run_out
from ringback.store.call_tables import call_reading, calls
from ringback.store.console_tables import dials
from ringback.store.database import Database
from ringback.store.tables import alerts, events, in_state, requests

# The vendor answers for a month at most, and the shortest has so many days.
FURTHEST_BACK = timedelta(days=28)
# Calls that have just begun may come to stand between those of a page and the next: they are read a moment later.
MARGIN = timedelta(seconds=2)
# A call that is never said to have ended is not waited for longer than this.
_LONGEST_CALL = timedelta(hours=12)
# So long a reading may fail before somebody is told.
FAILING_LASTS = timedelta(minutes=15)
ENOUGH_CALLS = 100  # to say which way they are found


@dataclass(frozen=True)
class Window:
    """From when to when calls are read, by when they began."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class CallSeen:
    """What a record says of a request's call; evidence if not certain. `answered`: None while it goes on."""

    started_at: datetime
    answered: bool | None
    is_certain: bool


@dataclass(frozen=True)
class Ways:
    """How many calls were found by the reference that came back, and how many by number and team alone.

    Without those for which an operator's dock was asked: of a click-to-call it is known that it comes back.
    """

    by_reference: int
    by_number: int

    def __str__(self) -> str:
        """Which of the two ways it is."""
        count = self.by_reference + self.by_number
        counted = f"{self.by_reference} of {count} calls were found by their reference"
        if self.by_reference:
            return f"Samespace gives the reference back: {counted}."
        return f"Samespace does not give the reference back: {counted}, the others by number and team."


@dataclass(frozen=True)
class ReadingState:
    """How the reading goes: up to when calls were read last, and since when and why it fails, if it does."""

    read_up_to: datetime | None
    failing_since: datetime | None
    failing_why: str | None


class Calls:
    """What call reports showed about the requests of one store."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    # --- whose turn it is ---

    def take_turn(self, owner: str, busy_seconds: float) -> bool:
        """Whether this process is to read now. Then no other does for `busy_seconds`, or until it has `ended`."""
        now = self._clock()
        every = timedelta(seconds=self._settings.samespace.call_reports_seconds)
        is_due = _is_due(now, every)
        with self._database.read() as connection:
            if connection.execute(sa.select(call_reading.c.id).where(is_due)).first() is None:
                return False
        values = {"owner": owner, "busy_until": now + timedelta(seconds=busy_seconds), "next_at": now + every}
        with self._database.write() as connection:
            taken = call_reading.update().where(is_due).values(values).returning(call_reading.c.id)
            return connection.execute(taken).first() is not None

    def goes_on(self, owner: str, busy_seconds: float) -> bool:
        """Keep the turn a while longer. False: it ran out, and another has it."""
        until = self._clock() + timedelta(seconds=busy_seconds)
        mine = call_reading.update().where(call_reading.c.owner == owner).values(busy_until=until)
        with self._database.write() as connection:
            return connection.execute(mine.returning(call_reading.c.id)).first() is not None

    def window(self) -> Window | None:
        """What is to be read: from the hand-over of the oldest request that waits for its call. None: nothing."""
        now = self._clock()
        start = now - FURTHEST_BACK
        with self._database.read() as connection:
            oldest = connection.execute(_OLDEST, {"since": start}).scalar()
            going_on = connection.execute(_GOING_ON, {"since": now - _LONGEST_CALL}).scalar()
        found = [at for at in (oldest, going_on) if at]
        # Samespace's clock may be behind ours.
        return Window(max(min(*found, now) - SKEW, start), now - self._margin) if found else None

    @property
    def _margin(self) -> timedelta:
        return min(MARGIN, timedelta(seconds=self._settings.samespace.call_reports_seconds))

    # --- what was read ---

    def keep(self, records: Collection[CallRecord]) -> Batch:
        """Keep a batch of records and what follows from them, in one transaction."""
        now = self._clock()
        with self._database.write() as connection:
            return call_store.keep(connection, self._settings, records, now)

    def ended_well(self, owner: str, read_up_to: datetime | None) -> None:
        """Note that a whole reading was made, and give the turn back. `read_up_to`: None if there was nothing."""
        well: dict[str, Any] = {"failing_since": None, "failing_why": None, "failing_told": False}
        well |= {"read_up_to": read_up_to} if read_up_to else {}
        with self._database.write() as connection:
            connection.execute(_of(owner).values(owner=None, busy_until=None, **well))

    def failed(self, owner: str, why: str) -> None:
        """Note that a reading failed, and give the turn back; where that lasts, have somebody told, once."""
        now = self._clock()
        with self._database.write() as connection:
            row = connection.execute(sa.select(call_reading).where(call_reading.c.owner == owner)).first()
            if row is None:
                return
            since = row.failing_since or now
            is_told = row.failing_told or now - since >= FAILING_LASTS
            if is_told and not row.failing_told:
                connection.execute(alerts.insert().values(at=now, kind="call_reports", about="call reports"))
            values = {"failing_since": since, "failing_why": why, "failing_told": is_told}
            connection.execute(_of(owner).values(owner=None, busy_until=None, **values))

    # --- what is known ---

    def seen(self, request_id: str) -> list[CallSeen]:
        """The calls of a request, and those that may be its, the earliest first."""
        columns = calls.c.started_at, calls.c.answered, calls.c.is_certain
        query = sa.select(*columns).where(calls.c.request_id == request_id).order_by(calls.c.started_at)
        with self._database.read() as connection:
            return [CallSeen(*row) for row in connection.execute(query)]

    def state(self) -> ReadingState:
        """How the reading goes."""
        columns = call_reading.c.read_up_to, call_reading.c.failing_since, call_reading.c.failing_why
        with self._database.read() as connection:
            row = connection.execute(sa.select(*columns)).first()
            return ReadingState(*row) if row else ReadingState(None, None, None)

    def begin(self) -> None:
        """Have the line that the processes share, where a store was filled from another without it."""
        with self._database.read() as connection:
            is_there = connection.execute(sa.select(call_reading.c.id)).first() is not None
        if not is_there:
            with suppress(sa.exc.IntegrityError), self._database.write() as connection:
                connection.execute(call_reading.insert().values(id=1))

    def ways(self) -> Ways:
        """How the calls that are kept were found."""
        counted = sa.func.count(sa.distinct(calls.c.uuid))
        by_dock = sa.exists().where(dials.c.request_id == calls.c.request_id)
        query = sa.select(calls.c.is_certain, counted).where(sa.not_(by_dock)).group_by(calls.c.is_certain)
        with self._database.read() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return Ways(found.get(True, 0), found.get(False, 0))

    def ways_to_tell(self) -> Ways | None:
        """The same once, when there were enough calls to know; None otherwise."""
        untold = call_reading.c.ways_told.is_(False)
        with self._database.read() as connection:
            if connection.execute(sa.select(call_reading.c.id).where(untold)).first() is None:
                return None
        ways = self.ways()
        if ways.by_reference + ways.by_number < ENOUGH_CALLS:
            return None
        with self._database.write() as connection:
            told = call_reading.update().where(untold).values(ways_told=True).returning(call_reading.c.id)
            return ways if connection.execute(told).first() else None


def _is_due(now: datetime, every: timedelta) -> sa.ColumnElement[bool]:
    """Nobody reads, and it is time. What a wrong clock noted for later than that binds nobody."""
    return sa.and_(
        run_out(call_reading.c.busy_until, now, _LONGEST_BUSY), run_out(call_reading.c.next_at, now, every)
    )


_LONGEST_BUSY = timedelta(hours=1)


def _of(owner: str) -> sa.Update:
    return call_reading.update().where(call_reading.c.owner == owner)


_WAITS_FOR_CALL = sa.and_(
    sa.or_(*(in_state(state) for state in (State.WITH_TEAM, State.UNKNOWN))),
    NOT_HELD,
    KEPT,
    requests.c.changed_at > sa.bindparam("since", type_=events.c.at.type),
)
_OLDEST = (
    sa.select(sa.func.min(events.c.at))
    .join(requests, requests.c.id == events.c.request_id)
    .where(_WAITS_FOR_CALL, events.c.kind == sa.literal_column(f"'{EventKind.ATTEMPTED}'"))
)
_GOING_ON = sa.select(sa.func.min(calls.c.started_at)).where(
    calls.c.answered.is_(None), calls.c.started_at > sa.bindparam("since", type_=events.c.at.type)
)
