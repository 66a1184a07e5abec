"""What operators see and do: the list of requests that need a person, and each way to deal with one."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback import numbers, transitions
from ringback.callback_request import CallbackRequest, Held, State
from ringback.database import Database
from ringback.outbox import Clock, as_request, utc_now
from ringback.settings import Settings
from ringback.tables import blocks, requests, stops
from ringback.transitions import Transition

_RELEASES = {
    State.WITH_TEAM: transitions.RELEASE_SHOWN,
    State.WAITING: transitions.RELEASE_WAITING,
    State.FAILED: transitions.RELEASE_FAILED,
}
_RETRIES = {State.FAILED: transitions.RETRY_FAILED, State.UNKNOWN: transitions.RETRY_UNKNOWN}


class Attention:
    """The operators' side of one store."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    def listed(self, attention: bool = False, limit: int = 100) -> list[CallbackRequest]:
        """The newest requests, or those a person has to look at."""
        kept = requests.c.erased_at.is_(None)
        query = sa.select(requests).where(kept).order_by(requests.c.requested_at.desc()).limit(limit)
        if attention:
            held = sa.and_(requests.c.held.is_not(None), requests.c.state != State.CANCELLED)
            query = query.where(sa.or_(requests.c.state.in_([State.UNKNOWN, State.FAILED]), held))
        with self._database.read() as connection:
            return [as_request(row) for row in connection.execute(query)]

    def find(self, reference: str) -> str | None:
        """The id behind a reference, or None; None too for one that is erased."""
        mine = requests.c.reference == reference, requests.c.erased_at.is_(None)
        with self._database.read() as connection:
            return connection.execute(sa.select(requests.c.id).where(*mine)).scalar()

    def release(self, id: str) -> bool:
        """Hand over what was held. False if it is not held, or is on its way."""
        return self._send_on(id, _RELEASES, requests.c.held.is_not(None), held=None)

    def retry(self, id: str) -> bool:
        """Hand over again what failed or is unknown. False if it is neither."""
        return self._send_on(id, _RETRIES)

    def resolve(self, id: str, rang: bool) -> bool:
        """Say what became of an unknown: the team had it, or it goes out again. False if it is not unknown."""
        if not rang:
            return self._send_on(id, {State.UNKNOWN: transitions.RESOLVE_NOT_RUNG})
        with self._database.write() as connection:
            mine = requests.c.id == id
            return bool(
                transitions.apply(connection, transitions.RESOLVE_RANG, mine, self._clock(), resend_at=None)
            )

    def block(self, digits: str, is_range: bool = False) -> int | None:
        """Hold what waits and will come for a number, or for all that begin so. How many waited; None: known."""
        now = self._clock()
        with self._database.write() as connection:
            if not numbers.block(connection, digits, is_range, now):
                return None
            return transitions.hold(connection, numbers.waiting_in(digits, is_range), Held.BLOCKED, now)

    def unblock(self, digits: str, is_range: bool = False) -> bool:
        """Let what comes from now on be handed over. What is held stays held. False: there was no block."""
        with self._database.write() as connection:
            return numbers.unblock(connection, digits, is_range)

    def blocked(self) -> list[tuple[str, bool, datetime]]:
        """Digits, whether they begin a range, and since when."""
        query = sa.select(blocks.c.digits, blocks.c.is_range, blocks.c.at).order_by(blocks.c.digits)
        with self._database.read() as connection:
            return [(row.digits, row.is_range, row.at) for row in connection.execute(query)]

    def stopped(self) -> int:
        """How many numbers asked not to be called. Which ones, only a hash knows."""
        with self._database.read() as connection:
            current = stops.c.until > self._clock()
            return connection.execute(sa.select(sa.func.count()).select_from(stops).where(current)).scalar_one()

    def _send_on(
        self, id: str, arrows: dict[State, Transition], only: sa.ColumnElement[bool] | None = None, **values: Any
    ) -> bool:
        """Queue it afresh, by the arrow for where it stands."""
        mine = requests.c.id == id if only is None else sa.and_(requests.c.id == id, only)
        now = self._clock()
        patience = timedelta(minutes=self._settings.delivery.give_up_minutes)
        fresh = {"next_attempt_at": now, "give_up_at": now + patience, "resend_at": None, "attempt": 0} | values
        with self._database.write() as connection:
            state = connection.execute(sa.select(requests.c.state).where(mine)).scalar()
            arrow = arrows.get(State(state)) if state else None
            return bool(arrow and transitions.apply(connection, arrow, mine, now, "by an operator", **fresh))
