"""A sign of life of the hand-over, in the store: a process that has died can tell nobody itself."""

from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.store.database import Database
from ringback.store.tables import about

BEAT_SECONDS = 10.0
_KEY = "hand_over_seen_at"


class Heartbeat:
    """What a process that hands over leaves in its store."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def beat(self) -> None:
        """Say that requests are handed over at this moment."""
        value, mine = self._clock().isoformat(), about.c.key == _KEY
        with self._database.write() as connection:
            if connection.execute(about.update().where(mine).values(value=value)).rowcount:
                return
        # Only ever once in a store; of two that begin together one is enough.
        with suppress(sa.exc.IntegrityError), self._database.write() as connection:
            connection.execute(about.insert().values(key=_KEY, value=value))


def last_beat(connection: sa.Connection) -> datetime | None:
    """When the hand-over was last seen, in whichever process; None where it never ran."""
    at = connection.execute(sa.select(about.c.value).where(about.c.key == _KEY)).scalar()
    return datetime.fromisoformat(at) if at else None
