"""Places in a slot, and widgets that an operator has paused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from flask import Flask

from ringback.opening_hours import Interval
from ringback.outbox.outbox import Outbox, Receipt
from ringback.outbox.request import Answers, CallbackRequest, Held, Source
from ringback.outbox.slots import PausedError, SlotTakenError
from ringback.store.database import Database
from tests.conftest import WIDGET, Clock
from tests.visitor import Page, Visitor

# The clock of the tests begins on Tuesday 24 November 2026 at 10:00.
AT_TWO = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)
HOURS = {"timezone": "UTC", "tue": ["14:00-15:00"], "days_ahead": 0}
GONE = "That time has just gone. Select another time"


@pytest.fixture
def app(make_app: Callable[..., Flask], store_url: str) -> Flask:
    widgets = {
        "sales": WIDGET | {"hours": HOURS | {"calls_per_slot": 1}},
        "help": WIDGET | {"team_name": "Help", "hours": HOURS | {"calls_per_slot": 1}},
        "open": WIDGET | {"hours": HOURS},
    }
    return make_app(store_url, widgets=widgets)


def at_two(number: str = "442079460123", widget: str = "sales") -> Answers:
    return Answers(widget, number, "GB", slot_starts_at=AT_TWO, slot_ends_at=AT_TWO + HALF_AN_HOUR)


def free(outbox: Outbox, clock: Clock, key: str = "sales") -> list[Interval]:
    snapshot = outbox.slots.snapshot(clock.now)
    return snapshot.free_slots(outbox._settings.widgets[key], clock.now)


def test_a_place_that_is_taken_is_no_longer_offered_and_comes_back_when_it_is_given_up(
    outbox: Outbox, clock: Clock
) -> None:
    assert [slot.start for slot in free(outbox, clock)] == [AT_TWO, AT_TWO + HALF_AN_HOUR]
    receipt = outbox.accept(at_two())

    assert [slot.start for slot in free(outbox, clock)] == [AT_TWO + HALF_AN_HOUR]
    assert len(free(outbox, clock, "help")) == 2, "each widget has places of its own"
    with pytest.raises(SlotTakenError):
        outbox.accept(at_two("442079460124"))

    outbox.cancel(receipt.id)
    assert len(free(outbox, clock)) == 2
    outbox.accept(at_two("442079460124"))


def test_without_a_number_of_places_there_is_always_one(outbox: Outbox, clock: Clock) -> None:
    for number in range(5):
        outbox.accept(at_two(f"44207946012{number}", "open"))

    assert len(free(outbox, clock, "open")) == 2


def test_a_held_request_takes_a_place_like_any_other(outbox: Outbox, clock: Clock) -> None:
    """Else a time that stays free would tell that a number is not called."""
    outbox.stop("442079460123")
    outbox.accept(at_two())

    assert len(free(outbox, clock)) == 1


def test_one_number_keeps_one_place_at_a_widget_and_a_second_booking_looks_booked(
    outbox: Outbox, clock: Clock
) -> None:
    first, second = outbox.accept(at_two()), outbox.accept(later())

    assert [found_in(outbox, receipt).held for receipt in (first, second)] == [None, Held.BOOKED]
    assert found_in(outbox, second).due_at == AT_TWO + HALF_AN_HOUR
    assert [slot.start for slot in free(outbox, clock)] == [AT_TWO + HALF_AN_HOUR], "it takes no place"
    other = outbox.accept(later("442079460124"))
    assert found_in(outbox, other).held is None


def test_one_number_keeps_a_place_at_each_widget(outbox: Outbox) -> None:
    receipts = [outbox.accept(at_two(widget=widget)) for widget in ("sales", "help")]

    assert [found_in(outbox, receipt).held for receipt in receipts] == [None, None]


def test_a_number_that_is_stopped_cannot_take_every_place_either(outbox: Outbox, clock: Clock) -> None:
    outbox.stop("442079460123")
    receipts = [outbox.accept(at_two()), outbox.accept(later())]

    assert [found_in(outbox, receipt).held for receipt in receipts] == [Held.STOPPED] * 2
    assert len(free(outbox, clock)) == 1


def test_one_source_takes_twenty_places_at_a_widget_and_no_more_by_however_many_numbers(
    make_app: Callable[..., Flask], store_url: str, clock: Clock
) -> None:
    hours = HOURS | {"slot_minutes": 5, "tue": ["11:00-17:00"], "calls_per_slot": 1}
    outbox = make_app(store_url, widgets={"sales": WIDGET | {"hours": hours}}).extensions["ringback"].outbox
    offered = free(outbox, clock)

    def booked(turn: int, source: Source) -> Receipt:
        slot = offered[turn]
        asked = Answers("sales", f"44207946{turn:04}", "GB", slot_starts_at=slot.start, slot_ends_at=slot.end)
        return outbox.accept(asked, source=source)

    receipts = [booked(turn, Source(f"address {turn % 2}", "one network")) for turn in range(25)]
    assert [found_in(outbox, receipt).held for receipt in receipts] == [None] * 20 + [Held.BOOKED] * 5
    assert len(free(outbox, clock)) == len(offered) - 20
    assert found_in(outbox, booked(30, Source("another", "another network"))).held is None


def test_who_moves_to_a_time_though_their_number_has_one_is_held_and_takes_no_place(
    outbox: Outbox, clock: Clock
) -> None:
    outbox.accept(at_two())
    moved = outbox.accept(Answers("sales", "442079460123", "GB"))
    assert outbox.reschedule(moved.id, Interval(AT_TWO + HALF_AN_HOUR, AT_TWO + 2 * HALF_AN_HOUR))

    assert found_in(outbox, moved).held is Held.BOOKED
    assert found_in(outbox, moved).due_at == AT_TWO + HALF_AN_HOUR, "as its visitor chose"
    assert [slot.start for slot in free(outbox, clock)] == [AT_TWO + HALF_AN_HOUR]


def test_only_its_own_page_moves_a_booked_time(outbox: Outbox, clock: Clock) -> None:
    first, second = outbox.accept(at_two()), outbox.accept(later())
    assert outbox.cancel(second.id)
    assert found_in(outbox, first).due_at == AT_TWO
    assert outbox.reschedule(first.id, Interval(AT_TWO + HALF_AN_HOUR, AT_TWO + 2 * HALF_AN_HOUR))

    assert [slot.start for slot in free(outbox, clock)] == [AT_TWO]
    assert found_in(outbox, first).held is None


def test_a_place_that_was_given_up_lets_the_number_book_again(outbox: Outbox) -> None:
    outbox.cancel(outbox.accept(at_two()).id)

    assert found_in(outbox, outbox.accept(later())).held is None


def found_in(outbox: Outbox, receipt: Receipt) -> CallbackRequest:
    found = outbox.read(receipt.id)
    assert found
    return found[0]


def later(number: str = "442079460123") -> Answers:
    start = AT_TWO + HALF_AN_HOUR
    return Answers("sales", number, "GB", slot_starts_at=start, slot_ends_at=start + HALF_AN_HOUR)


def test_of_two_visitors_at_once_one_gets_the_last_place_and_the_other_keeps_the_answers(app: Flask) -> None:
    visitors = [Visitor(app, f"198.51.100.{number}") for number in range(4)]
    forms = [visitor.opens("/sales") for visitor in visitors]
    barrier = Barrier(len(visitors))

    def send(number: int) -> Page:
        answers = {"when": "slot", "slot": "2026-11-24T14:00Z", "message": "About the bill"}
        barrier.wait()
        return visitors[number].sends(forms[number], name="Ann", phone=f"020 7946 012{number}", **answers)

    with ThreadPoolExecutor(len(visitors)) as pool:
        pages = list(pool.map(send, range(len(visitors))))

    assert sorted(page.status for page in pages) == [303, 422, 422, 422]
    for number, page in enumerate(pages):
        if page.status == 422:
            assert page.errors == [GONE]
            kept = {"name": "Ann", "phone": f"020 7946 012{number}", "message": "About the bill", "when": "slot"}
            assert kept.items() <= page.answers.items()
            assert "14:00–14:30" not in page.words


def test_a_paused_widget_takes_nothing_and_the_others_do(outbox: Outbox, clock: Clock) -> None:
    outbox.slots.pause("sales", "Back on Monday.", clock.now)
    outbox.slots.pause("sales", "Back on Tuesday.", clock.now)

    with pytest.raises(PausedError) as caught:
        outbox.accept(at_two())
    assert caught.value.pause.words == "Back on Tuesday."
    outbox.accept(at_two(widget="help"))
    assert outbox.slots.resume("sales")
    assert not outbox.slots.resume("sales")
    outbox.accept(at_two("442079460124"))


def test_a_pause_with_an_end_is_over_by_itself(outbox: Outbox, clock: Clock) -> None:
    outbox.slots.pause("sales", "", clock.now, ends_at=clock.now + timedelta(minutes=30))
    clock.passes(minutes=29)
    assert list(outbox.slots.snapshot(clock.now).pauses) == ["sales"]
    with pytest.raises(PausedError):
        outbox.accept(at_two())

    clock.passes(minutes=1)
    assert outbox.slots.snapshot(clock.now).pauses == outbox.slots.pauses() == {}
    outbox.accept(at_two())
    assert not outbox.slots.resume("sales")


def test_a_pause_is_said_before_anybody_types_with_the_other_way_to_reach_the_team(
    app: Flask, outbox: Outbox, clock: Clock
) -> None:
    outbox.slots.pause("sales", "We are moving <house>.", clock.now)
    page = Visitor(app).opens("/sales?theme=dark")

    assert page.status == 200
    assert page.headline == "We are not taking call requests right now"
    assert "We are moving <house>." in page.words
    assert "+44 20 7946 0000" in page.words
    assert page.all("form") == []
    assert [link.get("href") for link in page.all("main//a")] == ["tel:+442079460000", "/sales?theme=dark"]

    outbox.slots.pause("sales", "", clock.now)
    assert "Come back later." in Visitor(app).opens("/sales").words


@pytest.mark.parametrize("words", ["Back on Monday.", ""])
def test_who_was_typing_when_it_was_paused_keeps_the_answers(
    app: Flask, outbox: Outbox, clock: Clock, words: str
) -> None:
    visitor = Visitor(app)
    form = visitor.opens("/sales")
    outbox.slots.pause("sales", words, clock.now)
    answers = {"name": "Ann", "phone": "020 7946 0123", "when": "slot", "slot": "2026-11-24T14:30Z"}
    page = visitor.sends(form, **answers)

    assert page.status == 503
    assert (words or "Acme Ltd is not taking call requests right now.") in page.words
    assert (
        "Your answers are still here. Send them again later. You can also call us on +44 20 7946 0000"
        in page.words
    )
    assert "We usually call" not in page.words
    assert answers.items() <= page.answers.items()
    outbox.slots.resume("sales")
    assert visitor.sends(page).status == 303


def test_who_has_asked_already_is_led_to_the_request_though_it_is_paused_now(
    app: Flask, outbox: Outbox, clock: Clock
) -> None:
    visitor = Visitor(app)
    form = visitor.opens("/sales")
    first = visitor.sends(form, name="Ann", phone="020 7946 0123")
    outbox.slots.pause("sales", "", clock.now)

    assert visitor.sends(form, name="Ann", phone="020 7946 0123").location == first.location


def test_with_a_store_that_is_stuck_a_form_is_shown_as_things_stood(
    outbox: Outbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.accept(at_two())
    outbox.slots.pause("help", "", clock.now)
    outbox.slots.snapshot(clock.now)

    def stuck(database: Database) -> None:
        raise TimeoutError

    monkeypatch.setattr(Database, "read", stuck)
    assert [slot.start for slot in free(outbox, clock)] == [AT_TWO + HALF_AN_HOUR]
    assert list(outbox.slots.snapshot(clock.now).pauses) == ["help"]
