"""Locks on numbers: while one transaction decides about a number, no other decides about it.

So that no two wait for each other, everybody takes locks in one order: numbers, sorted; then a slot, then a
widget; then the table of blocks; then rows of requests. Who holds a row already only tries to lock its number.
"""

import sqlalchemy as sa

from ringback import phone as numbering
from ringback.store import locks
from ringback.store.tables import blocks, requests


def lock_name(phone: str) -> str:
    """What to lock so that nobody else decides about any number that may count as one with this."""
    return numbering.shortest(phone)


def lock_number(connection: sa.Connection, phone: str) -> None:
    """Let nobody else decide about this number, or what counts as one with it, until the transaction ends."""
    locks.lock(connection, lock_name(phone))


def lock_numbers(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """The same for the numbers of these requests."""
    found = sa.select(requests.c.phone).where(which).distinct()
    for name in sorted(set(map(lock_name, connection.execute(found).scalars()))):
        locks.lock(connection, name)


def try_lock_number(connection: sa.Connection, phone: str) -> bool:
    """As `lock_number`, for who holds rows already and so must not wait. False: somebody else has it."""
    return locks.try_lock(connection, lock_name(phone))


def lock_blocks_to_read(connection: sa.Connection) -> None:
    """Let nobody block a number until the transaction ends. For who reads the blocks after changing rows.

    Whoever blocks a number has the blocks first and then wants the rows: in the other order each would wait for
    the other.
    """
    locks.lock_table(connection, blocks, "ACCESS SHARE")


def lock_blocks_to_change(connection: sa.Connection) -> None:
    """Wait for everybody who has read the blocks: what they stored by them is then there to be found."""
    locks.lock_table(connection, blocks, "ACCESS EXCLUSIVE")
