"""Every act of an operator has a name beside it, in the act's own transaction, and no visitor's data."""

from datetime import timedelta

import pytest

from ringback.outbox import transitions
from ringback.outbox.audit import KEPT, Audit
from ringback.outbox.claims import Settlement
from ringback.outbox.request import State
from tests.outbox.asking import NUMBER, OTHER, Ringback
from tests.outbox.calls import state

ROBIN = "console:robin"


def acts(ringback: Ringback) -> list[tuple[str, str, str]]:
    """Who did what about what, the oldest first."""
    listed = Audit(ringback.database, ringback.clock).listed()
    return [(act.who, act.act, act.about) for act in reversed(listed)]


def failed(ringback: Ringback) -> tuple[str, str]:
    """The id and reference of a request that failed."""
    receipt = ringback.asks()
    ringback.outbox.settle(ringback.takes(), Settlement(transitions.FAIL))
    return receipt.id, receipt.reference


def lost(ringback: Ringback) -> tuple[str, str]:
    """The same of one that is unknown."""
    receipt = ringback.asks()
    ringback.outbox.settle(ringback.takes(), Settlement(transitions.LOSE))
    return receipt.id, receipt.reference


def test_each_act_on_a_request_says_who_did_it(ringback: Ringback) -> None:
    id, reference = failed(ringback)
    assert ringback.attention.retry(id, by=ROBIN)
    assert ringback.outbox.reschedule(id, None, by=ROBIN)
    assert ringback.outbox.cancel(id, by=ROBIN)

    assert acts(ringback) == [(ROBIN, "retry", reference), (ROBIN, "cancel", reference)]


@pytest.mark.parametrize("rang", [True, False])
def test_an_unknown_that_is_resolved_says_who_said_so(ringback: Ringback, rang: bool) -> None:
    id, reference = lost(ringback)
    assert ringback.attention.resolve(id, rang, by=ROBIN)

    assert acts(ringback) == [(ROBIN, "resolve", reference)]


def test_an_act_on_many_is_written_down_for_each(ringback: Ringback) -> None:
    receipts = [ringback.asks(NUMBER), ringback.asks(OTHER)]
    assert ringback.attention.block(NUMBER[:5], is_range=True, by=ROBIN) == 2
    ids = [receipt.id for receipt in receipts]
    assert ringback.attention.release_all(ids, by="cli:root") == 2

    assert acts(ringback)[0] == (ROBIN, "block", "range")
    released = {(who, act, about) for who, act, about in acts(ringback)[1:]}
    assert released == {("cli:root", "release", receipt.reference) for receipt in receipts}


def test_nothing_is_written_down_of_what_changed_nothing(ringback: Ringback) -> None:
    receipt = ringback.asks()
    assert not ringback.attention.release(receipt.id, by=ROBIN)
    assert not ringback.attention.resolve(receipt.id, True, by=ROBIN)
    assert not ringback.attention.unblock(NUMBER, by=ROBIN)
    assert not ringback.outbox.unstop(NUMBER, by=ROBIN)
    assert not ringback.outbox.teams.resume("Sales", by=ROBIN)
    assert not ringback.outbox.breaker.reset(by=ROBIN)
    assert not ringback.outbox.slots.resume("sales", by=ROBIN)
    assert ringback.personal_data.erase_number(OTHER, by=ROBIN) == (0, 0)

    assert acts(ringback) == []


def test_numbers_widgets_and_the_breaker_say_who_changed_them(ringback: Ringback) -> None:
    outbox, numbers = ringback.outbox, ringback.attention
    numbers.block(NUMBER, by=ROBIN)
    numbers.unblock(NUMBER, by=ROBIN)
    outbox.stop(NUMBER)
    outbox.unstop(NUMBER, by=ROBIN)
    outbox.slots.pause("sales", "Back on Monday.", ringback.clock(), by=ROBIN)
    outbox.slots.resume("sales", by=ROBIN)
    ringback.asks()
    outbox.settle(ringback.takes(), outbox.lost("no answer"))
    outbox.breaker.reset(by=ROBIN)

    assert acts(ringback) == [
        (ROBIN, "block", "number"),
        (ROBIN, "unblock", "number"),
        (ROBIN, "unstop", "number"),
        (ROBIN, "pause", "widget sales"),
        (ROBIN, "resume", "widget sales"),
        (ROBIN, "reset", "breaker"),
    ]


def test_what_is_taken_out_or_erased_says_who_did_it_and_an_own_visitor_is_nobody_of_ours(
    ringback: Ringback,
) -> None:
    mine, other = ringback.asks(NUMBER), ringback.asks(OTHER)
    ringback.personal_data.export(mine.id)
    ringback.personal_data.export(mine.id, for_operators=True, by=ROBIN)
    ringback.personal_data.export_number(OTHER, by=ROBIN)
    ringback.personal_data.erase_number(OTHER, by=ROBIN)
    ringback.personal_data.erase(mine.id)
    ringback.outbox.cancel(ringback.asks("442079460150").id)

    assert acts(ringback) == [
        (ROBIN, "export", mine.reference),
        (ROBIN, "export", other.reference),
        (ROBIN, "erase", other.reference),
    ]


def test_an_act_that_cannot_be_written_down_is_not_done(
    ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise InterruptedError

    id, _ = failed(ringback)
    monkeypatch.setattr("ringback.outbox.audit.note", breaks)
    with pytest.raises(InterruptedError):
        ringback.attention.retry(id, by=ROBIN)

    assert state(ringback.outbox, id) is State.FAILED


def test_the_list_goes_on_where_a_page_ended_and_asks_for_one_thing(ringback: Ringback) -> None:
    log = Audit(ringback.database, ringback.clock)
    for place in range(5):
        log.note(ROBIN, "release", f"RB-TEST-000{place}")
    first = log.listed(limit=2)

    assert [act.about for act in first] == ["RB-TEST-0004", "RB-TEST-0003"]
    assert [act.about for act in log.listed(before=first[-1].id)] == [
        "RB-TEST-0002",
        "RB-TEST-0001",
        "RB-TEST-0000",
    ]
    assert [act.about for act in log.listed(about="RB-TEST-0001")] == ["RB-TEST-0001"]


def test_acts_are_forgotten_after_a_year_and_a_month(ringback: Ringback) -> None:
    for age, about in ((KEPT + timedelta(hours=1), "RB-TEST-0001"), (KEPT - timedelta(hours=1), "RB-TEST-0002")):
        at = ringback.clock() - age
        Audit(ringback.database, lambda at=at: at).note(ROBIN, "release", about)  # type: ignore[misc]
    ringback.personal_data.purge()

    assert acts(ringback) == [(ROBIN, "release", "RB-TEST-0002")]
