"""One call after the other, by hand: what may go is taken, and ends as a test says."""

from ringback.handover.loop import Delivery
from ringback.handover.outcomes import Outcome
from ringback.outbox.claims import Claim
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import State


def take(outbox: Outbox) -> Claim:
    claim = outbox.claim("test")
    assert claim, "something may go"
    return claim


def ends(outbox: Outbox, delivery: Delivery, outcome: Outcome) -> str:
    """One call that ends so; whose it was."""
    claim = take(outbox)
    assert outbox.settle(claim, delivery.settlement_of(outcome, claim))
    return claim.requests[0].id


def state(outbox: Outbox, id: str) -> State:
    found = outbox.read(id)
    assert found
    return found[0].state
