"""Locks on requests, for whoever changes several in one transaction and rows are locked one by one (PostgreSQL).

To avoid deadlocks, whoever may wait locks requests in the order of their ids; claims and expiry, which run
again soon anyway, skip the rows that somebody else has locked.
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
