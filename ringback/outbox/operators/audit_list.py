"""What was done, as somebody may read it: page by page, and for who is bound to widgets only what is theirs."""

from collections.abc import Iterable

import sqlalchemy as sa

from ringback.outbox.audit import COLUMNS, Act
from ringback.outbox.search import reference_of
from ringback.store.console_tables import audit
from ringback.store.database import Database

PAGE = 50


class AuditList:
    """The acts of operators, for the console."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        who: str = "",
        act: str = "",
        about: str = "",
        before: int | None = None,
        widgets: Iterable[str] | None = None,
        named: Iterable[str] | None = None,
        with_people: bool = True,
    ) -> tuple[list[Act], int | None]:
        """The newest first, and the id that the next page begins before; None on the last page.

        `who` and `about`: parts of a name, whatever the case. `widgets`: show what is about requests made at these
        alone, and about what is `named`. `with_people`: what was done to accounts and keys, too.
        """
        query = sa.select(*COLUMNS).order_by(audit.c.id.desc()).limit(PAGE + 1)
        query = query.where(*_like(audit.c.who, who), *_is_about(about))
        if act:
            query = query.where(audit.c.act == act)
        if before is not None:
            query = query.where(audit.c.id < before)
        if not with_people:
            query = query.where(*(sa.not_(audit.c.about.startswith(each)) for each in ("operator ", "API key ")))
        with self._database.read() as connection:
            found = [connection.execute(query.where(*each)).all() for each in _each_of_theirs(widgets, named)]
        acts = [Act(*row) for row in sorted({row for some in found for row in some}, reverse=True)]
        return acts[:PAGE], acts[PAGE - 1].id if len(acts) > PAGE else None

    def acts(self) -> list[str]:
        """The words for what is done that stand in the list."""
        with self._database.read() as connection:
            return list(connection.execute(_WORDS).scalars())


def _words() -> sa.Select[str]:
    """One look into the index for each word: there are few, and each may stand there a hundred thousand times."""
    words = sa.select(sa.func.min(audit.c.act).label("act")).cte("words", recursive=True)
    after = sa.select(sa.func.min(audit.c.act)).where(audit.c.act > words.c.act).scalar_subquery()
    words = words.union_all(sa.select(after).where(words.c.act.is_not(None)))
    return sa.select(words.c.act).where(words.c.act.is_not(None))


_WORDS = _words()


def _each_of_theirs(
    widgets: Iterable[str] | None, named: Iterable[str] | None
) -> list[list[sa.ColumnElement[bool]]]:
    """What each part of the list is asked for: one widget or one thing, which has an index; all of it: nothing."""
    if widgets is None:
        return [[]]
    return [[audit.c.widget == each] for each in widgets] + [[audit.c.about == each] for each in named or ()]


def _is_about(part: str) -> list[sa.ColumnElement[bool]]:
    if reference := reference_of(part):
        return [audit.c.about == reference]
    return _like(audit.c.about, part)


def _like(column: sa.Column[str], part: str) -> list[sa.ColumnElement[bool]]:
    return [column.icontains(part, autoescape=True)] if part else []
