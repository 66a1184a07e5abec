"""Requests that Samespace turned away: is it the fault of the number, or of the whole team's configuration?

The first time nobody can tell. So a request that was turned away goes behind the others, and they answer it:
if another number is turned away as well, its team is paused (`teams` does that). If one is taken, what was
turned away before is tried once more by itself, for the configuration may have been mended meanwhile;
turned away again, it fails alone, and nobody waits for it.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ringback.outbox.request import State
from ringback.store.tables import in_state, requests


class TurnedAway(StrEnum):
    """What is known of a request whose last clear answer was that it was turned away."""

    UNDECIDED = "undecided"  # nobody of its team was answered since
    ALONE = "alone"  # others were: the next time it is the number's own fault


def mark(connection: sa.Connection, rows: Collection[Any]) -> None:
    """Remember that these were turned away, and put them behind the others."""
    change = requests.update().where(_of(rows), requests.c.held.is_(None), requests.c.turned_away.is_(None))
    connection.execute(change.values(turned_away=TurnedAway.UNDECIDED))


def forget(connection: sa.Connection, rows: Collection[Any]) -> None:
    """These had another clear answer, or have ended."""
    if any(row.turned_away for row in rows):
        connection.execute(requests.update().where(_of(rows)).values(turned_away=None))


def others_were_taken(connection: sa.Connection, ids: Collection[str]) -> bool:
    """Whether it must be the fault of these if they are turned away again."""
    alone = requests.c.id.in_(ids), requests.c.turned_away == TurnedAway.ALONE
    return connection.execute(sa.select(requests.c.id).where(*alone).limit(1)).first() is not None


def try_again(connection: sa.Connection, widgets: Collection[str], known: TurnedAway | None) -> None:
    """Let what waits for these widgets, and was turned away, go out now. `known`: what is known of it then."""
    behind = in_state(State.WAITING), requests.c.turned_away.is_not(None), requests.c.widget.in_(widgets)
    # Who is claiming one of them holds its row, and may wait for the team's: do not wait for the row in turn.
    free = sa.select(requests.c.id).where(*behind).with_for_update(skip_locked=True)
    # When it was due and not now: a time that was chosen meanwhile is kept.
    values = {"turned_away": known, "next_attempt_at": requests.c.due_at}
    connection.execute(requests.update().where(requests.c.id.in_(free)).values(values))


def _of(rows: Collection[Any]) -> sa.ColumnElement[bool]:
    return requests.c.id.in_([row.id for row in rows])
