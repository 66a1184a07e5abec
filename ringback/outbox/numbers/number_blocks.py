"""Numbers and ranges that operators blocked."""

from datetime import datetime

import sqlalchemy as sa

from ringback import phone as numbering
from ringback.outbox.numbers.number_locks import lock_blocks_to_change
from ringback.outbox.numbers.number_rules import Line, waiting
from ringback.store.tables import blocks, requests


def block(connection: sa.Connection, digits: str, is_range: bool, now: datetime) -> bool:
    """Block a number, or every number that begins with these digits. False if it was blocked already."""
    lock_blocks_to_change(connection)
    if connection.execute(sa.select(blocks.c.digits).where(_same(digits, is_range))).first():
        return False
    connection.execute(blocks.insert().values(digits=digits, is_range=is_range, at=now))
    return True


def unblock(connection: sa.Connection, digits: str, is_range: bool) -> bool:
    """Take a block away. False if there was none."""
    return connection.execute(blocks.delete().where(_same(digits, is_range))).rowcount > 0


def waiting_in(digits: str, is_range: bool) -> sa.ColumnElement[bool]:
    """Requests that would be handed over, of a range or of a number and those that count as one with it."""
    if is_range:
        return waiting(requests.c.phone.startswith(digits))
    longer = Line(digits, numbering.goes_on(digits)).numbers()
    return waiting(sa.or_(longer, requests.c.phone.in_(numbering.beginnings(digits))))


def _same(digits: str, is_range: bool) -> sa.ColumnElement[bool]:
    return sa.and_(blocks.c.digits == digits, blocks.c.is_range == is_range)
