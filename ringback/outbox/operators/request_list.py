"""What operators see: requests as they are, what needs a person, with its totals.

A held request takes the steps of any other where its visitor looks. Here it is held, and nothing else.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.outbox.core import as_request
from ringback.outbox.operators.attention import Attention, Trouble, counted, troubles
from ringback.outbox.operators.attention import parts as attention_parts
from ringback.outbox.request import CallbackRequest, State
from ringback.outbox.selection import (
    EVERYTHING,
    HELD,
    IS_HELD,
    Selection,
)
from ringback.store.database import Database
from ringback.store.tables import requests


@dataclass(frozen=True)
class Group:
    """Requests for one number that are held for the same reason. `widget` is None where they are of several."""

    latest: CallbackRequest
    count: int
    first_at: datetime
    last_at: datetime
    widget: str | None


@dataclass(frozen=True)
class Page:
    """What is shown at once, and how many requests there are beyond it."""

    items: list[CallbackRequest | Group]
    beyond: int


@dataclass(frozen=True)
class Totals:
    """How many requests there are of each kind: a state as operators are shown it, or `late`."""

    kinds: Mapping[str, int]
    held: Mapping[str, int]  # by reason

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.kinds.values())


class RequestList:
    """The requests of one store, as operators see them."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    def listed(self, attention: bool = False, limit: int | None = 100) -> list[CallbackRequest]:
        """The newest requests, or those a person has to look at, each by itself."""
        return [item for item in self.page(attention, limit).items if isinstance(item, CallbackRequest)]

    def page(
        self,
        attention: bool,
        limit: int | None = 100,
        selection: Selection = EVERYTHING,
        after: str | None = None,
        grouped: bool = False,
    ) -> Page:
        """The newest requests; of those that need a person (`attention`) what is not held first.

        `grouped`: what is held as one `Group` for each reason and number. `after` is the last reference on the
        page before; unless the selection is of held ones, it counts as not held: if it was released or blocked
        meanwhile, a line may appear twice, but none is missed. Raises LookupError.
        """
        now = self._clock()
        rows, held_last = self._rows(attention, selection, now, grouped), attention and not selection.is_of_held
        held = [IS_HELD, *selection.where(now)]
        with self._database.read() as connection:
            last = _named(connection, after) if after else None
            if not grouped:
                return _some(connection, rows, held_last, limit, last)
            if selection.is_of_held:
                return _groups(connection, held, limit, last)
            alone = _some(connection, rows, False, limit, last)
            groups = _groups(connection, held, None if limit is None else limit - len(alone.items))
            return Page([*alone.items, *groups.items], alone.beyond + groups.beyond)

    def totals(self, attention: bool = True, selection: Selection = EVERYTHING) -> Totals:
        """How many requests need a person, by kind; or how many there are, by state."""
        if attention:
            found = self.attention(selection)
            return Totals(found.kinds, found.held)
        rows = self._rows(attention, selection, self._clock()).subquery()
        held = sa.and_(rows.c.held.is_not(None), rows.c.state != State.CANCELLED)
        why = sa.case((held, rows.c.held)).label("why")
        kinds = sa.select(rows.c.state, why).subquery()
        query = sa.select(kinds.c.state, kinds.c.why, sa.func.count()).group_by(kinds.c.state, kinds.c.why)
        states: dict[str, int] = {}
        reasons: dict[str, int] = {}
        with self._database.read() as connection:
            for state, reason, count in connection.execute(query):
                kind = HELD if reason else state
                states[kind] = states.get(kind, 0) + count
                if reason:
                    reasons[reason] = reasons.get(reason, 0) + count
        return Totals(states, reasons)

    def _rows(self, attention: bool, selection: Selection, now: datetime, without_held: bool = False) -> Any:
        """The rows of a selection. What needs a person in parts, so that each finds an index of its own."""
        where = selection.where(now)
        if not attention:
            return sa.select(requests).where(*where)
        parts = [part for kind, part in attention_parts(now).items() if not (without_held and kind == HELD)]
        return sa.union_all(*(sa.select(requests).where(part, *where) for part in parts))

    def troubles(self, widget: str | None = None) -> list[Trouble]:
        """What keeps many waiting: Samespace, teams, the hand-over; of all widgets, or of one."""
        with self._database.read() as connection:
            return troubles(connection, self._settings, self._clock(), widget)

    def attention(self, selection: Selection = EVERYTHING) -> Attention:
        """All that a person has to look at, counted: what the list, the alerts and the figures go by."""
        now = self._clock()
        with self._database.read() as connection:
            kinds, held = counted(connection, now, selection.where(now))
            return Attention(kinds, held, troubles(connection, self._settings, now, selection.widget))

    def find(self, reference: str) -> str | None:
        """The id behind a reference, or None; None too for one that is erased."""
        mine = requests.c.reference == reference, requests.c.erased_at.is_(None)
        with self._database.read() as connection:
            return connection.execute(sa.select(requests.c.id).where(*mine)).scalar()


def _named(connection: sa.Connection, reference: str) -> Any:
    """Where a request stands in the lists; erased meanwhile, it still does."""
    columns = requests.c.id, requests.c.requested_at, requests.c.held, requests.c.phone
    row = connection.execute(sa.select(*columns).where(requests.c.reference == reference)).first()
    if row is None:
        raise LookupError
    return row


def _some(connection: sa.Connection, rows: Any, held_last: bool, limit: int | None, after: Any) -> Page:
    """Requests one by one, and how many there are beyond. `after` is the row they follow."""
    of = rows.subquery()
    order = [of.c.requested_at.desc(), of.c.id.desc()]
    query = sa.select(of)
    if after:
        older = sa.and_(of.c.requested_at == after.requested_at, of.c.id < after.id)
        older = sa.or_(of.c.requested_at < after.requested_at, older)
        query = query.where(sa.or_(of.c.held.is_not(None), older) if held_last else older)
    if held_last:
        order.insert(0, of.c.held.is_not(None))
    found: list[CallbackRequest | Group] = [
        as_request(row) for row in connection.execute(query.order_by(*order).limit(limit))
    ]
    if limit is None or len(found) < limit:
        return Page(found, 0)
    there = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    return Page(found, max(there - len(found), 0))


def _groups(
    connection: sa.Connection,
    where: Collection[sa.ColumnElement[bool]],
    limit: int | None,
    after: Any = None,
) -> Page:
    """What is held, by reason and number, and how many requests there are beyond: the latest first."""
    grouped = _grouped(where)
    query = sa.select(grouped)
    if after:
        query = query.where(_groups_after(connection, grouped, after))
    page = query.order_by(grouped.c.last_at.desc(), grouped.c.why, grouped.c.number).limit(limit).subquery()
    latest = requests.alias()
    newest = (
        sa.select(requests.c.id)
        .where(*where, requests.c.held == page.c.why, requests.c.phone == page.c.number)
        .order_by(requests.c.requested_at.desc(), requests.c.id.desc())
        .limit(1)
        .correlate(page)
        .scalar_subquery()
    )
    shown = sa.select(page, latest).select_from(page.join(latest, latest.c.id == newest))
    shown = shown.order_by(page.c.last_at.desc(), page.c.why, page.c.number)
    found: list[CallbackRequest | Group] = [_as_group(row) for row in connection.execute(shown)]
    if limit is None or len(found) < limit:
        return Page(found, 0)
    there = connection.execute(sa.select(sa.func.sum(query.subquery().c.how_many))).scalar() or 0
    return Page(found, max(int(there) - sum(group.count for group in found if isinstance(group, Group)), 0))


def _grouped(where: Collection[sa.ColumnElement[bool]]) -> sa.Subquery:
    asked_at, widget = requests.c.requested_at, requests.c.widget
    return (
        sa.select(
            requests.c.held.label("why"),
            requests.c.phone.label("number"),
            sa.func.count().label("how_many"),
            sa.func.min(asked_at).label("first_at"),
            sa.func.max(asked_at).label("last_at"),
            sa.case((sa.func.min(widget) == sa.func.max(widget), sa.func.min(widget))).label("one_widget"),
        )
        .where(*where)
        .group_by(requests.c.held, requests.c.phone)
        .subquery()
    )


def _groups_after(connection: sa.Connection, grouped: sa.Subquery, after: Any) -> sa.ColumnElement[bool]:
    """Those that follow the group of a request, wherever that group stands now."""
    mine = grouped.c.why == after.held, grouped.c.number == after.phone
    last_at = connection.execute(sa.select(grouped.c.last_at).where(*mine)).scalar() or after.requested_at
    behind = sa.or_(
        grouped.c.why > after.held, sa.and_(grouped.c.why == after.held, grouped.c.number > after.phone)
    )
    at_once = sa.and_(grouped.c.last_at == last_at, behind) if after.held else grouped.c.last_at == last_at
    return sa.or_(grouped.c.last_at < last_at, at_once)


def _as_group(row: Any) -> Group:
    return Group(as_request(row), row.how_many, row.first_at, row.last_at, row.one_widget)
