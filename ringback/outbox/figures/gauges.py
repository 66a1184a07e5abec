"""How things stand at this moment, for monitoring; asked of the store each time."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from ringback.outbox.calls.not_called import NOT_CALLED
from ringback.outbox.operators.attention import IS_WAITING, LATE, PAUSED, SAMESPACE
from ringback.outbox.operators.operations import Operations
from ringback.outbox.request import State
from ringback.outbox.selection import HELD, NOT_HELD
from ringback.store.tables import requests

ATTENTION = (State.UNKNOWN.value, State.FAILED.value, LATE, NOT_CALLED, HELD)


@dataclass(frozen=True)
class Gauges:
    """What is true now. `waiting` is by widget, `attention` by kind; held requests are in the latter alone."""

    waiting: Mapping[str, int]
    oldest_waiting_seconds: float  # since the one that is due longest was due; 0 if none is
    attention: Mapping[str, int]
    is_breaker_open: bool
    teams_paused: int


class GaugeReader(Operations):
    """Reads them from one store."""

    def read(self) -> Gauges:
        """All of them. Raises STORE_ERRORS."""
        now = self._clock()
        waits = sa.and_(IS_WAITING, NOT_HELD)
        by_widget = sa.select(requests.c.widget, sa.func.count()).where(waits).group_by(requests.c.widget)
        oldest = sa.select(sa.func.min(requests.c.due_at)).where(waits)
        with self._database.read() as connection:
            found = {row[0]: row[1] for row in connection.execute(by_widget)}
            due_at = connection.execute(oldest).scalar()
        kinds, troubles = self.totals(attention=True).kinds, self.troubles()
        return Gauges(
            waiting=dict.fromkeys(self._settings.widgets, 0) | found,
            oldest_waiting_seconds=max((now - due_at).total_seconds(), 0) if due_at else 0,
            attention=dict.fromkeys(ATTENTION, 0) | dict(kinds),
            is_breaker_open=any(trouble.kind == SAMESPACE for trouble in troubles),
            teams_paused=sum(trouble.kind == PAUSED for trouble in troubles),
        )
