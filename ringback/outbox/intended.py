"""Acts that can be undone: stored as intended, they happen when their ten seconds are over.

Until then the request is as it was, for its visitor, too; only that it is not handed over. A restart loses none.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.outbox.number_locks import lock_numbers
from ringback.outbox.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import Erasure, PersonalData
from ringback.outbox.request import new_id
from ringback.store.console_tables import intended
from ringback.store.database import Database
from ringback.store.tables import requests

UNDO_FOR = timedelta(seconds=10)
_AT_ONCE = 200


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
        if act not in self._acts():
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

    def act_on(self, id: str) -> str | None:
        """The act that is about to happen to a request."""
        with self._database.read() as connection:
            return connection.execute(sa.select(intended.c.act).where(intended.c.request_id == id)).scalar()

    def carry_out(self) -> int:
        """Do what is due. How many requests it was done to. Run by whoever hands over, again and again."""
        is_due = intended.c.due_at <= self._clock()
        with self._database.read() as connection:
            some = sa.select(intended).where(is_due).order_by(intended.c.due_at).limit(_AT_ONCE)
            rows = connection.execute(some).all()
        return sum(self._carry_out(row.request_id, row.act, row.detail, f"console:{row.by}") for row in rows)

    def _carry_out(self, id: str, act: str, detail: str, by: str) -> bool:
        mine = intended.c.request_id == id
        with self._database.write() as connection:
            if connection.execute(intended.update().where(mine).values(begun=True)).rowcount == 0:
                return False  # taken back a moment ago, or done by another process
        if not self._acts()[act](id, detail, by):
            return False  # on its way at this moment: looked at again
        with self._database.write() as connection:
            connection.execute(intended.delete().where(mine))
        self._outbox.arrived.set()
        return True

    def _acts(self) -> dict[str, Callable[[str, str, str], bool]]:
        """Each act. False: not yet. What is not possible any more is done with."""
        return {
            # Never an unknown: it may have rung, and is looked at by itself.
            "retry": lambda id, _, by: self._operations.retry_all([id], by) >= 0,
            "release": lambda id, _, by: self._operations.release(id, by) or True,
            "cancel": lambda id, _, by: self._outbox.cancel(id, by) or True,
            "resolve": lambda id, rang, by: self._operations.resolve(id, rang == "yes", by) or True,
            "block": lambda id, _, by: self._block(id, by),
            "erase": lambda id, _, by: self._personal_data.erase(id, by) is not Erasure.ON_ITS_WAY,
        }

    def _block(self, id: str, by: str) -> bool:
        found = self._outbox.read(id)
        if found and found[0].erased_at is None:
            self._operations.block(found[0].answers.phone, by=by)
        return True
