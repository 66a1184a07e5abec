"""The purge: what is erased when its time is over, and when a clock or a store stands in the way."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.outbox import transitions
from ringback.outbox.calls.called import mark_called
from ringback.outbox.claims import Settlement
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import PersonalData
from ringback.outbox.purge_loop import PurgeLoop
from ringback.outbox.request import Answers, State
from ringback.store.database import Database
from ringback.store.tables import about, alerts, requests, stops
from tests.conftest import WIDGET, Clock
from tests.outbox.persons import PHONE, ask, count, said, state_of


@pytest.fixture
def app(make_app: Callable[..., Flask], store_url: str) -> Flask:
    return make_app(store_url)


# --- the purge ---


def settle(outbox: Outbox, transition: transitions.Transition) -> None:
    claim = outbox.claim("test")
    assert claim
    assert outbox.settle(claim, Settlement(transition, next_attempt_at=claim.requests[0].requested_at))


def bring_to(outbox: Outbox, state: State) -> str:
    """A request in this state."""
    id = ask(outbox, name="Ann")
    ends = {
        State.WITH_TEAM: transitions.TAKEN,
        State.UNKNOWN: transitions.LOSE,
        State.FAILED: transitions.FAIL,
    }
    if state in ends:
        settle(outbox, ends[state])
    elif state is State.CALLED:
        settle(outbox, transitions.TAKEN)
        with outbox._database.write() as connection:
            mark_called(connection, [id], outbox._clock(), outbox._clock(), "by a call report")
    elif state is State.CANCELLED:
        outbox.cancel(id)
    assert state_of(outbox, id) is state
    return id


ENDED = [state for state in State if state not in (State.WAITING, State.HANDING_OVER)]


def ended(outbox: Outbox, phone: str = PHONE, **said: str) -> str:
    """A request that waits for nobody any more."""
    id = ask(outbox, phone, **said)
    assert outbox.cancel(id)
    return id


@pytest.mark.parametrize("state", ENDED)
def test_what_was_not_changed_for_the_retention_days_is_erased(
    state: State, outbox: Outbox, personal_data: PersonalData, clock: Clock
) -> None:
    id = bring_to(outbox, state)
    clock.passes(days=30, seconds=-1)
    assert personal_data.purge().erased == 0, "not a second early"
    clock.passes(seconds=1)

    assert personal_data.purge().erased == 1
    found = outbox.read(id)
    assert found
    assert found[0].erased_at == clock.now
    assert (found[0].answers.phone, found[0].answers.name) == ("", "")
    assert found[0].state is state


def test_what_waits_is_never_purged(outbox: Outbox, personal_data: PersonalData, clock: Clock) -> None:
    id = bring_to(outbox, State.WAITING)
    clock.passes(days=400)

    assert personal_data.purge().erased == 0
    assert state_of(outbox, id) is State.WAITING


def test_a_call_that_is_booked_for_later_than_that_is_kept_until_it_is_over(
    make_app: Callable[..., Flask], store_url: str, clock: Clock
) -> None:
    hours = {"timezone": "Europe/London", "mon": ["09:00-17:00"], "tue": ["09:00-17:00"], "days_ahead": 7}
    widgets = {"sales": WIDGET | {"hours": hours}}
    app = make_app(store_url, widgets=widgets, privacy={"retention_days": 7})
    outbox, personal_data = app.extensions["ringback"].outbox, app.extensions["ringback"].personal_data
    start = clock.now + timedelta(days=6)
    booked = Answers("sales", PHONE, "GB", slot_starts_at=start, slot_ends_at=start + timedelta(minutes=30))
    id = outbox.accept(booked).id
    outbox.cancel(id)

    def erased_by(at: datetime) -> int:
        while clock.now < at:
            clock.now = min(clock.now + timedelta(hours=12), at)
            done = personal_data.purge()
        return done.left

    assert erased_by(clock.now + timedelta(days=7)) == 0, (
        "it ended when it was cancelled, and was due six days later"
    )
    assert erased_by(start + timedelta(days=7, seconds=-1)) == 0
    assert erased_by(start + timedelta(days=7)) == 1


@pytest.mark.parametrize("leap", [timedelta(days=40), timedelta(days=366), timedelta(days=-40)])
def test_a_clock_that_leapt_purges_nothing_until_it_ran_steadily_for_an_hour(
    app: Flask, outbox: Outbox, personal_data: PersonalData, clock: Clock, leap: timedelta
) -> None:
    id = ended(outbox)
    clock.passes(hours=1)
    assert said(app, "purge") == "Erased: 0. Left without personal data: 0.\n"
    clock.now += leap
    for _ in range(3):
        assert "The clock has leapt" in said(app, "purge", status=1)
        clock.passes(minutes=15)
    assert personal_data.export(id), "nothing is gone"
    assert personal_data.purge().clock_leapt
    clock.now -= leap
    assert personal_data.purge().clock_leapt, "put right, it has leapt again"
    clock.passes(hours=1)

    assert not personal_data.purge().clock_leapt
    assert personal_data.export(id)


def test_retention_counts_from_the_last_change(
    outbox: Outbox, operations: Operations, personal_data: PersonalData, clock: Clock
) -> None:
    id = bring_to(outbox, State.UNKNOWN)
    clock.passes(days=29)
    assert operations.resolve(id, rang=True)
    clock.passes(days=29)
    assert personal_data.purge().erased == 0
    clock.passes(days=1)

    assert personal_data.purge().erased == 1


def test_a_site_owner_says_for_how_long(make_app: Callable[..., Flask], store_url: str, clock: Clock) -> None:
    app = make_app(store_url, privacy={"retention_days": 3})
    ended(app.extensions["ringback"].outbox)
    clock.passes(days=3)

    assert app.extensions["ringback"].personal_data.purge().erased == 1


def test_a_purge_says_what_it_erased_and_what_is_left_and_the_next_finds_nothing(
    app: Flask, outbox: Outbox, personal_data: PersonalData, clock: Clock
) -> None:
    assert personal_data.last_purge() is None
    personal_data.erase(ask(outbox))
    ended(outbox)
    ended(outbox, "442079460199")
    clock.passes(days=30)
    ended(outbox, "442079460188")

    assert said(app, "purge") == "Erased: 2. Left without personal data: 3.\n"
    assert said(app, "purge") == "Erased: 0. Left without personal data: 3.\n"
    assert personal_data.last_purge() == clock.now


def test_more_requests_than_fit_in_one_transaction_are_purged_at_once(
    outbox: Outbox, database: Database, personal_data: PersonalData, clock: Clock
) -> None:
    ended(outbox)
    with database.write() as connection:
        row = dict(connection.execute(sa.select(requests)).one()._mapping)
        many = [row | {"id": f"{index:032}", "reference": f"RB-{index:09}"} for index in range(450)]
        connection.execute(requests.insert(), many)
    clock.passes(days=30)
    done = personal_data.purge()

    assert (done.erased, done.left) == (451, 451)
    assert count(database, requests, requests.c.phone != "") == 0


def test_processes_that_purge_at_once_do_no_harm(
    outbox: Outbox, personal_data: PersonalData, database: Database, clock: Clock
) -> None:
    for index in range(20):
        ended(outbox, f"44207946{index:04}")
    clock.passes(days=30)
    with ThreadPoolExecutor(8) as pool:
        done = [purge for _ in range(5) for purge in pool.map(lambda _: personal_data.purge(), range(8))]

    assert sum(purge.erased for purge in done) == 20
    assert count(database, about, about.c.key == "purged_at") == 1


def test_alerts_are_dropped_with_what_they_told_of_but_not_the_newest(
    outbox: Outbox, database: Database, personal_data: PersonalData, clock: Clock
) -> None:
    for _ in range(3):
        bring_to(outbox, State.FAILED)
    clock.passes(days=31)
    personal_data.purge()
    (newest,) = told(database)
    clock.passes(hours=1)
    bring_to(outbox, State.FAILED)
    personal_data.purge()

    assert told(database)[-1] > newest, "channels go by the number: it is never given twice"


def told(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.execute(sa.select(alerts.c.id).order_by(alerts.c.id)).scalars())


def test_stops_are_dropped_four_weeks_after_they_have_run_out(
    outbox: Outbox, database: Database, personal_data: PersonalData, clock: Clock
) -> None:
    outbox.stop(PHONE)
    clock.passes(days=30 + 27)
    personal_data.purge()
    assert count(database, stops) == 1
    clock.passes(days=1)
    personal_data.purge()

    assert count(database, stops) == 0


def test_the_hash_of_a_number_is_dropped_when_no_limit_looks_back_to_it(
    outbox: Outbox, database: Database, personal_data: PersonalData, clock: Clock
) -> None:
    hashed = requests.c.number_hash.is_not(None)
    personal_data.erase(ask(outbox))
    clock.passes(hours=23)
    personal_data.purge()
    assert count(database, requests, hashed) == 1, "four per day are counted for a day"
    clock.passes(hours=1, seconds=1)
    personal_data.purge()

    assert count(database, requests, hashed) == 0


# --- by itself ---


@pytest.fixture
def purge_loop(app: Flask) -> Iterator[PurgeLoop]:
    purge_loop = app.extensions["ringback"].purge_loop
    yield purge_loop
    purge_loop.stop(10)


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)  # another thread writes; the store can only be asked


def count_of_housekeepers() -> int:
    return [thread.name for thread in threading.enumerate()].count("purge")


def test_the_purge_runs_by_itself(
    purge_loop: PurgeLoop, outbox: Outbox, personal_data: PersonalData, clock: Clock
) -> None:
    id = ended(outbox)
    clock.passes(days=30)
    others = count_of_housekeepers()
    purge_loop.start()
    purge_loop.start()
    wait_for(lambda: personal_data.last_purge() is not None)

    assert personal_data.export(id) is None
    assert count_of_housekeepers() == others + 1


def test_the_purge_goes_on_after_a_store_that_failed(
    purge_loop: PurgeLoop,
    outbox: Outbox,
    database: Database,
    personal_data: PersonalData,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    purge_loop.every_seconds = 0.02
    id = ended(outbox, name="Quixotine")
    clock.passes(days=30)
    rename(database, "events", "elsewhere")
    purge_loop.start()
    wait_for(lambda: "purge: the store did not answer" in caplog.text)
    assert "Quixotine" not in caplog.text
    rename(database, "elsewhere", "events")

    wait_for(lambda: personal_data.export(id) is None)


def test_a_purge_that_the_store_did_not_let_happen_is_said_so(app: Flask, database: Database) -> None:
    rename(database, "alerts", "elsewhere")
    assert "The store did not answer; nothing is lost, try again." in said(app, "purge", status=1)
    rename(database, "elsewhere", "alerts")


def rename(database: Database, table: str, name: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")
