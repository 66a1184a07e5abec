"""A sign of life of the hand-over, in the store: a process that has died can tell nobody itself."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.clock import SKEW, Clock, utc_now
from ringback.store.database import Database
from ringback.store.locks import lock
from ringback.store.remembered import recall_instant, remember

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
            remember(connection, _KEY, now)
            if last and now - last > _LONGEST_PAUSE:
                remember(connection, _LEAPT_AT, now)

    def leapt_at(self) -> datetime | None:
        """The first beat after the last long pause, by its own clock."""
        with self._database.read() as connection:
            return recall_instant(connection, _LEAPT_AT)


def last_beat(connection: sa.Connection) -> datetime | None:
    """When the hand-over was last seen, in whichever process; None where it never ran."""
    return recall_instant(connection, _KEY)
