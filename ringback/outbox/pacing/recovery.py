"""Whoever waited for Samespace, or for a team, goes as soon as it takes calls again, the oldest promise first.

Each request that could not be handed over waits longer each time. Whoever came in a moment after Samespace was
back was served at once, and those who had waited longest were still in the midst of their waits.
"""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from ringback.outbox.due_query import IS_NOT_BEHIND
from ringback.outbox.request import State
from ringback.store.tables import in_state, requests


def let_go(connection: sa.Connection, now: datetime, widgets: Collection[str] | None = None) -> None:
    """Let everything that was due go now, whatever its own wait; only of these widgets, if they are given.

    What is held as well, so that its page shows what any other's does. A time still to come is kept.
    """
    waits = requests.c.next_attempt_at > now, requests.c.due_at <= now, IS_NOT_BEHIND
    mine = [] if widgets is None else [requests.c.widget.in_(widgets)]
    # Whoever has one of these rows is changing it, and may want a row of ours: do not wait for them.
    which = in_state(State.WAITING), requests.c.erased_at.is_(None), *waits, *mine
    free = sa.select(requests.c.id).where(*which).with_for_update(skip_locked=True)
    connection.execute(requests.update().where(requests.c.id.in_(free)).values(next_attempt_at=now))
