"""Counts what happens: from the history of requests, a few hundred events at a time, beside everything else.

Nobody who stores or hands over waits for it: they write their events as before, and this reads them.
"""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.outbox.figures.tally import Asked, Happened, tally
from ringback.store.database import Database
from ringback.store.failures import STORE_ERRORS
from ringback.store.figure_tables import COUNTS, figures
from ringback.store.locks import lock, try_lock
from ringback.store.remembered import recall, remember
from ringback.store.tables import events, requests

AT_ONCE = 400  # events in one transaction, so that visitors do not wait behind it
# Two transactions may be stored in another order than their events are numbered. So many numbers that were missing
# are looked for again; those of transactions that were undone never come.
_MISSING_KEPT = 1000
_MARK, _LOCK = "figures_counted", "figures"
_CAMPAIGN = ("utm_campaign", "campaign")
# A visitor's browser says these, so there may be any number of them: those beyond are counted as one.
_FREE = ("page", "campaign")
_VALUES_A_DAY = 100
OTHERS = "(others)"
ELSEWHERE = "(elsewhere)"
# What is to be added, by what is broken down, hour, widget and value.
Rows = dict[tuple[str, str, str, str], Counter[str]]


@dataclass(frozen=True)
class Mark:
    """How far was counted: every event up to this number but for those that were not there yet."""

    up_to: int = 0
    missing: frozenset[int] = frozenset()

    @classmethod
    def read(cls, written: str | None) -> "Mark":
        found: dict[str, Any] = json.loads(written) if written else {"up_to": 0, "missing": []}
        return cls(found["up_to"], frozenset(found["missing"]))

    def written(self) -> str:
        newest = sorted(self.missing)[-_MISSING_KEPT:]
        return json.dumps({"up_to": self.up_to, "missing": newest})


class FigureCounter:
    """Counts for one store. Several processes may: one at a time does."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, str, str]] = Counter()  # forms, by hour, widget and what became of them

    def note(self, widget: str, count: str) -> None:
        """A form of a widget was shown, begun, sent or refused. It is on the disk with the next `count`."""
        hour = self._hour(widget, self._clock())
        with self._lock:
            self._seen[hour, widget, count] += 1

    def count(self) -> bool:
        """Count what happened since the last time. True: there may be more."""
        self._write_noted()
        with self._database.read() as connection:
            mark = _mark(connection)
            if not self._news(connection, mark):
                return False
        with self._database.write() as connection:
            if not try_lock(connection, _LOCK):
                return False
            mark = _mark(connection)
            news = self._news(connection, mark)
            self._add(connection, self._changes(connection, news, mark))
            self._forget(connection)
            _keep(connection, self._mark_after(mark, news))
            return len(news) >= AT_ONCE

    def _write_noted(self) -> None:
        with self._lock:
            seen, self._seen = self._seen, Counter()
        if not seen:
            return
        rows: Rows = defaultdict(Counter)
        for (hour, widget, count), times in seen.items():
            rows["", hour, widget, ""][count] += times
        try:
            with self._database.write() as connection:
                lock(connection, _LOCK)
                self._add(connection, rows)
        except STORE_ERRORS:
            with self._lock:
                self._seen.update(seen)  # with the next
            raise

    def _news(self, connection: sa.Connection, mark: Mark) -> list[Any]:
        """Events that were not counted, by their ids."""
        columns = events.c.id, events.c.request_id
        late = sa.select(*columns).where(events.c.id.in_(mark.missing))
        found = list(connection.execute(late)) if mark.missing else []
        new = sa.select(*columns).where(events.c.id > mark.up_to).order_by(events.c.id).limit(AT_ONCE)
        return found + list(connection.execute(new))

    def _mark_after(self, mark: Mark, news: Collection[Any]) -> Mark:
        counted = {row.id for row in news}
        up_to = max(mark.up_to, *counted)
        if self._database.has_one_writer:
            return Mark(up_to)
        # A number far ahead of the last is no gap: it is where a store that was put back goes on.
        first = max(mark.up_to + 1, up_to - AT_ONCE - _MISSING_KEPT)
        return Mark(up_to, (mark.missing | set(range(first, up_to))) - counted)

    def _changes(self, connection: sa.Connection, news: Collection[Any], mark: Mark) -> Rows:
        """What the news add."""
        rows: Rows = defaultdict(Counter)
        fresh = {row.id for row in news}
        for request, history in _histories(connection, {row.request_id for row in news}):
            before = {each.id for each in history if each.id <= mark.up_to and each.id not in mark.missing}
            asked, hour = self._asked(request), self._hour(request.widget, request.requested_at)
            after = tally(asked, history, before | fresh)
            after.subtract(tally(asked, history, before))
            for (count, by, value), times in after.items():
                if times:
                    rows[by, hour[:10] if by else hour, request.widget, value][count] += times
        return rows

    def _asked(self, row: Any) -> Asked:
        """What is known of a request. What an erased one was asked from is not any more."""
        values = [("language", row.language)]
        if row.erased_at is None:
            widget = self._settings.widget(row.widget)
            ours = tuple(f"{origin}/" for origin in widget.origins) if widget else ()
            page = row.page if f"{row.page}/".startswith(ours) or not row.page else ELSEWHERE
            values.append(("page", page[:400]))
            campaign = next((row.attributes[name] for name in _CAMPAIGN if row.attributes.get(name)), "")
            values += [("campaign", campaign[:400])] if campaign else []
        zone = self._zone(row.widget)
        return Asked(row.state, row.due_at, row.promised_by, tuple(values), row.slot_starts_at, zone)

    def _hour(self, widget: str, at: datetime) -> str:
        return f"{at.astimezone(self._zone(widget)):%Y-%m-%dT%H}"

    def _zone(self, widget: str) -> tzinfo:
        known = self._settings.widget(widget)
        return known.team_zone if known else UTC

    def _add(self, connection: sa.Connection, rows: Rows) -> None:
        for (by, hour, widget, value), counts in sorted(rows.items()):
            if by in _FREE:
                value = _room_for(connection, by, hour, widget, value)
            key = {"of_by": by, "of_hour": hour, "of_widget": widget, "of_value": value}
            added = {f"add_{name}": counts[name] for name in COUNTS}
            if connection.execute(_ADD, key | added).rowcount == 0:
                new = {"by": by, "hour": hour, "widget": widget, "value": value}
                connection.execute(figures.insert(), new | {name: counts[name] for name in COUNTS})

    def _forget(self, connection: sa.Connection) -> None:
        """Addresses of pages may say something of who was there: they are kept as long as requests are."""
        kept_from = self._clock() - timedelta(days=self._settings.privacy.retention_days + 1)
        old = figures.c.by.in_(_FREE), figures.c.hour < f"{kept_from:%Y-%m-%d}"
        connection.execute(figures.delete().where(*old))


_KEY = sa.and_(*(figures.c[name] == sa.bindparam(f"of_{name}") for name in ("by", "hour", "widget", "value")))
_ADD = (
    figures.update().where(_KEY).values({name: figures.c[name] + sa.bindparam(f"add_{name}") for name in COUNTS})
)


def _room_for(connection: sa.Connection, by: str, hour: str, widget: str, value: str) -> str:
    mine = figures.c.by == by, figures.c.hour == hour, figures.c.widget == widget
    known = set(connection.execute(sa.select(figures.c.value).where(*mine)).scalars())
    return value if value in known or len(known) < _VALUES_A_DAY else OTHERS


def _histories(connection: sa.Connection, ids: Collection[str]) -> list[tuple[Any, list[Happened]]]:
    """Each request with its events, oldest first: in one statement, so that they are of one moment."""
    columns = ("id", "widget", "state", "language", "page", "attributes", "erased_at")
    times = ("requested_at", "due_at", "promised_by", "slot_starts_at")
    query = (
        sa.select(
            *(requests.c[name] for name in (*columns, *times)),
            *(events.c[name].label(f"event_{name}") for name in ("id", "at", "kind", "detail")),
        )
        .join_from(requests, events, events.c.request_id == requests.c.id)
        .where(requests.c.id.in_(ids))
        .order_by(events.c.id)
    )
    found: dict[str, tuple[Any, list[Happened]]] = {}
    for row in connection.execute(query):
        history = found.setdefault(row.id, (row, []))[1]
        history.append(Happened(row.event_id, row.event_at, row.event_kind, row.event_detail))
    return list(found.values())


def _mark(connection: sa.Connection) -> Mark:
    return Mark.read(recall(connection, _MARK))


def _keep(connection: sa.Connection, mark: Mark) -> None:
    remember(connection, _MARK, mark.written())
