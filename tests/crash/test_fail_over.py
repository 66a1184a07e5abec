"""PostgreSQL fails over to its standby: what that costs, and what synchronous replication is needed for."""

import os
import threading
import time
from collections.abc import Callable

import pytest
from flask import Flask

from ringback.outbox.request import Answers, State
from ringback.services import services_of
from ringback.store.failures import STORE_ERRORS
from tests.conftest import migrated
from tests.crash.clusters import Pair
from tests.crash.served import states
from tests.crash.storm import RingLog
from tests.postgres import ask

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("crash"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as somebody else"),
]
SYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"
LAGS = "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"


def accept(app: Flask, first: int, count: int) -> list[str]:
    """The ids of those who were told that we have their request."""
    outbox, ids = services_of(app).outbox, []
    for place in range(first, first + count):
        ids.append(outbox.accept(Answers("sales", f"442079460{place:03}", "GB")).id)
    return ids


def fail_over(pair: Pair, app: Flask) -> None:
    pair.break_off(Pair.PRIMARY)
    pair.promote()
    until = time.monotonic() + 30
    while True:
        try:
            with services_of(app).database.write():
                return
        except STORE_ERRORS:
            assert time.monotonic() < until
            time.sleep(0.2)


@pytest.mark.parametrize("synchronous", [True, False])
def test_a_standby_that_keeps_up_has_everything(make_app: Callable[..., Flask], synchronous: bool) -> None:
    with Pair() as pair, RingLog() as samespace:
        migrated(pair.url(Pair.PRIMARY))
        if synchronous:
            ask(pair.url(Pair.PRIMARY), *SYNCHRONOUS)
        app = make_app(pair.url(), samespace.base_url, limits={"per_widget": "1000 per minute"})
        told = accept(app, 0, 40)
        services_of(app).delivery.run_once()
        told += accept(app, 40, 40)
        if not synchronous:
            time.sleep(1)  # for what is on its way
        fail_over(pair, app)
        services_of(app).delivery.run_once()

        assert set(told) <= set(states(pair.url(Pair.STANDBY)))
        assert set(samespace.rings.values()) == {1}
        assert len(samespace.rings) == 80


def test_a_standby_that_lags_loses_what_visitors_were_told_and_has_others_rung_twice(
    make_app: Callable[..., Flask],
) -> None:
    """What docs/scaling.md says of a fail-over without synchronous replication."""
    with Pair() as pair, RingLog() as samespace:
        migrated(pair.url(Pair.PRIMARY))
        app = make_app(pair.url(), samespace.base_url, limits={"per_widget": "1000 per minute"})
        early = accept(app, 0, 20)
        time.sleep(1)
        ask(pair.url(Pair.STANDBY), *LAGS)
        time.sleep(1)
        services_of(app).delivery.run_once()
        late = accept(app, 20, 20)
        fail_over(pair, app)
        found = states(pair.url(Pair.STANDBY))
        services_of(app).delivery.run_once()

        assert set(found) == set(early)
        assert set(found) & set(late) == set()
        assert {state for _, state in found.values()} == {State.WAITING}
        assert list(samespace.rings.values()) == [2] * 20


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # its connection breaks
def test_with_synchronous_replication_nobody_is_told_what_a_standby_that_lags_does_not_have(
    make_app: Callable[..., Flask],
) -> None:
    with Pair() as pair, RingLog() as samespace:
        migrated(pair.url(Pair.PRIMARY))
        app = make_app(pair.url(), samespace.base_url, limits={"per_widget": "1000 per minute"})
        early = accept(app, 0, 20)
        time.sleep(1)
        ask(pair.url(Pair.PRIMARY), *SYNCHRONOUS)
        ask(pair.url(Pair.STANDBY), *LAGS)
        time.sleep(1)
        told: list[str] = []
        waits = threading.Thread(target=lambda: told.extend(accept(app, 20, 1)))
        waits.start()
        waits.join(5)
        assert told == [], "a web process answers 503 meanwhile"
        fail_over(pair, app)
        waits.join(30)

        assert set(early) | set(told) <= set(states(pair.url(Pair.STANDBY)))
