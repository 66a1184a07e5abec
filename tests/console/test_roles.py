"""Every address of the console × every role × a foreign widget: a new address without a row here fails.

A row is an address as the app knows it, with its method, and the least role that it is for; None: for who is not
signed in, too. What stands in angle brackets is filled in from `places`: one of sales, one of a foreign widget.
"""

from collections.abc import Callable
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ringback.accounts.operator import Role
from ringback.outbox.request import Answers
from ringback.services import services_of
from tests.conftest import WIDGET
from tests.console.signing_in import token_of

VIEWER, OPERATOR, ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN
ROWS: dict[str, Role | None] = {
    "GET /console/sign-in": None,
    "POST /console/sign-in": None,
    "GET /console/sign-in/passkey": None,
    "POST /console/sign-in/passkey": None,
    "GET /console/sign-in/provider": None,
    "GET /console/sign-in/provider/back": None,
    "GET /console/password/<key>": None,
    "POST /console/password/<key>": None,
    "POST /console/sign-out": VIEWER,
    "GET /console/": VIEWER,
    "GET /console/requests": VIEWER,
    "GET /console/requests.json": VIEWER,
    "GET /console/requests.csv": OPERATOR,
    "GET /console/requests/<reference>": VIEWER,
    "POST /console/requests/<reference>/<act>": OPERATOR,
    "POST /console/requests/<act>": OPERATOR,
    "POST /console/requests/undo": OPERATOR,
    "GET /console/figures": VIEWER,
    "GET /console/figures.csv": VIEWER,
    "GET /console/widgets": VIEWER,
    "POST /console/widgets/<key>/pause": OPERATOR,
    "POST /console/widgets/<key>/resume": OPERATOR,
    "GET /console/teams": VIEWER,
    "POST /console/teams/resume": OPERATOR,
    "POST /console/teams/breaker/reset": OPERATOR,
    "GET /console/numbers": VIEWER,
    "POST /console/numbers/block": OPERATOR,
    "POST /console/numbers/unblock": OPERATOR,
    "POST /console/numbers/unstop": OPERATOR,
    "GET /console/wall": VIEWER,
    "POST /console/teams/token/renew": ADMIN,
    "GET /console/webhooks": ADMIN,
    "POST /console/webhooks/deliveries/<int:id>/again": ADMIN,
    "POST /console/webhooks/receivers/<int:place>/on": ADMIN,
    "GET /console/api-keys": ADMIN,
    "POST /console/api-keys": ADMIN,
    "POST /console/api-keys/<program>/remove": ADMIN,
    "GET /<key>/install": VIEWER,
    "GET /<key>/install/preview": VIEWER,
    "GET /<key>/install/accent.css": VIEWER,
    "GET /console/account": VIEWER,
    "POST /console/account/password": VIEWER,
    "GET /console/account/second-factor": VIEWER,
    "POST /console/account/second-factor": VIEWER,
    "POST /console/account/second-factor/end": VIEWER,
    "GET /console/account/passkey": VIEWER,
    "POST /console/account/passkeys": VIEWER,
    "POST /console/account/passkeys/remove": VIEWER,
    "POST /console/account/sessions/end": VIEWER,
    "GET /console/audit": VIEWER,
    "GET /console/operators": ADMIN,
    "POST /console/operators": ADMIN,
    "GET /console/operators/<name>": ADMIN,
    "POST /console/operators/<name>": ADMIN,
    "POST /console/operators/<name>/reset": ADMIN,
    "POST /console/operators/<name>/remove": ADMIN,
}
# What a post needs beside its token, to be done. Without, it may be refused, but not as if it were not there.
FIELDS: dict[str, dict[str, str]] = {
    "POST /console/teams/resume": {"team": "Sales"},
    "POST /console/api-keys": {"name": "new", "sees": "some", "widget": "sales"},
    "POST /console/operators": {"name": "new", "role": "viewer", "sees": "some", "widget": "sales"},
    "POST /console/operators/<name>": {"role": "viewer", "sees": "some", "widget": "sales"},
}
# Those that answer 404 though one may ask: what they are about is not named by their address.
ABOUT_NOTHING = {
    "POST /console/webhooks/deliveries/<int:id>/again",
    "POST /console/webhooks/receivers/<int:place>/on",
    "GET /<key>/install/accent.css",
    "POST /console/account/passkeys/remove",
    "GET /console/sign-in/provider",
    "GET /console/sign-in/provider/back",
}

FOREIGN = [
    row for row, role in ROWS.items() if "<" in row.replace("<act>", "").replace("<int:", "") and role is not None
]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}})


def places(app: Flask) -> dict[str, tuple[str, str, str]]:
    """For each part of an address: one of sales, one of help, and one that is not there."""
    if "places" in app.extensions:  # a widget that one row has paused takes no more requests
        return cast(dict[str, tuple[str, str, str]], app.extensions["places"])
    services = services_of(app)
    for name, widget in (("ours", "sales"), ("theirs", "help")):
        if services.accounts.people.find(name) is None:
            services.accounts.people.add(name, Role.VIEWER, [widget])
            services.api_keys.add(name, [widget])
    ours, theirs = (
        services.outbox.accept(Answers(widget, "442079460123", "GB", name="Ann Example")).reference
        for widget in ("sales", "help")
    )
    app.extensions["places"] = {
        "name": ("ours", "theirs", "nobody"),
        "program": ("ours", "theirs", "nobody"),
        "reference": (ours, theirs, "RB-0000-0000"),
        "widget": ("sales", "help", "nothing"),
        "key": ("sales", "help", "nothing"),
        "act": ("claim", "claim", "claim"),
    }
    return places(app)


def path_of(app: Flask, row: str, which: int = 0) -> str:
    _, path = row.replace("password/<key>", "password/none").split(" ")
    for part, values in places(app).items():
        path = path.replace(f"<{part}>", values[which])
    path = path.replace("<int:id>", "1").replace("<int:place>", "0")
    assert "<" not in path, f"places() has nothing for {row}"
    return path


def asks(app: Flask, client: FlaskClient, row: str, which: int = 0) -> TestResponse:
    path = path_of(app, row, which)
    if row.startswith("GET "):
        return client.get(path)
    shown = client.get("/console/account")
    token = token_of(shown if shown.status_code == 200 else client.get("/console/sign-in"))
    return client.post(path, data={"csrf_token": token, **FIELDS.get(row, {})})


def test_each_address_of_the_console_has_a_row(app: Flask) -> None:
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/console") or rule.endpoint.startswith("console_")
    ]
    found = {f"{method} {rule.rule}" for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert found == set(ROWS)


def test_who_is_not_signed_in_is_sent_to_sign_in(app: Flask) -> None:
    for row, role in ROWS.items():
        answer = asks(app, app.test_client(), row)
        if role is not None:
            assert (answer.status_code, answer.location) == (303, "/console/sign-in"), row
        else:
            assert answer.location != "/console/sign-in", row


@pytest.mark.parametrize("who", list(Role))
def test_each_role_comes_to_its_own_pages_and_no_further(
    app: Flask, console: Callable[..., FlaskClient], who: Role
) -> None:
    for row, role in ROWS.items():
        if role is None:
            continue
        answer = asks(app, console(who), row)
        if who < role:
            assert answer.status_code == 404, row
        elif row not in ABOUT_NOTHING:
            assert answer.status_code in (200, 303, 409, 422), row


@pytest.mark.parametrize("who", list(Role))
def test_of_a_foreign_widget_nobody_learns_whether_there_is_anything(
    app: Flask, console: Callable[..., FlaskClient], who: Role
) -> None:
    client = console(who, {"sales"})
    for row in FOREIGN:
        foreign, nothing = asks(app, client, row, 1), asks(app, client, row, 2)
        assert foreign.status_code == nothing.status_code == 404, row
        assert foreign.text == nothing.text, row


def test_an_act_on_what_is_foreign_changes_nothing(app: Flask, console: Callable[..., FlaskClient]) -> None:
    client, people = console(Role.ADMIN, {"sales"}), services_of(app).accounts.people
    places(app)
    before = people.find("theirs")
    for row in FOREIGN:
        asks(app, client, row, 1)
    assert people.find("theirs") == before
    assert [key.name for key in services_of(app).api_keys.listed()] == ["ours", "theirs"]


def test_a_head_is_answered_as_its_get_and_does_nothing(app: Flask, console: Callable[..., FlaskClient]) -> None:
    client, services = console(Role.ADMIN), services_of(app)
    places(app)
    link = f"/console/password/{services.accounts.people.reset('theirs')}"
    before = services.audit.listed()
    for path in (link, *(path_of(app, row) for row in ROWS if row.startswith("GET "))):
        head = client.head(path, data={"password": "a new one, long enough"})
        assert services.audit.listed() == before, path
        assert head.status_code == client.get(path).status_code, path
        before = services.audit.listed()
