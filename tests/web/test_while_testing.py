"""With `TESTING = True`: a request is handed over before the 303 returns, and a client needs no address."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from ringback.factory import create_app
from ringback.outbox.request import State
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from ringback.services import services_of
from tests import privacy
from tests.conftest import Clock, make_settings

FORM = {"phone": "020 7946 0123", "name": "Ann Example"}


@pytest.fixture
def tested(make_app: Callable[..., Flask], samespace: SandboxSamespace) -> Flask:
    """As somebody who tests their site would have it."""
    app = make_app(base_url=samespace.base_url, environment={"delivery_mode": "inline"})
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    return app


def asks(app: Flask, **said: str) -> Any:
    privacy.submits(FORM | said)
    return app.test_client().post("/sales", data=FORM | said)


def states(app: Flask) -> list[State]:
    return [row.state for row in services_of(app).operations.listed()]


def test_a_request_is_with_its_team_when_the_303_returns(tested: Flask, samespace: SandboxSamespace) -> None:
    answer = asks(tested)

    assert answer.status_code == 303
    assert [call.number for call in samespace.calls] == ["442079460123"]
    assert "has your request" in tested.test_client().get(answer.location).text


def test_what_is_refused_is_tried_again_when_the_test_says_so(
    tested: Flask, samespace: SandboxSamespace, clock: Clock
) -> None:
    samespace.mode = Mode.REFUSES
    asks(tested)
    assert states(tested) == [State.WAITING]

    samespace.mode = Mode.ANSWERS
    services_of(tested).delivery.run_once()
    assert states(tested) == [State.WAITING]
    clock.passes(seconds=10)
    services_of(tested).delivery.run_once()
    assert states(tested) == [State.WITH_TEAM]


def test_nothing_runs_beside_a_test(tested: Flask) -> None:
    before = set(threading.enumerate())
    asks(tested)

    assert set(threading.enumerate()) <= before
    assert not services_of(tested).delivery.is_running
    assert tested.test_client().get("/readyz").status_code == 200


def test_without_testing_it_is_handed_over_beside_the_answers(tested: Flask) -> None:
    tested.testing = False
    asks(tested)

    assert services_of(tested).delivery.is_running


def test_what_another_process_hands_over_waits_for_it(
    make_app: Callable[..., Flask], samespace: SandboxSamespace
) -> None:
    app = make_app(base_url=samespace.base_url, environment={"delivery_mode": "worker"})
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    asks(app)

    assert states(app) == [State.WAITING]


@pytest.mark.parametrize(
    "public_url",
    [
        "https://ring.example.co.uk",
        "http://10.1.2.3:8443",
        "https://[2001:db8::7]:444",
        "https://xn--rckruf-3ya.test",
    ],
)
def test_a_client_that_is_told_no_address_asks_ours(tmp_path: Path, clock: Clock, public_url: str) -> None:
    settings = make_settings(f"sqlite:///{tmp_path}/ringback.db", environment={"public_url": public_url})
    app = create_app(settings, clock)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()

    assert client.get("/sales").status_code == 200
    assert client.get("/sales", base_url="https://elsewhere.test").status_code == 400
    assert client.post("/sales", data=FORM, base_url="https://elsewhere.test").status_code == 400
    for path in ("/healthz", "/readyz"):
        for host in ("http://10.0.0.1", "http://localhost:9000", "https://elsewhere.test"):
            assert client.get(path, base_url=host).status_code == 200
    assert client.post("/sales", data=FORM).location.startswith("/requests/")
    services_of(app).database.close()


def test_the_sandbox_answers_on_each_port_of_this_machine(make_app: Callable[..., Flask]) -> None:
    client = make_app(environment={"sandbox": True, "public_url": "http://127.0.0.1:8000"}).test_client()

    for base in (None, "http://localhost:8123", "http://127.0.0.1:5000", "http://[::1]:65001", "http://[::1]"):
        assert client.get("/sales", base_url=base).status_code == 200
        own = {"Origin": base or "http://localhost"}
        assert client.post("/sales", data=FORM, base_url=base, headers=own).status_code == 422, (
            "it is no other site"
        )
    assert client.get("/sales", base_url="http://elsewhere.test:8000").status_code == 400
