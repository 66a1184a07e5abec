"""Who is signed in: sessions are kept in the store, so that one can be ended from the other side."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.accounts.operator import Operator, Role
from ringback.accounts.secrets import hash_of, new_key
from ringback.clock import SKEW, Clock
from ringback.outbox import audit
from ringback.store.account_tables import RESET, operators, sessions
from ringback.store.database import Database

LONGEST = timedelta(hours=12)
_SEEN_EVERY = timedelta(minutes=5)  # to write more often would make each page a write


@dataclass(frozen=True)
class Session:
    """One browser in which somebody is signed in. `way`: how they signed in."""

    id: str
    way: str
    browser: str
    made_at: datetime
    seen_at: datetime
    ends_at: datetime


class Sessions:
    """The sessions of all operators."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, name: str, way: str, browser: str) -> str | None:
        """Sign an operator in, and return the key of the session; None where there is no such account."""
        key, now = new_key(), self._clock()
        with self._database.write() as connection:
            connection.execute(sessions.delete().where(sessions.c.ends_at <= now))
            # One after the other with who signs them out everywhere at this moment.
            theirs = sa.select(operators.c.id).where(operators.c.name == name).with_for_update()
            found = connection.execute(theirs).scalar()
            if found is None:
                return None
            # Whoever was reset is in again: from now on the single sign-on may be, too.
            was_reset = operators.c.id == found, operators.c.subject.startswith(RESET)
            connection.execute(operators.update().where(*was_reset).values(subject=None))
            row = {"id": hash_of(key), "operator_id": found, "way": way, "browser": browser[:100]}
            times = {"made_at": now, "seen_at": now, "ends_at": now + LONGEST}
            connection.execute(sessions.insert().values(**row, **times))
        return key

    def operator_of(self, key: str) -> Operator | None:
        """Who is signed in with this key, as they are now: what an admin has changed holds at once."""
        now, id_ = self._clock(), hash_of(key)
        with self._database.read() as connection:
            row = connection.execute(
                sa.select(operators, sessions.c.seen_at)
                .join(sessions, sessions.c.operator_id == operators.c.id)
                .where(sessions.c.id == id_, self._lives(now))
            ).one_or_none()
        if row is None:
            return None
        if now - row.seen_at >= _SEEN_EVERY:
            self._see(id_, now)
        return operator_in(row)

    def listed(self, name: str) -> list[Session]:
        """The sessions of an operator, the latest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(sessions)
                .where(self._of(name), self._lives(self._clock()))
                .order_by(sessions.c.seen_at.desc(), sessions.c.id)
            ).all()
        fields = Session.__dataclass_fields__
        return [Session(**{field: getattr(row, field) for field in fields}) for row in rows]

    def end(self, name: str, session_id: str) -> bool:
        """End one of an operator's sessions, wherever it is. False if there is none such."""
        with self._database.write() as connection:
            mine = sa.and_(self._of(name), sessions.c.id == session_id)
            ended = connection.execute(sessions.delete().where(mine)).rowcount
            self._note(connection, name, ended)
            return ended > 0

    def end_key(self, key: str) -> None:
        """End the session with this key."""
        with self._database.write() as connection:
            connection.execute(sessions.delete().where(sessions.c.id == hash_of(key)))

    @staticmethod
    def id_of(key: str) -> str:
        """The id of the session with this key."""
        return hash_of(key)

    def end_others(self, name: str, key: str) -> int:
        """End all of an operator's sessions but the one with this key. How many there were."""
        with self._database.write() as connection:
            others = sa.and_(self._of(name), sessions.c.id != hash_of(key))
            ended = connection.execute(sessions.delete().where(others)).rowcount
            self._note(connection, name, ended)
            return ended

    def _note(self, connection: sa.Connection, name: str, ended: int) -> None:
        if ended:
            act = "end sessions" if ended > 1 else "end session"
            audit.note(connection, self._clock(), f"console:{name}", act, [f"operator {name}"])

    def _see(self, session_id: str, now: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(sessions.update().where(sessions.c.id == session_id).values(seen_at=now))

    @staticmethod
    def _of(name: str) -> sa.ColumnElement[bool]:
        theirs = sa.select(operators.c.id).where(operators.c.name == name)
        return sessions.c.operator_id.in_(theirs)

    @staticmethod
    def _lives(now: datetime) -> sa.ColumnElement[bool]:
        # A session that was made while the clock was wrong is none.
        return sa.and_(sessions.c.ends_at > now, sessions.c.made_at <= now + SKEW)


def operator_in(row: sa.Row[tuple[object, ...]]) -> Operator:
    """The operator of a row."""
    widgets = None if row.widgets is None else frozenset(row.widgets)
    return Operator(row.name, Role[row.role.upper()], widgets, row.samespace_user)
