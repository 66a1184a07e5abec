"""What operators do by hand: claim a number, call it from their dock, note what became of it.

One guard for all: whoever calls a number, an operator or the hand-over, has it alone. A claim and a hand-over
of the same telephone exclude each other in the store, under the lock of its number.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.outbox import audit
from ringback.outbox.calls.called import mark_called
from ringback.outbox.calls.outcomes import Outcome, Said, Source, write_down
from ringback.outbox.core import as_request
from ringback.outbox.due_query import CLAIMED_FOR, is_claimed, same_telephone
from ringback.outbox.numbers.number_locks import lock_number
from ringback.outbox.numbers.number_rules import NumberRules
from ringback.outbox.operators import called_by_hand
from ringback.outbox.request import CallbackRequest, Held, State
from ringback.outbox.selection import KEPT, NOT_HELD
from ringback.outbox.wrong_clock import run_out
from ringback.store.call_tables import outcomes
from ringback.store.console_tables import dials, intended, notes
from ringback.store.database import Database
from ringback.store.tables import in_state, requests

# Whoever asks again within this has most likely pressed twice, or in two windows.
_JUST_CALLED = timedelta(seconds=30)
LONGEST_NOTE = 2_000  # characters
# What an operator may say became of a call.
OF_A_CALL = (Outcome.ANSWERED, Outcome.NO_ANSWER, Outcome.VOICEMAIL, Outcome.WRONG_NUMBER)


class DialState(StrEnum):
    """Where a call from a dock stands."""

    ASKED = "asked"  # on its way to Samespace, or nobody knows
    TAKEN = "taken"
    NOT_LOGGED_IN = "not_logged_in"
    REFUSED = "refused"
    UNCLEAR = "unclear"

    @property
    def may_ring(self) -> bool:
        """Whether the dock may be dialling."""
        return self in (DialState.ASKED, DialState.TAKEN, DialState.UNCLEAR)


class NotNowError(Exception):
    """What cannot be done now. The text is a sentence for operators."""


@dataclass(frozen=True)
class Dial:
    """A call from somebody's dock. `is_new`: it is to be made now, and by nobody else."""

    id: int
    request: CallbackRequest
    state: DialState
    reply: str
    is_new: bool
    was_claimed: bool = False  # by them, before the call


@dataclass(frozen=True)
class Done:
    """One thing that was done by hand: `kind` is note, outcome or dial."""

    at: datetime
    by: str
    kind: str
    what: str
    note: str
    call_id: str = ""


class ByHand:
    """What operators do by hand in one store. `who` is an operator's name."""

    def __init__(
        self, database: Database, settings: Settings, numbers: NumberRules, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._settings = settings
        self._numbers = numbers
        self._clock = clock

    def claim(self, id: str, who: str) -> datetime:
        """Have a number alone until the time that is returned. Raises NotNowError, LookupError."""
        with self._database.write() as connection:
            now = self._clock()
            request = _locked(connection, id)
            _refuse_cancelled(request)
            self._take(connection, request, who, now)
            audit.note(connection, now, f"console:{who}", "claim", [request.reference])
            return now + CLAIMED_FOR

    def let_go(self, id: str, who: str) -> bool:
        """Give a claim back. False if they had none."""
        with self._database.write() as connection:
            now = self._clock()
            mine = requests.c.id == id, requests.c.claimed_by == who, requests.c.claimed_until > now
            free = requests.update().where(*mine).values(claimed_by=None, claimed_until=None)
            references = list(connection.execute(free.returning(requests.c.reference)).scalars())
            audit.note(connection, now, f"console:{who}", "let go", references)
            return bool(references)

    def begin_dial(self, id: str, who: str, once: str, override: str = "") -> Dial:
        """Claim a number for a call from a dock, and write down that it is made.

        `once` is of the form that asks: sent again it gets what came of it. `override` says why somebody is called
        who asked not to be, or is blocked. Raises NotNowError, LookupError.
        """
        with self._database.write() as connection:
            now = self._clock()
            request = _locked(connection, id)
            earlier = connection.execute(sa.select(dials).where(dials.c.once == once)).first()
            if earlier:
                return Dial(earlier.id, request, DialState(earlier.state), earlier.reply, is_new=False)
            _refuse_cancelled(request)
            override = self._reason(connection, request, override, now)
            _refuse_called_now(connection, request, now)
            was_claimed = request.claimed_by == who and is_claimed(request.claimed_until, now)
            self._take(connection, request, who, now)
            row = {"once": once, "request_id": id, "at": now, "by": who, "state": DialState.ASKED, "call_id": ""}
            row |= {"reply": "", "overrides": override}
            made = connection.execute(dials.insert().values(row).returning(dials.c.id)).scalar_one()
            act = "call despite a stop or block" if override else "call"
            audit.note(connection, now, f"console:{who}", act, [request.reference])
            return Dial(made, request, DialState.ASKED, "", is_new=True, was_claimed=was_claimed)

    def end_dial(self, dial: Dial, state: DialState, reply: str, call_id: str = "") -> None:
        """Write down what Samespace answered. What the dock took nobody else calls; what it did not, waits on."""
        with self._database.write() as connection:
            now = self._clock()
            lock_number(connection, dial.request.answers.phone)
            values = {"state": state, "reply": reply, "call_id": call_id}
            connection.execute(dials.update().where(dials.c.id == dial.id).values(values))
            if state is DialState.TAKEN:
                called_by_hand.with_team(connection, dial.request.id, now, "called from an operator's dock")
            elif not state.may_ring and not dial.was_claimed:
                mine = requests.c.id == dial.request.id
                connection.execute(requests.update().where(mine).values(claimed_by=None, claimed_until=None))

    def note(self, id: str, who: str, text: str) -> None:
        """Keep what an operator wants the next one to know. Raises LookupError."""
        with self._database.write() as connection:
            now, reference = self._clock(), _reference(connection, id)
            row = {"request_id": id, "at": now, "by": who, "note": text[:LONGEST_NOTE]}
            connection.execute(notes.insert().values(row))
            audit.note(connection, now, f"console:{who}", "note", [reference])

    def outcome(self, id: str, who: str, outcome: Outcome, note: str = "") -> None:
        """Keep what became of a call. Who was spoken with, or is not there, is not called again.

        Raises LookupError.
        """
        with self._database.write() as connection:
            now = self._clock()
            request = _locked(connection, id)
            called_by_hand.held_no_longer(connection, id, now)
            together = write_down(connection, id, Said(now, Source.CONSOLE, who, outcome, note[:LONGEST_NOTE]))
            mark_called(connection, together, now, now, f"{outcome}: an operator said so")
            own = requests.c.id == id, requests.c.claimed_by == who
            connection.execute(requests.update().where(*own).values(claimed_by=None, claimed_until=None))
            audit.note(connection, now, f"console:{who}", f"outcome {outcome}", [request.reference])

    def done(self, id: str) -> list[Done]:
        """What was done by hand about a request, oldest first."""
        with self._database.read() as connection:
            return _done(connection, id)

    def is_unwanted(self, phone: str) -> bool:
        """Whether calls to a number are stopped or blocked."""
        with self._database.read() as connection:
            return self._numbers.why_silent(connection, phone, self._clock()) is not None

    def _take(self, connection: sa.Connection, request: CallbackRequest, who: str, now: datetime) -> None:
        """Claim a number that nobody else has. Raises NotNowError."""
        _refuse_intended(connection, request)
        phone = sa.select(sa.literal(request.answers.phone).label("phone")).subquery()
        same = same_telephone(phone, requests)
        in_the_air = sa.select(requests.c.id).where(in_state(State.HANDING_OVER), NOT_HELD, same).limit(1)
        if connection.execute(in_the_air).first():
            raise NotNowError("This number is being called at this moment. Look again in a minute.")
        claimed = sa.not_(run_out(requests.c.claimed_until, now, CLAIMED_FOR))
        others = sa.select(requests.c.id).where(claimed, requests.c.claimed_by != who, same)
        if connection.execute(others.limit(1)).first():
            raise NotNowError("Somebody else is calling this number. Look again when they are done.")
        mine = {"claimed_by": who, "claimed_until": now + CLAIMED_FOR}
        connection.execute(requests.update().where(requests.c.id == request.id).values(mine))

    def _reason(self, connection: sa.Connection, request: CallbackRequest, override: str, now: datetime) -> str:
        """Why somebody is called who asked not to be, or is blocked; "" for all others. Raises NotNowError."""
        is_unwanted = self._numbers.why_silent(connection, request.answers.phone, now) is not None
        if is_unwanted and not override:
            raise NotNowError(
                "Calls to this number are stopped or blocked. If you must call it, write down the reason."
            )
        return override if is_unwanted or request.held in (Held.STOPPED, Held.BLOCKED) else ""


def told(connection: sa.Connection, id: str) -> dict[str, Any]:
    """What was done by hand, for the export."""
    found = _done(connection, id)
    return {
        "by_hand": [
            {"at": each.at.isoformat(), "by": each.by, "kind": each.kind, "what": each.what, "note": each.note}
            for each in found
        ]
    }


def forget(connection: sa.Connection, ids: Collection[str]) -> None:
    """Erase what was written about people, in the transaction that erases their requests."""
    connection.execute(notes.delete().where(notes.c.request_id.in_(ids)))
    connection.execute(intended.delete().where(intended.c.request_id.in_(ids)))
    connection.execute(
        dials.update().where(dials.c.request_id.in_(ids)).values(reply="", overrides="", call_id="")
    )


# An agent has no name here, and a record only a number.
_SAID_BY = {str(Source.AGENT): "said an agent of the team", str(Source.RECORD): "says Samespace's record"}


def _done(connection: sa.Connection, id: str) -> list[Done]:
    found = []
    for row in connection.execute(sa.select(notes).where(notes.c.request_id == id)):
        found.append(Done(row.at, row.by, "note", "", row.note))
    for row in connection.execute(sa.select(outcomes).where(outcomes.c.request_id == id)):
        found.append(Done(row.at, _SAID_BY.get(row.source, row.by), "outcome", row.outcome, row.note))
    for row in connection.execute(sa.select(dials).where(dials.c.request_id == id)):
        said = " – ".join(filter(None, (row.reply, row.overrides and f"despite a stop or block: {row.overrides}")))
        found.append(Done(row.at, row.by, "dial", row.state, said, row.call_id))
    return sorted(found, key=lambda done: done.at)


def _reference(connection: sa.Connection, id: str) -> str:
    found = connection.execute(sa.select(requests.c.reference).where(requests.c.id == id, KEPT)).scalar()
    if found is None:
        raise LookupError
    return str(found)


def _locked(connection: sa.Connection, id: str) -> CallbackRequest:
    """A request as it is while nobody else decides about its number. Raises LookupError."""
    query = sa.select(requests).where(requests.c.id == id, KEPT)
    row = connection.execute(query).first()
    if row is None:
        raise LookupError
    lock_number(connection, row.phone)
    row = connection.execute(query).first()
    if row is None:
        raise LookupError
    return as_request(row)


def _refuse_cancelled(request: CallbackRequest) -> None:
    if request.state is State.CANCELLED:
        raise NotNowError("This request was cancelled: nobody waits for a call.")


def _refuse_intended(connection: sa.Connection, request: CallbackRequest) -> None:
    if connection.execute(sa.select(intended.c.act).where(intended.c.request_id == request.id)).first():
        raise NotNowError("An act on this request is about to happen. Undo it first, or wait a moment.")


def _refuse_called_now(connection: sa.Connection, request: CallbackRequest, now: datetime) -> None:
    mine = sa.select(requests.c.id).where(requests.c.phone == request.answers.phone)
    lately = dials.c.request_id.in_(mine), dials.c.at > now - _JUST_CALLED
    may_ring = dials.c.state.in_([state for state in DialState if state.may_ring])
    if connection.execute(sa.select(dials.c.id).where(*lately, may_ring).limit(1)).first():
        raise NotNowError("This number was called from a dock a moment ago. Look at your dock first.")
