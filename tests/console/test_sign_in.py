"""Signing in and out: the cookie, the session behind it, and what is told to whom."""

from collections.abc import Callable

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from ringback.accounts.sign_in import PER_ACCOUNT
from ringback.console import access
from ringback.services import services_of
from tests.conftest import Clock
from tests.console.signing_in import PASSWORD, sends, sign_in, token_of, words_of


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser whose person has an account."""
    services_of(app).accounts.people.add("robin", Role.OPERATOR, {"sales"}, PASSWORD)
    return app.test_client()


def is_in(client: FlaskClient) -> bool:
    return client.get("/console/requests").status_code == 200


def test_name_and_password_sign_in(client: FlaskClient) -> None:
    assert not is_in(client)
    answer = sign_in(client)
    assert (answer.status_code, answer.location) == (303, "/console/requests")
    assert is_in(client)
    assert client.get("/console/sign-in").location == "/console/"


def test_the_cookie_is_this_hosts_alone_and_no_script_reads_it(client: FlaskClient) -> None:
    cookies = {cookie.partition("=")[0]: cookie for cookie in sign_in(client).headers.getlist("Set-Cookie")}
    assert set(cookies) == {"__Host-ringback", "__Host-ringback-known"}
    for cookie in cookies.values():
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    session = cookies["__Host-ringback"].split("; ")
    assert not [part for part in session if part.startswith(("Expires", "Max-Age"))]


def test_no_stranger_keeps_somebody_out_of_a_browser_in_which_they_signed_in_before(
    app: Flask, client: FlaskClient, clock: Clock
) -> None:
    sign_in(client)
    sends(client, "/console/account", "/console/sign-out")
    clock.passes(days=200)
    stranger = app.test_client()
    assert [sign_in(stranger, password="wrong").status_code for _ in range(PER_ACCOUNT + 1)][-1] == 429
    assert sign_in(stranger).status_code == 429, "nor does the stranger get in"

    assert sign_in(client).status_code == 303


def test_a_browser_that_is_known_has_no_more_tries_than_any_other_and_only_for_who_signed_in_there(
    app: Flask, client: FlaskClient
) -> None:
    services_of(app).accounts.people.add("ann", Role.ADMIN, None, "nobody else is to know")
    sign_in(client)
    sends(client, "/console/account", "/console/sign-out")
    for name in ("robin", "ann"):
        answers = [sign_in(client, name, "wrong").status_code for _ in range(PER_ACCOUNT + 1)]
        assert answers == [422] * PER_ACCOUNT + [429]
    assert sign_in(app.test_client(), "ann").status_code == 429, "those of ann are counted with everybody's"
    forged = app.test_client()
    forged.set_cookie("__Host-ringback-known", "WyJ4IixbXV0.aaaa.bbbb", domain="callback.acme.test", secure=True)
    assert sign_in(forged).status_code == 303, "what nobody signed counts for nothing"


@pytest.mark.parametrize("change", ["password", "reset"])
def test_a_browser_is_a_strangers_again_when_the_password_it_was_known_by_is_gone(
    app: Flask, client: FlaskClient, change: str
) -> None:
    sign_in(client)
    people = services_of(app).accounts.people
    if change == "password":
        people.set_password("robin", "another four quiet words")
    else:
        people.reset("robin", "another four quiet words")
    client.delete_cookie("__Host-ringback", domain="callback.acme.test")
    for _ in range(PER_ACCOUNT):
        sign_in(app.test_client(), password="wrong")
    assert sign_in(client).status_code == 429, "whoever was in by the old password has no tries of their own"


def test_who_changes_their_password_is_still_known_where_they_did(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    new = "another four quiet words"
    sends(client, "/console/account", "/console/account/password", old=PASSWORD, password=new)
    client.delete_cookie("__Host-ringback", domain="callback.acme.test")
    for _ in range(PER_ACCOUNT):
        sign_in(app.test_client(), password="wrong")
    assert sign_in(client, password=new).status_code == 303


@pytest.mark.parametrize("change", ["password", "reset"])
def test_the_step_of_the_code_ends_when_the_password_changes(
    app: Flask, client: FlaskClient, clock: Clock, change: str
) -> None:
    totp = with_second_factor(app, clock)
    asked = sign_in(client)
    people = services_of(app).accounts.people
    if change == "password":
        people.set_password("robin", "another four quiet words")
    else:
        people.reset("robin", "another four quiet words")
        factor = services_of(app).accounts.second_factor
        secret = factor.new_secret()
        factor.begin("robin", secret, pyotp.TOTP(secret).at(clock()))
        totp = pyotp.TOTP(secret)
        clock.passes(seconds=60)
    answer = client.post("/console/sign-in", data={"csrf_token": token_of(asked), "code": totp.at(clock())})
    assert answer.status_code == 422
    assert not is_in(client)


def test_a_session_is_new_at_each_sign_in_and_the_one_before_is_ended(client: FlaskClient) -> None:
    token = token_of(client.get("/console/sign-in"))
    before = client.get_cookie("__Host-ringback", domain="callback.acme.test")
    sign_in(client)
    first = client.get_cookie("__Host-ringback", domain="callback.acme.test")
    assert before
    assert first
    assert before.value != first.value
    assert client.post("/console/sign-out", data={"csrf_token": token}).status_code == 400, (
        "nor is its form's token"
    )
    client.delete_cookie("__Host-ringback", domain="callback.acme.test")
    client.set_cookie("__Host-ringback", before.value, domain="callback.acme.test", secure=True)
    assert not is_in(client), "what was there before one signed in is nobody's"


def test_signing_out_ends_the_session_for_whoever_has_a_copy_of_the_cookie(client: FlaskClient) -> None:
    sign_in(client)
    copy = client.get_cookie("__Host-ringback", domain="callback.acme.test")
    assert copy
    assert sends(client, "/console/account", "/console/sign-out").location == "/console/sign-in"
    assert not is_in(client)
    client.set_cookie("__Host-ringback", copy.value, domain="callback.acme.test", secure=True)
    assert not is_in(client)


def test_a_session_ends_after_twelve_hours(client: FlaskClient, clock: Clock) -> None:
    sign_in(client)
    clock.passes(hours=11, minutes=59)
    assert is_in(client)
    clock.passes(minutes=1)
    assert not is_in(client)


def test_a_cookie_that_was_made_up_signs_nobody_in(client: FlaskClient) -> None:
    for value in ("", "x", "eyJrZXkiOiJ4In0.aaaa.bbbb"):
        client.set_cookie("__Host-ringback", value, domain="callback.acme.test", secure=True)
        assert not is_in(client)


def test_the_same_is_answered_whether_there_is_such_an_account(client: FlaskClient) -> None:
    known, unknown = sign_in(client, "robin", "wrong"), sign_in(client, "nobody", "wrong")
    assert known.status_code == unknown.status_code == 422
    tokens = token_of(known), token_of(unknown)
    assert known.text.replace("robin", "nobody").replace(tokens[0], tokens[1]) == unknown.text
    assert "Set-Cookie" not in known.headers


@pytest.mark.parametrize("name", ["robin", "nobody"])
def test_too_many_tries_are_told_with_the_time_to_wait(client: FlaskClient, name: str) -> None:
    for _ in range(PER_ACCOUNT):
        assert sign_in(client, name, "wrong").status_code == 422
    answer = sign_in(client, name)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "900")
    assert "Wait 15 minutes" in words_of(answer)


def test_one_comes_where_one_wanted_to_go(client: FlaskClient) -> None:
    client.get("/console/requests?state=late&q=44")
    client.get("/console/account/passkey", headers={"Sec-Fetch-Mode": "cors"})
    assert sign_in(client).location == "/console/requests?state=late&q=44"


@pytest.mark.parametrize("path", ["/console/audit?next=//evil.example", "/console/audit?a=%0d%0aSet-Cookie:x"])
def test_one_comes_to_pages_of_the_console_only(client: FlaskClient, path: str) -> None:
    client.get(path)
    location = sign_in(client).location
    assert location.startswith("/console/")
    assert "\n" not in location


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [("/sales/install?lang=de", True), ("//evil.example/install", False), ("/evil\\x/install", False)],
)
def test_an_install_page_is_come_to_as_well_and_nobody_elses(app: Flask, path: str, is_ours: bool) -> None:
    with app.test_request_context("/console/sign-in"):
        assert access.is_own_path(path) == is_ours


def test_a_form_from_elsewhere_signs_nobody_in(client: FlaskClient) -> None:
    answer = client.post("/console/sign-in", data={"username": "robin", "password": PASSWORD})
    assert answer.status_code == 400
    assert not is_in(client)


def with_second_factor(app: Flask, clock: Clock) -> pyotp.TOTP:
    factor = services_of(app).accounts.second_factor
    totp = pyotp.TOTP(factor.new_secret())
    assert factor.begin("robin", totp.secret, totp.at(clock()))
    clock.passes(seconds=90)
    return totp


def test_a_code_is_asked_for_where_there_is_a_second_factor(app: Flask, client: FlaskClient, clock: Clock) -> None:
    totp = with_second_factor(app, clock)
    asked = sign_in(client)
    assert asked.status_code == 422
    assert PASSWORD not in asked.text
    assert not is_in(client)
    wrong = client.post("/console/sign-in", data={"csrf_token": token_of(asked), "code": "000000"})
    assert wrong.status_code == 422
    right = client.post("/console/sign-in", data={"csrf_token": token_of(wrong), "code": totp.at(clock())})
    assert right.status_code == 303
    assert is_in(client)


def test_name_password_and_code_can_be_sent_together(app: Flask, client: FlaskClient, clock: Clock) -> None:
    totp = with_second_factor(app, clock)
    assert sign_in(client, code="000000").status_code == 422
    assert not is_in(client)
    assert sign_in(client, code=totp.at(clock())).status_code == 303


def test_the_code_has_to_come_soon_after_the_password(app: Flask, client: FlaskClient, clock: Clock) -> None:
    totp = with_second_factor(app, clock)
    asked = sign_in(client)
    clock.passes(minutes=6)
    late = client.post("/console/sign-in", data={"csrf_token": token_of(asked), "code": totp.at(clock())})
    assert late.status_code == 422
    assert not is_in(client)


def test_a_link_sets_a_password_and_signs_in_once(app: Flask) -> None:
    key = services_of(app).accounts.people.add("ann", Role.VIEWER, None)
    client, address = app.test_client(), f"/console/password/{key}"
    short = sends(client, address, password="short")
    assert short.status_code == 422
    assert "at least 12 characters" in words_of(short)
    assert sends(client, address, password=PASSWORD).status_code == 303
    assert is_in(client)
    assert app.test_client().get(address).status_code == 410
    assert sign_in(app.test_client(), "ann").status_code == 303


def test_nobody_else_may_frame_or_keep_a_page_of_the_console(client: FlaskClient) -> None:
    signed_out = client.get("/console/sign-in")
    sign_in(client)
    for answer in (signed_out, client.get("/console/requests"), client.get("/console/account")):
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_a_passkey_that_signed_nothing_signs_nobody_in(client: FlaskClient) -> None:
    options = client.get("/console/sign-in/passkey").get_json()
    assert options["rpId"] == "callback.acme.test"
    assert options["userVerification"] == "required"
    for credential in ("", "{}", "[]", "null", '{"id": "x"}', '{"id": {}}', "\0"):
        client.get("/console/sign-in/passkey")
        answer = sends(client, "/console/sign-in", "/console/sign-in/passkey", credential=credential)
        assert answer.status_code == 422
    assert not is_in(client)


class TestTheHostOfTheConsole:
    """CONSOLE_HOST: one host for visitors, another for operators."""

    @pytest.fixture
    def app(self, make_app: Callable[..., Flask]) -> Flask:
        return make_app(environment={"console_host": "console.acme.test"})

    @pytest.mark.parametrize(
        ("address", "status"),
        [
            ("https://console.acme.test/console/sign-in", 200),
            ("https://console.acme.test:8443/console/sign-in", 200),
            ("https://callback.acme.test/console/sign-in", 404),
            ("https://callback.acme.test/console/requests", 404),
            ("https://callback.acme.test/sales", 200),
            ("https://console.acme.test/sales", 404),
            ("https://console.acme.test/", 404),
            ("https://console.acme.test/embed.js", 404),
            ("https://console.acme.test/healthz", 200),
            ("https://console.acme.test/static/console.css", 200),
            ("https://callback.acme.test/static/ringback.css", 200),
            ("https://other.acme.test/console/sign-in", 404),
            ("https://other.acme.test/sales", 400),
        ],
    )
    def test_each_host_answers_its_own_pages(self, app: Flask, address: str, status: int) -> None:
        origin, _, path = address.removeprefix("https://").partition("/")
        assert app.test_client().get(f"/{path}", base_url=f"https://{origin}").status_code == status

    def test_one_signs_in_there(self, app: Flask) -> None:
        services_of(app).accounts.people.add("robin", Role.VIEWER, None, PASSWORD)
        client, there = app.test_client(), "https://console.acme.test"
        token = token_of(client.get("/console/sign-in", base_url=there))
        answer = client.post(
            "/console/sign-in",
            base_url=there,
            data={"csrf_token": token, "username": "robin", "password": PASSWORD},
        )
        assert (answer.status_code, answer.location) == (303, "/console/")
        assert client.get("/console/requests", base_url=there).status_code == 200
        options = client.get("/console/sign-in/passkey", base_url=there).get_json()
        assert options["rpId"] == "console.acme.test"
