"""What operators do: each way to deal with what needs a person."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.outbox import audit, transitions
from ringback.outbox.numbers import number_blocks
from ringback.outbox.numbers.number_locks import lock_numbers
from ringback.outbox.operators.request_list import RequestList
from ringback.outbox.request import Held, State
from ringback.outbox.row_locks import lock_in_order
from ringback.outbox.selection import IS_HELD, KEPT, NOT_HELD, Selection
from ringback.outbox.transitions import Transition
from ringback.store.tables import Instant, blocks, breaker, in_state, requests, stops, teams

_RELEASES = (
    transitions.RELEASE_SHOWN,
    transitions.RELEASE_WAITING,
    transitions.RELEASE_FAILED,
    transitions.RELEASE_UNKNOWN,
)


# What waits comes first, so that it is not taken for what another arrow has just made wait.
_RETRY_SAFELY = (transitions.RETRY_WAITING, transitions.RETRY_FAILED)
_RETRIES = (*_RETRY_SAFELY, transitions.RETRY_UNKNOWN)


_AT_ONCE = 200  # requests in one transaction, so that visitors do not wait behind it


class Operations(RequestList):
    """The operators' side of one store: what they see, and what they do about it.

    `by` is whoever does it, as the audit has it.
    """

    def release(self, id: str, by: str = "cli") -> bool:
        """Hand over what was held, at its time. False if it is not held, or is on its way."""
        return self.release_all([id], by) == 1

    def to_release(self, selection: Selection) -> list[str]:
        """The ids of what is held."""
        return self._ids(IS_HELD, *selection.where(self._clock()))

    def release_all(self, ids: Collection[str], by: str = "cli") -> int:
        """Hand over what was held, each at its time. How many were; the others are not held, or on their way."""
        now = self._clock()
        # Who chose a time that is still to come is not called before it.
        at_its_time = sa.case((requests.c.due_at > now, requests.c.due_at), else_=sa.literal(now, Instant))
        done = by, "release"
        return self._send_on(ids, _RELEASES, IS_HELD, now, done, next_attempt_at=at_its_time, held=None)

    def retry(self, id: str, by: str = "cli") -> bool:
        """Hand over now what failed, is unknown or waits. False if it is none of these, or held."""
        return self._send_on([id], _RETRIES, NOT_HELD, self._clock(), (by, "retry")) == 1

    def to_retry(self) -> list[str]:
        """The ids of all that failed, or waits and was due: what may go again without ringing anybody twice."""
        waits = sa.and_(in_state(State.WAITING), requests.c.due_at <= self._clock())
        return self._ids(KEPT, NOT_HELD, sa.or_(in_state(State.FAILED), waits))

    def retry_all(self, ids: Collection[str], by: str = "cli") -> int:
        """Hand over now what failed or waits; never an unknown, which may have rung. How many it were."""
        return self._send_on(ids, _RETRY_SAFELY, NOT_HELD, self._clock(), (by, "retry"))

    def resolve(self, id: str, rang: bool, by: str = "cli") -> bool:
        """Say what became of an unknown: the team had it, or it goes out again. False if it is not unknown."""
        now = self._clock()
        if not rang:
            return self._send_on([id], (transitions.RESOLVE_NOT_RUNG,), NOT_HELD, now, (by, "resolve")) == 1
        with self._database.write() as connection:
            mine = sa.and_(requests.c.id == id, NOT_HELD)
            moved = transitions.apply(connection, transitions.RESOLVE_RANG, mine, now, resend_at=None)
            audit.note(connection, now, by, "resolve", [row.reference for row in moved])
            return bool(moved)

    def block(self, digits: str, is_range: bool = False, by: str = "cli") -> int | None:
        """Hold what waits and will come for a number, or for all that begin so. How many waited; None: known."""
        now = self._clock()
        with self._database.write() as connection:
            if not number_blocks.block(connection, digits, is_range, now):
                return None
            audit.note(connection, now, by, "block", ["range" if is_range else "number"])
            return transitions.hold(connection, number_blocks.waiting_in(digits, is_range), Held.BLOCKED, now)

    def unblock(self, digits: str, is_range: bool = False, by: str = "cli") -> bool:
        """Let what comes from now on be handed over. What is held stays held. False: there was no block."""
        with self._database.write() as connection:
            if not number_blocks.unblock(connection, digits, is_range):
                return False
            audit.note(connection, self._clock(), by, "unblock", ["range" if is_range else "number"])
            return True

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

    def _ids(self, *where: sa.ColumnElement[bool]) -> list[str]:
        """The oldest first."""
        query = sa.select(requests.c.id).where(*where).order_by(requests.c.requested_at, requests.c.id)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def _try_now(self, connection: sa.Connection, widgets: Collection[str]) -> None:
        """Ask at once whether Samespace is back, and let a paused team be tried: an operator wants it now."""
        connection.execute(breaker.update().where(breaker.c.state == "open").values(probe_at=None, trial_at=None))
        names = {each.team_name for key, each in self._settings.widgets.items() if key in widgets}
        paused = teams.c.name.in_(sorted(names)), teams.c.paused_at.is_not(None)
        connection.execute(teams.update().where(*paused).values(next_try_at=None))

    def _send_on(
        self,
        ids: Collection[str],
        arrows: Collection[Transition],
        only: sa.ColumnElement[bool],
        now: datetime,
        done: tuple[str, str],
        **values: Any,
    ) -> int:
        """Queue them afresh, each by the arrow for where it stands. How many moved. `done`: by whom, and what."""
        patience = sa.literal(now + timedelta(minutes=self._settings.delivery.give_up_minutes), Instant)
        longest = sa.case((requests.c.give_up_at > patience, requests.c.give_up_at), else_=patience)
        fresh = {"next_attempt_at": now, "give_up_at": longest, "resend_at": None, "attempt": 0} | values
        moved = 0
        ids = list(ids)
        for first in range(0, len(ids), _AT_ONCE):
            which = requests.c.id.in_(ids[first : first + _AT_ONCE])
            with self._database.write() as connection:
                lock_numbers(connection, which)
                lock_in_order(connection, which)
                for arrow in arrows:
                    rows = transitions.apply(
                        connection, arrow, sa.and_(which, only), now, "by an operator", **fresh
                    )
                    audit.note(connection, now, *done, [row.reference for row in rows])
                    if done[1] == "retry" and rows:
                        self._try_now(connection, {row.widget for row in rows})
                    moved += len(rows)
        return moved
