"""Handed over, and nobody called: told once, where call reports would show a call."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback import opening_hours
from ringback.clock import LONG_AGO, SKEW, Clock, utc_now
from ringback.config.settings import Settings
from ringback.outbox import transitions
from ringback.outbox.request import State
from ringback.outbox.row_locks import lock_in_order
from ringback.outbox.selection import KEPT, NOT_HELD
from ringback.outbox.wrong_clock import STEADY
from ringback.store.call_tables import call_reading, calls
from ringback.store.database import Database
from ringback.store.locks import lock
from ringback.store.remembered import recall_instant, remember
from ringback.store.tables import in_state, requests

_AT_ONCE = 200  # requests in one transaction
# What is older was told of, or had its time before there were call reports.
_FURTHEST_BACK = timedelta(days=7)
_LAST_LOOK, _LEAPT_AT = "not_called_looked_at", "not_called_leapt_at"

NOT_CALLED = "not_called"
# On the attention list for as long as nobody calls.
IS_NOT_CALLED = sa.and_(
    in_state(State.WITH_TEAM),
    requests.c.not_called_at.is_not(None),
    requests.c.not_called_at > LONG_AGO,
    NOT_HELD,
    KEPT,
)

_UNTOLD = in_state(State.WITH_TEAM), requests.c.not_called_at.is_(None), NOT_HELD, KEPT


class NotCalled:
    """Looked for by whoever reads call reports, after each reading."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    def tell(self) -> list[str]:
        """Have somebody told of what nobody called for `not_called_minutes`; the references.

        They count while the team is open, and only up to where call reports were read: where nobody looked,
        nothing is known. Nobody is told until the clock has run steadily for an hour since it leapt, or since the
        first look, or one after a long pause.
        """
        now = self._clock()
        if not self._runs_steadily(now):
            return []
        with self._database.read() as connection:
            read_up_to = connection.execute(sa.select(call_reading.c.read_up_to)).scalar()
            if read_up_to is None or not self._late(connection, read_up_to, now):
                return []
        with self._database.write() as connection:
            late = self._late(connection, read_up_to, now)
            lock_in_order(connection, requests.c.id.in_(late))
            note = requests.update().where(requests.c.id.in_(late), *_UNTOLD).values(not_called_at=now)
            rows = connection.execute(note.returning(requests.c.id, requests.c.reference)).all()
            transitions.tell(connection, [row.id for row in rows], now, NOT_CALLED)
            return sorted(row.reference for row in rows)

    def _runs_steadily(self, now: datetime) -> bool:
        """Whether the looks at this store show it. If not, what is noted of a time to come is taken back."""
        with self._database.write() as connection:
            lock(connection, _LAST_LOOK)
            last, leapt_at = (recall_instant(connection, key) for key in (_LAST_LOOK, _LEAPT_AT))
            remember(connection, _LAST_LOOK, now)
            every = timedelta(seconds=self._settings.samespace.call_reports_seconds)
            if last is None or not -SKEW <= now - last <= every + SKEW:
                leapt_at = now
                remember(connection, _LEAPT_AT, now)
                ahead = requests.c.not_called_at > now + SKEW
                connection.execute(requests.update().where(ahead).values(not_called_at=None))
            return leapt_at is None or now - leapt_at >= STEADY

    def _late(self, connection: sa.Connection, read_up_to: datetime, now: datetime) -> list[str]:
        patience = timedelta(minutes=self._settings.alerts.not_called_minutes)
        has_call = sa.exists().where(calls.c.request_id == requests.c.id)
        waits = (
            sa.select(requests.c.id, requests.c.widget, requests.c.changed_at)
            .where(
                in_state(State.WITH_TEAM), NOT_HELD, KEPT, requests.c.not_called_at.is_(None), sa.not_(has_call)
            )
            .where(requests.c.changed_at <= read_up_to - patience, requests.c.changed_at > now - _FURTHEST_BACK)
            .order_by(requests.c.changed_at)
        )
        late = []
        for row in connection.execute(waits):
            widget = self._settings.widget(row.widget)
            hours = widget.hours if widget else None
            if opening_hours.open_time(hours, row.changed_at, read_up_to) >= patience:
                late.append(row.id)
        return late[:_AT_ONCE]
