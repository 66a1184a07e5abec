"""What is typed about accounts, and what it says."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from ringback.accounts.operator import Operator, Role
from ringback.accounts.sign_in import Yes
from ringback.services import services_of
from tests.conftest import WIDGET

PASSWORD = "four quiet words of mine"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}})


def said(app: Flask, *command: str, status: int = 0, **options: Any) -> str:
    result = app.test_cli_runner().invoke(args=["operators", *command], **options)
    assert result.exit_code == status, result.output
    return result.output


def found(app: Flask, name: str) -> Operator:
    account = services_of(app).accounts.people.find(name)
    assert account
    return account.operator


def signs_in(app: Flask, name: str, password: str) -> bool:
    return services_of(app).accounts.sign_in.by_password(name, password, "", {}) == Yes(name)


def test_an_account_is_made_with_a_password_from_standard_input(app: Flask) -> None:
    output = said(app, "add", "robin", "--role", "admin", "--password-stdin", input=f"{PASSWORD}\r\n")
    assert output == "robin has an account.\n"
    assert found(app, "robin") == Operator("robin", Role.ADMIN, None)
    assert signs_in(app, "robin", PASSWORD)


def test_without_a_password_a_link_is_printed_that_sets_one(app: Flask) -> None:
    output = said(app, "add", "ann", "--widget", "SALES", "--widget", "help")
    link = re.search(r"^https://callback\.acme\.test/console/password/([\w-]{40,})$", output, re.MULTILINE)
    assert link
    assert services_of(app).accounts.people.owner_of_link(link[1]) == "ann"
    assert found(app, "ann") == Operator("ann", Role.OPERATOR, frozenset({"sales", "help"}))


@pytest.mark.parametrize(
    ("command", "typed", "why"),
    [
        (["add", "ann", "--widget", "nowhere"], "", "There is no widget nowhere. There are: sales, help."),
        (["add", "ann", "--password-stdin"], "", "There is no password on standard input"),
        (["add", "ann", "--password-stdin"], "short\n", "Use at least 12 characters"),
        (["add", "a/b"], "", "A name is an e-mail address, or has"),
        (["remove", "ann"], "", "There is no account ann."),
        (["reset", "ann"], "", "There is no account ann."),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    app: Flask, command: list[str], typed: str, why: str
) -> None:
    assert why in said(app, *command, status=1, input=typed)
    assert services_of(app).accounts.people.listed() == []


def test_the_list_says_who_may_do_what_and_how_they_sign_in(app: Flask) -> None:
    assert said(app, "list").startswith("Nobody has an account.")
    said(app, "add", "robin", "--role", "admin", "--password-stdin", input=PASSWORD)
    said(app, "add", "ann", "--role", "viewer", "--widget", "sales")
    assert said(app, "list").splitlines() == [
        "ann  viewer  sales  link until 2026-11-25 10:00:00+00:00",
        "robin  admin  all widgets  password",
    ]


def test_a_reset_prints_a_new_link_and_the_old_password_is_none_any_more(app: Flask) -> None:
    said(app, "add", "robin", "--password-stdin", input=PASSWORD)
    assert "/console/password/" in said(app, "reset", "robin")
    assert not signs_in(app, "robin", PASSWORD)
    said(app, "reset", "robin", "--password-stdin", input="another five words to say\n")
    assert signs_in(app, "robin", "another five words to say")


def test_an_account_is_removed(app: Flask) -> None:
    said(app, "add", "robin")
    assert said(app, "remove", "robin") == "robin has no account any more, and is signed out.\n"
    assert services_of(app).accounts.people.listed() == []


def test_links_lead_to_the_host_of_the_console(make_app: Callable[..., Flask]) -> None:
    app = make_app(
        environment={"console_host": "console.acme.test", "public_url": "https://callback.acme.test:8443"}
    )
    assert "https://console.acme.test:8443/console/password/" in said(app, "add", "robin")


def test_links_have_the_path_that_everything_lives_under(make_app: Callable[..., Flask]) -> None:
    app = make_app(environment={"public_url": "https://www.acme.test/callback"})
    assert "https://www.acme.test/callback/console/password/" in said(app, "add", "robin")
