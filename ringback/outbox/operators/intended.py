"""Acts that can be undone: stored as intended, they happen when their ten seconds are over.

Until then the request is as it was, for its visitor, too; only that it is not handed over. A restart loses none.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.outbox.numbers.number_locks import lock_numbers
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import PersonalData
from ringback.outbox.request import new_id
from ringback.outbox.wrong_clock import run_out
from ringback.store.console_tables import intended
from ringback.store.database import Database
from ringback.store.failures import log_failure
from ringback.store.tables import requests

log = logging.getLogger("ringback.acts")

UNDO_FOR = timedelta(seconds=10)
_AT_ONCE = 200
_AT_MOST_SECONDS = 0.5  # of the loop that hands over


@dataclass(frozen=True)
class Intention:
    """What somebody did and can take back: one act on `count` requests, of which `references` are the first."""

    batch: str
    act: str
    count: int
    due_at: datetime
    references: tuple[str, ...]


class Intended:
    """The acts of one store that are still to happen. `who` is an operator's name."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        operations: Operations,
        personal_data: PersonalData,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._operations = operations
        self._personal_data = personal_data
        self._clock = clock

    def intend(self, ids: Collection[str], act: str, who: str, detail: str = "") -> int:
        """Have an act happen to these requests in ten seconds. How many; others are about to be changed already.

        `act` is retry, release, cancel, erase, resolve (`detail`: yes or no) or block.
        """
        if act not in (*self._acts(), "erase"):
            raise ValueError(act)
        with self._database.write() as connection:
            which = requests.c.id.in_(ids)
            lock_numbers(connection, which)  # whoever calls one of them now comes before us or after us
            due = {"act": act, "detail": detail, "by": who, "due_at": self._clock() + UNDO_FOR, "batch": new_id()}
            there = sa.select(intended.c.request_id).where(intended.c.request_id.in_(ids))
            known = set(connection.execute(there).scalars())
            rows = [{"request_id": id, **due} for id in dict.fromkeys(ids) if id not in known]
            if rows:
                connection.execute(intended.insert(), rows)
            return len(rows)

    def undo(self, batch: str, who: str) -> int:
        """Take an act of theirs back. For how many requests it was not too late."""
        mine = intended.c.batch == batch, intended.c.by == who, intended.c.begun.is_(False)
        with self._database.write() as connection:
            return connection.execute(intended.delete().where(*mine)).rowcount

    def of(self, who: str) -> list[Intention]:
        """What somebody can still take back, the newest last."""
        query = sa.select(intended, requests.c.reference).join(requests, requests.c.id == intended.c.request_id)
        query = query.where(intended.c.by == who, intended.c.begun.is_(False)).order_by(intended.c.due_at)
        batches: dict[str, list[sa.Row[tuple[object, ...]]]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                batches.setdefault(row.batch, []).append(row)
        return [
            Intention(batch, rows[0].act, len(rows), rows[0].due_at, tuple(row.reference for row in rows[:3]))
            for batch, rows in batches.items()
        ]

    def acts_on(self, ids: Collection[str]) -> dict[str, str]:
        """The act that is about to happen to each of these requests, by their ids."""
        query = sa.select(intended.c.request_id, intended.c.act).where(intended.c.request_id.in_(ids))
        with self._database.read() as connection:
            return {row.request_id: row.act for row in connection.execute(query)}

    def carry_out(self) -> int:
        """Do what is due, and end after half a second: the rest a second later. How many requests it was done to.

        Run by whoever hands over, again and again. What fails is told of, and keeps nothing else from being done.
        """
        until = time.monotonic() + _AT_MOST_SECONDS
        is_due = run_out(intended.c.due_at, self._clock(), UNDO_FOR)
        some = sa.select(intended).where(is_due).order_by(intended.c.due_at, intended.c.request_id).limit(_AT_ONCE)
        with self._database.read() as connection:
            rows = connection.execute(some).all()
        # One who erases has the files written anew once, however many it is.
        done = sum(self._erase([row for row in rows if row.act == "erase" and row.by == by]) for by in _who(rows))
        for row in rows:
            if time.monotonic() > until:
                break
            done += row.act != "erase" and self._carry_out(row)
        return done

    def _erase(self, rows: Sequence[Any]) -> int:
        ids = [row.request_id for row in rows if self._begins(row)]
        try:
            return self._personal_data.erase_all(ids, f"console:{rows[0].by}") if ids else 0
        except Exception as error:
            log_failure(log, "an erase", error)
            return 0

    def _carry_out(self, row: Any) -> bool:
        if not self._begins(row):
            return False
        try:
            self._acts()[row.act](row.request_id, row.detail, f"console:{row.by}")
        except Exception as error:  # tried again in a second
            log_failure(log, f"an act, {row.act}", error)
            return False
        with self._database.write() as connection:
            connection.execute(intended.delete().where(intended.c.request_id == row.request_id))
        self._outbox.arrived.set()
        return True

    def _begins(self, row: Any) -> bool:
        """Whether it is to be done: not if it was taken back a moment ago, or done by another process."""
        mine = intended.c.request_id == row.request_id, intended.c.batch == row.batch
        with self._database.write() as connection:
            return connection.execute(intended.update().where(*mine).values(begun=True)).rowcount > 0

    def _acts(self) -> dict[str, Callable[[str, str, str], object]]:
        """Each act but erase. What is not possible any more is done with."""
        return {
            # Never an unknown: it may have rung, and is looked at by itself.
            "retry": lambda id, _, by: self._operations.retry_all([id], by),
            "release": lambda id, _, by: self._operations.release(id, by),
            "cancel": lambda id, _, by: self._outbox.cancel(id, by),
            "resolve": lambda id, rang, by: self._operations.resolve(id, rang == "yes", by),
            "block": lambda id, _, by: self._block(id, by),
        }

    def _block(self, id: str, by: str) -> None:
        found = self._outbox.read(id)
        if found and found[0].erased_at is None:
            self._operations.block(found[0].answers.phone, by=by)


def _who(rows: Sequence[Any]) -> list[str]:
    return list(dict.fromkeys(row.by for row in rows if row.act == "erase"))
