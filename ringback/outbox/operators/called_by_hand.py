"""A person calls what was asked for, from their dock or any telephone: nobody else is to, and it waits no more.

What was held is held no longer: a person decided to call, as if they had released it. Its visitor's page goes on
as that of any other request, so that nothing there tells that it was held.
"""

from datetime import datetime

import sqlalchemy as sa

from ringback.outbox import transitions, webhook_events
from ringback.outbox.numbers.number_rules import waiting
from ringback.outbox.request import BY_HAND, EventKind, State
from ringback.outbox.selection import IS_HELD, NOT_HELD
from ringback.store.tables import NOW, requests


def with_team(connection: sa.Connection, id: str, now: datetime, why: str) -> None:
    """The team calls: what waited for it, joined as for a hand-over, is not handed over any more."""
    held_no_longer(connection, id, now)
    row = connection.execute(sa.select(requests).where(requests.c.id == id)).one()
    slot = requests.c.slot_starts_at
    for_one_time = slot.is_(None) if row.slot_starts_at is None else slot == row.slot_starts_at
    joined = waiting(sa.and_(requests.c.phone == row.phone, requests.c.widget == row.widget, for_one_time))
    transitions.apply(connection, transitions.BY_HAND_WAITING, joined, now, why)
    mine = sa.and_(requests.c.id == id, NOT_HELD)
    for arrow in (transitions.BY_HAND_FAILED, transitions.BY_HAND_UNKNOWN):
        transitions.apply(connection, arrow, mine, now, why, resend_at=None)


def held_no_longer(connection: sa.Connection, id: str, now: datetime) -> None:
    """If a request is held, let it go, wherever it stands: somebody calls it, or has called."""
    was_held = sa.and_(requests.c.id == id, IS_HELD)
    free = requests.update().where(was_held).values(held=None, changed_at=NOW).returning(requests.c.state)
    state = connection.execute(free, {"now": now}).scalar()
    if state is None:
        return
    transitions.record(connection, [id], now, EventKind.RELEASED, BY_HAND)
    if state == State.HANDING_OVER:  # as its page has it: whoever goes through the motions finds it gone
        mine = requests.c.id == id
        transitions.apply(connection, transitions.TAKEN, mine, now, BY_HAND, owner=None, lease_ends_at=None)
    elif state == State.WITH_TEAM:  # its page said so before, and programs are told now
        webhook_events.note(connection, [id], now, EventKind.WITH_TEAM, BY_HAND)
