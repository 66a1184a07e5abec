"""When a call may be made: the breaker, paused teams, pace, and fairness, on both engines."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask

from ringback.handover.loop import Delivery
from ringback.handover.outcomes import Accepted, Busy, Misconfigured, Unclear
from ringback.outbox import transitions
from ringback.outbox.claims import Claim, Settlement
from ringback.outbox.outbox import Outbox
from ringback.outbox.pacing.breaker import UpstreamSignal
from ringback.outbox.request import Answers, EventKind, State
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.failures import StoreError
from tests.conftest import WIDGET, Clock
from tests.outbox.calls import state, take
from tests.pairs import sqlite_first

TAKEN = Settlement(transitions.TAKEN, sign=UpstreamSignal.SOUND)
WAITS = [5.0, 30.0, 120.0]


NO_BRAKE = {"per_widget": "1000 per hour", "min_fill_seconds": 0}


@pytest.fixture
def app(make_app: Callable[..., Flask], store_url: str, samespace: SandboxSamespace) -> Flask:
    widgets = {
        "sales": WIDGET,
        "help": WIDGET | {"team_name": "Help"},
        "slow": WIDGET | {"team_name": "Slow", "calls_per_minute": 60},
    }
    return make_app(
        store_url, samespace.base_url, widgets=widgets, delivery={"retry_seconds": WAITS}, limits=NO_BRAKE
    )


def ask(outbox: Outbox, index: int, widget: str = "sales") -> str:
    return outbox.accept(Answers(widget=widget, phone=f"44207946{index:04}", region="GB")).id


def fail(outbox: Outbox, delivery: Delivery) -> None:
    claim = take(outbox)
    outbox.settle(claim, delivery.settlement_of(Unclear("time-out", None, ""), claim))


def test_the_first_unclear_end_keeps_everybody_from_the_same(outbox: Outbox, delivery: Delivery) -> None:
    ids = [ask(outbox, index) for index in range(3)]
    fail(outbox, delivery)

    assert outbox.claim("test") is None
    assert [state(outbox, id) for id in ids] == [State.UNKNOWN, State.WAITING, State.WAITING]


def test_then_samespace_is_asked_without_ringing_anybody_and_one_request_tries(
    outbox: Outbox, delivery: Delivery, clock: Clock
) -> None:
    for index in range(4):
        ask(outbox, index)
    fail(outbox, delivery)
    assert not outbox.take_probe()
    clock.passes(seconds=5)
    assert outbox.take_probe()
    assert not outbox.take_probe(), "one process asks"
    outbox.samespace_answers()

    trial = take(outbox)
    assert outbox.claim("another") is None, "one real request at a time"
    outbox.settle(trial, TAKEN)
    assert take(outbox)
    assert take(outbox)


def test_a_trial_that_fails_waits_longer_each_time(outbox: Outbox, delivery: Delivery, clock: Clock) -> None:
    for index in range(6):
        ask(outbox, index)
    for wait in (5, 30, 120):
        fail(outbox, delivery)
        outbox.samespace_answers()
        assert outbox.claim("test") is None
        clock.passes(seconds=wait - 1)
        outbox.samespace_answers()
        assert outbox.claim("test") is None, f"not before {wait} s"
        clock.passes(seconds=1)
        outbox.samespace_answers()


def test_a_trial_whose_process_died_does_not_keep_the_breaker_open(
    outbox: Outbox, delivery: Delivery, clock: Clock
) -> None:
    for index in range(3):
        ask(outbox, index)
    fail(outbox, delivery)
    clock.passes(seconds=5)
    outbox.samespace_answers()
    take(outbox)
    clock.passes(seconds=31)
    outbox.expire()

    assert take(outbox)


def test_when_samespace_asks_for_time_everybody_gives_it(outbox: Outbox, delivery: Delivery, clock: Clock) -> None:
    first, _ = ask(outbox, 1), ask(outbox, 2)
    claim = take(outbox)
    outbox.settle(claim, delivery.settlement_of(Busy(retry_after=90, status=503), claim))

    assert state(outbox, first) is State.WAITING
    clock.passes(seconds=89)
    outbox.samespace_answers()
    assert outbox.claim("test") is None
    clock.passes(seconds=1)
    outbox.samespace_answers()
    assert take(outbox)


def turned_away(outbox: Outbox, delivery: Delivery, why: str = "") -> None:
    """Two numbers in a row: from then on their team is paused."""
    for _ in "12":
        claim = take(outbox)
        outbox.settle(claim, delivery.settlement_of(Misconfigured(404, why), claim))


def test_a_configuration_fault_pauses_that_team_and_tries_one_request_every_five_minutes(
    outbox: Outbox, delivery: Delivery, clock: Clock
) -> None:
    ids = [ask(outbox, index) for index in range(5)]
    clock.passes(seconds=1)
    other = ask(outbox, 9, "help")
    turned_away(outbox, delivery)

    assert take(outbox).requests[0].id == other
    assert outbox.claim("test") is None
    clock.passes(minutes=5)
    tried = take(outbox)
    assert outbox.claim("test") is None
    outbox.settle(tried, delivery.settlement_of(Misconfigured(404, ""), tried))
    assert [state(outbox, id) for id in ids] == [State.WAITING] * 5
    clock.passes(minutes=5)
    mended = take(outbox)
    outbox.settle(mended, delivery.settlement_of(Accepted(""), mended))
    assert take(outbox)
    assert take(outbox)


def test_an_operator_resumes_a_team(outbox: Outbox, delivery: Delivery) -> None:
    ask(outbox, 1), ask(outbox, 2)
    turned_away(outbox, delivery, "no such team")
    paused = [team for team in outbox.teams.listed() if team.paused_at]
    assert [(team.name, team.paused_why) for team in paused] == [("Sales", "answered 404: no such team")]

    assert outbox.teams.resume("Sales")
    assert not outbox.teams.resume("Sales")
    assert take(outbox)


@sqlite_first
def test_calls_per_minute_holds_in_any_minute(outbox: Outbox, clock: Clock) -> None:
    for index in range(300):
        ask(outbox, index, "slow")
    start, went = clock.now, []
    while clock.now < start + timedelta(seconds=150):
        while claim := outbox.claim("one") or outbox.claim("another"):
            went.append((clock.now - start).total_seconds())
            outbox.settle(claim, TAKEN)
        clock.passes(seconds=0.5)

    for begin in range(0, 90):
        assert 58 <= len([at for at in went if begin <= at < begin + 60]) <= 62


def test_what_is_held_goes_at_the_pace_of_its_team_behind_whoever_came_before_and_delays_nobody(
    outbox: Outbox, clock: Clock
) -> None:
    """Numbers 0 and 1 are held, 2 and 3 are rung, 4 is held, and so on; there is a turn each second."""
    held = [index for index in range(12) if index % 4 < 2]
    for index in held:
        outbox.stop(f"44207946{index:04}")
    numbers = {ask(outbox, index, "slow"): index for index in range(12)}
    clock.passes(seconds=1)
    went = {}
    for second in range(12):
        while claim := outbox.claim("one"):
            went[numbers[claim.requests[0].id]] = second
            outbox.settle(claim, TAKEN)
        clock.passes(seconds=1)

    rung = [index for index in range(12) if index not in held]
    assert [went[index] for index in rung] == [0, 1, 2, 3, 4, 5], "one a second, as if nobody were held"
    turns = [went[index] for index in held]
    assert turns == sorted(set(turns)), "one a turn"
    for index in held:
        assert all(went[before] <= went[index] for before in rung if before < index), "behind who came before"


def test_what_is_held_at_a_paused_team_is_tried_as_seldom_as_any_other_and_stops_nobody_elsewhere(
    outbox: Outbox, delivery: Delivery, clock: Clock
) -> None:
    turned = ask(outbox, 1), ask(outbox, 2)
    turned_away(outbox, delivery)
    for id in turned:
        assert outbox.cancel(id)
    for index in (3, 4):
        outbox.stop(f"44207946{index:04}")
    clock.passes(minutes=5)
    at_paused, elsewhere = ask(outbox, 3), ask(outbox, 4, "help")
    for _ in range(3):
        for _ in range(10):
            if claim := outbox.claim("test"):
                delivery.hand_over(claim)
            clock.passes(seconds=30)

    assert state(outbox, elsewhere) is State.WITH_TEAM
    assert state(outbox, at_paused) is State.WAITING
    found = outbox.read(at_paused)
    assert found
    tried = [event.at for event in found[1] if event.kind is EventKind.ATTEMPTED]
    assert 2 <= len(tried) <= 3
    assert all(later - earlier >= timedelta(minutes=5) for earlier, later in pairwise(tried))


def test_the_oldest_promise_goes_first_over_all_widgets(
    make_app: Callable[..., Flask], store_url: str, clock: Clock
) -> None:
    widgets = {"sales": WIDGET | {"promise_minutes": 60}, "help": WIDGET | {"promise_minutes": 5}}
    outbox = make_app(store_url, widgets=widgets).extensions["ringback"].outbox
    relaxed = ask(outbox, 1, "sales")
    clock.passes(minutes=1)
    urgent = ask(outbox, 2, "help")

    assert [take(outbox).requests[0].id for _ in "12"] == [urgent, relaxed]


@sqlite_first
def test_one_widgets_flood_leaves_workers_for_another(
    outbox: Outbox, delivery: Delivery, samespace: SandboxSamespace
) -> None:
    samespace.slow_seconds = 1
    samespace.mode = Mode.SLOW
    for index in range(40):
        ask(outbox, index, "sales")
    ask(outbox, 99, "help")
    delivery.start()
    samespace.wait_for_calls(8, 10)

    numbers = [call.number for call in samespace.calls[:8]]
    assert "442079460099" in numbers, "it came last and did not wait for forty others"


def test_while_much_waits_each_worker_claims_for_itself(
    outbox: Outbox, delivery: Delivery, samespace: SandboxSamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, two, met = outbox.claim, threading.Barrier(2), threading.Event()

    def claims_beside_another(*given: Any) -> Claim | None:
        with suppress(threading.BrokenBarrierError):
            if not met.is_set():
                two.wait(5)
                met.set()
        return claim(*given)

    for index in range(12):
        ask(outbox, index)
    first = take(outbox)
    monkeypatch.setattr(outbox, "claim", claims_beside_another)
    threading.Thread(target=delivery._work, args=(first,)).start()
    delivery.start()
    samespace.wait_for_calls(12, 20)

    delivery.stop(5)
    assert met.is_set(), "no worker claimed while the loop did"


def test_resend_sends_an_unknown_once_more_and_says_so(
    make_app: Callable[..., Flask], store_url: str, samespace: SandboxSamespace, clock: Clock
) -> None:
    app = make_app(store_url, samespace.base_url, delivery={"on_unknown": "resend", "retry_seconds": WAITS})
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    id = ask(outbox, 1)
    fail(outbox, delivery)
    assert state(outbox, id) is State.UNKNOWN
    assert app.extensions["ringback"].operations.listed(attention=True) != []

    clock.passes(seconds=30)
    outbox.expire()
    outbox.samespace_answers()
    again = take(outbox)
    delivery.hand_over(again)
    (call,) = samespace.calls
    assert call.attributes["note"].startswith("This may be a repeat")
    assert state(outbox, id) is State.WITH_TEAM


def test_resend_sends_no_third_time(make_app: Callable[..., Flask], store_url: str, clock: Clock) -> None:
    app = make_app(store_url, delivery={"on_unknown": "resend", "retry_seconds": WAITS})
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    id = ask(outbox, 1)
    for _ in "12":
        fail(outbox, delivery)
        clock.passes(minutes=10)
        outbox.expire()
        outbox.samespace_answers()

    assert state(outbox, id) is State.UNKNOWN
    assert outbox.claim("test") is None


def test_what_is_refused_to_the_last_is_given_to_a_person(
    outbox: Outbox, delivery: Delivery, samespace: SandboxSamespace, clock: Clock
) -> None:
    samespace.mode = Mode.REFUSES
    id = ask(outbox, 1)
    for wait in WAITS:
        delivery.hand_over(take(outbox))
        assert state(outbox, id) is State.WAITING
        clock.passes(seconds=wait * 1.2)
    delivery.hand_over(take(outbox))

    assert state(outbox, id) is State.FAILED
    found = outbox.read(id)
    assert found
    assert [event.kind for event in found[1]].count(EventKind.ATTEMPTED) == len(WAITS) + 1
    assert outbox.claim("test") is None


def held(outbox: Outbox, index: int) -> str:
    outbox.stop(f"44207946{index:04}")
    return ask(outbox, index)


def test_a_held_request_does_not_take_the_one_trial_from_who_is_to_be_rung(
    outbox: Outbox, delivery: Delivery, clock: Clock
) -> None:
    ask(outbox, 1)
    fail(outbox, delivery)
    for index in (2, 3, 4):
        held(outbox, index)
    clock.passes(seconds=1)
    honest = ask(outbox, 5)
    clock.passes(seconds=5)
    outbox.samespace_answers()

    trial = take(outbox)
    assert trial.requests[0].id == honest
    outbox.settle(trial, TAKEN)
    assert take(outbox).is_held


def test_a_held_request_fares_as_any_other_while_the_team_refuses(
    outbox: Outbox, delivery: Delivery, samespace: SandboxSamespace, clock: Clock
) -> None:
    samespace.mode = Mode.REFUSES
    plain = ask(outbox, 1)
    delivery.hand_over(take(outbox))
    quiet = held(outbox, 2)
    delivery.hand_over(take(outbox))
    assert state(outbox, plain) is state(outbox, quiet) is State.WAITING

    samespace.mode = Mode.ANSWERS
    clock.passes(seconds=10)
    for _ in "12":
        delivery.hand_over(take(outbox))
    clock.passes(seconds=60)
    while claim := outbox.claim("test"):
        delivery.hand_over(claim)
    assert state(outbox, plain) is state(outbox, quiet) is State.WITH_TEAM
    assert [call.number for call in samespace.calls] == ["442079460001"]


def test_what_is_released_goes_out_as_the_first_attempt_it_is(
    app: Flask, outbox: Outbox, delivery: Delivery, samespace: SandboxSamespace
) -> None:
    id = held(outbox, 1)
    delivery.hand_over(take(outbox))
    app.extensions["ringback"].operations.release(id)
    delivery.hand_over(take(outbox))

    (call,) = samespace.calls
    assert "attempt" not in call.attributes
    assert "note" not in call.attributes


def test_an_answer_in_hand_is_recorded_once_the_store_is_back(
    app: Flask, outbox: Outbox, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = ask(outbox, 1)
    claim, settle, faults = take(outbox), outbox.settle, [StoreError("busy"), StoreError("busy")]

    def sometimes(*arguments: Any) -> Any:
        if faults:
            raise faults.pop()
        return settle(*arguments)

    monkeypatch.setattr(outbox, "settle", sometimes)
    delivery.hand_over(claim)
    assert state(outbox, id) is State.WITH_TEAM
