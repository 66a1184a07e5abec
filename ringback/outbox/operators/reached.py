"""Who is still held though somebody has called them, or spoken with them, since they asked.

Each request is held until a person decides about it; that its number was reached meanwhile is what decides most.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ringback.outbox.operators.by_hand import DialState
from ringback.outbox.request import SPOKEN, CallbackRequest, EventKind
from ringback.outbox.selection import HELD, KEPT, true_state
from ringback.store.call_tables import outcomes
from ringback.store.console_tables import dials, notes
from ringback.store.database import Database
from ringback.store.tables import events, requests

DIALLED = "called from a dock"


@dataclass(frozen=True)
class Reached:
    """`how`: from a dock, an outcome of a call, or that they have spoken already."""

    at: datetime
    how: str


def reached_since(
    database: Database, some: Collection[CallbackRequest], widgets: Collection[str] | None
) -> Mapping[str, Reached]:
    """The latest for each of these that is held, by its id. `widgets`: those they may learn of; None for all."""
    held = [each for each in some if true_state(each) == HELD]
    if not held:
        return {}
    found: dict[str, Reached] = {}
    with database.read() as connection:
        told = sorted(_told(connection, {each.answers.phone for each in held}, widgets), key=lambda one: one[1].at)
    for phone, reached in told:
        for each in held:
            if each.answers.phone == phone and each.requested_at <= reached.at:
                found[each.id] = reached
    return found


def _told(
    connection: sa.Connection, phones: Collection[str], widgets: Collection[str] | None
) -> Iterator[tuple[str, Reached]]:
    mine = [requests.c.phone.in_(phones), KEPT]
    if widgets is not None:
        mine.append(requests.c.widget.in_(widgets))
    for query in (
        _query(dials, sa.literal(DIALLED)).where(dials.c.state == DialState.TAKEN),
        _query(outcomes, outcomes.c.outcome),
        _query(notes, notes.c.note).where(notes.c.note == SPOKEN),
        _query(events, events.c.detail).where(events.c.kind == EventKind.CANCELLED, events.c.detail == SPOKEN),
    ):
        for row in connection.execute(query.where(*mine)):
            yield row.phone, Reached(row.at, row.how)


def _query(table: sa.Table, how: sa.ColumnElement[str]) -> sa.Select[tuple[str, datetime, str]]:
    joined = requests.join(table, table.c.request_id == requests.c.id)
    return sa.select(requests.c.phone, table.c.at, how.label("how")).select_from(joined)
