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
from ringback.outbox.selection import KEPT, Selection
from ringback.store.database import Database
from ringback.store.tables import in_state, requests

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

    def spoken(self, phone: str, at: datetime, widgets: Collection[str] | None) -> list[str]:
        """Withdraw what was asked for a number before `at` and waits: somebody has spoken with them.

        `phone` is digits with the country code; what counts as one with it is withdrawn as well. The references,
        the oldest first.
        """
        with self._database.write() as connection:
            lock_number(connection, phone)
            line = self._numbers.line(connection, phone)
            which = sa.and_(line.numbers(), in_state(State.WAITING), requests.c.requested_at <= at, _in(widgets))
            lock_in_order(connection, which)
            rows = transitions.apply(connection, transitions.CANCEL, which, self._clock(), SPOKEN)
            return [row.reference for row in sorted(rows, key=lambda row: (row.requested_at, row.id))]


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
