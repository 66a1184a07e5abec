"""What people say became of a call, kept apart from what records say: who disagrees is shown, not merged."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.outbox import transitions
from ringback.outbox.calls.called import handed_over_together, mark_called
from ringback.outbox.numbers.number_locks import lock_number
from ringback.outbox.numbers.number_rules import NumberRules, waiting
from ringback.outbox.request import Held
from ringback.outbox.row_locks import lock_kept
from ringback.outbox.selection import KEPT, NOT_HELD
from ringback.store.call_tables import outcomes
from ringback.store.database import Database
from ringback.store.tables import requests

NOTE_CHARACTERS = 1_000


class Outcome(StrEnum):
    """What became of a call, in the words of whoever made it."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    WRONG_NUMBER = "wrong_number"
    DO_NOT_CALL = "do_not_call"  # the person asked not to be called: the number is stopped


# Somebody took the call.
REACHED = frozenset({Outcome.ANSWERED, Outcome.WRONG_NUMBER, Outcome.DO_NOT_CALL})


class Source(StrEnum):
    """Whom it came from."""

    AGENT = "agent"
    CONSOLE = "console"
    RECORD = "record"


@dataclass(frozen=True)
class Said:
    """One thing that was said. `by` is an operator's name, or a record's uuid."""

    at: datetime
    source: Source
    by: str
    outcome: str
    note: str = field(repr=False)


def disagree(said: Sequence[Said]) -> bool:
    """Whether one says that somebody answered and another that nobody did, as each person said last.

    Records are of calls, and there may be several: together they say whether one of them was answered.
    """
    found = {(each.source, each.by): each.outcome in REACHED for each in said if each.source is not Source.RECORD}
    of_records = [each.outcome in REACHED for each in said if each.source is Source.RECORD]
    return len({*found.values(), *([any(of_records)] if of_records else [])}) > 1


def write_down(connection: sa.Connection, id: str, said: Said) -> list[str]:
    """Keep what was said of a request's call with all that were handed over together; their ids.

    None of what is erased at this moment.
    """
    together = sorted(lock_kept(connection, handed_over_together(connection, id)))
    if together:
        connection.execute(outcomes.insert(), [vars(said) | {"request_id": each} for each in together])
    return together


class Outcomes:
    """What was said about the calls of one store."""

    def __init__(self, database: Database, numbers: NumberRules, clock: Clock = utc_now) -> None:
        self._database = database
        self._numbers = numbers
        self._clock = clock

    def say(self, id: str, outcome: Outcome, source: Source, by: str = "", note: str = "") -> bool:
        """Note what became of a request's call, and that the team called. False: it is held, or erased.

        It is said of all that were handed over together. Who asked not to be called is stopped, as at /stop.
        """
        with self._database.write() as connection:
            mine = requests.c.id == id, KEPT, NOT_HELD
            phone = connection.execute(sa.select(requests.c.phone).where(*mine)).scalar()
            if phone is None:
                return False
            lock_number(connection, phone)
            now = self._clock()
            together = write_down(connection, id, Said(now, source, by, outcome, note[:NOTE_CHARACTERS]))
            if id not in together:
                return False
            if outcome is Outcome.DO_NOT_CALL:
                line = self._numbers.stop(connection, phone, now)
                transitions.hold(connection, waiting(line.numbers()), Held.STOPPED, now)
            mark_called(connection, together, now, now, f"{outcome}: {source} said so")
            return True

    def said(self, id: str) -> list[Said]:
        """All that people and records said about a request's call, oldest first."""
        columns = outcomes.c.at, outcomes.c.source, outcomes.c.by, outcomes.c.outcome, outcomes.c.note
        query = sa.select(*columns).where(outcomes.c.request_id == id).order_by(outcomes.c.id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [Said(row.at, Source(row.source), row.by, row.outcome, row.note) for row in rows]
