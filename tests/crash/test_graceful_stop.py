"""A deploy under load: what is in the air is finished, the process ends with 0, and nothing is unclear."""

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ringback.factory import create_app
from ringback.outbox.request import Answers, State
from tests.conftest import make_settings
from tests.crash.served import Crowd, environment, eventually, gunicorn, is_settled, states
from tests.crash.storm import RingLog
from tests.pairs import sqlite_first
from tests.running import deliver

pytestmark = pytest.mark.xdist_group("crash")

# How often it is stopped, with how many requests to hand over.
SIZES = [(1, 60), pytest.param(3, 150, marks=pytest.mark.long)]
# No answer is lost here, so one that is slow to come must not look like it.
PATIENT: dict[str, Any] = {"timeout_seconds": 10, "lease_seconds": 15}


def fill(store_url: str, count: int) -> None:
    limits = {"min_fill_seconds": 0, "per_widget": "1000000 per second"}
    app = create_app(make_settings(store_url, limits=limits))
    for n in range(count):
        app.extensions["ringback"].outbox.accept(Answers("sales", f"44{n:09}", "GB", name="Ann Example"))
    app.extensions["ringback"].database.close()


def assert_each_was_rung_once(store_url: str, samespace: RingLog, count: int) -> None:
    assert Counter(state for _, state in states(store_url).values()) == {State.WITH_TEAM: count}
    assert Counter(samespace.rings.values()) == {1: count}


@sqlite_first
@pytest.mark.parametrize(("stops", "count"), SIZES)
def test_sigterm_ends_the_hand_over_process_with_nothing_left_in_the_air(
    store_url: str, tmp_path: Path, stops: int, count: int
) -> None:
    with RingLog(slowest_seconds=0.4) as samespace:
        fill(store_url, count)
        settings = environment(tmp_path, samespace.base_url, store_url, "worker", **PATIENT)
        for _ in range(stops):
            with deliver(tmp_path, settings) as process:
                samespace.wait_for_calls(sum(samespace.rings.values()) + 10, timeout=30)
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
            found = Counter(state for _, state in states(store_url).values())
            assert set(found) == {State.WAITING, State.WITH_TEAM}, "stopped in the middle, and cleanly"
        with deliver(tmp_path, settings) as process:
            eventually(lambda: is_settled(store_url))
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0

    assert_each_was_rung_once(store_url, samespace, count)


@sqlite_first
@pytest.mark.parametrize("stops", [1, pytest.param(3, marks=pytest.mark.long)])
def test_sigterm_ends_the_web_process_with_everything_confirmed_and_handed_over_once(
    store_url: str, tmp_path: Path, stops: int
) -> None:
    with RingLog(slowest_seconds=0.4) as samespace:
        settings = environment(tmp_path, samespace.base_url, store_url, **PATIENT)
        with gunicorn(tmp_path, settings) as server:
            with Crowd(server.url) as crowd:
                for _ in range(stops):
                    crowd.wait_for_more(10)
                    assert server.stop() == 0
                    assert State.HANDING_OVER not in {state for _, state in states(store_url).values()}
                    server.start()
                crowd.wait_for_more(10)
            eventually(lambda: is_settled(store_url))
            assert server.stop() == 0

    found = states(store_url)
    assert set(crowd.confirmed.values()) <= set(found)
    assert_each_was_rung_once(store_url, samespace, len(found))
