"""Alive, and able to store and to hand over."""

from collections.abc import Callable

from flask import Flask

from ringback.handover.outcomes import Busy
from ringback.outbox.request import Answers
from tests.conftest import Clock


def ready(app: Flask) -> tuple[int, dict[str, str]]:
    response = app.test_client().get("/readyz")
    return response.status_code, response.get_json()


def well(**but: str) -> dict[str, str]:
    return {"status": "ready", "store": "ok", "hand_over": "ok", "backlog": "ok", "samespace": "ok"} | but


def test_a_process_that_hands_over_is_ready_once_it_does(make_app: Callable[..., Flask]) -> None:
    app = make_app(environment={"delivery_mode": "inline"})
    app.testing = False
    assert ready(app)[1]["hand_over"] == "ok", "the first request starts it"
    app.extensions["ringback"].delivery.stop(10)

    assert ready(app) == (503, well(status="not ready", hand_over="not running"))


def test_a_web_process_stays_though_the_worker_is_dead_and_says_so(app: Flask, clock: Clock) -> None:
    assert ready(app) == (200, well(hand_over="elsewhere"))
    app.extensions["ringback"].outbox.accept(Answers("sales", "442079460123", "GB"))
    clock.passes(seconds=61)

    assert ready(app) == (200, well(hand_over="elsewhere", backlog="waiting"))


def test_an_open_breaker_is_told_and_takes_nobody_off(app: Flask) -> None:
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    outbox.accept(Answers("sales", "442079460123", "GB"))
    claim = outbox.claim("me")
    outbox.settle(claim, delivery.settlement_of(Busy(90, 503), claim))

    assert ready(app) == (200, well(hand_over="elsewhere", samespace="not reached"))


def test_a_store_that_fails_is_told(app: Flask) -> None:
    with app.extensions["ringback"].database.write() as connection:
        connection.exec_driver_sql("DROP TABLE about")

    assert ready(app)[0] == 503
    assert ready(app)[1]["store"] == "not answering"
    assert app.test_client().get("/healthz").status_code == 200
