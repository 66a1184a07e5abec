"""Accept, claim, settle, reschedule, cancel: every change of a request, each one transaction.

The request is the job. Storing it and queueing it is one commit, so nothing can fall between, and the
state "handing over" is on the disk before a byte leaves for Samespace: whatever dies after that is
`unknown` and is never sent again by itself.

Requests of one widget for one number and one time are one hand-over. Nothing is stored about who joined whom:
whoever claims one claims those that wait beside it, and what happens to that call happens to all of them.
"""

import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from ringback import opening_hours
from ringback.clock import SKEW
from ringback.clock import Clock as Clock
from ringback.clock import utc_now as utc_now
from ringback.config.settings import Settings
from ringback.opening_hours import Interval
from ringback.outbox import transitions, turned_away
from ringback.outbox.brake import Brake
from ringback.outbox.breaker import CLEAR, Breaker, BreakerSnapshot, UpstreamSignal
from ringback.outbox.consent import Consent
from ringback.outbox.due_query import DueQuery
from ringback.outbox.number_rules import NumberRules, lock_name, waiting
from ringback.outbox.quoting import has_number, is_quoted
from ringback.outbox.request import (
    Answers,
    CallbackRequest,
    Event,
    EventKind,
    Held,
    Source,
    State,
    new_id,
    new_reference,
)
from ringback.outbox.slots import Slots
from ringback.outbox.transitions import Transition
from ringback.outbox.wrong_clock import STEADY
from ringback.store.database import Database
from ringback.store.tables import NOW, Instant, consents, events, in_state, requests, stop_beginnings, stops


@dataclass(frozen=True)
class FormUse:
    """One form as it was sent: the id in its token, and what was answered, as a keyed hash."""

    form_id: str
    answers_hash: str


@dataclass(frozen=True)
class Receipt:
    """What became of a form. `same_answers` is False when it was used before, for something else."""

    id: str
    reference: str
    stored_now: bool
    same_answers: bool = True


@dataclass(frozen=True)
class Claim:
    """Requests for one number that this owner hands over together, the earliest first.

    `attempt` is that of the one that was tried least: what comes later is not given up with what it joined.
    """

    requests: tuple[CallbackRequest, ...]
    owner: str
    attempt: int

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


class Outbox:
    """The requests of one store."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self.breaker = Breaker(database, settings)
        self.number_rules = NumberRules(settings)
        self.brake = Brake(settings)
        self.slots = Slots(database)
        self._latest: datetime | None = None  # the latest that this process saw its clock
        self._leapt_at: datetime | None = None  # when it last leapt ahead, by its new time
        self.arrived = threading.Event()  # wakes the hand-over in this process

    # --- the visitor's side ---

    def find_use(self, use: FormUse) -> Receipt | None:
        """What this form led to when it was sent before, or None."""
        with self._database.read() as connection:
            return self._earlier_use(connection, use)

    def accept(
        self,
        answers: Answers,
        use: FormUse | None = None,
        agreed: Collection[Consent] = (),
        is_suspect: bool = False,
        source: Source | None = None,
    ) -> Receipt:
        """Store a request with what was agreed to. When this returns it is on the disk.

        Sent with a form that was used before, it changes nothing and says what that led to. What looks like
        a machine's (`is_suspect`) is held; who asks from no `source` is trusted least where the brake is on.
        Raises PausedError, SlotTakenError.
        """
        for _ in range(3):
            try:
                receipt = self._accept_once(answers, use, agreed, is_suspect, source)
            except sa.exc.IntegrityError:
                continue  # the same form a moment earlier, or a reference drawn twice: look again
            self.arrived.set()
            return receipt
        return self._accept_once(answers, use, agreed, is_suspect, source)

    def _accept_once(
        self,
        answers: Answers,
        use: FormUse | None,
        agreed: Collection[Consent],
        is_suspect: bool,
        source: Source | None,
    ) -> Receipt:
        with self._database.write() as connection:
            self._lock_number(connection, answers.phone)
            earlier = self._earlier_use(connection, use) if use else None
            if earlier:
                return earlier
            now = self._clock()
            self.slots.admit(connection, self._settings.widgets[answers.widget], answers.slot_starts_at)
            held, takes_place = self._check(connection, answers, is_suspect, source, now)
            row = self._new_row(answers, use, held, now) | {"takes_place": takes_place}
            if source:
                row |= {"source": source.address, "source_network": source.network}
            connection.execute(_STORE, row)
            _note_consents(connection, row["id"], agreed, now)
            transitions.begin(connection, row["id"], row["reference"], held, now)
            return Receipt(row["id"], row["reference"], stored_now=True)

    def _check(
        self, connection: sa.Connection, answers: Answers, is_suspect: bool, source: Source | None, now: datetime
    ) -> tuple[Held | None, bool]:
        """Why a new request is held, or None; and whether a time it chose is kept for it."""
        self._lock_widget(connection, answers.widget)
        why, takes_place = self.number_rules.check(connection, answers, now)
        if answers.slot_starts_at and self.brake.has_booked_enough(connection, answers.widget, source):
            why, takes_place = why or Held.BOOKED, False
        is_over = self.brake.holds(connection, answers.widget, source, now)
        why = why or (Held.SUSPECTED if is_suspect else Held.WIDGET_LIMIT if is_over else None)
        return why, takes_place

    def _lock_number(self, connection: sa.Connection, phone: str) -> None:
        """Let nobody else decide about this number, or what counts as one with it, until the transaction ends."""
        self._database.lock(connection, lock_name(phone))

    def _lock_widget(self, connection: sa.Connection, widget: str) -> None:
        """Let nobody else count this widget's requests until the transaction ends.

        Numbers are locked one by one, so without this many at once would slip past the brake. Always taken after
        the number's lock, so that no two wait for each other.
        """
        self._database.lock(connection, f"widget {widget}")

    def _new_row(self, answers: Answers, use: FormUse | None, held: Held | None, now: datetime) -> dict[str, Any]:
        return {
            **{name: getattr(answers, name) for name in _ANSWERS},
            "attributes": dict(answers.attributes),
            "id": new_id(),
            "reference": new_reference(),
            "state": State.WAITING,
            "held": held,
            "form_id": use.form_id if use else None,
            "answers_hash": use.answers_hash if use else None,
            "requested_at": now,
            "changed_at": now,
            **self._times(answers, now),
        }

    def _times(self, answers: Answers, now: datetime) -> dict[str, datetime | None]:
        """When it is due, by when it is promised, and until when it is tried."""
        widget = self._settings.widgets[answers.widget]
        due = answers.slot_starts_at or opening_hours.next_opening(widget.hours, now) or now
        minutes = widget.promise_minutes
        promised_by = answers.slot_ends_at
        if minutes and not promised_by:
            promised_by = opening_hours.reckoned(widget.hours, due, timedelta(minutes=minutes))
        give_up_at = opening_hours.reckoned(widget.hours, promised_by or due, self._patience)
        return {"due_at": due, "promised_by": promised_by, "give_up_at": give_up_at, "next_attempt_at": due}

    @property
    def _patience(self) -> timedelta:
        return timedelta(minutes=self._settings.delivery.give_up_minutes)

    def _earlier_use(self, connection: sa.Connection, use: FormUse) -> Receipt | None:
        row = connection.execute(_EARLIER_USE, {"form_id": use.form_id}).first()
        if row is None:
            return None
        return Receipt(row.id, row.reference, stored_now=False, same_answers=row.answers_hash == use.answers_hash)

    def read(self, id: str) -> tuple[CallbackRequest, list[Event]] | None:
        """A request with all that happened to it, oldest first, or None."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(requests).where(requests.c.id == id)).first()
            if row is None:
                return None
            found = sa.select(events).where(events.c.request_id == id).order_by(events.c.id)
            return as_request(row), [
                Event(event.at, EventKind(event.kind), event.detail) for event in connection.execute(found)
            ]

    def cancel(self, id: str) -> bool:
        """Withdraw a request. False if it no longer waited: then nothing has changed."""
        with self._database.write() as connection:
            return bool(transitions.apply(connection, transitions.CANCEL, requests.c.id == id, self._clock()))

    def reschedule(self, id: str, slot: Interval | None, zone: str = "") -> bool:
        """Move a request to another time, None for as soon as possible. False if it no longer waits.

        Asked for the time that it has, nothing changes: the same form sent again says what it said before, also
        when the request has gone on since. Other requests for its number keep their times; where one of them has
        a place at this widget already, this one is held from now on. Raises PausedError, SlotTakenError.
        """
        with self._database.write() as connection:
            phone = connection.execute(sa.select(requests.c.phone).where(requests.c.id == id)).scalar_one()
            self._lock_number(connection, phone)
            now, request = self._clock(), self._request(connection, id)
            is_waiting = request.state is State.WAITING
            if request.answers.slot_starts_at == (slot.start if slot else None):
                return is_waiting or (request.state is not State.CANCELLED and _was_moved(connection, id))
            if not is_waiting:
                return False
            start, end = (slot.start, slot.end) if slot else (None, None)
            self.slots.admit(connection, self._settings.widgets[request.answers.widget], start)
            answers = replace(
                request.answers, slot_starts_at=start, slot_ends_at=end, zone=zone or request.answers.zone
            )
            values: dict[str, Any] = {name: getattr(answers, name) for name in _TIME}
            has_place = slot is None or not self.number_rules.has_place(connection, phone, answers.widget, but=id)
            values |= {**self._times(answers, now), "attempt": 0, "takes_place": has_place}
            moved = transitions.apply(connection, transitions.RESCHEDULE, requests.c.id == id, now, **values)
            if not has_place and request.held is None:
                transitions.hold(connection, requests.c.id == id, Held.BOOKED, now)
        self.arrived.set()
        return bool(moved)

    def _request(self, connection: sa.Connection, id: str) -> CallbackRequest:
        return as_request(connection.execute(sa.select(requests).where(requests.c.id == id)).one())

    def stop(self, phone: str) -> None:
        """Hold what waits for a number and what will come for it in the next `stop_days`."""
        with self._database.write() as connection:
            self._lock_number(connection, phone)
            now = self._clock()
            line = self.number_rules.stop(connection, phone, now)
            transitions.hold(connection, waiting(line.numbers()), Held.STOPPED, now)

    def unstop(self, phone: str) -> bool:
        """End a stop. What it holds stays held. False if there was none."""
        with self._database.write() as connection:
            self._lock_number(connection, phone)
            return self.number_rules.unstop(connection, phone, self._clock())

    # --- the hand-over's side ---

    def claim(self, owner: str, busy_widgets: Collection[str] = ()) -> Claim | None:
        """Take the number whose promise is oldest, and everything that waits for it. None: nothing may go now.

        `busy_widgets` have enough in the air in this process: one widget's flood is not to keep another's
        visitors waiting.
        """
        if self._database.is_sqlite and not self._is_anything_due():
            return None  # and nobody was kept from writing
        with self._database.write() as connection:
            now = self._clock()  # the write lock may have kept us waiting, and the lease begins here
            snapshot = self.breaker.look(connection)
            if snapshot.is_stopped(now):
                return None
            due = self._due(now, self.breaker.shut_widgets(snapshot, now), busy_widgets)
            due = replace(due, shut_for_held=self.breaker.shut_for_held(snapshot, now))
            head = self._head(connection, snapshot, due)
            if head is None or not self._takes_lock(connection, head.phone):
                return None
            widget = self._settings.widget(head.widget)
            if head.held:  # takes no place from those who are rung
                self.breaker.take_turn_of_held(snapshot, widget, now)
            elif not self.breaker.take_turn(connection, snapshot, widget, now):
                return None
            return self._take(connection, head, owner, now)

    def _is_anything_due(self) -> bool:
        with self._database.read() as connection:
            return DueQuery(self._clock()).first(connection) is not None

    def _due(self, now: datetime, *shut: Collection[str]) -> DueQuery:
        return DueQuery(now, tuple(sorted(set().union(*shut))), tuple(sorted(self._closed(now))))

    def _closed(self, now: datetime) -> dict[str, datetime]:
        """When the teams open whose widgets are closed now. One that never opens again counts as open."""
        found = {key: opening_hours.next_opening(w.hours, now) for key, w in self._settings.widgets.items()}
        return {key: opening for key, opening in found.items() if opening and opening > now}

    def _head(self, connection: sa.Connection, snapshot: BreakerSnapshot, due: DueQuery) -> Any:
        """What goes next. While Samespace is tried, a held request goes only where nobody is to be rung."""
        head = due.first_to_take(connection)
        if head is None or not head.held or snapshot.breaker.state == "closed":
            return head
        return due.first_to_take(connection, rung_only=True) or head

    def _take(self, connection: sa.Connection, head: Any, owner: str, now: datetime) -> Claim:
        """From here `owner`, one for each claim, goes with the rows: who no longer owns them settles none."""
        owner = f"{owner}-{new_id()}"
        lease = now + timedelta(seconds=self._settings.delivery.lease_seconds)
        given = {"by_owner": owner, "until": lease, "of_phone": head.phone}
        given |= {"of_widget": head.widget, "of_slot": head.slot_starts_at}
        take = _TAKE_HELD if head.held else _TAKE
        rows = transitions.run(connection, transitions.CLAIM, take[head.slot_starts_at is None], now, **given)
        rows = [row for row in rows if (row.held is None) == (head.held is None)]
        rows.sort(key=lambda row: (row.id != head.id, row.requested_at))
        return Claim(tuple(as_request(row) for row in rows), owner, min(row.attempt for row in rows))

    def _takes_lock(self, connection: sa.Connection, phone: str) -> bool:
        if self._database.is_sqlite:
            return True
        # Somebody who is deciding about this number holds its lock, and may want the row we hold: do not wait.
        lock = sa.func.pg_try_advisory_xact_lock(sa.func.hashtextextended(lock_name(phone), 0))
        return bool(connection.execute(sa.select(lock)).scalar())

    def settle(self, claim: Claim, settlement: Settlement) -> Settlement | None:
        """Record how a hand-over ended, and say how: what is turned away may fail where it was to wait.

        None if the claim had run out and somebody else decided.
        """
        now = self._clock()
        with self._database.write() as connection:
            phone = claim.requests[0].answers.phone
            self._lock_number(connection, phone)
            if settlement.transition is transitions.RETURN:
                self._lock_blocks(connection)
            settlement = self._whose_fault(connection, claim, settlement)
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
        """The settlement, or the last one where a call was turned away that others of its team are not."""
        widget = self._settings.widget(claim.widget)
        if settlement.sign is not UpstreamSignal.MISCONFIGURED or widget is None:
            return settlement
        if self.breaker.look(connection).is_paused(widget):
            return settlement  # everybody's: it waits with them until a person has mended it
        failed = replace(settlement, transition=transitions.FAIL, next_attempt_at=None)
        if turned_away.others_were_taken(connection, [request.id for request in claim.requests]):
            return replace(failed, sign=UpstreamSignal.WRONG_NUMBER)
        return failed if claim.attempt > len(self._settings.delivery.retry_seconds) else settlement

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
        waits = self._settings.delivery.retry_seconds
        later = self._clock() + timedelta(seconds=waits[min(2, len(waits)) - 1])
        return Settlement(transitions.LOSE_AND_RESEND, detail, UpstreamSignal.UNCLEAR, later)

    def expire(self) -> list[str]:
        """Give up what is too late, mark what was cut off, resend what may be; the references, for the log.

        With a clock that leapt ahead it first lets every call that is in the air come down; and it gives up
        nothing, and puts nothing off, until that clock ran steadily for an hour.
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
            self._lock_numbers(connection, to_resend)
            self._lock_blocks(connection)
            self._wait_for_opening(connection, closed, now)
            moved = self._cut_off(connection, now)
            again = {"resend_at": None, "resent": True, "next_attempt_at": now}
            resent = transitions.apply(connection, transitions.RESEND, to_resend, now, "sent once more", **again)
            self._hold_silent(connection, resent, now)
            moved += resent
            moved += transitions.apply(connection, transitions.GIVE_UP, late, now, "given up: too late")
            # Of what is held, nothing has happened but to the page of its visitor.
            return sorted({row.reference for row in moved if row.held is None})

    def _steady_for(self, now: datetime) -> timedelta:
        """How long the clock has run since it leapt ahead, as this process saw it; the longest there is if never.

        A process that stood still for as long cannot be told from it, and waits as well.
        """
        if self._latest is None or now < self._latest - SKEW:
            self._mend_times(now)
            self._leapt_at = None
        elif now > self._latest + SKEW:
            self._leapt_at = now
        self._latest = now
        return now - self._leapt_at if self._leapt_at else timedelta.max

    def _mend_times(self, now: datetime) -> None:
        """What a clock that was ahead has stored is to bind nobody now that it was put right.

        Asked at the start, and when the clock goes back. A chosen time is the visitor's and stays. What has ended
        did so now, and was asked for now: else its data were kept, and no limit counted it, until then.
        """
        late = now + SKEW
        lease = timedelta(seconds=self._settings.delivery.lease_seconds)
        ahead = sa.and_(in_state(State.WAITING), requests.c.changed_at > late)
        with self._database.write() as connection:
            for row in connection.execute(sa.select(requests).where(ahead)).all():
                answers = as_request(row).answers
                times = self._times(answers, now) if answers.widget in self._settings.widgets else {}
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
            connection.execute(requests.update().where(_shut_out(key, now)).values(later))

    def _lock_numbers(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
        """Whoever stops one of these numbers at this moment comes before us or after us, not in between."""
        found = sa.select(requests.c.phone).where(which).distinct()
        for name in sorted(set(map(lock_name, connection.execute(found).scalars()))):
            self._database.lock(connection, name)

    def _lock_blocks(self, connection: sa.Connection) -> None:
        """Who will look at the blocks and changes what waits before says so first.

        Whoever blocks a number has the blocks and then wants what waits: in the other order the two would wait for
        each other.
        """
        if not self._database.is_sqlite:
            connection.execute(sa.text("LOCK TABLE blocks IN ACCESS SHARE MODE"))

    def _cut_off(self, connection: sa.Connection, now: datetime) -> list[Any]:
        """What a process held when it ended: there is no telling whether it had rung."""
        moved: list[Any] = []
        for which, was_resent in ((_CUT_OFF_AT_FIRST, False), (_CUT_OFF_AGAIN, True)):
            end = self.lost("the process that handed it over ended")
            if was_resent:
                end = Settlement(transitions.LOSE, end.detail)
            moved += self._end(connection, which, end, now)
        return moved

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
            return due.first(connection) is not None


_IS_HELD = requests.c.held.is_not(None)
_WENT_ALONG = "held, and shown as the others for its number"
_CONSENT = ("purpose", "granted", "sentence", "sha256", "language", "form_version", "page")
_TIME = ("slot_starts_at", "slot_ends_at", "zone")
_ANSWERS = (
    *("widget", "phone", "region", "name", "email", "company", "message", "page", "language"),
    *_TIME,
)


# Made once: they are asked with every request, or several times a second.
_EARLIER_USE = sa.select(requests.c.id, requests.c.reference, requests.c.answers_hash).where(
    requests.c.form_id == sa.bindparam("form_id")
)
_STORE = requests.insert()
_NOTE_CONSENT = consents.insert().inline()


_OF_PHONE: sa.BindParameter[str] = sa.bindparam("of_phone")


def _taking(taken: sa.ColumnElement[bool], is_asap: bool) -> Any:
    """Take what waits for one number at one widget, for one time or as soon as possible.

    With those that are rung goes what is held, so that its page reveals nothing.
    """
    mine = requests.c.phone == _OF_PHONE, requests.c.widget == sa.bindparam("of_widget"), in_state(State.WAITING)
    slot = requests.c.slot_starts_at
    for_one_time = slot.is_(None) if is_asap else slot == sa.bindparam("of_slot", type_=Instant)
    lease_ends_at = sa.bindparam("until", type_=Instant)
    values = {"owner": sa.bindparam("by_owner"), "lease_ends_at": lease_ends_at, "attempt": requests.c.attempt + 1}
    return transitions.change(transitions.CLAIM, sa.and_(*mine, for_one_time, taken), **values)


_TAKE = [_taking(sa.true(), is_asap) for is_asap in (False, True)]
_TAKE_HELD = [_taking(_IS_HELD, is_asap) for is_asap in (False, True)]
_OF_A_CLAIM = sa.and_(requests.c.phone == _OF_PHONE, requests.c.owner == sa.bindparam("of_owner"))
_CUT_OFF = sa.and_(in_state(State.HANDING_OVER), requests.c.lease_ends_at <= NOW)
_CUT_OFF_AT_FIRST = sa.and_(_CUT_OFF, requests.c.resent.is_(False))
_CUT_OFF_AGAIN = sa.and_(_CUT_OFF, requests.c.resent.is_(True))


@cache
def _ending(transition: Transition, which: sa.ColumnElement[bool], is_tried_again: bool) -> Any:
    values: dict[str, Any] = {"owner": None, "lease_ends_at": None}
    if is_tried_again:
        values["next_attempt_at"] = sa.bindparam("again_at", type_=Instant)
    if transition is transitions.LOSE_AND_RESEND:
        values["resend_at"] = sa.bindparam("again_at", type_=Instant)
    return transitions.change(transition, which, **values)


def _shut_out(key: str, now: datetime) -> sa.ColumnElement[bool]:
    """What waits, is due, and has nobody to be handed to."""
    due = sa.or_(requests.c.next_attempt_at <= now, requests.c.give_up_at <= now)
    in_its_slot = sa.and_(requests.c.slot_ends_at.is_not(None), requests.c.slot_ends_at > now)
    return sa.and_(requests.c.widget == key, in_state(State.WAITING), due, sa.not_(in_its_slot))


def _was_moved(connection: sa.Connection, id: str) -> bool:
    moved = events.c.request_id == id, events.c.kind == EventKind.RESCHEDULED
    return connection.execute(sa.select(events.c.id).where(*moved).limit(1)).first() is not None


def _note_consents(connection: sa.Connection, id: str, agreed: Collection[Consent], now: datetime) -> None:
    """Beside the request, in its transaction; only ever added to."""
    for consent in agreed:
        values = {name: getattr(consent, name) for name in _CONSENT}
        connection.execute(_NOTE_CONSENT, {"request_id": id, "at": now, **values})


def as_request(row: Any) -> CallbackRequest:
    """A row of the store, with its words."""
    return CallbackRequest(
        id=row.id,
        reference=row.reference,
        state=State(row.state),
        held=Held(row.held) if row.held else None,
        answers=Answers(attributes=row.attributes, **{name: getattr(row, name) for name in _ANSWERS}),
        requested_at=row.requested_at,
        due_at=row.due_at,
        promised_by=row.promised_by,
        attempt=row.attempt,
        next_attempt_at=row.next_attempt_at,
        resent=row.resent,
        erased_at=row.erased_at,
    )
