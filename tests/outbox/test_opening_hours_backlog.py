"""What comes in while nobody is there: it waits, and goes out when they open, no faster than they can call."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from ringback.outbox.claims import Settlement
from ringback.outbox.outbox import Outbox, Receipt
from ringback.outbox.request import Answers, State
from ringback.outbox.transitions import RETURN, TAKEN
from tests.conftest import WIDGET, Clock

NINE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday
NIGHT = NINE - timedelta(hours=6)
HOURS = {"timezone": "Europe/London", "mon": ["09:00-17:00"], "tue": ["09:00-17:00"], "wed": ["09:00-17:00"]}


@pytest.fixture
def outbox(make_app: Callable[..., Flask], store_url: str, clock: Clock) -> Outbox:
    clock.now = NIGHT
    widgets = {
        "sales": WIDGET | {"hours": HOURS, "calls_per_minute": 10},
        "night": WIDGET | {"team_name": "Night"},
    }
    app = make_app(store_url, widgets=widgets, delivery={"give_up_minutes": 60})
    return app.extensions["ringback"].outbox


def ask(outbox: Outbox, number: int, widget: str = "sales", slot: datetime | None = None) -> Receipt:
    end = slot + timedelta(minutes=30) if slot else None
    return outbox.accept(Answers(widget, f"4420794601{number:02}", "GB", slot_starts_at=slot, slot_ends_at=end))


def state(outbox: Outbox, receipt: Receipt) -> State:
    found = outbox.read(receipt.id)
    assert found
    return found[0].state


def handed_over(outbox: Outbox) -> list[str]:
    """The references of all that goes now, in order."""
    outbox.expire()
    order = []
    while claim := outbox.claim("test"):
        order += [request.reference for request in claim.requests]
        outbox.settle(claim, Settlement(TAKEN))
    return order


def test_what_is_asked_for_at_night_goes_out_at_nine_and_not_before(outbox: Outbox, clock: Clock) -> None:
    receipt = ask(outbox, 1)
    elsewhere = ask(outbox, 2, "night")
    assert handed_over(outbox) == [elsewhere.reference], "who is there is not kept waiting"

    clock.now = NINE - timedelta(seconds=1)
    assert handed_over(outbox) == []
    clock.now = NINE
    assert handed_over(outbox) == [receipt.reference]


def test_the_night_is_no_part_of_give_up_minutes(outbox: Outbox, clock: Clock) -> None:
    receipt = ask(outbox, 1)
    promise_and_patience = timedelta(minutes=15 + 60)
    clock.now = NINE + promise_and_patience - timedelta(seconds=1)
    outbox.expire()
    assert state(outbox, receipt) is State.WAITING

    clock.passes(seconds=1)
    assert outbox.expire() == [receipt.reference]
    assert state(outbox, receipt) is State.FAILED


def test_the_backlog_goes_out_at_calls_per_minute(outbox: Outbox, clock: Clock) -> None:
    references = []
    for number in range(20):
        references.append(ask(outbox, number).reference)
        clock.passes(seconds=30)
    went: list[tuple[float, str]] = []
    clock.now = NINE
    while len(went) < 20:
        went += [((clock.now - NINE).total_seconds(), reference) for reference in handed_over(outbox)]
        clock.passes(seconds=1)

    assert [reference for _, reference in went] == references, "who asked first is called first"
    for minute in range(2):
        in_it = [at for at, _ in went if minute * 60 <= at < (minute + 1) * 60]
        assert len(in_it) == 10, "ten a minute"


def test_at_opening_the_oldest_promise_goes_first(outbox: Outbox, clock: Clock) -> None:
    half_past = ask(outbox, 1, slot=NINE + timedelta(minutes=30))
    clock.passes(seconds=1)
    at_nine = ask(outbox, 2, slot=NINE)  # promised by half past nine
    clock.passes(seconds=1)
    as_soon_as_possible = ask(outbox, 3)  # promised by a quarter past
    order = []
    clock.now = NINE
    for _ in range(40):
        order += handed_over(outbox)
        clock.passes(minutes=1)

    assert order == [receipt.reference for receipt in (as_soon_as_possible, at_nine, half_past)]


def test_what_could_not_go_before_they_closed_goes_first_when_they_open(outbox: Outbox, clock: Clock) -> None:
    clock.now = NINE - timedelta(hours=16, minutes=5)  # five to five the day before
    late = ask(outbox, 1)
    claim = outbox.claim("test")
    assert claim
    outbox.settle(claim, Settlement(RETURN, next_attempt_at=clock.now + timedelta(minutes=10)))
    clock.now = NIGHT
    in_the_night = ask(outbox, 2)
    assert handed_over(outbox) == [], "nobody is rung at three in the morning after an outage"

    clock.now = NINE
    order = handed_over(outbox)
    clock.passes(seconds=6)
    assert order + handed_over(outbox) == [late.reference, in_the_night.reference]


def test_a_chosen_time_is_kept_though_the_hours_have_changed_since(outbox: Outbox, clock: Clock) -> None:
    """Its instant was promised, whatever a later table or a later rule of the zone makes of it."""
    six = NINE - timedelta(hours=3)
    receipt = ask(outbox, 1, slot=six)  # the table said so then
    clock.now = six - timedelta(seconds=1)
    assert handed_over(outbox) == []

    clock.now = six
    assert handed_over(outbox) == [receipt.reference]
