"""What a team sees on its big screen: who waits, how long, and whether promises hold."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.outbox.request import State
from ringback.outbox.selection import NOT_HELD
from ringback.store.database import Database
from ringback.store.tables import in_state, requests

# A promise is at risk when so little of its time is left.
AT_RISK = timedelta(minutes=5)


@dataclass(frozen=True)
class Wall:
    """Requests that were due and wait. `late`: past their promise; `at_risk`: soon, or already.

    `booked`: wait for a time that is still to come. `since`: when the one that waits longest was due.
    """

    waiting: int
    at_risk: int
    late: int
    booked: int
    since: datetime | None


def read_wall(database: Database, now: datetime, widgets: Collection[str] | None) -> Wall:
    """How it stands now, for these widgets; None for all."""
    due = requests.c.due_at <= now
    soon = requests.c.promised_by <= now + AT_RISK
    query = sa.select(
        _count(due),
        _count(sa.and_(due, soon)),
        _count(requests.c.promised_by < now),
        _count(sa.not_(due)),
        sa.func.min(sa.case((due, requests.c.due_at))),
    ).where(in_state(State.WAITING), NOT_HELD)
    if widgets is not None:
        query = query.where(requests.c.widget.in_(sorted(widgets)))
    with database.read() as connection:
        return Wall(*connection.execute(query).one())


def _count(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((which, 1), else_=0)), 0)
