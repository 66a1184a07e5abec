"""The token of the Reset Token API: the one in use, and the one before it.

The vendor makes a new token the moment it is asked, so what it answers has to be on the disk at once; the
one before stays beside it, for the case that the new one does not work. Both are encrypted with a key that follows
from SECRET_KEY: whoever gets hold of a back-up alone has no token.
"""

import base64
import logging
from datetime import datetime, timedelta

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ringback.config.settings import Settings
from ringback.keyed_hash import keyed_hash
from ringback.store.database import Database
from ringback.store.locks import lock
from ringback.store.remembered import forget, recall_instant, remember
from ringback.store.tables import about

log = logging.getLogger("ringback")

_RENEWED_AT, _TURN = "samespace_auth_token_at", "samespace_auth_token_turn"
_NOW, _BEFORE = "samespace_auth_token", "samespace_auth_token_before"
_LOCKED = "fernet:"  # a version before stored the token as it is
LOCKED_OUT = (
    "The Samespace token in the store opens with none of our keys: put the SECRET_KEY it was kept with "
    "into SECRET_KEY_FALLBACKS."
)


class LockedOutError(Exception):
    """No key opens the stored token."""


class AuthToken:
    """Where the token is kept: in the store, once it was reset; in the environment until then."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        # The first one locks; all of them open.
        self._keys = [_key_from(key) for key in reversed(settings.secret_keys)]

    def lock_up(self) -> None:
        """Encrypt what an earlier version left in clear, and re-encrypt what an old key locked, to retire it."""
        with self._database.read() as connection:
            stored = self._stored(connection)
        try:
            changed = {
                key: self._locked(self._open(value)) for key, value in stored.items() if self._is_old(value)
            }
        except LockedOutError:
            log.error(LOCKED_OUT)
            return
        if not changed:
            return
        with self._database.write() as connection:
            for key, value in changed.items():
                # Only what was read: another process may have reset it meanwhile.
                same = sa.and_(about.c.key == key, about.c.value == stored[key])
                connection.execute(about.update().where(same).values(value=value))
        self._database.sweep()  # of what stood there in clear

    def current(self) -> str | None:
        """The token in use, or None where there never was one. Raises LockedOutError."""
        with self._database.read() as connection:
            stored = self._stored(connection).get(_NOW)
        return self._open(stored) if stored else self.given()

    def given(self) -> str | None:
        """The token of the environment."""
        token = self._settings.samespace_auth_token
        return token.get_secret_value() if token else None

    def replace(self, old: str, new: str, now: datetime | None = None) -> None:
        """Put the new one in use and keep the old one beside it, in one commit. `now`: when it was made."""
        rows = {_NOW: self._locked(new), _BEFORE: self._locked(old)}
        rows |= {_RENEWED_AT: now.isoformat()} if now else {}
        with self._database.write() as connection:
            connection.execute(about.delete().where(about.c.key.in_(list(rows))))
            connection.execute(about.insert(), [{"key": key, "value": value} for key, value in rows.items()])

    def renewed_at(self) -> datetime | None:
        """When it was renewed, or first looked at; None where nobody noted it."""
        with self._database.read() as connection:
            return recall_instant(connection, _RENEWED_AT)

    def is_older(self, age: timedelta, now: datetime) -> bool:
        """Whether the token in use is. One whose age nobody knows is new from now on."""
        renewed_at = self.renewed_at()
        if renewed_at is None:
            with self._database.write() as connection:
                lock(connection, _RENEWED_AT)
                remember(connection, _RENEWED_AT, now)
            return False
        return now - renewed_at >= age

    def take_turn(self, now: datetime, length: timedelta) -> bool:
        """Be the one that renews it, for so long. False: another one is."""
        with self._database.write() as connection:
            lock(connection, _TURN)
            until = recall_instant(connection, _TURN)
            if until and now < until <= now + length:
                return False
            remember(connection, _TURN, now + length)
            return True

    def end_turn(self) -> None:
        """Let others renew it."""
        with self._database.write() as connection:
            forget(connection, _TURN)

    def _stored(self, connection: sa.Connection) -> dict[str, str]:
        rows = connection.execute(sa.select(about).where(about.c.key.in_([_NOW, _BEFORE])))
        return {row.key: row.value for row in rows}

    def _locked(self, token: str) -> str:
        return _LOCKED + self._keys[0].encrypt(token.encode()).decode()

    def _open(self, value: str) -> str:
        if not value.startswith(_LOCKED):
            return value
        try:
            return MultiFernet(self._keys).decrypt(value.removeprefix(_LOCKED)).decode()
        except InvalidToken:
            raise LockedOutError(LOCKED_OUT) from None

    def _is_old(self, value: str) -> bool:
        if not value.startswith(_LOCKED):
            return True
        try:
            self._keys[0].decrypt(value.removeprefix(_LOCKED))
        except InvalidToken:
            return True
        return False


def _key_from(secret_key: str) -> Fernet:
    digest = keyed_hash(secret_key, "Ringback: the Samespace token in the store")
    return Fernet(base64.urlsafe_b64encode(digest))
