"""Requests that only try the way: stored where the others are, taken by who hands over, and called by nobody.

They have a table of their own, which no hand-over, list, limit or figure looks at.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.store.database import Database
from ringback.store.monitoring_tables import canaries

_FORGOTTEN_AFTER = timedelta(minutes=10)  # of one whose sender was interrupted


class Canaries:
    """The canaries of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, id: str, now: datetime) -> bool:
        """Have one on the disk. False: it was sent before. Raises STORE_ERRORS."""
        try:
            with self._database.write() as connection:
                connection.execute(canaries.insert().values(id=id, at=now))
        except sa.exc.IntegrityError:
            return False
        return True

    def take(self, now: datetime) -> None:
        """What a hand-over does with them: it notes that it was here. Raises STORE_ERRORS."""
        with self._database.read() as connection:
            if connection.execute(_SOME).first() is None:
                return
        with self._database.write() as connection:
            connection.execute(canaries.update().where(canaries.c.taken_at.is_(None)).values(taken_at=now))
            connection.execute(canaries.delete().where(canaries.c.at < now - _FORGOTTEN_AFTER))

    def is_stored(self, id: str) -> bool:
        """Whether it is there. Raises STORE_ERRORS."""
        return self._find(canaries.c.id == id)

    def is_taken(self, id: str) -> bool:
        """Whether somebody who hands over has taken it. Raises STORE_ERRORS."""
        return self._find(canaries.c.id == id, canaries.c.taken_at.is_not(None))

    def forget(self, id: str) -> None:
        """Leave nothing of it. Raises STORE_ERRORS."""
        with self._database.write() as connection:
            connection.execute(canaries.delete().where(canaries.c.id == id))

    def _find(self, *where: sa.ColumnElement[bool]) -> bool:
        with self._database.read() as connection:
            return connection.execute(sa.select(canaries.c.id).where(*where)).first() is not None


_SOME = sa.select(canaries.c.id).where(canaries.c.taken_at.is_(None)).limit(1)
