"""Alive, and able to store and to hand over."""

from collections.abc import Callable

from flask import Flask

from ringback.outbox.request import Answers
from tests.conftest import Clock


def ready(app: Flask) -> tuple[int, dict[str, str]]:
    response = app.test_client().get("/readyz")
    return response.status_code, response.get_json()


def test_a_process_that_hands_over_is_ready_once_it_does(make_app: Callable[..., Flask]) -> None:
    app = make_app(environment={"delivery_mode": "inline"})
    app.extensions["ringback"].delivery.start()

    assert ready(app) == (200, {"status": "ready", "store": "ok", "hand_over": "ok"})


def test_a_hand_over_that_nobody_does_is_told(app: Flask, clock: Clock) -> None:
    assert ready(app)[0] == 200
    app.extensions["ringback"].outbox.accept(Answers("sales", "442079460123", "GB"))
    clock.passes(seconds=61)

    assert ready(app) == (503, {"status": "not ready", "store": "ok", "hand_over": "not answering"})


def test_a_store_that_fails_is_told(app: Flask) -> None:
    with app.extensions["ringback"].database.write() as connection:
        connection.exec_driver_sql("DROP TABLE about")

    assert ready(app)[1]["store"] == "not answering"
    assert app.test_client().get("/healthz").status_code == 200
