"""Keys of other people's programs: shown once, kept as a hash, each for the widgets it was made for."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.clock import Clock
from ringback.outbox import audit
from ringback.store.database import Database
from ringback.store.program_tables import api_keys

PREFIX = "rbk_"
LONGEST_NAME = 100
NAME_RULE = f"A name has 1 to {LONGEST_NAME} characters that can be shown."
_KEY_BYTES = 32
_LONGEST = 200  # characters of what is looked up
# That a key was used is noted no more often: a program that asks every second is not to write every second.
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class ApiKey:
    """A key as operators see it. `widgets`: the keys of those it is for; None for all."""

    name: str
    widgets: frozenset[str] | None
    made_at: datetime
    last_used_at: datetime | None

    def may_see(self, widget: str) -> bool:
        """Whether a widget is one it is for."""
        return self.widgets is None or widget in self.widgets


def is_name(name: str) -> bool:
    """Whether a key may be called so."""
    return bool(name.strip()) and name.isprintable() and len(name) <= LONGEST_NAME


class ApiKeys:
    """The keys of one store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, name: str, widgets: Collection[str] = (), *, by: str = "cli") -> str | None:
        """Make a key; what is returned is kept nowhere. None where the name is taken already."""
        key = PREFIX + secrets.token_urlsafe(_KEY_BYTES)
        row = {"name": name, "hash": _hash(key), "widgets": sorted(widgets) or None, "made_at": self._clock()}
        try:
            with self._database.write() as connection:
                connection.execute(api_keys.insert().values(row))
                audit.note(connection, self._clock(), by, "add", [f"API key {name}"])
        except sa.exc.IntegrityError:
            return None
        return key

    def remove(self, name: str, *, by: str = "cli") -> bool:
        """Have a key work no more, from now on. False if there is none of that name."""
        with self._database.write() as connection:
            removed = connection.execute(api_keys.delete().where(api_keys.c.name == name)).rowcount > 0
            audit.note(connection, self._clock(), by, "remove", [f"API key {name}"] if removed else [])
            return removed

    def listed(self) -> list[ApiKey]:
        """All of them, by name."""
        query = sa.select(*_COLUMNS).order_by(api_keys.c.name)
        with self._database.read() as connection:
            return [_as_key(row) for row in connection.execute(query)]

    def find(self, key: str) -> ApiKey | None:
        """Whose key this is, or None. Notes that it was used. Raises STORE_ERRORS."""
        if not key.startswith(PREFIX) or len(key) > _LONGEST:
            return None
        mine = api_keys.c.hash == _hash(key)
        with self._database.read() as connection:
            row = connection.execute(sa.select(*_COLUMNS).where(mine)).first()
        if row is None:
            return None
        now = self._clock()
        if row.last_used_at is None or not row.last_used_at <= now < row.last_used_at + _NOTED_EVERY:
            with self._database.write() as connection:
                connection.execute(api_keys.update().where(mine).values(last_used_at=now))
        return _as_key(row)


_COLUMNS = (api_keys.c.name, api_keys.c.widgets, api_keys.c.made_at, api_keys.c.last_used_at)


def _as_key(row: Any) -> ApiKey:
    widgets = None if row.widgets is None else frozenset(row.widgets)
    return ApiKey(row.name, widgets, row.made_at, row.last_used_at)


def _hash(key: str) -> str:
    """256 random bits need no slow hash, nor a secret: nobody can try them."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
