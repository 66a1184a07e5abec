"""Numbers and ranges that an operator blocks, and who waits for whom meanwhile."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.numbers.number_rules import NumberRules
from ringback.outbox.outbox import Outbox, Receipt
from ringback.outbox.pacing import turned_away
from ringback.outbox.pacing.breaker import UpstreamSignal
from ringback.outbox.request import Held, State
from tests.outbox.asking import (
    NUMBER,
    OTHER,
    WIDGETS,
    Ringback,
    at_once,
    silenced,
)


def test_a_block_holds_what_waits_and_what_comes_and_tells_the_operators(ringback: Ringback) -> None:
    waiting, cancelled, other = ringback.asks(), ringback.asks(), ringback.asks(OTHER)
    ringback.outbox.cancel(cancelled.id)
    assert ringback.attention.block(NUMBER) == 1
    later = ringback.asks(widget="help")

    assert ringback.held(waiting, cancelled, other, later) == [Held.BLOCKED, None, None, Held.BLOCKED]
    assert ringback.told() == [waiting.reference, later.reference]
    assert ringback.rings() == [(OTHER, [other.reference])]


def test_a_block_is_of_the_whole_number_and_not_of_those_that_begin_so(ringback: Ringback) -> None:
    ringback.attention.block(NUMBER[:-1])

    assert ringback.held(ringback.asks()) == [None]


@pytest.mark.parametrize("beginning", ["4", "44", "44207946", NUMBER[:-1], NUMBER])
def test_a_range_of_any_length_blocks_what_begins_so(ringback: Ringback, beginning: str) -> None:
    waiting, abroad = ringback.asks(), ringback.asks("15550001234", "help")
    assert ringback.attention.block(beginning, is_range=True) == 1

    assert ringback.held(waiting, abroad, ringback.asks()) == [Held.BLOCKED, None, Held.BLOCKED]
    assert ringback.held(ringback.asks("15550001234", "help")) == [None]


@pytest.mark.parametrize("beginning", ["442079460124", "4420794601230", "20", "442079460123123", "43"])
def test_a_range_blocks_nothing_else(ringback: Ringback, beginning: str) -> None:
    waiting = ringback.asks()

    assert ringback.attention.block(beginning, is_range=True) == 0
    assert ringback.held(waiting, ringback.asks()) == [None, None]


def test_the_longest_number_there_is_can_be_blocked(ringback: Ringback) -> None:
    longest = "491234567890123"
    ringback.attention.block(longest)
    ringback.attention.block(longest[:-1], is_range=True)
    ringback.attention.unblock(longest)

    assert ringback.held(ringback.asks(longest), ringback.asks("491234567890199")) == [Held.BLOCKED, None]


def test_ranges_that_overlap_are_each_lifted_for_themselves(ringback: Ringback) -> None:
    ranges = [("44", True), ("442079", True), (NUMBER, True), (NUMBER, False)]
    assert [ringback.attention.block(*each) for each in ranges] == [0] * 4
    assert [(digits, is_range) for digits, is_range, _ in ringback.attention.blocked()] == sorted(ranges)

    for each in ranges:
        assert ringback.held(ringback.asks()) == [Held.BLOCKED]
        assert ringback.attention.unblock(*each)
    ringback.clock.passes(days=1)
    assert ringback.held(ringback.asks()) == [None]
    assert ringback.attention.blocked() == []


def test_a_block_is_made_once_and_lifted_once(ringback: Ringback) -> None:
    assert ringback.attention.block(NUMBER) == 0
    assert ringback.attention.block(NUMBER) is None
    assert ringback.attention.block(NUMBER, is_range=True) == 0
    assert ringback.attention.unblock(NUMBER)
    assert not ringback.attention.unblock(NUMBER)
    assert ringback.held(ringback.asks()) == [Held.BLOCKED], "the range still stands"


def test_what_is_held_stays_held_when_the_number_is_unblocked(ringback: Ringback) -> None:
    ringback.attention.block(NUMBER)
    held = ringback.asks()
    ringback.attention.unblock(NUMBER)
    later = ringback.asks()

    assert ringback.held(held, later) == [Held.BLOCKED, None]
    assert ringback.rings() == [(NUMBER, [later.reference])]
    assert [request.reference for request in ringback.attention.listed(attention=True)] == [held.reference]


@pytest.mark.parametrize("silence", ["stop", "block", "range"])
def test_an_operator_who_releases_a_request_has_it_rung(ringback: Ringback, silence: str) -> None:
    silenced(ringback, silence)
    receipt = ringback.asks()
    assert ringback.rings() == []
    assert ringback.state(receipt) is State.WITH_TEAM, "as any other, to whoever looks"

    assert ringback.attention.release(receipt.id)
    assert ringback.rings() == [(NUMBER, [receipt.reference])]
    assert ringback.told() == [receipt.reference]


def test_a_block_waits_for_a_request_that_is_being_accepted(
    ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the worst of moments: after the look at the blocks, before the commit."""
    looked, may_go_on = threading.Event(), threading.Event()
    check = NumberRules.check

    def slowly(*given: Any) -> Any:
        found = check(*given)
        looked.set()
        may_go_on.wait(2)
        return found

    monkeypatch.setattr(NumberRules, "check", slowly)
    receipts: list[Receipt] = []
    person = threading.Thread(target=lambda: receipts.append(ringback.asks()))
    operator = threading.Thread(target=ringback.attention.block, args=("4420", True))
    person.start()
    assert looked.wait(5)
    operator.start()
    operator.join(0.3)
    may_go_on.set()
    person.join()
    operator.join()

    assert ringback.held(*receipts) == [Held.BLOCKED]


ON_SUNDAYS = {"timezone": "Europe/London", "sun": ["09:00-17:00"]}


def test_a_block_and_a_look_around_in_the_same_moment_do_not_wait_for_each_other(
    opened: Callable[..., Ringback], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look around has what waits for the opening, and will look at the blocks for what is sent once more."""
    ringback = opened(delivery={"on_unknown": "resend"})
    unknown = ringback.asks(widget="help")
    claim = ringback.takes()
    ringback.outbox.settle(claim, ringback.outbox.lost("no answer", claim))
    waiting = ringback.asks(OTHER)
    ringback.clock.passes(minutes=10)
    widgets = WIDGETS | {"sales": WIDGETS["sales"] | {"hours": ON_SUNDAYS}}
    closed = opened(delivery={"on_unknown": "resend"}, widgets=widgets)
    look_around_while_blocking(monkeypatch, Outbox, "_wait_for_opening", closed.outbox.expire, ringback)

    assert ringback.state(unknown) is State.WAITING
    assert ringback.held(unknown, waiting) == [Held.BLOCKED, Held.BLOCKED]


def test_a_block_and_the_end_of_a_call_in_the_same_moment_do_not_wait_for_each_other(
    ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the call has what was turned away before, and will look at the blocks for its own number."""
    ringback.asks(OTHER)
    later = ringback.clock.now
    ringback.outbox.settle(
        ringback.takes(), Settlement(transitions.RETURN, "422", UpstreamSignal.MISCONFIGURED, later)
    )
    ringback.asks()
    claim = ringback.takes()
    refused = Settlement(transitions.RETURN, "not now", UpstreamSignal.REFUSED, later)

    def settle() -> None:
        assert ringback.outbox.settle(claim, refused)

    look_around_while_blocking(monkeypatch, turned_away, "try_again", settle, ringback)

    assert [request.held for request in ringback.attention.listed()] == [Held.BLOCKED, Held.BLOCKED]


def look_around_while_blocking(
    monkeypatch: pytest.MonkeyPatch, of: Any, step: str, act: Callable[[], object], ringback: Ringback
) -> None:
    """Do something, and after one step of it begin to block all numbers; nothing is committed until then."""
    has_rows, may_go_on = threading.Event(), threading.Event()
    take = getattr(of, step)

    def slowly(*given: Any) -> None:
        take(*given)
        has_rows.set()
        may_go_on.wait(0.5)

    def block() -> None:
        assert has_rows.wait(5)
        ringback.attention.block("44", True)
        may_go_on.set()

    monkeypatch.setattr(of, step, slowly)
    at_once([act, block])
