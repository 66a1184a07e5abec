"""A new SECRET_KEY: what was made with the one before holds while that stands in SECRET_KEY_FALLBACKS."""

from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from ringback.accounts.operator import Role
from ringback.outbox.calls.outcome_key import outcome_key
from ringback.outbox.request import Answers
from ringback.services import services_of
from tests.console.signing_in import PASSWORD, sign_in, token_of
from tests.visitor import Visitor

OLD, NEW = SecretStr("the key of before, and long enough"), SecretStr("the key of now, which is another")
LINKS = {"space_id": "acme", "base_url": "http://127.0.0.1:9", "outcome_links": True}
# The three times of a rotation.
BEFORE: dict[str, Any] = {"secret_key": OLD}
MEANWHILE: dict[str, Any] = {"secret_key": NEW, "secret_key_fallbacks": (OLD,)}
AFTER: dict[str, Any] = {"secret_key": NEW}


@pytest.fixture
def at(make_app: Callable[..., Flask]) -> Callable[[dict[str, Any]], Flask]:
    """The same store, served at one of these times."""
    return lambda keys: make_app(samespace=LINKS, environment=keys)


def with_cookies_of(other: FlaskClient, app: Flask) -> FlaskClient:
    """The same browser, at another process."""
    client = app.test_client()
    client._cookies = dict(other._cookies or {})
    return client


def test_a_form_that_is_open_is_taken_and_sent_twice_it_is_one_request(
    at: Callable[[dict[str, Any]], Flask],
) -> None:
    answers = {"name": "Ann Example", "phone": "020 7946 0123"}
    visitor = Visitor(at(BEFORE))
    form = visitor.opens("/sales")
    first = visitor.sends(form, **answers)
    again = Visitor(at(MEANWHILE)).sends(form, **answers)
    assert (first.status, again.status) == (303, 303)
    assert first.response.location == again.response.location
    assert visitor.follows(first).status == 200, "a link to a request is no matter of keys"

    form = Visitor(at(BEFORE)).opens("/sales")
    shown_again = Visitor(at(AFTER)).sends(form, **answers)
    assert shown_again.status == 422
    assert "Ann Example" in shown_again.html


def test_who_is_signed_in_stays_so_and_their_second_factor_opens(at: Callable[[dict[str, Any]], Flask]) -> None:
    app = at(BEFORE)
    services_of(app).accounts.people.add("robin", Role.ADMIN, None, PASSWORD)
    browser = app.test_client()
    sign_in(browser)
    token = token_of(browser.get("/console/operators"))
    assert with_cookies_of(browser, at(MEANWHILE)).get("/console/requests").status_code == 200
    assert with_cookies_of(browser, at(AFTER)).get("/console/requests").status_code == 303
    pressed = with_cookies_of(browser, at(MEANWHILE)).post("/console/sign-out", data={"csrf_token": token})
    assert pressed.status_code == 303, "a page that stands open since before"
    assert sign_in(at(AFTER).test_client()).status_code == 303, "a password is no matter of keys"


def test_once_it_was_started_with_both_keys_a_second_factor_needs_the_new_one_alone(
    at: Callable[[dict[str, Any]], Flask],
) -> None:
    services = services_of(at(BEFORE))
    services.accounts.people.add("robin", Role.ADMIN, None, PASSWORD)
    secret = services.accounts.second_factor.new_secret()
    assert services.accounts.second_factor.begin("robin", secret, pyotp.TOTP(secret).at(services.clock()))
    clock: Any = services.clock

    def enters(keys: dict[str, Any]) -> int:
        clock.passes(minutes=20)  # a code is good once
        code = pyotp.TOTP(secret).at(clock())
        return sign_in(at(keys).test_client(), code=code).status_code

    assert enters(AFTER) == 422
    assert enters(MEANWHILE) == 303
    assert enters(AFTER) == 303


def test_an_agents_link_holds_while_the_key_before_is_known(at: Callable[[dict[str, Any]], Flask]) -> None:
    app = at(BEFORE)
    reference = services_of(app).outbox.accept(Answers("sales", "442079460123", "GB")).reference
    link = f"/outcome/{outcome_key(OLD.get_secret_value(), reference)}"
    shown = [at(keys).test_client().get(link).status_code for keys in (BEFORE, MEANWHILE, AFTER)]
    assert shown == [200, 200, 404]


def test_the_keys_of_programs_are_no_matter_of_it(at: Callable[[dict[str, Any]], Flask]) -> None:
    key = services_of(at(BEFORE)).api_keys.add("crm", ())
    asks = {"Authorization": f"Bearer {key}"}
    assert at(AFTER).test_client().get("/api/requests", headers=asks).status_code == 200
