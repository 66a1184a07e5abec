"""The hand-over's side of the outbox: claim what is due, and settle how it ended.

Requests of one widget for one number and one time are one hand-over. Nothing is stored about who joined whom:
whoever claims one claims those that wait beside it, and what happens to that call happens to all of them.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from ringback.outbox import transitions
from ringback.outbox.calls.called import mark_said_meanwhile
from ringback.outbox.core import Core, as_request
from ringback.outbox.due_query import DueQuery, claims_now, left_to_people
from ringback.outbox.numbers.number_locks import lock_blocks_to_read, lock_name, lock_number, try_lock_number
from ringback.outbox.numbers.number_rules import waiting
from ringback.outbox.pacing import turned_away
from ringback.outbox.pacing.breaker import CLEAR, UpstreamSignal
from ringback.outbox.pacing.breaker_snapshot import BreakerSnapshot
from ringback.outbox.quoting import has_number, is_quoted
from ringback.outbox.request import CallbackRequest, State, new_id
from ringback.outbox.row_locks import free
from ringback.outbox.transitions import Transition
from ringback.store.tables import Instant, in_state, requests


@dataclass(frozen=True)
class Claim:
    """Requests for one number that this owner hands over together, the earliest first.

    `attempt` is the lowest of theirs, so that a newcomer is not given up with the requests it joined.
    `is_its_turn` is False for a try in somebody else's: it counts as no attempt, and their own waits go on.
    """

    requests: tuple[CallbackRequest, ...]
    owner: str
    attempt: int
    is_its_turn: bool = True

    @property
    def is_held(self) -> bool:
        """Held requests look like any other, and ring nobody."""
        return self.requests[0].held is not None

    @property
    def widget(self) -> str:
        """Whose team is called: that of the earliest request."""
        return self.requests[0].answers.widget

    def is_quoted_in(self, reply: str) -> bool:
        """Whether a reply has the number, a word or the page of one of its visitors in it, or may have."""
        if has_number(self.requests[0].answers.phone, reply):
            return True
        return any(is_quoted(request.answers, reply) for request in self.requests)


@dataclass(frozen=True)
class Settlement:
    """How a claim ends: the arrow its requests take, and what the call said about Samespace.

    `detail` is for operators; `next_attempt_at` for what waits again; `wait_seconds` is how long Samespace
    asked to be left alone.
    """

    transition: Transition
    detail: str = ""
    sign: UpstreamSignal | None = None
    next_attempt_at: datetime | None = None
    wait_seconds: float = 0


class Claims(Core):
    """Claims on the requests of one store. Who holds one has the right to call, until its lease ends."""

    def claim(self, owner: str, busy_widgets: Collection[str] = ()) -> Claim | None:
        """Take the number whose promise is oldest, and everything that waits for it. None: nothing may go now.

        `busy_widgets` have enough in the air in this process: one widget's flood is not to keep another's
        visitors waiting.
        """
        if self._database.has_one_writer and not self._is_anything_due(busy_widgets):
            return None  # and nobody was kept from writing
        with self._database.write() as connection:
            now = self._clock()  # the write lock may have kept us waiting, and the lease begins here
            snapshot = self.breaker.look(connection)
            if snapshot.is_stopped(now):
                return None
            on_trial = self.trial.on_trial(connection, snapshot)
            due = self._due(now, self.breaker.shut_widgets(snapshot, now), busy_widgets, on_trial)
            shut_for_held, tried = self.teams.shut_for_held(snapshot, now), self.trial.tried(snapshot, now)
            head = self._head(connection, snapshot, replace(due, shut_for_held=shut_for_held, tried=tried))
            # Somebody who is deciding about this number may want the row we hold: do not wait.
            if head is None or not try_lock_number(connection, head.phone):
                return None
            widget = self._settings.widget(head.widget)
            if head.held:  # takes no place from those who are rung
                self.teams.take_turn_of_held(snapshot, widget, now)
            else:
                has_another = self.trial.has_another(connection, snapshot, head, due)
                if not self.breaker.take_turn(connection, snapshot, widget, now, has_another):
                    return None
            if widget and self.trial.ends_by(connection, snapshot, head, now):
                self.teams.tried(connection, widget, now)
            return self._take(connection, head, owner, now)

    def _is_anything_due(self, busy_widgets: Collection[str]) -> bool:
        now = self._clock()
        with self._database.read() as connection:
            tried = self.trial.tried(self.breaker.look(connection), now)
            return DueQuery(now, tuple(sorted(busy_widgets)), tried=tried).first(connection) is not None

    def _due(self, now: datetime, *shut: Collection[str]) -> DueQuery:
        return DueQuery(now, tuple(sorted(set().union(*shut))), tuple(sorted(self._closed(now))))

    def _head(self, connection: sa.Connection, snapshot: BreakerSnapshot, due: DueQuery) -> Any:
        """What goes next. While Samespace is tried, a held request goes only where nobody is to be rung."""
        head = due.first_to_take(connection)
        if head and head.held and snapshot.breaker.state != "closed":
            head = due.first_to_take(connection, rung_only=True) or head
        return head and self.trial.in_place_of(connection, snapshot, head, due)

    def _take(self, connection: sa.Connection, head: Any, owner: str, now: datetime) -> Claim | None:
        """Write an `owner` unique to this claim into the rows: only the current owner can settle them.

        None: an operator took it in hand while we looked.
        """
        owner = f"{owner}-{new_id()}"
        lease = now + timedelta(seconds=self._settings.delivery.lease_seconds)
        given = {"by_owner": owner, "until": lease, "of_phone": head.phone, **claims_now(now)}
        is_its_turn = head.next_attempt_at <= now
        given |= {"of_widget": head.widget, "of_slot": head.slot_starts_at, "counted": int(is_its_turn)}
        take = _TAKE_HELD if head.held else _TAKE
        rows = transitions.run(connection, transitions.CLAIM, take[head.slot_starts_at is None], now, **given)
        rows = [row for row in rows if (row.held is None) == (head.held is None)]
        if not rows:
            return None
        rows.sort(key=lambda row: (row.id != head.id, row.requested_at))
        attempt = min(row.attempt for row in rows)
        return Claim(tuple(as_request(row) for row in rows), owner, attempt, is_its_turn)

    def settle(self, claim: Claim, settlement: Settlement) -> Settlement | None:
        """Record how a hand-over ended, and return it: a call turned away may fail instead of waiting.

        None if the claim had run out and somebody else decided.
        """
        now = self._clock()
        with self._database.write() as connection:
            phone = claim.requests[0].answers.phone
            lock_number(connection, phone)
            if settlement.transition is transitions.RETURN:
                lock_blocks_to_read(connection)
            settlement = self._whose_fault(connection, claim, settlement)
            if settlement.transition is transitions.RETURN and not claim.is_its_turn:
                settlement = replace(settlement, next_attempt_at=None)
            if settlement.sign:
                widget = self._settings.widget(claim.widget)
                wait = settlement.wait_seconds
                # What is noted there outlives the request: a reply that quotes its visitor stays with it.
                why = settlement.detail
                if claim.is_quoted_in(why):
                    why = f"{why.partition(':')[0]}; see `requests show {claim.requests[0].reference}`"
                line = self.number_rules.hash(lock_name(phone))  # digits behind a number make no other of it
                self.breaker.note(connection, settlement.sign, widget, why, now, wait, line)
            along = settlement.detail if claim.is_held else _WENT_ALONG
            mine = {"of_phone": phone, "of_owner": claim.owner}
            moved = self._end(connection, _OF_A_CLAIM, settlement, now, along, **mine)
            if settlement.sign is UpstreamSignal.MISCONFIGURED and settlement.transition is transitions.RETURN:
                turned_away.mark(connection, moved)
            elif settlement.sign in CLEAR:
                turned_away.forget(connection, moved)
            return settlement if any((row.held is not None) == claim.is_held for row in moved) else None

    def _whose_fault(self, connection: sa.Connection, claim: Claim, settlement: Settlement) -> Settlement:
        """The settlement; or `FAIL`, if the call was turned away while others of its team are taken."""
        widget = self._settings.widget(claim.widget)
        if settlement.sign is not UpstreamSignal.MISCONFIGURED or widget is None:
            return settlement
        if self.breaker.look(connection).is_paused(widget):
            return settlement  # everybody's: it waits with them until a person has mended it
        failed = replace(settlement, transition=transitions.FAIL, next_attempt_at=None)
        if turned_away.others_were_taken(connection, [request.id for request in claim.requests]):
            return replace(failed, sign=UpstreamSignal.WRONG_NUMBER)
        return failed if self._settings.delivery.is_last(claim.attempt) else settlement

    def _end(
        self,
        connection: sa.Connection,
        which: sa.ColumnElement[bool],
        settlement: Settlement,
        now: datetime,
        detail_of_held: str | None = None,
        **parameters: Any,
    ) -> list[Any]:
        if settlement.next_attempt_at:
            parameters["again_at"] = settlement.next_attempt_at
        statement = _ending(settlement.transition, which, bool(settlement.next_attempt_at))
        moved = transitions.run(
            connection, settlement.transition, statement, now, settlement.detail, detail_of_held, **parameters
        )
        mark_said_meanwhile(connection, [row.id for row in moved], now)
        if settlement.transition is transitions.RETURN:
            self._hold_silent(connection, moved, now)
        return moved

    def _hold_silent(self, connection: sa.Connection, rows: Collection[Any], now: datetime) -> None:
        """Hold what waits again for a number that was stopped or blocked while its call was in the air."""
        for phone in sorted({row.phone for row in rows}):
            why = self.number_rules.why_silent(connection, phone, now)
            if why:
                transitions.hold(connection, waiting(requests.c.phone == phone), why, now)

    def lost(self, detail: str, claim: Claim | None = None) -> Settlement:
        """The settlement of a call that may or may not have been taken, as `on_unknown` wants it."""
        again = claim is None or not any(request.resent for request in claim.requests)
        if self._settings.delivery.on_unknown == "hold" or not again:
            return Settlement(transitions.LOSE, detail, UpstreamSignal.UNCLEAR)
        later = self._clock() + timedelta(seconds=self._settings.delivery.wait_after(2))
        return Settlement(transitions.LOSE_AND_RESEND, detail, UpstreamSignal.UNCLEAR, later)

    def take_probe(self) -> bool:
        """Whether it is this process's turn to ask whether Samespace is back."""
        now = self._clock()
        with self._database.read() as connection:
            if not self.breaker.probe_is_due(connection, now):
                return False
        with self._database.write() as connection:
            return self.breaker.take_probe(connection, now)

    def samespace_answers(self) -> None:
        """It is back: let one request try."""
        with self._database.write() as connection:
            self.breaker.answered(connection, self._clock())

    def is_stuck(self, after: timedelta) -> bool:
        """Whether something that may go has waited longer than this since it was due."""
        now = self._clock()
        with self._database.read() as connection:
            snapshot = self.breaker.look(connection)
            if snapshot.is_stopped(now):
                return False
            due = replace(self._due(now, self.breaker.shut_widgets(snapshot, now)), now=now - after)
            return due.first(connection) is not None or self._is_overdue(connection, now - after)

    def _is_overdue(self, connection: sa.Connection, at: datetime) -> bool:
        """Whether something waits that should have been given up by then."""
        overdue = in_state(State.WAITING), requests.c.give_up_at <= at, requests.c.held.is_(None)
        return connection.execute(sa.select(requests.c.id).where(*overdue).limit(1)).first() is not None


_IS_HELD = requests.c.held.is_not(None)
_WENT_ALONG = "held, and shown as the others for its number"
_OF_PHONE: sa.BindParameter[str] = sa.bindparam("of_phone")
_COUNTED: sa.BindParameter[int] = sa.bindparam("counted", type_=sa.Integer)


def _taking(taken: sa.ColumnElement[bool], is_asap: bool) -> Any:
    """Take what waits for one number at one widget, for one time or as soon as possible.

    With those that are rung goes what is held, so that its page reveals nothing.
    """
    mine = requests.c.phone == _OF_PHONE, requests.c.widget == sa.bindparam("of_widget"), in_state(State.WAITING)
    slot = requests.c.slot_starts_at
    for_one_time = slot.is_(None) if is_asap else slot == sa.bindparam("of_slot", type_=Instant)
    lease_ends_at = sa.bindparam("until", type_=Instant)
    values = {
        "owner": sa.bindparam("by_owner"),
        "lease_ends_at": lease_ends_at,
        "attempt": requests.c.attempt + _COUNTED,
    }
    return transitions.change(
        transitions.CLAIM, free(*mine, for_one_time, taken, sa.not_(left_to_people())), **values
    )


_TAKE = [_taking(sa.true(), is_asap) for is_asap in (False, True)]
_TAKE_HELD = [_taking(_IS_HELD, is_asap) for is_asap in (False, True)]
_OF_A_CLAIM = sa.and_(requests.c.phone == _OF_PHONE, requests.c.owner == sa.bindparam("of_owner"))


@cache
def _ending(transition: Transition, which: sa.ColumnElement[bool], is_tried_again: bool) -> Any:
    values: dict[str, Any] = {"owner": None, "lease_ends_at": None}
    if is_tried_again:
        values["next_attempt_at"] = sa.bindparam("again_at", type_=Instant)
    if transition is transitions.LOSE_AND_RESEND:
        values["resend_at"] = sa.bindparam("again_at", type_=Instant)
    return transitions.change(transition, which, **values)
