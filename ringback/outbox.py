"""Accept, claim, settle, cancel: every change of a request, each one transaction.

The request is the job. Storing it and queueing it is one commit, so nothing can fall between, and the
state "handing over" is on the disk before a byte leaves for Samespace: whatever dies after that is
`unknown` and is never sent again by itself.

Requests for one number are one hand-over. Nothing is stored about who joined whom: whoever claims a
number claims every request that waits for it, and what happens to that call happens to all of them.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from limits import parse_many

from ringback.callback_request import (
    MAY_FOLLOW,
    Answers,
    CallbackRequest,
    Event,
    EventKind,
    Held,
    State,
    new_id,
    new_reference,
)
from ringback.database import Database, events, requests, stops
from ringback.settings import Settings

Clock = Callable[[], datetime]


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
    """Requests for one number that this owner hands over together, the earliest first."""

    requests: tuple[CallbackRequest, ...]
    owner: str
    attempt: int

    @property
    def is_held(self) -> bool:
        """Held requests look like any other, and ring nobody."""
        return self.requests[0].held is not None


@dataclass(frozen=True)
class Settlement:
    """How a claim ends. `detail` is for operators; `next_attempt_at` for what waits again."""

    state: State
    event: EventKind | None
    detail: str | None = None
    next_attempt_at: datetime | None = None


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


class Outbox:
    """The requests of one store."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self.arrived = threading.Event()  # wakes the hand-over in this process

    # --- the visitor's side ---

    def find_use(self, use: FormUse) -> Receipt | None:
        """What this form led to when it was sent before, or None."""
        with self._database.read() as connection:
            return self._earlier_use(connection, use)

    def accept(self, answers: Answers, use: FormUse | None = None) -> Receipt:
        """Store a request. When this returns it is on the disk.

        Sent with a form that was used before, it changes nothing and says what that led to.
        """
        for _ in range(3):
            try:
                receipt = self._accept_once(answers, use)
            except sa.exc.IntegrityError:
                continue  # the same form a moment earlier, or a reference drawn twice: look again
            self.arrived.set()
            return receipt
        return self._accept_once(answers, use)

    def _accept_once(self, answers: Answers, use: FormUse | None) -> Receipt:
        with self._database.write() as connection:
            self._database.lock_number(connection, answers.phone)
            earlier = self._earlier_use(connection, use) if use else None
            if earlier:
                return earlier
            now = self._clock()
            held = self._why_held(connection, answers, now)
            row = self._new_row(answers, use, held, now)
            connection.execute(requests.insert().values(row))
            _record(connection, [row["id"]], now, EventKind.RECEIVED)
            if held:
                _record(connection, [row["id"]], now, EventKind.HELD, held)
            return Receipt(row["id"], row["reference"], stored_now=True)

    def _new_row(self, answers: Answers, use: FormUse | None, held: Held | None, now: datetime) -> dict[str, Any]:
        widget = self._settings.widgets[answers.widget]
        promised_by = now + timedelta(minutes=widget.promise_minutes) if widget.promise_minutes else None
        patience = timedelta(minutes=self._settings.delivery.give_up_minutes)
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
            "due_at": now,
            "promised_by": promised_by,
            "give_up_at": (promised_by or now) + patience,
            "next_attempt_at": now,
            "changed_at": now,
        }

    def _earlier_use(self, connection: sa.Connection, use: FormUse) -> Receipt | None:
        columns = requests.c.id, requests.c.reference, requests.c.answers_hash
        row = connection.execute(sa.select(*columns).where(requests.c.form_id == use.form_id)).first()
        if row is None:
            return None
        return Receipt(row.id, row.reference, stored_now=False, same_answers=row.answers_hash == use.answers_hash)

    def _why_held(self, connection: sa.Connection, answers: Answers, now: datetime) -> Held | None:
        stopped = sa.select(stops.c.phone).where(stops.c.phone == answers.phone, stops.c.until > now)
        if connection.execute(stopped).first():
            return Held.STOPPED
        limits = self._settings.limits
        if _is_over(connection, requests.c.phone == answers.phone, limits.per_number, now):
            return Held.NUMBER_LIMIT
        if _is_over(connection, requests.c.widget == answers.widget, limits.per_widget, now):
            return Held.WIDGET_LIMIT
        return None

    def read(self, id: str) -> tuple[CallbackRequest, list[Event]] | None:
        """A request with all that happened to it, oldest first, or None."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(requests).where(requests.c.id == id)).first()
            if row is None:
                return None
            found = sa.select(events).where(events.c.request_id == id).order_by(events.c.id)
            return _as_request(row), [
                Event(event.at, EventKind(event.kind), event.detail) for event in connection.execute(found)
            ]

    def cancel(self, id: str) -> bool:
        """Withdraw a request. False if it no longer waited: then nothing has changed."""
        with self._database.write() as connection:
            moved = self._move(
                connection, requests.c.id == id, State.WAITING, State.CANCELLED, EventKind.CANCELLED
            )
            return bool(moved)

    def stop(self, phone: str) -> None:
        """Hold what waits for a number and what will come for it in the next `stop_days`."""
        with self._database.write() as connection:
            self._database.lock_number(connection, phone)
            now = self._clock()
            until = now + timedelta(days=self._settings.privacy.stop_days)
            connection.execute(stops.delete().where(stops.c.phone == phone))
            connection.execute(stops.insert().values(phone=phone, until=until))
            waits = requests.c.phone == phone, requests.c.state == State.WAITING, requests.c.held.is_(None)
            hold = requests.update().where(*waits).values(held=Held.STOPPED).returning(requests.c.id)
            _record(connection, connection.execute(hold).scalars().all(), now, EventKind.HELD, Held.STOPPED)

    # --- the hand-over's side ---

    def claim(self, owner: str) -> Claim | None:
        """Take the number whose promise is oldest, and everything that waits for it. None: nothing is due."""
        now = self._clock()
        with self._database.read() as connection:
            if connection.execute(_due(now).limit(1)).first() is None:
                return None
        with self._database.write() as connection:
            # `attempt` and `owner` go with the row from here: who no longer owns it cannot settle it.
            head = connection.execute(_due(now).limit(1).with_for_update(skip_locked=True)).first()
            if head is None or not self._may_claim(connection, head.phone):
                return None
            together = requests.c.id == head.id if head.held else _waiting_for(head.phone)
            attempt = (
                connection.execute(sa.select(sa.func.max(requests.c.attempt)).where(together)).scalar_one() + 1
            )
            lease = now + timedelta(seconds=self._settings.delivery.lease_seconds)
            values = {"owner": owner, "lease_ends_at": lease, "attempt": attempt}
            ids = self._move(
                connection, together, State.WAITING, State.HANDING_OVER, EventKind.ATTEMPTED, **values
            )
            claimed = sa.select(requests).where(requests.c.id.in_(ids)).order_by(requests.c.requested_at)
            return Claim(tuple(_as_request(row) for row in connection.execute(claimed)), owner, attempt)

    def _may_claim(self, connection: sa.Connection, phone: str) -> bool:
        if self._database.is_sqlite:
            return True
        # Somebody who is deciding about this number holds its lock, and may want the row we hold: do not wait.
        lock = sa.func.pg_try_advisory_xact_lock(sa.func.hashtextextended(phone, 0))
        return bool(connection.execute(sa.select(lock)).scalar())

    def settle(self, claim: Claim, settlement: Settlement) -> bool:
        """Record how a hand-over ended. False if the claim had run out and somebody else decided."""
        with self._database.write() as connection:
            phone = claim.requests[0].answers.phone
            self._database.lock_number(connection, phone)
            ours = (
                requests.c.id.in_([request.id for request in claim.requests]),
                requests.c.owner == claim.owner,
                requests.c.attempt == claim.attempt,
            )
            moved = self._end(connection, sa.and_(*ours), settlement)
            if moved and not claim.is_held:
                self._end_latecomers(connection, phone, settlement)
            return bool(moved)

    def _end(self, connection: sa.Connection, which: sa.ColumnElement[bool], settlement: Settlement) -> list[str]:
        values: dict[str, Any] = {"owner": None, "lease_ends_at": None}
        if settlement.next_attempt_at:
            values["next_attempt_at"] = settlement.next_attempt_at
        return self._move(
            connection,
            which,
            State.HANDING_OVER,
            settlement.state,
            settlement.event,
            settlement.detail,
            **values,
        )

    def _end_latecomers(self, connection: sa.Connection, phone: str, settlement: Settlement) -> None:
        """A request that came while its number was in the air joined that call, and shares its end."""
        if settlement.state in (State.WITH_TEAM, State.UNKNOWN):
            joined = _waiting_for(phone)
            self._move(connection, joined, State.WAITING, settlement.state, settlement.event, settlement.detail)

    def expire(self) -> list[str]:
        """Give up what is too late and mark what was cut off; the references of both, for the log."""
        now = self._clock()
        late = sa.and_(requests.c.state == State.WAITING, requests.c.give_up_at <= now)
        cut_off = sa.and_(requests.c.state == State.HANDING_OVER, requests.c.lease_ends_at <= now)
        with self._database.read() as connection:
            if connection.execute(sa.select(requests.c.id).where(sa.or_(late, cut_off)).limit(1)).first() is None:
                return []
        with self._database.write() as connection:
            phones = connection.execute(sa.select(requests.c.phone).where(cut_off, requests.c.held.is_(None)))
            lost = Settlement(State.UNKNOWN, EventKind.UNKNOWN, "the process that handed it over ended")
            numbers = sorted(set(phones.scalars()))
            ids = self._end(connection, cut_off, lost)
            for phone in numbers:
                self._end_latecomers(connection, phone, lost)
            ids += self._move(
                connection, late, State.WAITING, State.FAILED, EventKind.FAILED, "given up: too late"
            )
            named = sa.select(requests.c.reference).where(requests.c.id.in_(ids))
            return list(connection.execute(named).scalars())

    # --- the operator's side ---

    def listed(self, attention: bool = False, limit: int = 100) -> list[CallbackRequest]:
        """The newest requests, or those a person has to look at."""
        query = sa.select(requests).order_by(requests.c.requested_at.desc()).limit(limit)
        if attention:
            held = sa.and_(requests.c.held.is_not(None), requests.c.state != State.CANCELLED)
            query = query.where(sa.or_(requests.c.state.in_([State.UNKNOWN, State.FAILED]), held))
        with self._database.read() as connection:
            return [_as_request(row) for row in connection.execute(query)]

    def find(self, reference: str) -> str | None:
        """The id behind a reference, or None."""
        with self._database.read() as connection:
            return connection.execute(sa.select(requests.c.id).where(requests.c.reference == reference)).scalar()

    def release(self, id: str) -> bool:
        """Hand over what was held. False if it is not held."""
        with self._database.write() as connection:
            now = self._clock()
            held = sa.and_(requests.c.id == id, requests.c.held.is_not(None))
            row = connection.execute(sa.select(requests.c.state).where(held)).first()
            if row is None or State(row.state) in (State.CANCELLED, State.HANDING_OVER):
                return False
            self._queue_again(connection, id, State(row.state), EventKind.RELEASED)
            connection.execute(requests.update().where(requests.c.id == id).values(held=None, changed_at=now))
            return True

    def retry(self, id: str) -> bool:
        """Hand over again what failed or is unknown. False if it is neither."""
        with self._database.write() as connection:
            row = connection.execute(sa.select(requests.c.state).where(requests.c.id == id)).first()
            if row is None or State(row.state) not in (State.FAILED, State.UNKNOWN):
                return False
            self._queue_again(connection, id, State(row.state), EventKind.RETURNED)
            return True

    def resolve(self, id: str, rang: bool) -> bool:
        """Say what became of an unknown: the team had it, or it goes out again. False if it is not unknown."""
        with self._database.write() as connection:
            if rang:
                which = requests.c.id == id
                return bool(self._move(connection, which, State.UNKNOWN, State.WITH_TEAM, EventKind.RESOLVED))
            row = connection.execute(sa.select(requests.c.state).where(requests.c.id == id)).first()
            if row is None or State(row.state) is not State.UNKNOWN:
                return False
            self._queue_again(connection, id, State.UNKNOWN, EventKind.RESOLVED)
            return True

    def _queue_again(self, connection: sa.Connection, id: str, state: State, event: EventKind) -> None:
        now = self._clock()
        give_up_at = now + timedelta(minutes=self._settings.delivery.give_up_minutes)
        values: dict[str, Any] = {"next_attempt_at": now, "give_up_at": give_up_at}
        if state is State.WAITING:
            connection.execute(requests.update().where(requests.c.id == id).values(values))
            _record(connection, [id], now, event)
            return
        self._move(connection, requests.c.id == id, state, State.WAITING, event, **values)

    # --- the one way a state changes ---

    def _move(
        self,
        connection: sa.Connection,
        which: sa.ColumnElement[bool],
        before: State,
        after: State,
        event: EventKind | None,
        detail: str | None = None,
        **values: Any,
    ) -> list[str]:
        """Change the state of what is still in `before`, record it, and give back the ids that changed."""
        if after not in MAY_FOLLOW[before]:
            raise ValueError(f"{after} may not follow {before}")
        now = self._clock()
        change = (
            requests.update()
            .where(which, requests.c.state == before)
            .values(state=after, changed_at=now, **values)
            .returning(requests.c.id)
        )
        ids = list(connection.execute(change).scalars())
        if event:
            _record(connection, ids, now, event, detail)
        return ids


_ANSWERS = ("widget", "phone", "region", "name", "email", "company", "message", "page", "language")


def _waiting_for(phone: str) -> sa.ColumnElement[bool]:
    return sa.and_(requests.c.phone == phone, requests.c.state == State.WAITING, requests.c.held.is_(None))


def _due(now: datetime) -> sa.Select[Any]:
    """What may be claimed, oldest promise first; not a number whose call is in the air."""
    other = requests.alias()
    in_the_air = sa.exists().where(
        other.c.phone == requests.c.phone, other.c.state == State.HANDING_OVER, other.c.held.is_(None)
    )
    return (
        sa.select(requests.c.id, requests.c.phone, requests.c.held)
        .where(requests.c.state == State.WAITING, requests.c.next_attempt_at <= now)
        .where(sa.or_(requests.c.held.is_not(None), sa.not_(in_the_air)))
        .order_by(requests.c.due_at, requests.c.next_attempt_at)
    )


def _is_over(connection: sa.Connection, which: sa.ColumnElement[bool], limit: str, now: datetime) -> bool:
    for item in parse_many(limit):
        since = now - timedelta(seconds=item.get_expiry())
        recent = sa.select(requests.c.id).where(which, requests.c.requested_at > since).limit(item.amount)
        if len(connection.execute(recent).all()) >= item.amount:
            return True
    return False


def _record(
    connection: sa.Connection, ids: Iterable[str], at: datetime, kind: EventKind, detail: str | None = None
) -> None:
    rows: Sequence[dict[str, Any]] = [{"request_id": id, "at": at, "kind": kind, "detail": detail} for id in ids]
    if rows:
        connection.execute(events.insert(), rows)


def _as_request(row: Any) -> CallbackRequest:
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
    )
