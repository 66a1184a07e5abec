"""What other people's programs see of requests, and do: what is true, in the widgets that they are for."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ringback.clock import Clock
from ringback.outbox import transitions
from ringback.outbox.core import as_request
from ringback.outbox.numbers.number_locks import lock_number
from ringback.outbox.numbers.number_rules import NumberRules
from ringback.outbox.request import SPOKEN, CallbackRequest, State
from ringback.outbox.row_locks import lock_in_order
from ringback.outbox.selection import IS_HELD, KEPT, Selection
from ringback.store.console_tables import notes
from ringback.store.database import Database
from ringback.store.tables import Instant, in_state, requests

AT_ONCE = 100  # requests on one page


@dataclass(frozen=True)
class Asked:
    """Which requests, the oldest first. `after` is the last reference of the page before.

    `widgets`: the keys of those they may be of; None for all.
    """

    widgets: Collection[str] | None = None
    state: str | None = None
    widget: str | None = None
    since: datetime | None = None
    after: str | None = None


class Programs:
    """The side of one store that programs are shown."""

    def __init__(self, database: Database, numbers: NumberRules, clock: Clock) -> None:
        self._database = database
        self._numbers = numbers
        self._clock = clock

    def page(self, asked: Asked) -> tuple[list[CallbackRequest], str | None]:
        """Some requests, and the `after` of the next page; None where there is none. Raises LookupError."""
        where = Selection(state=asked.state, widget=asked.widget).where(self._clock())
        where.append(_in(asked.widgets))
        if asked.since:
            where.append(requests.c.requested_at >= asked.since)
        with self._database.read() as connection:
            if asked.after:
                where.append(_behind(connection, asked))
            order = requests.c.requested_at, requests.c.id
            rows = connection.execute(sa.select(requests).where(*where).order_by(*order).limit(AT_ONCE + 1)).all()
        found = [as_request(row) for row in rows[:AT_ONCE]]
        return found, found[-1].reference if len(rows) > AT_ONCE else None

    def find(self, reference: str, widgets: Collection[str] | None) -> str | None:
        """The id of a request, or None: there is none, it is erased, or it is of another widget."""
        mine = requests.c.reference == reference, KEPT, _in(widgets)
        with self._database.read() as connection:
            return connection.execute(sa.select(requests.c.id).where(*mine)).scalar()

    def spoken(self, phone: str, at: datetime, widgets: Collection[str] | None, by: str) -> list[str]:
        """Withdraw what was asked for a number before `at` and waits: somebody has spoken with them.

        `phone` is digits with the country code; what counts as one with it is withdrawn as well. The references,
        the oldest first. What is held, and by its page waits no more, stays for a person to decide: with a note of
        `by`, the program that says so.
        """
        with self._database.write() as connection:
            lock_number(connection, phone)
            line = self._numbers.line(connection, phone)
            asked_before = sa.and_(line.numbers(), requests.c.requested_at <= at, _in(widgets))
            which = sa.and_(asked_before, in_state(State.WAITING))
            lock_in_order(connection, which)
            self._note_held(connection, asked_before, by)
            rows = transitions.apply(connection, transitions.CANCEL, which, self._clock(), SPOKEN)
            return [row.reference for row in sorted(rows, key=lambda row: (row.requested_at, row.id))]

    def _note_held(self, connection: sa.Connection, which: sa.ColumnElement[bool], by: str) -> None:
        is_noted = sa.exists().where(notes.c.request_id == requests.c.id, notes.c.note == SPOKEN)
        held = IS_HELD, requests.c.state != State.WAITING, KEPT, sa.not_(is_noted)
        now = sa.literal(self._clock(), Instant)
        some = sa.select(requests.c.id, now, sa.literal(by), sa.literal(SPOKEN)).where(which, *held)
        connection.execute(notes.insert().from_select(["request_id", "at", "by", "note"], some))


def _in(widgets: Collection[str] | None) -> sa.ColumnElement[bool]:
    return sa.true() if widgets is None else requests.c.widget.in_(sorted(widgets))


def _behind(connection: sa.Connection, asked: Asked) -> sa.ColumnElement[bool]:
    columns = requests.c.requested_at, requests.c.id
    mine = requests.c.reference == asked.after, _in(asked.widgets)
    last = connection.execute(sa.select(*columns).where(*mine)).first()
    if last is None:
        raise LookupError
    same = sa.and_(requests.c.requested_at == last.requested_at, requests.c.id > last.id)
    return sa.or_(requests.c.requested_at > last.requested_at, same)
