"""What the tests of personal data share: who asked, and what they typed."""

from typing import Any

import sqlalchemy as sa
from flask import Flask

from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, State
from ringback.store.database import Database
from tests.visitor import Page, Visitor

PHONE = "442079460123"


DELETED = "This request has been deleted"


TAKEN = Settlement(transitions.TAKEN)


# Words that stand nowhere else in the store.
SECRETS = {
    "name": "Zoë Quixotine",
    "email": "zoe@quixotine.test",
    "company": "Quixotine & Daughters",
    "message": "Softly “please”,\nbehind the greenhouse",
}


PAGE = "https://www.acme.test/greenhouses"


COPIES = 300


AS_TYPED = "(020) 7946 0123"


LEFT_OVER = ["2079460123", "uixotine", "greenhouse", "Softly"]


def said(app: Flask, *command: str, status: int = 0) -> str:
    result = app.test_cli_runner().invoke(args=["requests", *command])
    assert result.exit_code == status, result.output
    return result.output


def ask(outbox: Outbox, phone: str = PHONE, **words: Any) -> str:
    return outbox.accept(Answers("sales", phone, "GB", **words)).id


def state_of(outbox: Outbox, id: str) -> State:
    found = outbox.read(id)
    assert found
    return found[0].state


def count(database: Database, what: sa.FromClause, *which: sa.ColumnElement[bool]) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(what).where(*which)).scalar_one()


def erase_page(visitor: Visitor, page: Page) -> Page:
    """Where the link on a confirmation leads."""
    (link,) = [link for link in page.all("a") if link.get("id") == "erase"]
    return visitor.opens(link.get("href", ""))


def deletes(visitor: Visitor, page: Page) -> Page:
    return visitor.follows(visitor.sends(erase_page(visitor, page)))
