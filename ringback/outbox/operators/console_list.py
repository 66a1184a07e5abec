"""The console's list: what is at risk first, a page at a time, with true counts beside it.

What is listed stands in sections, one after the other: late, unknown, failed, held; then what waits, by its
promise; then all that is over, newest first. Each section is read along an index, so that a page takes as long
with a million requests as with a thousand.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.outbox import search
from ringback.outbox.calls.not_called import IS_NOT_CALLED, NOT_CALLED
from ringback.outbox.core import as_request
from ringback.outbox.operators.attention import LATE
from ringback.outbox.operators.console_view import (
    ATTENTION,
    NEEDS_PERSON,
    OVER,
    PAGE,
    SECTIONS,
    VIEWS,
    WAITS,
    Count,
    Listed,
    View,
)
from ringback.outbox.request import CallbackRequest, State
from ringback.outbox.selection import HELD
from ringback.store.console_tables import AWAITED, SHOWN
from ringback.store.database import Database
from ringback.store.tables import ALL_HELD, in_state, requests

# So far is counted; beyond it is "more than". What needs a person is counted further than what is over.
_MOST_OVER, _MOST_OPEN = 1_000, 10_000


@dataclass(frozen=True)
class _Place:
    """Where a request stands in the list: comparing two says which comes first."""

    section: int
    key: float
    reference: str

    @property
    def order(self) -> tuple[int, float, str]:
        return self.section, self.key, self.reference


class ConsoleList:
    """The list of one store."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    def page(self, view: View) -> Listed:
        """The requests of a view, the most urgent first."""
        now = self._clock()
        after = _read_place(view.after)
        with self._database.read() as connection:
            if view.typed.strip():
                found, too_many = self._found(connection, view, now)
                later = [row for row in found if after is None or _place(row, now).order > after.order]
                return _cut(later[: PAGE + 1], now, too_many)
            rows: list[Any] = []
            for section in view.sections:
                if after is None or SECTIONS.index(section) >= after.section:
                    rows += _section(connection, view, section, now, after, PAGE + 1 - len(rows))
                if len(rows) > PAGE:
                    break
            return _cut(rows, now)

    def counts(self, view: View) -> Mapping[str, Count]:
        """How many there are of each of VIEWS, whatever is searched for and whichever state is looked at."""
        now = self._clock()
        with self._database.read() as connection:
            of = {name: _count(connection, view, name, now) for name in SECTIONS if name != "over"}
            of |= {name: _count(connection, view, name, now) for name in OVER}
        counts = {name: count for name, count in of.items() if name in VIEWS}
        return counts | {
            ATTENTION: _together(of[name] for name in NEEDS_PERSON),
            State.WAITING.value: _together(of[name] for name in WAITS),
        }

    def arrived(self, view: View, since: datetime) -> Count:
        """How many were asked for after that moment."""
        newer = [requests.c.requested_at > since, *_filters(view)]
        with self._database.read() as connection:
            shown = [requests.c.state.in_([state.value for state in State]), SHOWN]
            counts = [_counted(connection, [*which, *newer], 99) for which in (shown, [ALL_HELD])]
        return _together(counts)

    def find(self, reference: str, widgets: frozenset[str] | None) -> CallbackRequest | None:
        """A request that is theirs to see, by its reference."""
        mine = [requests.c.reference == reference, requests.c.erased_at.is_(None)]
        if widgets is not None:
            mine.append(requests.c.widget.in_(widgets))
        with self._database.read() as connection:
            row = connection.execute(sa.select(requests).where(*mine)).first()
            return as_request(row) if row else None

    def others(self, request: CallbackRequest, widgets: frozenset[str] | None) -> list[CallbackRequest]:
        """The latest other requests for its number, of widgets that are theirs to see."""
        mine = [requests.c.phone == request.answers.phone, requests.c.id != request.id]
        if widgets is not None:
            mine.append(requests.c.widget.in_(widgets))
        query = sa.select(requests).where(*mine).order_by(requests.c.requested_at.desc()).limit(20)
        with self._database.read() as connection:
            return [as_request(row) for row in connection.execute(query)]

    def _found(self, connection: sa.Connection, view: View, now: datetime) -> tuple[list[Any], bool]:
        """What was searched for, in the order of the list; and whether more was found than is shown."""
        regions = {w.region for w in self._settings.widgets.values() if w.region}
        regions |= {region for w in self._settings.widgets.values() for region in w.regions or ()}
        ids = search.found(connection, view.typed, view.only, sorted(regions))
        mine = sa.select(requests).where(requests.c.id.in_(ids[: search.MOST_FOUND]), *_filters(view))
        rows = [row for row in connection.execute(mine) if _is_in(row, view, now)]
        return sorted(rows, key=lambda row: _place(row, now).order), len(ids) > search.MOST_FOUND


# --- sections ---

_BY_PROMISE, _BY_DUE, _BY_ASKED = requests.c.promised_by, requests.c.due_at, requests.c.requested_at


def _of_section(section: str, now: datetime) -> tuple[list[sa.ColumnElement[bool] | sa.TextClause], Any, bool]:
    """What is in it, the column by which it is ordered, and whether its latest comes first."""
    if section == LATE:
        return [AWAITED, now > _BY_PROMISE], _BY_PROMISE, False
    if section == "promised":
        return [AWAITED, now <= _BY_PROMISE], _BY_PROMISE, False
    if section == "unpromised":
        return [AWAITED, _BY_PROMISE.is_(None)], _BY_DUE, False
    if section == HELD:
        return [ALL_HELD], _BY_ASKED, True
    if section == NOT_CALLED:
        return [IS_NOT_CALLED], requests.c.not_called_at, False
    if section == State.WITH_TEAM:
        return [SHOWN, in_state(section), requests.c.not_called_at.is_(None)], _BY_ASKED, True
    return [SHOWN, in_state(section)], _BY_ASKED, section in OVER


def _section(
    connection: sa.Connection, view: View, section: str, now: datetime, after: _Place | None, limit: int
) -> list[Any]:
    """The next requests of a section. Each state and widget is asked by itself, along its index, and merged."""
    here = after if after and after.section == SECTIONS.index(section) else None
    states = [view.state] if view.state in OVER else OVER
    arms = [
        _arm(view, name, now, here, limit, widgets)
        for name in (states if section == "over" else (section,))
        for widgets in ([None] if view.only is None else [[widget] for widget in sorted(view.only)])
    ]
    found = [connection.execute(arm).all() for arm in arms]
    return list(heapq.merge(*found, key=lambda row: _place(row, now).order))[:limit]


def _arm(
    view: View, name: str, now: datetime, after: _Place | None, limit: int, widgets: list[str] | None
) -> sa.Select[Any]:
    where, column, newest_first = _of_section(name, now)
    query = sa.select(requests).where(*where, *_filters(view, name, with_widgets=False))
    if widgets is not None:
        query = query.where(requests.c.widget == widgets[0])
    if after:
        at = datetime.fromtimestamp(abs(after.key), UTC)
        beyond = column < at if newest_first else column > at
        same = sa.and_(column == at, requests.c.reference > after.reference)
        at_all = column <= at if newest_first else column >= at  # by which the index is entered
        query = query.where(at_all, sa.or_(beyond, same))
    return query.order_by(column.desc() if newest_first else column, requests.c.reference).limit(limit)


def _filters(view: View, section: str = "", with_widgets: bool = True) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    asked_at: sa.ColumnElement[datetime] = requests.c.requested_at
    if section == NOT_CALLED:  # no index: SQLite would go through all that the team had in those days
        asked_at = sa.func.coalesce(asked_at, sa.null())
    if with_widgets and view.only is not None:
        where.append(requests.c.widget.in_(sorted(view.only)))
    if view.asked_from:
        where.append(asked_at >= view.asked_from)
    if view.asked_to:
        where.append(asked_at < view.asked_to)
    return where


def _section_of(row: Any, now: datetime) -> str:
    if row.state == State.CANCELLED:
        return "over"
    if row.held:
        return HELD
    if row.state == State.WAITING:
        if row.promised_by is None:
            return "unpromised"
        return LATE if row.promised_by < now else "promised"
    if row.state == State.WITH_TEAM and row.not_called_at:
        return NOT_CALLED
    return row.state if row.state in SECTIONS else "over"


def _is_in(row: Any, view: View, now: datetime) -> bool:
    if view.state in OVER:
        return bool(row.state == view.state and _section_of(row, now) in view.sections)
    return _section_of(row, now) in view.sections


# --- places ---


def _place(row: Any, now: datetime) -> _Place:
    section = _section_of(row, now)
    _, column, newest_first = _of_section(section if section != "over" else OVER[0], now)
    key = getattr(row, column.name).timestamp()
    return _Place(SECTIONS.index(section), -key if newest_first else key, row.reference)


def _read_place(written: str) -> _Place | None:
    """Where a page ends; None for the beginning, and for what was never one of our addresses."""
    section, _, rest = written.partition("~")
    key, _, reference = rest.partition("~")
    if not (reference.isascii() and reference.isprintable()):
        return None  # what a store may be unable to look for
    try:
        moment = datetime.fromisoformat(key).replace(tzinfo=UTC).timestamp()
        newest_first = section in ("over", HELD)
        return _Place(SECTIONS.index(section), -moment if newest_first else moment, reference)
    except (ValueError, OverflowError):
        return None


def _cut(rows: list[Any], now: datetime, too_many: bool = False) -> Listed:
    shown = rows[:PAGE]
    after = ""
    if len(rows) > PAGE:
        place = _place(shown[-1], now)
        moment = datetime.fromtimestamp(abs(place.key), UTC).replace(tzinfo=None)
        after = f"{SECTIONS[place.section]}~{moment.isoformat(timespec='microseconds')}~{place.reference}"
    return Listed([as_request(row) for row in shown], after, too_many)


# --- counts ---


def _count(connection: sa.Connection, view: View, name: str, now: datetime) -> Count:
    where, _, _ = _of_section(name, now)
    if name == State.WITH_TEAM:
        # Those that nobody called, too: to leave them out each row would have to be read, not the index alone.
        where = [SHOWN, in_state(name)]
    return _counted(connection, [*where, *_filters(view, name)], _MOST_OVER if name in OVER else _MOST_OPEN)


def _counted(connection: sa.Connection, where: Iterable[Any], most: int) -> Count:
    some = sa.select(sa.literal(1)).select_from(requests).where(*where).limit(most + 1).subquery()
    number = connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return Count(min(number, most), number > most)


def _together(counts: Iterable[Count]) -> Count:
    found = list(counts)
    return Count(sum(count.number for count in found), any(count.more for count in found))
