"""What a program was answered, kept for a day by the key that it gave its post (`Idempotency-Key`).

The key stands in the store before anything is done, so of posts that come at once one is answered, and the others
are told to wait. What was refused is not kept. A process that dies in the midst of it leaves the key under way,
until that is too long ago; what was done by then is known by its own means, and is not done again.
"""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from ringback.clock import Clock
from ringback.store.database import Database
from ringback.store.program_tables import kept_answers

GOOD_FOR = timedelta(hours=24)
# Longer than any post takes.
UNDER_WAY_FOR = timedelta(seconds=60)


class UnderWayError(Exception):
    """The first post with this key is being answered."""


class OtherBodyError(Exception):
    """The key came with something else before."""


@dataclass(frozen=True)
class KeptAnswer:
    """What a post was answered: a status of HTTP, and its text."""

    status: int
    text: str


class KeptAnswers:
    """The answers kept in one store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, key: str, body_hash: str) -> KeptAnswer | None:
        """What was answered before, or None: then this post is the first, and `keep` or `drop` has to follow.

        Raises UnderWayError, OtherBodyError, STORE_ERRORS.
        """
        now = self._clock()
        table = kept_answers.c
        # Later than now is by a clock that was ahead.
        over = sa.or_(table.begun_at <= now - GOOD_FOR, table.begun_at > now + GOOD_FOR)
        stuck = sa.and_(table.key == key, table.status.is_(None), table.begun_at <= now - UNDER_WAY_FOR)
        try:
            with self._database.write() as connection:
                connection.execute(kept_answers.delete().where(sa.or_(over, stuck)))
                connection.execute(kept_answers.insert().values(key=key, body_hash=body_hash, begun_at=now))
        except sa.exc.IntegrityError:
            before = self.find(key, body_hash)
            if before is None:  # it was refused in this very moment
                raise UnderWayError from None
            return before
        return None

    def find(self, key: str, body_hash: str) -> KeptAnswer | None:
        """What was answered before, or None; nothing has to follow. Raises as `begin` does."""
        mine = kept_answers.c.key == key, kept_answers.c.begun_at > self._clock() - GOOD_FOR
        with self._database.read() as connection:
            row = connection.execute(sa.select(kept_answers).where(*mine)).first()
        if row is None:
            return None
        if row.body_hash != body_hash:
            raise OtherBodyError
        if row.status is None:
            raise UnderWayError
        return KeptAnswer(row.status, row.answer)

    def keep(self, key: str, answer: KeptAnswer) -> None:
        """Give this answer from now on."""
        with self._database.write() as connection:
            mine = kept_answers.update().where(kept_answers.c.key == key)
            connection.execute(mine.values(status=answer.status, answer=answer.text))

    def drop(self, key: str) -> None:
        """It was refused: the next post with the key is the first again."""
        with self._database.write() as connection:
            mine = kept_answers.c.key == key, kept_answers.c.status.is_(None)
            connection.execute(kept_answers.delete().where(*mine))
