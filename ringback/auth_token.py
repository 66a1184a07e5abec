"""The token of the Reset Token API: the one in use, and the one before it.

The vendor makes a new token the moment it is asked, so what it answers has to be on the disk at once; the
one before stays beside it, for the case that the new one does not work.
"""

import sqlalchemy as sa

from ringback.database import Database
from ringback.settings import Settings
from ringback.tables import about

_NOW, _BEFORE = "samespace_auth_token", "samespace_auth_token_before"


class AuthToken:
    """Where the token is kept: in the store, once it was reset; in the environment until then."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def current(self) -> str | None:
        """The token in use, or None where there never was one."""
        with self._database.read() as connection:
            stored = connection.execute(sa.select(about.c.value).where(about.c.key == _NOW)).scalar()
        given = self._settings.samespace_auth_token
        return stored or (given.get_secret_value() if given else None)

    def replace(self, old: str, new: str) -> None:
        """Put the new one in use and keep the old one beside it, in one commit."""
        with self._database.write() as connection:
            connection.execute(about.delete().where(about.c.key.in_([_NOW, _BEFORE])))
            rows = [{"key": _NOW, "value": new}, {"key": _BEFORE, "value": old}]
            connection.execute(about.insert(), rows)
