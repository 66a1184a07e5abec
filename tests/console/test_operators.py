"""Who has an account, managed in the console."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Operator, Role
from ringback.accounts.people import People
from ringback.services import services_of
from tests.conftest import WIDGET
from tests.console.signing_in import PASSWORD, sends, words_of

PAGE = "/console/operators"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}})


@pytest.fixture
def people(app: Flask) -> People:
    return services_of(app).accounts.people


def found(people: People, name: str) -> Operator:
    account = people.find(name)
    assert account
    return account.operator


def test_an_account_is_added_and_its_link_is_shown_once(
    app: Flask, people: People, console: Callable[..., FlaskClient]
) -> None:
    admin = console(Role.ADMIN)
    assert sends(admin, PAGE, name="Ann Example", role="operator", sees="some", widget="help").status_code == 303
    assert found(people, "ann example") == Operator("Ann Example", Role.OPERATOR, frozenset({"help"}))
    shown = admin.get(PAGE).text
    link = re.search(r'value="(https://callback.acme.test/console/password/[\w-]+)"', shown)
    assert link
    assert link[1] not in admin.get(PAGE).text
    assert sends(app.test_client(), urlsplit(link[1]).path, password=PASSWORD).status_code == 303


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"name": "ROBIN", "sees": "all"}, "There is an account ROBIN already."),
        ({"name": "a/b", "sees": "all"}, "A name is an e-mail address, or has"),
        ({"name": "ann", "sees": "some"}, "Choose at least one widget."),
        ({"name": "ann", "sees": "some", "widget": "nothing"}, "Choose at least one widget."),
    ],
)
def test_what_cannot_be_added_is_said(
    people: People, console: Callable[..., FlaskClient], fields: dict[str, str], why: str
) -> None:
    answer = sends(console(Role.ADMIN), PAGE, role="viewer", **fields)
    assert answer.status_code == 422
    assert why in words_of(answer)
    assert len(people.listed()) == 1


def test_what_is_changed_holds_from_the_next_page_on(people: People, console: Callable[..., FlaskClient]) -> None:
    admin, ann = console(Role.ADMIN), console(Role.ADMIN, name="ann")
    assert ann.get(PAGE).status_code == 200
    changed = {"role": "operator", "sees": "some", "widget": "sales", "samespace_user": " ann "}
    assert sends(admin, f"{PAGE}/ann", **changed).status_code == 303
    assert found(people, "ann") == Operator("ann", Role.OPERATOR, frozenset({"sales"}), "ann")
    assert ann.get(PAGE).status_code == 404


def test_a_reset_signs_out_and_shows_a_link(console: Callable[..., FlaskClient]) -> None:
    admin, ann = console(Role.ADMIN), console(Role.VIEWER, name="ann")
    assert sends(admin, f"{PAGE}/ann", f"{PAGE}/ann/reset").status_code == 303
    assert "/console/password/" in admin.get(PAGE).text
    assert ann.get("/console/requests").status_code == 303


def test_a_removed_person_is_signed_out(people: People, console: Callable[..., FlaskClient]) -> None:
    admin, ann = console(Role.ADMIN), console(Role.VIEWER, name="ann")
    assert sends(admin, f"{PAGE}/ann", f"{PAGE}/ann/remove").status_code == 303
    assert people.find("ann") is None
    assert ann.get("/console/requests").status_code == 303


@pytest.mark.parametrize("act", ["", "/reset", "/remove"])
def test_nobody_changes_what_they_may_do_themselves(
    people: People, console: Callable[..., FlaskClient], act: str
) -> None:
    admin = console(Role.ADMIN)
    answer = sends(admin, PAGE, f"{PAGE}/robin{act}", role="viewer", sees="all")
    assert answer.status_code == 422
    assert found(people, "robin").role == Role.ADMIN
    assert admin.get(PAGE).status_code == 200


def test_an_admin_who_is_bound_gives_nobody_more_than_they_have(
    people: People, console: Callable[..., FlaskClient]
) -> None:
    people.add("theirs", Role.VIEWER, ["help"])
    people.add("both", Role.VIEWER, ["help", "sales"])
    people.add("all", Role.VIEWER, None)
    people.add("ours", Role.VIEWER, ["sales"])
    admin = console(Role.ADMIN, {"sales"})
    shown = words_of(admin.get(PAGE))
    assert "ours" in shown
    assert "theirs" not in shown
    assert "help" not in shown
    for name in ("theirs", "both", "all"):
        assert admin.get(f"{PAGE}/{name}").status_code == 404
    for fields in ({"sees": "all"}, {"widget": "help"}, {"sees": "some", "widget": ["help"]}):
        assert sends(admin, PAGE, name="new", role="viewer", **fields).status_code == 422
        assert sends(admin, f"{PAGE}/ours", role="viewer", **fields).status_code == 422
    assert sends(admin, PAGE, name="new", role="admin", widget=["sales", "help"]).status_code == 303
    assert found(people, "new") == Operator("new", Role.ADMIN, frozenset({"sales"}))


def test_who_is_bound_to_a_widget_that_is_gone_does_not_come_to_see_all(
    people: People, console: Callable[..., FlaskClient]
) -> None:
    people.add("ann", Role.VIEWER, ["gone"])
    admin = console(Role.ADMIN)
    assert 'value="gone" checked' in admin.get(f"{PAGE}/ann").text
    assert sends(admin, f"{PAGE}/ann", role="viewer", sees="some").status_code == 422
    assert found(people, "ann").widgets == {"gone"}
