"""Accept, cancel, reschedule, stop: every change of a request, each one transaction.

The request is the job. Storing it and queueing it is one commit, so nothing can fall between, and the
state "handing over" is on the disk before a byte leaves for Samespace. What dies after that is `unknown`:
resent only if `on_unknown` says so.

Here is the visitor's side; the hand-over's is in `claims`, and what time alone does in `expiry`.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ringback import logs
from ringback.opening_hours import Interval
from ringback.outbox import audit, transitions, visitor_mails
from ringback.outbox.consent import Consent
from ringback.outbox.core import ANSWERS, TIME, as_request
from ringback.outbox.expiry import Expiry
from ringback.outbox.numbers.number_locks import lock_number
from ringback.outbox.numbers.number_rules import waiting
from ringback.outbox.request import (
    Answers,
    CallbackRequest,
    Event,
    EventKind,
    Held,
    Source,
    State,
    earlier_detail,
    new_id,
    new_reference,
)
from ringback.outbox.search import note_words
from ringback.store.locks import lock
from ringback.store.tables import consents, events, requests


@dataclass(frozen=True)
class FormUse:
    """One form as it was sent: the id in its token, and what was answered, as a keyed hash.

    It may have been sent before the key was changed, so the hashes by the keys before are there, too.
    """

    form_id: str
    answers_hash: str
    by_earlier_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """What became of a form. `same_answers` is False when it was used before, for something else."""

    id: str
    reference: str
    stored_now: bool
    same_answers: bool = True


class Outbox(Expiry):
    """The requests of one store."""

    def find_use(self, use: FormUse) -> Receipt | None:
        """What this form led to when it was sent before, or None."""
        with self._database.read() as connection:
            return self._earlier_use(connection, use)

    def is_of_before(self, form_id: str, at: datetime) -> bool:
        """Whether there is a request of this form, and it was made by then."""
        earlier = sa.select(requests.c.id).where(requests.c.form_id == form_id, requests.c.requested_at <= at)
        with self._database.read() as connection:
            return connection.execute(earlier).first() is not None

    def last_of(self, source: str, count: int, since: datetime) -> datetime | None:
        """When the last but `count - 1` of the requests from this address came, if that was after `since`."""
        mine = requests.c.source == source, requests.c.requested_at > since
        newest_first = sa.select(requests.c.requested_at).where(*mine).order_by(requests.c.requested_at.desc())
        with self._database.read() as connection:
            return connection.execute(newest_first.offset(count - 1).limit(1)).scalar()

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
            lock_number(connection, answers.phone)
            earlier = self._earlier_use(connection, use) if use else None
            if earlier:
                return earlier
            now = self._clock()
            self.slots.admit(connection, self._settings.widgets[answers.widget], answers.slot_starts_at, now)
            held, takes_place = self._check(connection, answers, is_suspect, source, now)
            row = self._new_row(connection, answers, use, held, now) | {"takes_place": takes_place}
            if source:
                row |= {"source": source.address, "source_network": source.network}
            connection.execute(_STORE, row)
            _note_consents(connection, row["id"], agreed, now)
            note_words(connection, row["id"], answers.widget, answers.name, answers.email)
            transitions.begin(connection, row["id"], row["reference"], held, now)
            visitor_mails.note(connection, row["id"], answers, is_suspect, self._settings, now)
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

    def _lock_widget(self, connection: sa.Connection, widget: str) -> None:
        """Let nobody else count this widget's requests until the transaction ends.

        Numbers are locked one by one, so without this many at once would slip past the brake. Always taken after
        the number's lock, so that no two wait for each other.
        """
        lock(connection, f"widget {widget}")

    def _new_row(
        self,
        connection: sa.Connection,
        answers: Answers,
        use: FormUse | None,
        held: Held | None,
        now: datetime,
    ) -> dict[str, Any]:
        return {
            **{name: getattr(answers, name) for name in ANSWERS},
            "attributes": dict(answers.attributes),
            "id": new_id(),
            "reference": new_reference(),
            "state": State.WAITING,
            "held": held,
            "form_id": use.form_id if use else None,
            "answers_hash": use.answers_hash if use else None,
            "requested_at": now,
            "changed_at": now,
            "trace": logs.trace.get() or None,
            **self._times(connection, answers, now),
        }

    def _earlier_use(self, connection: sa.Connection, use: FormUse) -> Receipt | None:
        row = connection.execute(_EARLIER_USE, {"form_id": use.form_id}).first()
        if row is None:
            return None
        is_same = row.answers_hash in (use.answers_hash, *use.by_earlier_keys)
        return Receipt(row.id, row.reference, stored_now=False, same_answers=is_same)

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

    @property
    def has_any(self) -> bool:
        """Whether anything was ever asked for."""
        with self._database.read() as connection:
            return connection.execute(sa.select(requests.c.id).limit(1)).first() is not None

    def cancel(self, id: str, by: str | None = None) -> bool:
        """Withdraw a request. False if it no longer waited: then nothing has changed. `by`: an operator's name."""
        with self._database.write() as connection:
            now = self._clock()
            moved = transitions.apply(connection, transitions.CANCEL, requests.c.id == id, now)
            if by:
                audit.note(connection, now, by, "cancel", [row.reference for row in moved])
            return bool(moved)

    def reschedule(self, id: str, slot: Interval | None, zone: str = "", by: str | None = None) -> bool:
        """Move a request to another time, None for as soon as possible. False if it no longer waits.

        If it has that time already, nothing changes: the same form sent again gets the same answer, even if the
        request has moved on. Other requests for its number keep their times; where one of them has a place at
        this widget already, this one is held from now on. `by`: an operator's name.
        Raises PausedError, SlotTakenError.
        """
        with self._database.write() as connection:
            phone = connection.execute(sa.select(requests.c.phone).where(requests.c.id == id)).scalar_one()
            lock_number(connection, phone)
            now, request = self._clock(), _request(connection, id)
            is_waiting = request.state is State.WAITING
            if request.answers.slot_starts_at == (slot.start if slot else None):
                return is_waiting or (request.state is not State.CANCELLED and _was_moved(connection, id))
            if not is_waiting:
                return False
            start, end = (slot.start, slot.end) if slot else (None, None)
            self.slots.admit(connection, self._settings.widgets[request.answers.widget], start, now)
            answers = replace(
                request.answers, slot_starts_at=start, slot_ends_at=end, zone=zone or request.answers.zone
            )
            values: dict[str, Any] = {name: getattr(answers, name) for name in TIME}
            has_place = slot is None or not self.number_rules.has_place(connection, phone, answers.widget, but=id)
            values |= {**self._times(connection, answers, now), "attempt": 0, "takes_place": has_place}
            before = request.answers.slot_starts_at, request.answers.slot_ends_at
            was = earlier_detail(before[0], before[1]) if before[0] and before[1] else None
            moved = transitions.apply(connection, transitions.RESCHEDULE, requests.c.id == id, now, was, **values)
            if not has_place and request.held is None:
                transitions.hold(connection, requests.c.id == id, Held.BOOKED, now)
            if by:
                audit.note(connection, now, by, "reschedule", [row.reference for row in moved])
        self.arrived.set()
        return bool(moved)

    def stop(self, phone: str) -> None:
        """Hold what waits for a number and what will come for it in the next `stop_days`."""
        with self._database.write() as connection:
            lock_number(connection, phone)
            now = self._clock()
            line = self.number_rules.stop(connection, phone, now)
            transitions.hold(connection, waiting(line.numbers()), Held.STOPPED, now)

    def unstop(self, phone: str, by: str = "cli") -> bool:
        """End a stop. What it holds stays held. False if there was none."""
        with self._database.write() as connection:
            lock_number(connection, phone)
            now = self._clock()
            if not self.number_rules.unstop(connection, phone, now):
                return False
            audit.note(connection, now, by, "unstop", ["number"])
            return True


_CONSENT = ("purpose", "granted", "sentence", "sha256", "language", "form_version", "page")
# Made once: they are asked with every request, or several times a second.
_EARLIER_USE = sa.select(requests.c.id, requests.c.reference, requests.c.answers_hash).where(
    requests.c.form_id == sa.bindparam("form_id")
)
_STORE = requests.insert()
_NOTE_CONSENT = consents.insert().inline()


def _request(connection: sa.Connection, id: str) -> CallbackRequest:
    return as_request(connection.execute(sa.select(requests).where(requests.c.id == id)).one())


def _was_moved(connection: sa.Connection, id: str) -> bool:
    moved = events.c.request_id == id, events.c.kind == EventKind.RESCHEDULED
    return connection.execute(sa.select(events.c.id).where(*moved).limit(1)).first() is not None


def _note_consents(connection: sa.Connection, id: str, agreed: Collection[Consent], now: datetime) -> None:
    """Beside the request, in its transaction; only ever added to."""
    for consent in agreed:
        values = {name: getattr(consent, name) for name in _CONSENT}
        connection.execute(_NOTE_CONSENT, {"request_id": id, "at": now, **values})
