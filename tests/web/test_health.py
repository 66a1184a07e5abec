"""Alive, and able to store and to hand over."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr

from ringback.handover.outcomes import Busy
from ringback.outbox.request import Answers
from ringback.web import limits
from tests.conftest import Clock, migrated
from tests.running import free_port


def ready(app: Flask) -> tuple[int, dict[str, str]]:
    response = app.test_client().get("/readyz")
    return response.status_code, response.get_json()


def well(**but: str) -> dict[str, str]:
    fine = dict.fromkeys(("store", "hand_over", "backlog", "samespace", "limits"), "ok")
    return {"status": "ready"} | fine | but


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


def test_a_redis_that_is_away_is_told_and_takes_nobody_off(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits.limiter, "_storage_dead", False)
    nobody = SecretStr(f"redis://127.0.0.1:{free_port()}/0")
    app = make_app(environment={"ratelimit_storage_uri": nobody})

    assert ready(app) == (200, well(hand_over="elsewhere", limits="each process by itself"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a disk")
def test_a_disk_that_has_become_read_only_is_told(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    def mount(*options: str) -> None:
        subprocess.run(["mount", *options, "-t", "tmpfs", "tmpfs", str(tmp_path)], check=True)

    mount("-o", "size=20m")
    try:
        database_url = f"sqlite:///{tmp_path}/ringback.db"
        migrated(database_url)
        app = make_app(database_url)
        assert ready(app)[0] == 200
        app.extensions["ringback"].database.close()  # what is open for writing would not let it
        mount("-o", "remount,ro")
        app.extensions["ringback"].clock.passes(seconds=3)

        status, found = ready(app)
        assert (status, found["store"]) == (503, "not answering")
    finally:
        app.extensions["ringback"].database.close()
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_a_store_that_fails_is_told(app: Flask) -> None:
    with app.extensions["ringback"].database.write() as connection:
        connection.exec_driver_sql("DROP TABLE about")

    assert ready(app)[0] == 503
    assert ready(app)[1]["store"] == "not answering"
    assert app.test_client().get("/healthz").status_code == 200
