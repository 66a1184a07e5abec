"""What a store remembers of itself: one value beside each name."""

from datetime import datetime

import sqlalchemy as sa

from ringback.store.tables import about


def recall(connection: sa.Connection, key: str) -> str | None:
    """What stands beside this name; None where nothing does."""
    return connection.execute(sa.select(about.c.value).where(about.c.key == key)).scalar()


def recall_instant(connection: sa.Connection, key: str) -> datetime | None:
    """The same, of a time."""
    at = recall(connection, key)
    return datetime.fromisoformat(at) if at else None


def remember(connection: sa.Connection, key: str, value: str | datetime) -> None:
    """Write it, in place of what stood there. Two at once need a lock of their own."""
    text = value.isoformat() if isinstance(value, datetime) else value
    if connection.execute(about.update().where(about.c.key == key).values(value=text)).rowcount == 0:
        connection.execute(about.insert().values(key=key, value=text))


def forget(connection: sa.Connection, key: str) -> None:
    """Let nothing stand there."""
    connection.execute(about.delete().where(about.c.key == key))
