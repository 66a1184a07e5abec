"""“I did not ask for this”: what a stop holds, for how long, and who is told."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from ringback.outbox import transitions
from ringback.outbox.request import Held, State
from ringback.store.tables import alerts, stops
from tests.outbox.asking import (
    BACK,
    LONGER,
    NUMBER,
    OTHER,
    SWITCHBOARD,
    Ringback,
    at_once,
    silenced,
)


def test_a_stop_holds_what_waits_and_what_comes_and_tells_the_operators(ringback: Ringback) -> None:
    waiting = ringback.asks()
    ringback.outbox.stop(NUMBER)
    later = ringback.asks(widget="help")

    assert ringback.held(waiting, later) == [Held.STOPPED] * 2
    assert ringback.told() == [waiting.reference, later.reference]
    assert ringback.rings() == []
    assert ringback.held(ringback.asks(OTHER)) == [None]


@pytest.mark.parametrize(("stopped", "lifted"), [(SWITCHBOARD, LONGER[3]), (LONGER[3], SWITCHBOARD), LONGER[:2]])
def test_a_stop_is_lifted_by_any_number_that_it_holds(ringback: Ringback, stopped: str, lifted: str) -> None:
    ringback.asks(SWITCHBOARD)
    ringback.outbox.stop(stopped)
    assert ringback.held(ringback.asks(lifted)) == [Held.STOPPED]

    assert ringback.outbox.unstop(lifted)
    assert Held.STOPPED not in ringback.held(ringback.asks(lifted), ringback.asks(stopped))
    assert ringback.attention.stopped() == 0


def test_a_stop_ends_by_itself_after_stop_days(opened: Callable[..., Ringback]) -> None:
    ringback = opened(privacy={"stop_days": 7})
    ringback.outbox.stop(NUMBER)
    ringback.clock.passes(days=7, seconds=-1)
    assert (ringback.held(ringback.asks()), ringback.attention.stopped()) == ([Held.STOPPED], 1)
    ringback.clock.passes(seconds=1)

    assert (ringback.held(ringback.asks()), ringback.attention.stopped()) == ([None], 0)


def test_a_stop_said_again_begins_anew(opened: Callable[..., Ringback]) -> None:
    ringback = opened(privacy={"stop_days": 7})
    ringback.outbox.stop(NUMBER)
    ringback.clock.passes(days=5)
    ringback.outbox.stop(NUMBER)
    assert ringback.attention.stopped() == 1
    ringback.clock.passes(days=5)

    assert ringback.held(ringback.asks()) == [Held.STOPPED]


def test_a_stop_that_is_ended_lets_the_next_ones_through_and_holds_what_it_held(ringback: Ringback) -> None:
    assert not ringback.outbox.unstop(NUMBER)
    ringback.outbox.stop(NUMBER)
    ringback.outbox.stop(OTHER)
    before = ringback.asks()
    assert ringback.outbox.unstop(NUMBER)

    assert ringback.held(before, ringback.asks(), ringback.asks(OTHER)) == [Held.STOPPED, None, Held.STOPPED]
    assert not ringback.outbox.unstop(NUMBER)


def test_a_stop_that_has_ended_by_itself_is_none_to_end(ringback: Ringback) -> None:
    ringback.outbox.stop(NUMBER)
    ringback.clock.passes(days=30)

    assert not ringback.outbox.unstop(NUMBER)


def alerts_of_stops(ringback: Ringback) -> int:
    with ringback.database.read() as connection:
        return len(connection.execute(sa.select(alerts).where(alerts.c.kind == "stops")).all())


def stop_each(ringback: Ringback, turns: range) -> None:
    for turn in turns:
        ringback.outbox.stop(f"4420794601{turn:02}")


def test_more_than_twenty_stops_in_an_hour_are_told_once_an_hour(ringback: Ringback) -> None:
    stop_each(ringback, range(20))
    assert alerts_of_stops(ringback) == 0
    stop_each(ringback, range(20))  # the same again are no more
    assert alerts_of_stops(ringback) == 0
    stop_each(ringback, range(20, 60))
    assert alerts_of_stops(ringback) == 1

    ringback.clock.passes(hours=1)
    stop_each(ringback, range(60, 80))
    assert alerts_of_stops(ringback) == 1
    stop_each(ringback, range(80, 81))
    assert alerts_of_stops(ringback) == 2


def test_stops_that_come_slowly_are_not_told_of(ringback: Ringback) -> None:
    for turn in range(40):
        stop_each(ringback, range(turn, turn + 1))
        ringback.clock.passes(minutes=3)

    assert alerts_of_stops(ringback) == 0


def test_many_stops_at_once_are_told_once(ringback: Ringback) -> None:
    at_once([lambda turn=turn: stop_each(ringback, range(turn, turn + 1)) for turn in range(30)])

    assert alerts_of_stops(ringback) == 1


def test_an_alert_of_a_clock_that_was_ahead_silences_none(ringback: Ringback) -> None:
    ringback.clock.passes(days=300)
    stop_each(ringback, range(21))
    ringback.clock.passes(days=-300)
    stop_each(ringback, range(30, 50))
    assert alerts_of_stops(ringback) == 1, "nor do its stops count"
    stop_each(ringback, range(50, 51))

    assert alerts_of_stops(ringback) == 2


def test_the_store_knows_a_stopped_number_by_a_hash_alone(ringback: Ringback) -> None:
    ringback.outbox.stop(NUMBER)
    with ringback.database.read() as connection:
        (row,) = connection.execute(sa.select(stops)).all()

    assert len(row.number_hash) == 64
    assert NUMBER not in str(row)


@pytest.mark.parametrize("silence", ["stop", "block", "range"])
def test_a_number_silenced_while_its_call_is_in_the_air_is_not_rung_again(
    ringback: Ringback, silence: str
) -> None:
    first = ringback.asks()
    claim = ringback.takes()
    why = silenced(ringback, silence)
    late = ringback.asks()
    assert (ringback.state(late), ringback.held(late)) == (State.WAITING, [why])
    ringback.outbox.settle(claim, BACK)

    assert ringback.held(first, late) == [why, why]
    assert ringback.rings() == []
    assert sorted(ringback.told()) == sorted([first.reference, late.reference])


@pytest.mark.parametrize("silence", ["stop", "block", "range"])
def test_what_may_be_sent_once_more_is_not_when_the_number_was_silenced(
    opened: Callable[..., Ringback], silence: str
) -> None:
    ringback = opened(delivery={"on_unknown": "resend"})
    receipt = ringback.asks()
    claim = ringback.takes()
    ringback.outbox.settle(claim, ringback.outbox.lost("no answer", claim))
    why = silenced(ringback, silence)
    ringback.clock.passes(minutes=10)
    ringback.outbox.expire()

    assert (ringback.state(receipt), ringback.held(receipt)) == (State.WAITING, [why])
    assert ringback.rings() == []


def test_a_stop_that_is_said_while_a_request_is_sent_once_more_holds_it(
    opened: Callable[..., Ringback], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the worst of moments: the number is stopped, what waits was looked for, nothing is committed."""
    ringback = opened(delivery={"on_unknown": "resend"})
    receipt = ringback.asks()
    claim = ringback.takes()
    ringback.outbox.settle(claim, ringback.outbox.lost("no answer", claim))
    ringback.clock.passes(minutes=10)
    looked, may_go_on = threading.Event(), threading.Event()
    hold = transitions.hold

    def slowly(*given: Any) -> int:
        count = hold(*given)
        looked.set()
        may_go_on.wait(2)
        return count

    monkeypatch.setattr(transitions, "hold", slowly)
    person = threading.Thread(target=ringback.outbox.stop, args=[NUMBER])
    hand_over = threading.Thread(target=ringback.outbox.expire)
    person.start()
    assert looked.wait(5)
    hand_over.start()
    hand_over.join(0.3)
    may_go_on.set()
    person.join()
    hand_over.join()

    assert (ringback.state(receipt), ringback.held(receipt)) == (State.WAITING, [Held.STOPPED])
