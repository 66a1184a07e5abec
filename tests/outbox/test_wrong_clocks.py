"""A clock that was wrong and is put right: nothing that it wrote holds anything up, on both engines."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from ringback.alerts.sender import Alerts
from ringback.console.words import claimed_by
from ringback.handover.loop import Delivery
from ringback.handover.outcomes import Accepted, Busy, Misconfigured, NotSent, Outcome, Unclear
from ringback.opening_hours import Interval
from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.outbox import Outbox
from ringback.outbox.pacing.breaker import UpstreamSignal
from ringback.outbox.request import Answers, State
from ringback.services import services_of
from ringback.store.tables import alerts
from tests.conftest import WIDGET, Clock
from tests.faults import FaultServer, answer, response
from tests.outbox.calls import ends, state, take

WAITS = [5.0, 30.0, 120.0]
TAKEN = Settlement(transitions.TAKEN, sign=UpstreamSignal.SOUND)
WIDGETS = {"sales": WIDGET, "slow": WIDGET | {"team_name": "Slow", "calls_per_minute": 1}}
# About a year is a dead battery; an hour a time zone. The second is as long as the longest wait that is asked for.
WRONG_BY = [timedelta(days=363), timedelta(hours=1)]
Make = Callable[[], Flask]


@pytest.fixture
def make(make_app: Callable[..., Flask], store_url: str) -> Make:
    # Nothing is too late by the wrong clock: what is, is not handed over by it (test_wrong_clock_requests.py).
    delivery = {"retry_seconds": WAITS, "on_unknown": "resend", "give_up_minutes": 364 * 24 * 60}
    return lambda: make_app(store_url, widgets=WIDGETS, delivery=delivery)


@pytest.fixture
def app(make: Make) -> Flask:
    return make()


@pytest.fixture(params=WRONG_BY, ids=str)
def wrong_by(request: pytest.FixtureRequest) -> timedelta:
    return request.param


def ask(outbox: Outbox, index: int, widget: str = "sales") -> str:
    return outbox.accept(Answers(widget=widget, phone=f"44207946{index:04}", region="GB")).id


@pytest.mark.parametrize("answer", [Unclear("time-out", None, ""), Busy(3600, 503)], ids=["unclear", "busy"])
def test_a_breaker_that_was_opened_while_the_clock_was_ahead_closes_over_a_restart(
    make: Make, outbox: Outbox, delivery: Delivery, clock: Clock, wrong_by: timedelta, answer: Outcome
) -> None:
    ids = [ask(outbox, index) for index in range(3)]
    clock.now += wrong_by
    ends(outbox, delivery, answer)
    clock.now -= wrong_by
    restarted = make().extensions["ringback"].outbox

    assert restarted.claim("test") is None, "it is open all the same"
    assert restarted.take_probe(), "Samespace is asked at once"
    assert not restarted.take_probe(), "and by the new clock after that"
    restarted.samespace_answers()
    restarted.settle(take(restarted), TAKEN)
    assert restarted.claim("test")
    assert [state(outbox, id) for id in ids].count(State.WAITING) <= 1


def test_a_clock_that_is_little_ahead_changes_nothing_about_the_breaker(
    outbox: Outbox, delivery: Delivery, clock: Clock
) -> None:
    ask(outbox, 1), ask(outbox, 2)
    clock.passes(seconds=20)
    ends(outbox, delivery, Unclear("time-out", None, ""))
    clock.passes(seconds=-20)

    assert not outbox.take_probe()
    outbox.samespace_answers()
    assert outbox.claim("test") is None
    clock.passes(seconds=25)
    assert outbox.take_probe()


def test_a_trial_that_began_while_the_clock_was_ahead_is_over(
    outbox: Outbox, delivery: Delivery, clock: Clock, wrong_by: timedelta
) -> None:
    for index in range(3):
        ask(outbox, index)
    clock.now += wrong_by
    ends(outbox, delivery, Unclear("time-out", None, ""))
    clock.passes(seconds=5)
    outbox.samespace_answers()
    take(outbox)
    assert outbox.claim("test") is None, "one at a time"
    clock.now -= wrong_by

    assert take(outbox)
    assert outbox.claim("test") is None, "one at a time, by the new clock, too"


def test_a_team_that_was_paused_while_the_clock_was_ahead_is_tried_at_once(
    outbox: Outbox, delivery: Delivery, clock: Clock, wrong_by: timedelta
) -> None:
    for index in range(4):
        ask(outbox, index)
    clock.now += wrong_by
    for _ in "12":
        ends(outbox, delivery, Misconfigured(404, ""))
    assert outbox.claim("test") is None
    clock.now -= wrong_by

    ends(outbox, delivery, Misconfigured(404, ""))
    assert outbox.claim("test") is None, "the next in five minutes"
    clock.passes(minutes=5)
    assert ends(outbox, delivery, Accepted(""))


def test_a_team_with_a_pace_goes_on_at_its_pace(outbox: Outbox, clock: Clock, wrong_by: timedelta) -> None:
    for index in range(4):
        ask(outbox, index, "slow")
    clock.now += wrong_by
    outbox.settle(take(outbox), TAKEN)
    assert outbox.claim("test") is None
    clock.now -= wrong_by

    outbox.settle(take(outbox), TAKEN)
    assert outbox.claim("test") is None, "one a minute, by the new clock"
    clock.passes(seconds=60)
    assert take(outbox)


def test_a_call_that_a_dead_process_had_in_the_air_is_told_of_by_the_new_clock(
    outbox: Outbox, clock: Clock, wrong_by: timedelta
) -> None:
    id = ask(outbox, 1)
    clock.now += wrong_by
    take(outbox)
    clock.now -= wrong_by
    outbox.expire()
    assert state(outbox, id) is State.HANDING_OVER, "it may be in the air yet"
    clock.passes(seconds=31)
    outbox.expire()

    assert state(outbox, id) is State.UNKNOWN


def test_what_waits_to_be_tried_again_is_tried_by_the_new_clock(
    outbox: Outbox, delivery: Delivery, clock: Clock, wrong_by: timedelta
) -> None:
    id, booked = ask(outbox, 1), ask(outbox, 2)
    start = clock.now + timedelta(days=3)  # due by a clock that is a year ahead, and behind the other
    assert outbox.reschedule(booked, Interval(start, start + timedelta(minutes=30)))
    clock.now += wrong_by
    assert ends(outbox, delivery, NotSent("no connection")) == id
    clock.now -= wrong_by
    outbox.expire()
    outbox.samespace_answers()

    assert take(outbox).requests[0].id == id
    assert outbox.claim("test") is None, "a chosen time is kept"


def test_a_booked_call_that_a_wrong_clock_tried_too_early_is_made_at_its_time(
    outbox: Outbox, delivery: Delivery, clock: Clock
) -> None:
    start = clock.now + timedelta(days=3)
    booked = ask(outbox, 1)
    assert outbox.reschedule(booked, Interval(start, start + timedelta(minutes=30)))
    clock.passes(days=3, minutes=10)
    assert ends(outbox, delivery, NotSent("no connection")) == booked
    clock.passes(days=-3, minutes=-10)
    outbox.expire()
    outbox.samespace_answers()
    assert outbox.claim("test") is None
    clock.now = start
    outbox.expire()

    assert take(outbox).requests[0].id == booked


def test_an_unknown_is_sent_once_more_by_the_new_clock(
    outbox: Outbox, delivery: Delivery, clock: Clock, wrong_by: timedelta
) -> None:
    id = ask(outbox, 1)
    clock.now += wrong_by
    ends(outbox, delivery, Unclear("time-out", None, ""))
    clock.now -= wrong_by
    outbox.expire()
    outbox.expire()

    assert state(outbox, id) is State.WAITING


def test_alerts_are_sent_by_the_new_clock(
    app: Flask, make_app: Callable[..., Flask], store_url: str, clock: Clock, wrong_by: timedelta
) -> None:
    def happens() -> None:
        with app.extensions["ringback"].database.write() as connection:
            connection.execute(alerts.insert().values(at=clock.now, kind="unknown", about="RB-7F3K-92QD"))

    statuses = [500, 204, 204]
    with FaultServer(lambda visit: answer(response(statuses.pop(0)))(visit)) as receiver:
        told = make_app(store_url, alerts={"webhook": receiver.base_url}).extensions["ringback"].alerts
        assert isinstance(told, Alerts)
        told.run_once()
        clock.now += wrong_by
        happens()
        told.run_once()
        told.run_once()
        assert len(receiver.requests) == 1, "it failed, and waits"
        clock.now -= wrong_by
        told.run_once()
        assert len(receiver.requests) == 2, "it does not wait for what another clock said"

        happens()
        clock.passes(minutes=10)
        clock.now += wrong_by
        told.run_once()
        assert len(receiver.requests) == 3
        happens()
        clock.now -= wrong_by
        statuses.append(204)
        told.run_once()
        assert len(receiver.requests) == 4, "the last was sent at a time that is yet to come"
        told.run_once()
        assert len(receiver.requests) == 4


def test_nothing_waits_after_a_clock_that_went_back_is_put_right(
    outbox: Outbox, delivery: Delivery, clock: Clock, wrong_by: timedelta
) -> None:
    ask(outbox, 1), ask(outbox, 2), ask(outbox, 3)
    ends(outbox, delivery, Unclear("time-out", None, ""))
    clock.now -= wrong_by
    assert outbox.take_probe(), "what the right clock wrote does not hold up the wrong one either"
    clock.now += wrong_by
    clock.passes(seconds=5)

    assert outbox.take_probe()
    outbox.samespace_answers()
    assert ends(outbox, delivery, Accepted(""))


def test_the_longest_wait_that_is_right_is_not_cut_short(
    make_app: Callable[..., Flask], store_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(store_url, delivery={"retry_seconds": [7200], "give_up_minutes": 600})
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    monkeypatch.setattr("random.uniform", max)
    ask(outbox, 1)
    ends(outbox, delivery, Misconfigured(404, "no such team"))
    outbox.expire()
    assert outbox.claim("test") is None
    clock.passes(seconds=7200 * 1.2 - 1)
    outbox.expire()
    assert outbox.claim("test") is None
    clock.passes(seconds=1)

    assert take(outbox)


def test_a_number_that_was_claimed_while_the_clock_was_ahead_is_anybodys_again(
    app: Flask, outbox: Outbox, clock: Clock, wrong_by: timedelta
) -> None:
    """On a machine that hands nothing over: nobody mends there what was stored."""
    by_hand, id = services_of(app).by_hand, ask(outbox, 1)
    outbox.expire()
    clock.now += wrong_by
    by_hand.claim(id, "robin")
    clock.now -= wrong_by
    found = outbox.read(id)
    assert found
    assert claimed_by(found[0], clock.now) == ""

    by_hand.claim(id, "ana")
    assert outbox.claim("test") is None, "a claim by the right clock holds"
    assert by_hand.let_go(id, "ana")
    clock.now += wrong_by
    by_hand.claim(id, "robin")
    clock.now -= wrong_by
    assert take(outbox).requests[0].id == id


def test_an_act_that_was_intended_while_the_clock_was_ahead_happens(
    app: Flask, outbox: Outbox, clock: Clock, wrong_by: timedelta
) -> None:
    intended, id = services_of(app).intended, ask(outbox, 1)
    outbox.expire()
    clock.now += wrong_by
    assert intended.intend([id], "cancel", "robin") == 1
    clock.now -= wrong_by

    assert intended.carry_out() == 1
    assert state(outbox, id) is State.CANCELLED
