"""Who did what, as it is read in the console."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from ringback.outbox.operators.audit_list import PAGE
from ringback.outbox.request import Answers
from ringback.services import services_of
from tests.conftest import WIDGET
from tests.console.signing_in import sends, tree_of, words_of


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}})


def asked(app: Flask, widget: str) -> str:
    return services_of(app).outbox.accept(Answers(widget, "442079460123", "GB", name="Ann Example")).reference


def rows(client: FlaskClient, query: str = "") -> list[str]:
    tree = tree_of(client.get(f"/console/audit{query}"))
    return [" ".join("".join(row.itertext()).split()) for row in tree.iter("tr")][1:]


def test_what_is_done_to_accounts_is_written_down_with_who_did_it(console: Callable[..., FlaskClient]) -> None:
    admin = console(Role.ADMIN)
    sends(admin, "/console/operators", name="ann", role="viewer", sees="all")
    sends(admin, "/console/operators/ann", role="operator", sees="all")
    sends(admin, "/console/operators/ann", "/console/operators/ann/reset")
    sends(admin, "/console/operators/ann", "/console/operators/ann/remove")
    done = [row.split("UTC", 1)[1].strip() for row in rows(admin)]
    assert done == [
        "robin console remove operator ann",
        "robin console reset operator ann",
        "robin console change operator ann",
        "robin console add operator ann",
        "robin console sign-in operator robin",
        "command line add operator robin",
    ]


def test_the_list_is_narrowed_by_its_address(app: Flask, console: Callable[..., FlaskClient]) -> None:
    audit, client = services_of(app).audit, console(Role.ADMIN)
    audit.note("console:Zoë", "release", "RB-AAAA-BBBB")
    audit.note("cli:root", "block", "number")
    assert len(rows(client, "?who=zoë")) == 1
    assert len(rows(client, "?act=block")) == 1
    assert len(rows(client, "?about=rb-aaaa")) == 1
    assert rows(client, "?about=%25") == []
    assert rows(client, "?who=zoë&act=block") == []
    for odd in ("?who=%00", "?after=x", f"?after={'9' * 30}", "?act=%ED%A0%80"):
        assert client.get(f"/console/audit{odd}").status_code in (200, 404)


def test_the_list_goes_on_page_by_page(app: Flask, console: Callable[..., FlaskClient]) -> None:
    client, audit = console(Role.ADMIN), services_of(app).audit
    for number in range(PAGE + 5):
        audit.note("cli:root", "release", f"RB-{number:04}")
    first = client.get("/console/audit?act=release")
    (link,) = [each.get("href", "") for each in tree_of(first).iter("a") if each.text == "Earlier"]
    audit.note("cli:root", "release", "RB-NEW")
    second = client.get(link)
    seen = [word for answer in (first, second) for word in words_of(answer).split() if word.startswith("RB-")]
    assert seen == [f"RB-{number:04}" for number in reversed(range(PAGE + 5))]


@pytest.mark.parametrize("role", list(Role))
def test_who_is_bound_reads_only_of_their_widgets(
    app: Flask, console: Callable[..., FlaskClient], role: Role
) -> None:
    audit = services_of(app).audit
    ours, theirs = asked(app, "sales"), asked(app, "help")
    for about in (ours, theirs, "widget sales", "widget help", "team Sales", "team Help", "number", "operator x"):
        audit.note("cli:root", "do", about)
    client = console(role, {"sales"})
    shown = words_of(client.get("/console/audit"))
    for about in (ours, "widget sales", "team Sales"):
        assert about in shown
    for about in (theirs, "widget help", "team Help", "operator", "sign-in"):
        assert about not in shown
    assert rows(client, f"?about={theirs}") == []


def test_of_accounts_only_admins_read(app: Flask, console: Callable[..., FlaskClient]) -> None:
    assert rows(console(Role.OPERATOR)) == []
    assert len(rows(console(Role.ADMIN))) >= 2
