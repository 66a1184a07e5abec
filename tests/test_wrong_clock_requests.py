"""Requests that were stored by a clock a year ahead, once it is put right: nothing binds anybody until then."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from ringback import transitions
from ringback.callback_request import Answers, Held, State
from ringback.outbox import Outbox, Settlement
from tests.conftest import Clock

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
