"""Requests for one number: which are one hand-over, and which are not."""

from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.request import Held, State
from tests.outbox.asking import NUMBER, OTHER, TAKEN, Ringback


def test_a_number_that_waits_at_several_widgets_is_called_by_each_and_read_out_to_none(ringback: Ringback) -> None:
    first = ringback.asks(widget="help", message="a")
    ringback.clock.passes(seconds=1)
    second = ringback.asks(widget="sales", message="b")
    claim = ringback.takes()

    assert claim.widget == "help"
    assert [request.answers.message for request in claim.requests] == ["a"]
    assert ringback.outbox.claim("another") is None, "the number is in the air"
    assert ringback.outbox.settle(claim, TAKEN)
    assert [ringback.state(receipt) for receipt in (first, second)] == [State.WITH_TEAM, State.WAITING]
    assert ringback.rings() == [(NUMBER, [second.reference])]


def test_each_that_joined_keeps_a_reference_a_page_and_a_cancel_of_its_own(ringback: Ringback) -> None:
    first, second = ringback.asks(), ringback.asks()
    assert len({first.id, second.id}) == len({first.reference, second.reference}) == 2
    assert ringback.outbox.cancel(second.id)

    assert ringback.rings() == [(NUMBER, [first.reference])]
    assert (ringback.state(first), ringback.state(second)) == (State.WITH_TEAM, State.CANCELLED)


def test_a_number_that_waits_keeps_no_other_number_waiting(ringback: Ringback) -> None:
    receipts = [ringback.asks(NUMBER), ringback.asks(OTHER)]

    assert ringback.rings() == [(NUMBER, [receipts[0].reference]), (OTHER, [receipts[1].reference])]


def test_what_is_held_joins_nothing_and_keeps_nothing_back(ringback: Ringback) -> None:
    rung = [ringback.asks(), ringback.asks()]
    held = ringback.asks()
    assert ringback.held(*rung, held) == [None, None, Held.NUMBER_LIMIT]

    assert ringback.rings() == [(NUMBER, [receipt.reference for receipt in rung])]


def test_a_number_over_its_limit_joins_no_call_that_is_in_the_air(ringback: Ringback) -> None:
    ringback.asks(), ringback.asks()
    claim = ringback.takes()
    late = ringback.asks()
    assert (ringback.state(late), ringback.held(late)) == (State.WAITING, [Held.NUMBER_LIMIT])

    ringback.outbox.settle(claim, TAKEN)
    assert ringback.state(late) is State.WAITING
    assert ringback.rings() == []


def test_what_is_held_changes_state_together_with_the_others_of_its_number(ringback: Ringback) -> None:
    receipts = [ringback.asks() for _ in range(4)]
    claim = ringback.takes()
    assert {ringback.state(receipt) for receipt in receipts} == {State.HANDING_OVER}
    ringback.outbox.settle(claim, Settlement(transitions.LOSE))

    assert {ringback.state(receipt) for receipt in receipts} == {State.UNKNOWN}
    assert ringback.held(*receipts) == [None, None, Held.NUMBER_LIMIT, Held.NUMBER_LIMIT]
    told = [receipt.reference for receipt in receipts]
    assert ringback.told("held") == told[2:]
    assert sorted(ringback.told("unknown")) == sorted(told[:2]), "what is held is told of once, as that"


def test_what_is_released_while_its_number_is_in_the_air_goes_when_that_is_down(ringback: Ringback) -> None:
    ringback.asks(), ringback.asks()
    claim = ringback.takes()
    held = ringback.asks()
    assert ringback.attention.release(held.id)

    assert ringback.outbox.claim("another") is None
    ringback.outbox.settle(claim, TAKEN)
    assert ringback.rings() == [(NUMBER, [held.reference])]
