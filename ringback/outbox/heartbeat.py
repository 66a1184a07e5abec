"""A sign of life of the hand-over, in the store: a process that has died can tell nobody itself."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.clock import SKEW, Clock, utc_now
from ringback.store.database import Database
from ringback.store.locks import lock
from ringback.store.tables import about

BEAT_SECONDS = 10.0
_KEY, _LEAPT_AT = "hand_over_seen_at", "hand_over_leapt_at"
_LONGEST_PAUSE = timedelta(seconds=BEAT_SECONDS) + SKEW


class Heartbeat:
    """What a process that hands over leaves in its store."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def beat(self) -> None:
        """Say that requests are handed over at this moment.

        Where the last beat is long ago, that is noted as well: it was away, or its clock is wrong.
        """
        now = self._clock()
        with self._database.write() as connection:
            lock(connection, _KEY)
            last = last_beat(connection)
            _note(connection, _KEY, now)
            if last and now - last > _LONGEST_PAUSE:
                _note(connection, _LEAPT_AT, now)

    def leapt_at(self) -> datetime | None:
        """The first beat after the last long pause, by its own clock."""
        with self._database.read() as connection:
            return _noted(connection, _LEAPT_AT)


def last_beat(connection: sa.Connection) -> datetime | None:
    """When the hand-over was last seen, in whichever process; None where it never ran."""
    return _noted(connection, _KEY)


def _noted(connection: sa.Connection, key: str) -> datetime | None:
    at = connection.execute(sa.select(about.c.value).where(about.c.key == key)).scalar()
    return datetime.fromisoformat(at) if at else None


def _note(connection: sa.Connection, key: str, at: datetime) -> None:
    changed = connection.execute(about.update().where(about.c.key == key).values(value=at.isoformat()))
    if not changed.rowcount:
        connection.execute(about.insert().values(key=key, value=at.isoformat()))
