"""What was done, as somebody may read it: page by page, and for who is bound to widgets only what is theirs."""

from collections.abc import Iterable

import sqlalchemy as sa

from ringback.outbox.audit import Act
from ringback.store.console_tables import audit
from ringback.store.database import Database
from ringback.store.tables import requests

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
        query = sa.select(audit).order_by(audit.c.id.desc()).limit(PAGE + 1)
        query = query.where(*_like(audit.c.who, who), *_like(audit.c.about, about))
        if act:
            query = query.where(audit.c.act == act)
        if before is not None:
            query = query.where(audit.c.id < before)
        if widgets is not None:
            query = query.where(_about(widgets, named or ()))
        if not with_people:
            query = query.where(*(sa.not_(audit.c.about.startswith(each)) for each in ("operator ", "API key ")))
        with self._database.read() as connection:
            acts = [Act(*row) for row in connection.execute(query)]
        return acts[:PAGE], acts[PAGE - 1].id if len(acts) > PAGE else None

    def acts(self) -> list[str]:
        """The words for what is done that stand in the list."""
        with self._database.read() as connection:
            return list(connection.execute(sa.select(audit.c.act).distinct().order_by(audit.c.act)).scalars())


def _about(widgets: Iterable[str], named: Iterable[str]) -> sa.ColumnElement[bool]:
    theirs = sa.select(requests.c.reference).where(requests.c.widget.in_(list(widgets)))
    return sa.or_(audit.c.about.in_(list(named)), audit.c.about.in_(theirs))


def _like(column: sa.Column[str], part: str) -> list[sa.ColumnElement[bool]]:
    return [column.icontains(part, autoescape=True)] if part else []
