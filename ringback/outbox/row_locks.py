"""Locks on requests, for whoever changes several in one transaction and rows are locked one by one (PostgreSQL).

So that no two wait for each other: what may wait for requests takes them in the order of their ids; what comes
by again anyway, the claims and the clock, waits for none that somebody else has.
"""

import sqlalchemy as sa

from ringback.store.tables import requests


def lock_in_order(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Wait for these requests, in the order of their ids."""
    in_order = sa.select(requests.c.id).where(which).order_by(requests.c.id)
    connection.execute(in_order.with_for_update(key_share=True)).all()


def free(*which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Those of these requests that nobody else has, for a statement that changes them."""
    found = sa.select(requests.c.id).where(*which)
    return requests.c.id.in_(found.with_for_update(key_share=True, skip_locked=True))
