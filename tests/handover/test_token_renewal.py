"""The auth token is renewed by hand and by itself, one process at a time, and nobody is shown it."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from ringback.accounts.operator import Operator, Role
from ringback.console import access
from ringback.handover.auth_token import AuthToken
from ringback.handover.token_renewal import TURN, BusyError, NotKeptError
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from ringback.services import Services, services_of
from ringback.store.failures import StoreError
from ringback.store.tables import about
from tests.conftest import Clock, make_settings

FIRST = "the first token of all"


@pytest.fixture
def app(make_app: Callable[..., Flask], samespace: SandboxSamespace) -> Flask:
    token = {"samespace_auth_token": SecretStr(FIRST)}
    settings = make_settings("sqlite://", samespace.base_url)
    own = settings.samespace.model_copy(update={"renew_token_days": 30})
    return make_app(samespace=own.model_dump(exclude_none=True), environment=token)


@pytest.fixture
def services(app: Flask) -> Services:
    return services_of(app)


def test_the_token_is_renewed_once_its_days_are_over(services: Services, clock: Clock) -> None:
    services.token_renewal.turn()
    assert services.auth_token.current() == FIRST  # nobody knows how old it is: its days begin now
    clock.passes(days=29)
    services.token_renewal.turn()
    assert services.auth_token.current() == FIRST
    clock.passes(days=1)
    services.token_renewal.turn()
    second = services.auth_token.current()
    assert second != FIRST
    services.token_renewal.turn()
    assert services.auth_token.current() == second
    assert services.auth_token.renewed_at() == clock.now


def test_while_samespace_is_away_the_old_one_stays_and_it_is_tried_again(
    services: Services, samespace: SandboxSamespace, clock: Clock
) -> None:
    services.token_renewal.turn()
    clock.passes(days=31)
    samespace.mode = Mode.DOWN
    services.token_renewal.turn()
    assert services.auth_token.current() == FIRST
    samespace.mode = Mode.ANSWERS
    services.token_renewal.turn()
    assert services.auth_token.current() != FIRST


def test_one_at_a_time_renews_it(services: Services, clock: Clock) -> None:
    assert services.auth_token.take_turn(clock.now, TURN)
    with pytest.raises(BusyError):
        services.token_renewal.renew()
    assert services.auth_token.current() == FIRST
    clock.passes(seconds=TURN.total_seconds())  # whoever had the turn has died
    services.token_renewal.renew()
    assert services.auth_token.current() != FIRST


def test_nobody_is_asked_for_a_token_that_could_not_be_kept(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise StoreError("the disk is full")

    monkeypatch.setattr(AuthToken, "take_turn", full)
    monkeypatch.setattr(services.samespace, "reset_token", lambda old: pytest.fail("asked"))
    with pytest.raises(StoreError):
        services.token_renewal.renew()


def test_a_store_that_fails_for_a_moment_loses_no_token(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, failures = AuthToken.replace, iter([StoreError("busy"), StoreError("busy")])

    def replace(self: AuthToken, *given: object) -> None:
        for failure in failures:
            raise failure
        kept(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr("ringback.handover.token_renewal._BETWEEN_TRIES_SECONDS", 0)
    monkeypatch.setattr(AuthToken, "replace", replace)
    services.token_renewal.renew()
    assert services.auth_token.current() != FIRST


def test_what_could_not_be_kept_is_in_no_log(
    services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    services.token_renewal.turn()
    clock.passes(days=31)
    monkeypatch.setattr("ringback.handover.token_renewal._BETWEEN_TRIES_SECONDS", 0)
    monkeypatch.setattr(AuthToken, "replace", full)
    services.auth_token.end_turn()
    services.token_renewal.turn()
    assert "did not take the new Samespace token" in caplog.text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", caplog.text)
    clock.passes(minutes=5)
    with pytest.raises(NotKeptError) as lost:
        services.token_renewal.renew()
    assert lost.value.token not in str(lost.value)


@pytest.mark.parametrize(
    ("role", "widgets", "may"),
    [(Role.ADMIN, None, True), (Role.ADMIN, {"sales"}, False), (Role.OPERATOR, None, False)],
)
def test_an_admin_renews_it_in_the_console_and_is_shown_none_of_it(
    app: Flask,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    role: Role,
    widgets: set[str] | None,
    may: bool,
) -> None:
    who = Operator("robin", role, frozenset(widgets) if widgets else None)
    monkeypatch.setattr(access, "_signed_in", lambda: who)
    client = app.test_client()
    assert ("Renew now" in client.get("/console/teams").text) is may
    answer = _renewed(client)
    assert answer.status_code == (303 if may else 404)
    assert (services.auth_token.current() != FIRST) is may
    with services.database.read() as connection:
        stored = " ".join(connection.execute(sa.select(about.c.value)).scalars())
    for token in (FIRST, services.auth_token.current() or ""):
        assert token not in client.get("/console/teams").text
        assert token not in stored


def _renewed(client: FlaskClient) -> TestResponse:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/console/widgets").text)
    assert token
    return client.post("/console/teams/token/renew", data={"csrf_token": token[1]})
