"""Who did it: every act of an operator, with the name of who did it and nothing about a visitor.

An act is written in its own transaction, so that there is none without a name, and no name without an act.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.store.console_tables import audit
from ringback.store.database import Database
from ringback.store.tables import requests

KEPT = timedelta(days=400)  # a year, and time to look at it


@dataclass(frozen=True)
class Act:
    """One act. `who` is `console:` or `cli:` and a name, `act` a word such as release.

    `about` is a reference, "widget" or "team" and its name, or a word such as number: never a number's digits.
    """

    id: int
    at: datetime
    who: str
    act: str
    about: str


COLUMNS = audit.c.id, audit.c.at, audit.c.who, audit.c.act, audit.c.about  # those of an Act
_ITS_WIDGET = sa.select(requests.c.widget).where(requests.c.reference == sa.bindparam("reference"))
_NOTE = audit.insert().values(widget=_ITS_WIDGET.scalar_subquery())


class Audit:
    """The acts of operators in one store."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def listed(self, limit: int = 100, before: int | None = None, about: str | None = None) -> list[Act]:
        """The newest first; `before` the id of an act to go on after, `about` one thing to ask for alone."""
        query = sa.select(*COLUMNS).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        if about is not None:
            query = query.where(audit.c.about == about)
        with self._database.read() as connection:
            return [Act(*row) for row in connection.execute(query)]

    def note(self, who: str, act: str, about: str) -> None:
        """Write down an act that changes nothing else in the store."""
        with self._database.write() as connection:
            note(connection, self._clock(), who, act, [about])


def note(connection: sa.Connection, at: datetime, who: str, act: str, about: Iterable[str]) -> None:
    """Write down an act, in its own transaction, once for each thing that it changed."""
    rows = [{"at": at, "who": who, "act": act, "about": each, "reference": each} for each in about]
    if rows:
        connection.execute(_NOTE, rows)


def drop_old(connection: sa.Connection, now: datetime) -> None:
    """Forget what was done longer ago than anybody asks for."""
    connection.execute(audit.delete().where(audit.c.at < now - KEPT))
