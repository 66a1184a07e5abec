"""How often somebody may try, and what may be used only once; counted in the store, over all processes."""

from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa

from ringback.accounts.secrets import hash_of
from ringback.clock import SKEW, Clock
from ringback.store.account_tables import tries
from ringback.store.database import Database
from ringback.store.locks import lock_key

WINDOW = timedelta(minutes=15)
_LOCK = 0x54726965  # "Trie"; two who try at once count one after the other


class Tries:
    """Tries of the last quarter of an hour."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def spend(self, limits: Mapping[str, int]) -> timedelta | None:
        """Count one try for each of these, or none where one of them has none left: then, how long to wait.

        `limits`: what is counted, and how many tries it has in `WINDOW`.
        """
        now = self._clock()
        hashes = {hash_of(what): most for what, most in limits.items()}
        with self._database.write() as connection:
            lock_key(connection, _LOCK)
            # A clock that was wrong binds nobody.
            old = sa.or_(tries.c.at <= now - WINDOW, tries.c.at > now + SKEW)
            connection.execute(tries.delete().where(old))
            counted = connection.execute(
                sa.select(tries.c.key, sa.func.count(), sa.func.min(tries.c.at, type_=tries.c.at.type))
                .where(tries.c.key.in_(hashes))
                .group_by(tries.c.key)
            )
            waits: list[timedelta] = [
                first + WINDOW - now for key, count, first in counted if count >= hashes[key]
            ]
            if waits:
                return max(waits)
            connection.execute(tries.insert(), [{"key": key, "at": now} for key in hashes])
        return None

    def give_back(self, *each: str) -> None:
        """Take back the last try of each of these: it was right."""
        with self._database.write() as connection:
            for what in each:
                newest = sa.select(sa.func.max(tries.c.id)).where(tries.c.key == hash_of(what)).scalar_subquery()
                connection.execute(tries.delete().where(tries.c.id == newest))

    def forget(self, what: str) -> None:
        """Take back all of its tries."""
        with self._database.write() as connection:
            connection.execute(tries.delete().where(tries.c.key == hash_of(what)))

    def is_first(self, once: str) -> bool:
        """Whether this is used for the first time, as far as `WINDOW` goes back."""
        return self.spend({f"once {once}": 1}) is None
