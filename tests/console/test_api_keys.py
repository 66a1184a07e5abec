"""The keys of programs, as admins manage them in the console."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from ringback.services import services_of
from tests.conftest import WIDGET
from tests.console.signing_in import sends, words_of

PAGE = "/console/api-keys"
Console = Callable[..., FlaskClient]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}})


def test_a_key_is_shown_once_works_and_is_removed_when_that_is_confirmed(app: Flask, console: Console) -> None:
    admin, keys = console(Role.ADMIN), services_of(app).api_keys
    made = sends(admin, PAGE, name="crm", sees="some", widget="help")
    shown = re.search(r'value="(rbk_[\w-]+)"', made.text)
    assert shown
    assert made.headers["Cache-Control"] == "no-store"
    found = keys.find(shown[1])
    assert found
    assert found.widgets == frozenset({"help"})
    assert shown[1] not in admin.get(PAGE).text
    assert "never" not in words_of(admin.get(PAGE)).split("Last used")[1].split("Remove")[0]

    assert sends(admin, PAGE, f"{PAGE}/crm/remove").status_code == 422
    assert keys.find(shown[1])
    assert sends(admin, PAGE, f"{PAGE}/crm/remove", sure="yes").status_code == 303
    assert keys.find(shown[1]) is None
    acts = [(act.who, act.act, act.about) for act in services_of(app).audit.listed()]
    assert acts[:2] == [("console:robin", "remove", "API key crm"), ("console:robin", "add", "API key crm")]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"name": "", "sees": "all"}, "A name has 1 to 100 characters that can be shown."),
        ({"name": "k" * 101, "sees": "all"}, "A name has 1 to 100 characters that can be shown."),
        ({"name": "there", "sees": "all"}, "There is a key there already. Remove it, or take another name."),
        ({"name": "crm", "sees": "some"}, "Choose at least one widget."),
        ({"name": "crm", "sees": "some", "widget": "nothing"}, "Choose at least one widget."),
    ],
)
def test_what_is_wrong_with_a_new_key_is_said_beside_it(
    app: Flask, console: Console, fields: dict[str, str], why: str
) -> None:
    services_of(app).api_keys.add("there")
    answer = sends(console(Role.ADMIN), PAGE, **fields)
    assert answer.status_code == 422
    assert why in words_of(answer)
    assert [key.name for key in services_of(app).api_keys.listed()] == ["there"]


def test_an_admin_of_some_widgets_makes_and_sees_keys_of_these_alone(app: Flask, console: Console) -> None:
    keys = services_of(app).api_keys
    for name, widgets in (("all-of-them", ()), ("both", ("sales", "help")), ("ours", ("sales",))):
        keys.add(name, widgets)
    admin = console(Role.ADMIN, {"sales"})
    page = words_of(admin.get(PAGE))
    assert "ours" in page
    assert not {"all-of-them", "both"} & set(page.split())
    assert sends(admin, PAGE, name="mine", sees="all").status_code == 422
    assert sends(admin, PAGE, name="mine", widget=["sales", "help"]).status_code == 200
    assert [key.widgets for key in keys.listed() if key.name == "mine"] == [frozenset({"sales"})]
