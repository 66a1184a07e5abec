"""Everything that is kept about a person: given out, erased, and purged when its time is over.

What is left of an erased request is what nobody can be known by: its id, so that its link can say that it
is gone, its reference, widget, states and times; and, for as long as limits look back, keyed hashes of the
number and of the address that asked.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.outbox import audit, transitions, visitor_mails, webhook_events
from ringback.outbox.core import as_request
from ringback.outbox.export import PERSONAL, all_about
from ringback.outbox.numbers.brake import Brake
from ringback.outbox.numbers.number_locks import lock_number
from ringback.outbox.numbers.number_rules import NumberRules
from ringback.outbox.operators import by_hand
from ringback.outbox.purging import LAST_PURGE, drop_old_alerts, forget_hashes, has_leapt
from ringback.outbox.quoting import is_quoted
from ringback.outbox.request import EventKind, State
from ringback.outbox.search import forget_words
from ringback.store.call_tables import calls, outcomes
from ringback.store.database import Database
from ringback.store.locks import lock
from ringback.store.program_tables import kept_answers
from ringback.store.remembered import recall, recall_instant, remember
from ringback.store.tables import (
    about,
    consents,
    events,
    in_state,
    requests,
)

_TO_SWEEP = "to_sweep"
_AT_ONCE = 200  # requests in one transaction, so that visitors do not wait behind it
_IN_THE_AIR = in_state(State.HANDING_OVER)
_KEPT = requests.c.erased_at.is_(None)


class Erasure(StrEnum):
    """What became of the wish to be forgotten."""

    DONE = "done"
    ON_ITS_WAY = "on its way"  # being handed over: a moment later it can be erased
    GONE = "gone"  # erased before, or never there


@dataclass(frozen=True)
class Purge:
    """What a purge did, and what is left of all that was ever erased.

    `clock_leapt`: it did nothing, since the clock has not run steadily for an hour.
    """

    at: datetime
    erased: int
    left: int
    clock_leapt: bool = False


class PersonalData:
    """The personal data of one store."""

    def __init__(
        self, database: Database, settings: Settings, numbers: NumberRules, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._settings = settings
        self._numbers = numbers
        self._brake = Brake(settings)
        self._clock = clock

    # --- given out ---

    def export(self, id: str, for_operators: bool = False, by: str | None = None) -> dict[str, Any] | None:
        """All that is kept about one request, or None. `by`: an operator's name, if one takes it out.

        A visitor's copy does not say whether their number is held: it would tell a stranger. Its times are whole
        minutes: by their fractions a call that was made differs from one that was not.
        """
        with self._database.write() if by else self._database.read() as connection:
            row = connection.execute(sa.select(requests).where(requests.c.id == id, _KEPT)).first()
            if row and by:
                audit.note(connection, self._clock(), by, "export", [row.reference])
            return all_about(connection, row, for_operators) if row else None

    def export_number(self, phone: str, by: str = "cli") -> list[dict[str, Any]]:
        """All that is kept about a number, oldest first, as operators may see it."""
        query = sa.select(requests).where(requests.c.phone == phone, _KEPT).order_by(requests.c.requested_at)
        with self._database.write() as connection:
            rows = connection.execute(query).all()
            audit.note(connection, self._clock(), by, "export", [row.reference for row in rows])
            return [all_about(connection, row, True) for row in rows]

    # --- erased ---

    def erase(self, id: str, by: str | None = None) -> Erasure:
        """Forget one request. What waits is withdrawn by it; what is in the air has to come down first.

        `by`: an operator's name, if it is not its visitor who wants it.
        """
        with self._database.write() as connection:
            row = connection.execute(sa.select(requests.c.state).where(requests.c.id == id, _KEPT)).first()
            if row is None:
                return Erasure.GONE
            if not self._erase(connection, requests.c.id == id, by):
                return Erasure.ON_ITS_WAY
        if self._database.is_small:
            self._sweep()  # else with the next purge: no visitor is to wait while a large file is written anew
        return Erasure.DONE

    def erase_all(self, ids: Collection[str], by: str) -> int:
        """Forget these, at most 200; what is on its way stays. How many were erased."""
        erased = 0
        if ids:
            with self._database.write() as connection:
                erased = self._erase(connection, requests.c.id.in_(ids), by)
        if erased and self._database.is_small:
            self._sweep()
        return erased

    def erase_number(self, phone: str, by: str = "cli") -> tuple[int, int]:
        """Forget every request for a number: how many were erased, and how many are on their way."""
        mine, erased = requests.c.phone == phone, 0
        while some := self._erase_some(mine, phone, by):
            erased += some
        with self._database.read() as connection:
            left = connection.execute(sa.select(sa.func.count()).select_from(requests).where(mine)).scalar_one()
        self._sweep()
        return erased, left

    def _erase_some(self, which: sa.ColumnElement[bool], phone: str = "", by: str | None = None) -> int:
        with self._database.write() as connection:
            if phone:
                lock_number(connection, phone)
            return self._erase(connection, which, by)

    def _erase(self, connection: sa.Connection, which: sa.ColumnElement[bool], by: str | None = None) -> int:
        now = self._clock()
        can_be_erased = which, _KEPT, sa.not_(_IN_THE_AIR)
        some = requests.c.id.in_(sa.select(requests.c.id).where(*can_be_erased).limit(_AT_ONCE))
        in_order = sa.select(requests).where(some, *can_be_erased).order_by(requests.c.id)  # as in `row_locks`
        rows = connection.execute(in_order.with_for_update()).all()
        ids = [row.id for row in rows]
        if not ids:
            return 0
        transitions.apply(connection, transitions.CANCEL, requests.c.id.in_(ids), now)
        for row in rows:
            _forget_replies(connection, row)
            blank = _BLANK | {
                "number_hash": self._numbers.remember(connection, row.id, row.phone),
                "erased_at": now,
            }
            connection.execute(requests.update().where(requests.c.id == row.id).values(blank))
        connection.execute(consents.delete().where(consents.c.request_id.in_(ids)))
        for table in (calls, outcomes):
            connection.execute(table.delete().where(table.c.request_id.in_(ids)))
        forget_words(connection, ids)
        by_hand.forget(connection, ids)
        if by:
            audit.note(connection, now, by, "erase", [row.reference for row in rows])
        webhook_events.note_erased(connection, ids, now)
        if self._database.needs_sweep:
            # In the same commit: whoever is killed before it has swept leaves it to the next purge.
            remember(connection, _TO_SWEEP, secrets.token_hex(8))
        return len(ids)

    def _sweep(self) -> None:
        """Take out of the store's files what was erased from its tables."""
        with self._database.read() as connection:
            mark = recall(connection, _TO_SWEEP)
        if mark and self._database.sweep():
            with self._database.write() as connection:
                # Not a later one: what it stands for may have missed this sweep.
                connection.execute(about.delete().where(about.c.key == _TO_SWEEP, about.c.value == mark))

    # --- purged ---

    def purge(self) -> Purge:
        """Erase what ended, and was due, longer than `retention_days` ago, and what limits need no more.

        Never what waits: a call that is booked for later than that is made first. With a clock that leapt it does
        nothing until that ran steadily for an hour.
        """
        now = self._clock()
        with self._database.write() as connection:
            leapt = has_leapt(connection, now)
        if leapt:
            return Purge(now, 0, self._count_erased(), clock_leapt=True)
        long_ago = now - timedelta(days=self._settings.privacy.retention_days)
        over = requests.c.changed_at <= long_ago, requests.c.due_at <= long_ago
        erased = 0
        while some := self._erase_some(sa.and_(*over, requests.c.state != State.WAITING)):
            erased += some
        with self._database.write() as connection:
            lock(connection, LAST_PURGE)  # processes that start together purge together
            forget_hashes(connection, self._numbers, self._brake, now)
            drop_old_alerts(connection, long_ago)
            audit.drop_old(connection, now)
            webhook_events.drop_old(connection, long_ago)
            visitor_mails.drop_old(connection, now)
            connection.execute(kept_answers.delete().where(kept_answers.c.begun_at <= now - timedelta(days=1)))
            remember(connection, LAST_PURGE, now)
        self._sweep()
        return Purge(now, erased, self._count_erased())

    def _count_erased(self) -> int:
        with self._database.read() as connection:
            return connection.execute(_COUNT_ERASED).scalar_one()

    def last_purge(self) -> datetime | None:
        """When the last one ended, or None."""
        with self._database.read() as connection:
            return recall_instant(connection, LAST_PURGE)


_BLANK: dict[str, Any] = {
    **dict.fromkeys(("phone", "region", *PERSONAL), ""),
    "attributes": {},
    "answers_hash": None,
    "resend_at": None,
    "claimed_by": None,
    "claimed_until": None,
    "trace": None,
}
_COUNT_ERASED = sa.select(sa.func.count()).select_from(requests).where(requests.c.erased_at.is_not(None))


def _forget_replies(connection: sa.Connection, row: Any) -> None:
    """Samespace's replies about a request; and those about who shared its call, where they quote it."""
    mine = events.c.request_id == row.id
    calls = sa.select(events.c.at).where(mine, events.c.detail.is_not(None))
    shared = sa.select(requests.c.id).where(requests.c.phone == row.phone, requests.c.id != row.id)
    of_others = sa.and_(events.c.request_id.in_(shared), events.c.at.in_(calls), events.c.kind != EventKind.HELD)
    said = connection.execute(sa.select(events.c.id, events.c.detail).where(of_others)).all()
    answers = as_request(row).answers
    quoting = [event.id for event in said if event.detail and is_quoted(answers, event.detail)]
    connection.execute(events.update().where(sa.or_(mine, events.c.id.in_(quoting))).values(detail=None))
