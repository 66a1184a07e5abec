"""What is counted for monitoring, in the store, so that it is right with any number of processes.

What happens to requests is counted from their histories: once a minute, in portions and for good, and what
happened since each time somebody looks. What no history tells (who was turned away, a store that
failed) each process counts, and adds to the store within a second or two.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from ringback.outbox.request import BY_HAND, EventKind, Held
from ringback.store.database import Database
from ringback.store.failures import STORE_ERRORS
from ringback.store.locks import lock, lock_table
from ringback.store.monitoring_tables import tallies
from ringback.store.tables import events, requests

# By name, widget and label; a place that has none is empty.
Key = tuple[str, str, str]
Counts = Mapping[Key, float]

EVENTS, LIMITED, STORE_FAILURES = "events", "limited", "store_failures"
HANDOVER, SUM = "handover", "sum"
# Upper bounds in seconds, from due to handed over.
BUCKETS = (1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
MORE = "more"  # than the last of them

_UP_TO: Key = ("counted_up_to", "", "")
_AT_ONCE = 5_000  # events
_NO_END = 2**62
_PATIENCE_MS = 200
_SOON_SECONDS = 1.0
_LATER_SECONDS = 5.0

_NAMES = {kind: kind for kind in ("with_team", "called", "unknown", "failed", "cancelled")}
_NAMES["received"] = "accepted"
_ONLY_IF_NOT_HELD = frozenset({"with_team", "unknown", "failed"})
_LIMITS = {Held.NUMBER_LIMIT: "per_number", Held.WIDGET_LIMIT: "per_widget"}


class Tallies:
    """The counts of one store, and what this process has not added to them yet."""

    def __init__(self, database: Database, is_wanted: bool = True) -> None:
        """`is_wanted`: False, and nothing is counted."""
        self._database = database
        self._is_wanted = is_wanted
        self._turn = threading.Lock()
        self._pending: Counter[Key] = Counter()
        self._timer: threading.Timer | None = None
        if is_wanted:
            database.on_failure = lambda: self.add(STORE_FAILURES)

    def add(self, name: str, label: str = "") -> None:
        """Count one, which is in the store soon."""
        if not self._is_wanted:
            return
        with self._turn:
            self._pending[name, "", label] += 1
            self._arm(_SOON_SECONDS)

    def _arm(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = threading.Timer(seconds, self._flush_quietly)
            self._timer.daemon = True
            self._timer.start()

    def _flush_quietly(self) -> None:
        self._timer = None
        try:
            self.flush()
        except STORE_ERRORS:
            with self._turn:
                self._arm(_LATER_SECONDS)

    def flush(self) -> None:
        """Add what this process has counted. Raises STORE_ERRORS, and keeps it."""
        with self._turn:
            pending, self._pending = self._pending, Counter()
        if not pending:
            return
        try:
            with self._database.write(is_counted=False) as connection:
                _add(connection, pending)
        except BaseException:
            with self._turn:
                self._pending += pending
            raise

    def close(self) -> None:
        """Add it now if the store takes it: the process ends."""
        with suppress(*STORE_ERRORS):
            self.flush()

    def fold(self) -> bool:
        """Count a portion of what happened once and for all; whether there is more. Raises STORE_ERRORS."""
        if not self._is_wanted or (bound := self._complete_up_to()) is None:
            return False
        with self._database.write() as connection:
            lock(connection, "tallies")
            up_to = int(connection.execute(sa.select(tallies.c.value).where(_is(_UP_TO))).scalar() or 0)
            rows = _happened(connection, up_to, bound)
            reached = rows[-1].id if len(rows) == _AT_ONCE else bound
            if reached > up_to:
                _add(connection, _count(rows) | {_UP_TO: reached - up_to})
            return len(rows) == _AT_ONCE

    def _complete_up_to(self) -> int | None:
        """The number up to which no event is still to come, or None where that is not known soon.

        PostgreSQL numbers events before they are committed. Once nobody is writing any, for a moment, all that
        have a lower number than the last are there. SQLite has one writer at a time anyway.
        """
        try:
            with self._database.write(is_counted=False) as connection:
                lock_table(connection, events, "SHARE", _PATIENCE_MS)
                return connection.execute(sa.select(sa.func.max(events.c.id))).scalar() or 0
        except sa.exc.OperationalError:
            return None

    def read(self) -> tuple[Counts, bool]:
        """All counts as they are now, of every process, and whether they are all there. Raises STORE_ERRORS.

        After an upgrade, or where nobody has handed over for long, there may be a million events to count: that is
        for `fold`. Whoever looks counts two portions at most, and is told that there are more.
        """
        self.flush()
        found, rows = self._look()
        if len(rows) == _AT_ONCE:
            self.fold()
            found, rows = self._look()
        found.update(_count(rows))
        return found, len(rows) < _AT_ONCE

    def _look(self) -> tuple[Counter[Key], list[Any]]:
        """What is counted once and for all, and what happened since."""
        found: Counter[Key] = Counter()
        with self._database.read() as connection:
            found.update({(row.name, row.widget, row.label): row.value for row in connection.execute(_ALL)})
            return found, _happened(connection, int(found.pop(_UP_TO, 0)))


def _count(rows: Iterable[Any]) -> dict[Key, float]:
    """What these events come to."""
    found: Counter[Key] = Counter()
    for row in rows:
        is_held = row.was == EventKind.HELD
        kind = row.kind
        if kind == EventKind.RELEASED:
            if row.detail != BY_HAND or row.was != EventKind.WITH_TEAM:
                continue
            kind = EventKind.WITH_TEAM  # its page said so before; now it is true
        if kind == EventKind.HELD:
            found[EVENTS, row.widget, "held"] += 1
            if row.detail in _LIMITS:
                found[LIMITED, "", _LIMITS[row.detail]] += 1
        elif kind in _NAMES and not (is_held and kind in _ONLY_IF_NOT_HELD):
            found[EVENTS, row.widget, _NAMES[kind]] += 1
            if kind == EventKind.WITH_TEAM:
                seconds = max((row.at - row.due_at).total_seconds(), 0)
                bucket = next((str(bound) for bound in BUCKETS if seconds <= bound), MORE)
                found[HANDOVER, "", bucket] += 1
                found[HANDOVER, "", SUM] += seconds
    return dict(found)


_EARLIER = events.alias()


def _latest(which: sa.ColumnElement[bool]) -> sa.ScalarSelect[str]:
    """The kind of the latest such event of the same request, before this one."""
    before = _EARLIER.c.request_id == events.c.request_id, _EARLIER.c.id < events.c.id
    found = sa.select(_EARLIER.c.kind).where(*before, which).order_by(_EARLIER.c.id.desc()).limit(1)
    return found.correlate(events).scalar_subquery()


# Whether the request was held when it happened: then its visitor's page alone says so.
_WAS = _latest(_EARLIER.c.kind.in_([EventKind.HELD, EventKind.RELEASED]))
# What its page said when it was released.
_SHOWN = _latest(_EARLIER.c.kind != EventKind.HELD)
_AFTER = (
    sa.select(
        events.c.id,
        events.c.at,
        events.c.kind,
        events.c.detail,
        requests.c.widget,
        requests.c.due_at,
        sa.case((events.c.kind.in_(_ONLY_IF_NOT_HELD), _WAS), (events.c.kind == EventKind.RELEASED, _SHOWN)).label(
            "was"
        ),
    )
    .join(requests, requests.c.id == events.c.request_id)
    .where(
        events.c.id > sa.bindparam("after"),
        events.c.id <= sa.bindparam("up_to", type_=sa.BigInteger),
        events.c.kind.in_([*_NAMES, EventKind.HELD, EventKind.RELEASED]),
    )
    .order_by(events.c.id)
    .limit(_AT_ONCE)
)
_ALL = sa.select(tallies)


def _happened(connection: sa.Connection, after: int, up_to: int = _NO_END) -> list[Any]:
    return list(connection.execute(_AFTER, {"after": after, "up_to": up_to}))


def _is(key: Key) -> sa.ColumnElement[bool]:
    name, widget, label = key
    return sa.and_(tallies.c.name == name, tallies.c.widget == widget, tallies.c.label == label)


def _add(connection: sa.Connection, counts: Counts) -> None:
    lock(connection, "tallies")
    for key, value in counts.items():
        change = tallies.update().where(_is(key)).values(value=tallies.c.value + value)
        if connection.execute(change).rowcount == 0:
            name, widget, label = key
            connection.execute(tallies.insert().values(name=name, widget=widget, label=label, value=value))
