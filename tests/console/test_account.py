"""One's own account: password, second factor, passkeys, and where one is signed in."""

import re
from collections.abc import Callable

import pyotp
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from ringback.services import services_of
from tests.conftest import Clock
from tests.console.signing_in import PASSWORD, sends, sign_in, tree_of, words_of

OTHER = "another five words to say"


def is_in(client: FlaskClient) -> bool:
    return client.get("/console/account").status_code == 200


def test_the_password_is_changed_by_who_knows_it_and_others_are_signed_out(
    app: Flask, console: Callable[..., FlaskClient]
) -> None:
    here, there = console(Role.VIEWER), console(Role.VIEWER)
    for old, new, why in (("wrong", OTHER, "not your password"), (PASSWORD, "short", "at least 12 characters")):
        answer = sends(here, "/console/account", "/console/account/password", old=old, password=new)
        assert answer.status_code == 422
        assert why in words_of(answer)
    assert is_in(there)

    done = sends(here, "/console/account", "/console/account/password", old=PASSWORD, password=OTHER)
    assert done.status_code == 303
    assert is_in(here)
    assert not is_in(there)
    assert sign_in(app.test_client(), password=PASSWORD).status_code == 422
    assert sign_in(app.test_client(), password=OTHER).status_code == 303


def test_a_second_factor_is_set_up_with_a_picture_and_a_code(
    app: Flask, console: Callable[..., FlaskClient], clock: Clock
) -> None:
    client = console(Role.VIEWER)
    shown = client.get("/console/account/second-factor")
    (picture,) = tree_of(shown).iter("{http://www.w3.org/2000/svg}svg")
    assert picture.get("viewBox")
    key = re.search(r"<code class=\"key\">([A-Z2-7 ]+)</code>", shown.text)
    assert key
    totp = pyotp.TOTP(key[1].replace(" ", ""))
    wrong = sends(client, "/console/account/second-factor", code="000000", old=PASSWORD)
    assert wrong.status_code == 422
    assert key[1] in wrong.text, "the picture stays the same while one tries"
    assert sends(client, "/console/account/second-factor", code=totp.at(clock()), old="wrong").status_code == 422
    assert sends(client, "/console/account/second-factor", code=totp.at(clock()), old=PASSWORD).status_code == 303

    codes = re.findall(r"<li><code>([a-z2-7-]+)</code></li>", client.get("/console/account").text)
    assert len(codes) == 8
    assert codes[0] not in client.get("/console/account").text, "they are shown once"
    clock.passes(seconds=60)
    assert sign_in(app.test_client()).status_code == 422
    assert sign_in(app.test_client(), code=totp.at(clock())).status_code == 303
    assert sign_in(app.test_client(), code=codes[0]).status_code == 303

    end = "/console/account/second-factor/end"
    assert sends(client, "/console/account", end, old="wrong").status_code == 422
    assert sends(client, "/console/account", end, old=PASSWORD).status_code == 303
    assert sign_in(app.test_client()).status_code == 303


def test_sessions_are_shown_and_ended_from_another(app: Flask, console: Callable[..., FlaskClient]) -> None:
    here, there, third = console(Role.VIEWER), console(Role.VIEWER), console(Role.VIEWER)
    sessions = services_of(app).accounts.sessions.listed("robin")
    assert len(sessions) == 3
    (ended,) = [
        field.get("value", "")
        for field in list(tree_of(here.get("/console/account")).iter("input"))
        if field.get("name") == "id"
    ][:1]
    assert sends(here, "/console/account", "/console/account/sessions/end", id=ended).status_code == 303
    assert [is_in(client) for client in (there, third)].count(True) == 1
    assert sends(here, "/console/account", "/console/account/sessions/end").status_code == 303
    assert [is_in(client) for client in (here, there, third)] == [True, False, False]


def test_nobody_ends_the_session_of_another_or_takes_their_passkey(
    app: Flask, console: Callable[..., FlaskClient]
) -> None:
    mine, other = console(Role.ADMIN), console(Role.VIEWER, name="ann")
    (session,) = services_of(app).accounts.sessions.listed("ann")
    assert sends(mine, "/console/account", "/console/account/sessions/end", id=session.id).status_code == 404
    assert sends(mine, "/console/account", "/console/account/passkeys/remove", id="x").status_code == 404
    assert is_in(other)


def test_a_passkey_that_no_device_made_is_not_taken(app: Flask, console: Callable[..., FlaskClient]) -> None:
    client = console(Role.VIEWER)
    options = client.get("/console/account/passkey").get_json()
    assert options["user"]["name"] == "robin"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    for credential in ("", "{}", '{"id": "x", "rawId": "x", "type": "public-key", "response": {}}'):
        client.get("/console/account/passkey")
        answer = sends(client, "/console/account", "/console/account/passkeys", credential=credential)
        assert answer.status_code == 422
    assert services_of(app).accounts.passkeys.listed("robin") == []


def test_the_sandbox_is_open_and_has_no_accounts(make_app: Callable[..., Flask]) -> None:
    client = make_app(environment={"sandbox": True}).test_client()
    base = "http://localhost"
    assert client.get("/console/requests", base_url=base).status_code == 200
    assert "no accounts" in words_of(client.get("/console/account", base_url=base))
    assert client.get("/console/operators", base_url=base).status_code == 200
    assert client.get("/console/audit", base_url=base).status_code == 200
