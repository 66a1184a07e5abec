"""Locks on requests, for whoever changes several in one transaction and rows are locked one by one (PostgreSQL).

To avoid deadlocks, whoever may wait locks requests in the order of their ids; claims and expiry, which run
again soon anyway, skip the rows that somebody else has locked.
"""

from collections.abc import Collection

import sqlalchemy as sa

from ringback.store.tables import requests


def lock_in_order(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Wait for these requests, in the order of their ids."""
    in_order = sa.select(requests.c.id).where(which).order_by(requests.c.id)
    connection.execute(in_order.with_for_update(key_share=True)).all()


def lock_kept(connection: sa.Connection, ids: Collection[str]) -> set[str]:
    """Wait for these requests; those that have not been erased, until this transaction ends."""
    mine = requests.c.id.in_(list(ids))
    lock_in_order(connection, mine)
    return set(connection.execute(sa.select(requests.c.id).where(mine, requests.c.erased_at.is_(None))).scalars())


def free(*which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Those of these requests that nobody else has, for a statement that changes them."""
    found = sa.select(requests.c.id).where(*which)
    return requests.c.id.in_(found.with_for_update(key_share=True, skip_locked=True))
