"""Requests that were stored by a clock a year ahead, once it is put right: nothing binds anybody until then."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from ringback.outbox import transitions
from ringback.outbox.calls.outcomes import Outcome, Source
from ringback.outbox.claims import Settlement
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, Held, State
from ringback.services import services_of
from tests.conftest import WIDGET, Clock

NUMBER = "442079460123"
YEAR = timedelta(days=366)


@pytest.fixture
def app(make_app: Callable[..., Flask], store_url: str) -> Flask:
    return make_app(store_url)


@pytest.fixture
def outbox(app: Flask, clock: Clock) -> Outbox:
    """One whose clock is a year ahead."""
    outbox = app.extensions["ringback"].outbox
    outbox.expire()
    clock.now += YEAR
    outbox.expire()
    return outbox


def ask(outbox: Outbox, phone: str = NUMBER) -> str:
    return outbox.accept(Answers("sales", phone, "GB")).id


def put_right(outbox: Outbox, clock: Clock) -> None:
    clock.now -= YEAR
    outbox.expire()


def state_of(outbox: Outbox, id: str) -> State:
    found = outbox.read(id)
    assert found
    return found[0].state


def test_what_was_asked_for_meanwhile_is_handed_over_now(outbox: Outbox, clock: Clock) -> None:
    id = ask(outbox)
    put_right(outbox, clock)
    claim = outbox.claim("me")

    assert claim
    assert claim.requests[0].id == id
    assert claim.requests[0].due_at == clock.now


def test_what_waited_for_its_next_attempt_goes_now(outbox: Outbox, clock: Clock) -> None:
    ask(outbox)
    claim = outbox.claim("me")
    assert claim
    later = Settlement(transitions.RETURN, next_attempt_at=clock.now + timedelta(minutes=5))
    outbox.settle(claim, later)
    put_right(outbox, clock)

    assert outbox.claim("me")


def test_a_claim_made_meanwhile_runs_out_as_any_other(outbox: Outbox, clock: Clock) -> None:
    id = ask(outbox)
    assert outbox.claim("me")
    put_right(outbox, clock)
    clock.passes(seconds=31)
    outbox.expire()

    assert state_of(outbox, id) is State.UNKNOWN


def test_no_limit_counts_what_was_asked_for_meanwhile(outbox: Outbox, clock: Clock) -> None:
    for _ in range(4):
        ask(outbox)
    clock.now -= YEAR

    found = outbox.read(ask(outbox))
    assert found
    assert found[0].held is None


def test_what_was_handed_over_meanwhile_counts_once_the_clock_is_right(outbox: Outbox, clock: Clock) -> None:
    for _ in range(4):
        ask(outbox)
    claim = outbox.claim("me")
    assert claim
    assert outbox.settle(claim, Settlement(transitions.TAKEN))
    put_right(outbox, clock)

    found = outbox.read(ask(outbox))
    assert found
    assert found[0].held is Held.NUMBER_LIMIT
    clock.passes(days=1, seconds=1)
    found = outbox.read(ask(outbox))
    assert found
    assert found[0].held is None


@pytest.mark.parametrize("state", [state for state in State if state is not State.HANDING_OVER])
def test_what_ended_meanwhile_is_kept_no_longer_than_any_other(
    app: Flask, outbox: Outbox, clock: Clock, state: State
) -> None:
    id = ask(outbox)
    ends = {State.WITH_TEAM: transitions.TAKEN, State.UNKNOWN: transitions.LOSE, State.FAILED: transitions.FAIL}
    if state in ends:
        claim = outbox.claim("me")
        assert claim
        assert outbox.settle(claim, Settlement(ends[state]))
    elif state is State.CALLED:
        assert services_of(app).outcomes.say(id, Outcome.ANSWERED, Source.AGENT)
    elif state is State.CANCELLED:
        assert outbox.cancel(id)
    put_right(outbox, clock)
    if state is State.WAITING:
        assert outbox.cancel(id)
    clock.passes(days=30, seconds=-1)
    personal_data = app.extensions["ringback"].personal_data
    assert personal_data.purge().erased == 0
    clock.passes(seconds=1)

    assert personal_data.purge().erased == 1


def booked(outbox: Outbox, clock: Clock, **ahead: float) -> str:
    """A call for a time that is still to come by the right clock."""
    outbox.expire()
    start = clock.now + timedelta(**ahead)
    slot = {"slot_starts_at": start, "slot_ends_at": start + timedelta(minutes=30)}
    return outbox.accept(Answers("sales", NUMBER, "GB", **slot)).id


@pytest.mark.parametrize("hours", [{}, {"hours": {"timezone": "Europe/London", "tue": ["09:00-17:30"]}}])
@pytest.mark.parametrize("leap", [YEAR, timedelta(days=8, hours=10)])
def test_a_clock_that_leaps_ahead_for_a_moment_gives_up_nothing_and_rings_nobody(
    make_app: Callable[..., Flask],
    store_url: str,
    clock: Clock,
    hours: dict[str, object],
    leap: timedelta,
) -> None:
    outbox = make_app(store_url, widgets={"sales": WIDGET | hours}).extensions["ringback"].outbox
    id, start = booked(outbox, clock, days=7), clock.now + timedelta(days=7)
    clock.now += leap
    for _ in range(100):
        assert outbox.expire() == []
        assert outbox.claim("me") is None
        clock.passes(seconds=30)
    clock.passes(seconds=-100 * 30)
    clock.now -= leap
    outbox.expire()
    assert state_of(outbox, id) is State.WAITING
    assert outbox.claim("me") is None
    clock.now = start
    outbox.expire()

    assert outbox.claim("me")


def test_a_clock_that_leapt_and_ran_steadily_for_an_hour_is_believed(app: Flask, clock: Clock) -> None:
    outbox = app.extensions["ringback"].outbox
    id = booked(outbox, clock, days=7)
    clock.passes(days=8)
    for _ in range(60):
        outbox.expire()
        assert state_of(outbox, id) is State.WAITING
        clock.passes(minutes=1)
    outbox.expire()

    assert state_of(outbox, id) is State.FAILED


@pytest.mark.parametrize("processes", [1, 2])
def test_processes_that_start_with_a_clock_that_is_ahead_give_up_nothing_for_an_hour(
    make_app: Callable[..., Flask], store_url: str, clock: Clock, processes: int
) -> None:
    """Nor with a right one, where the hand-over was away: the two cannot be told from each other."""
    before = make_app(store_url).extensions["ringback"].outbox
    before.heartbeat.beat()
    id = booked(before, clock, days=7)
    clock.passes(days=8)
    outboxes = [make_app(store_url).extensions["ringback"].outbox for _ in range(processes)]
    for minute in range(61):
        for outbox in outboxes:
            outbox.heartbeat.beat()
            assert outbox.expire() == [] or minute == 60
        clock.passes(minutes=1)

    assert state_of(before, id) is State.FAILED


def test_a_process_that_starts_again_soon_gives_up_what_is_too_late(
    make_app: Callable[..., Flask], store_url: str, clock: Clock
) -> None:
    outbox = make_app(store_url).extensions["ringback"].outbox
    outbox.heartbeat.beat()
    id = ask(outbox)
    for _ in range(140):
        clock.passes(minutes=1)
        outbox.heartbeat.beat()
    again = make_app(store_url).extensions["ringback"].outbox
    again.heartbeat.beat()
    again.expire()

    assert state_of(again, id) is State.FAILED


def test_what_a_wrong_clock_put_off_to_an_opening_goes_at_its_time(
    make_app: Callable[..., Flask], store_url: str, clock: Clock
) -> None:
    hours = {"timezone": "Europe/London", "tue": ["09:00-17:30"]}
    outbox = make_app(store_url, widgets={"sales": WIDGET | {"hours": hours}}).extensions["ringback"].outbox
    booked(outbox, clock, days=7)
    start = clock.now + timedelta(days=7)
    clock.now += YEAR
    for _ in range(62):
        outbox.expire()
        clock.passes(minutes=1)
    clock.passes(minutes=-62)
    put_right(outbox, clock)
    assert outbox.claim("me") is None
    clock.now = start
    outbox.expire()

    assert outbox.claim("me")


def test_a_call_in_the_air_when_the_clock_leaps_ahead_comes_down_as_it_went(app: Flask, clock: Clock) -> None:
    outbox = app.extensions["ringback"].outbox
    outbox.expire()
    id = ask(outbox)
    claim = outbox.claim("me")
    assert claim
    clock.now += YEAR
    outbox.expire()
    assert outbox.settle(claim, Settlement(transitions.TAKEN))

    assert state_of(outbox, id) is State.WITH_TEAM


def test_a_stop_that_a_clock_ahead_took_for_over_holds_again_once_that_is_put_right(
    app: Flask, clock: Clock
) -> None:
    outbox, personal_data = app.extensions["ringback"].outbox, app.extensions["ringback"].personal_data
    outbox.stop(NUMBER)
    clock.passes(days=45)
    personal_data.purge()
    clock.passes(hours=2)
    personal_data.purge()
    clock.passes(days=-45, hours=-2)

    found = outbox.read(ask(outbox))
    assert found
    assert found[0].held is Held.STOPPED


def test_a_stop_made_meanwhile_lasts_no_longer_than_any_other(outbox: Outbox, clock: Clock) -> None:
    outbox.stop(NUMBER)
    put_right(outbox, clock)

    def held() -> Held | None:
        found = outbox.read(ask(outbox))
        assert found
        return found[0].held

    assert held() is Held.STOPPED
    clock.passes(days=30, seconds=1)
    assert held() is None


def test_a_process_that_starts_with_the_right_clock_mends_it_too(
    outbox: Outbox, make_app: Callable[..., Flask], store_url: str, clock: Clock
) -> None:
    ask(outbox)
    clock.now -= YEAR
    other = make_app(store_url).extensions["ringback"].outbox
    assert other.claim("me") is None
    other.expire()

    assert other.claim("me")
