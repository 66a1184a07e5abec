"""What time alone does to a request: given up, cut off, resent; and what a wrong clock had stored is mended."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.clock import SKEW
from ringback.outbox import transitions
from ringback.outbox.claims import Claims, Settlement
from ringback.outbox.core import as_request
from ringback.outbox.numbers.number_locks import lock_blocks_to_read, lock_numbers
from ringback.outbox.request import State
from ringback.outbox.row_locks import free
from ringback.outbox.wrong_clock import STEADY
from ringback.store.tables import NOW, in_state, requests, stop_beginnings, stops


class Expiry(Claims):
    """Looked after by whoever hands over, again and again."""

    _latest: datetime | None = None  # the latest that this process saw its clock
    _leapt_at: datetime | None = None  # when it last leapt ahead, by its new time, as far as we know

    def expire(self) -> list[str]:
        """Give up what is too late, mark what was cut off, resend what may be; the references, for the log.

        After the clock leapt ahead, it does nothing for one lease, so that running calls can end, and gives up
        or postpones nothing until the clock has run steadily for an hour.
        """
        now = self._clock()
        steady_for = self._steady_for(now)
        if steady_for < timedelta(seconds=self._settings.delivery.lease_seconds):
            return []
        closed = self._closed(now)
        late = sa.and_(in_state(State.WAITING), requests.c.give_up_at <= now, requests.c.widget.not_in(closed))
        if steady_for < STEADY:
            closed, late = {}, sa.false()
        to_resend = sa.and_(in_state(State.UNKNOWN), requests.c.resend_at <= now)
        with self._database.read() as connection:
            shut_out = [_shut_out(key, now) for key in closed]
            some = sa.select(requests.c.id).where(sa.or_(late, _CUT_OFF, to_resend, *shut_out)).limit(1)
            if connection.execute(some, {"now": now}).first() is None:
                return []
        with self._database.write() as connection:
            lock_numbers(connection, to_resend)  # whoever stops one of them now comes before us or after us
            lock_blocks_to_read(connection)
            self._wait_for_opening(connection, closed, now)
            moved = self._cut_off(connection, now)
            again = {"resend_at": None, "resent": True, "next_attempt_at": now}
            resent = transitions.apply(
                connection, transitions.RESEND, free(to_resend), now, "sent once more", **again
            )
            self._hold_silent(connection, resent, now)
            moved += resent
            moved += transitions.apply(connection, transitions.GIVE_UP, free(late), now, "given up: too late")
            # Of what is held, nothing has happened but to the page of its visitor.
            return sorted({row.reference for row in moved if row.held is None})

    def _steady_for(self, now: datetime) -> timedelta:
        """How long the clock has run since it leapt ahead, as this process saw it; the longest there is if never.

        A process that stood still for as long cannot be told from it, and waits as well; so does one that
        begins, where the hand-over was away for as long.
        """
        if self._latest is None or now < self._latest - SKEW:
            self._mend_times(now)
            leapt_at = self.heartbeat.leapt_at()
            self._leapt_at = leapt_at if leapt_at and leapt_at <= now + SKEW else None
        elif now > self._latest + SKEW:
            self._leapt_at = now
        self._latest = now
        return now - self._leapt_at if self._leapt_at else timedelta.max

    def _mend_times(self, now: datetime) -> None:
        """Correct the times that were stored while a clock was ahead, now that it is right.

        Asked at the start, and when the clock goes back. A chosen time is the visitor's and stays. What has
        ended is dated now: otherwise its data would be kept, and no limit would count it, until then.
        """
        late = now + SKEW
        lease = timedelta(seconds=self._settings.delivery.lease_seconds)
        ahead = sa.and_(in_state(State.WAITING), requests.c.changed_at > late)
        with self._database.write() as connection:
            for row in connection.execute(sa.select(requests).where(ahead)).all():
                answers = as_request(row).answers
                times = self._times(connection, answers, now) if answers.widget in self._settings.widgets else {}
                values = times | {"changed_at": now, "requested_at": min(row.requested_at, now)}
                connection.execute(requests.update().where(requests.c.id == row.id).values(values))
            to_resend = in_state(State.UNKNOWN), requests.c.resend_at.is_not(None), requests.c.changed_at > late
            connection.execute(requests.update().where(*to_resend).values(resend_at=now))
            asked_ahead, is_over = requests.c.requested_at > late, requests.c.state != State.WAITING
            for column, which in (
                (requests.c.due_at, sa.and_(asked_ahead, is_over)),
                (requests.c.changed_at, is_over),
                (requests.c.requested_at, asked_ahead),
            ):
                connection.execute(requests.update().where(which, column > late).values({column: now}))
            for table, column, allowed in (
                (requests, requests.c.lease_ends_at, lease),
                (stops, stops.c.until, timedelta(days=self._settings.privacy.stop_days)),
                (stop_beginnings, stop_beginnings.c.until, timedelta(days=self._settings.privacy.stop_days)),
            ):
                too_far = column > late + allowed
                connection.execute(table.update().where(too_far).values({column: now + allowed}))

    def _wait_for_opening(self, connection: sa.Connection, closed: dict[str, datetime], now: datetime) -> None:
        """What is due while nobody is there goes out at the next opening, and its patience counts from then."""
        for key, opening in closed.items():
            later = {"next_attempt_at": opening, "give_up_at": opening + self._patience, "changed_at": now}
            connection.execute(requests.update().where(free(_shut_out(key, now))).values(later))

    def _cut_off(self, connection: sa.Connection, now: datetime) -> list[Any]:
        """What a process held when it ended: nobody can tell whether it had rung."""
        moved: list[Any] = []
        for which, was_resent in ((_CUT_OFF_AT_FIRST, False), (_CUT_OFF_AGAIN, True)):
            end = self.lost("the process that handed it over ended")
            if was_resent:
                end = Settlement(transitions.LOSE, end.detail)
            moved += self._end(connection, which, end, now)
        return moved


_CUT_OFF = sa.and_(in_state(State.HANDING_OVER), requests.c.lease_ends_at <= NOW)
_CUT_OFF_AT_FIRST = free(_CUT_OFF, requests.c.resent.is_(False))
_CUT_OFF_AGAIN = free(_CUT_OFF, requests.c.resent.is_(True))


def _shut_out(key: str, now: datetime) -> sa.ColumnElement[bool]:
    """What waits, is due, and has nobody to be handed to."""
    due = sa.or_(requests.c.next_attempt_at <= now, requests.c.give_up_at <= now)
    in_its_slot = sa.and_(requests.c.slot_ends_at.is_not(None), requests.c.slot_ends_at > now)
    return sa.and_(requests.c.widget == key, in_state(State.WAITING), due, sa.not_(in_its_slot))
