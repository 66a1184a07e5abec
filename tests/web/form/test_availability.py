"""What a form says of when, before anybody types; and that the post decides by the same rules."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringback.config.widget import Widget
from ringback.i18n.local_time import LocalTime as TeamClock
from ringback.opening_hours import next_opening, slots
from ringback.outbox.slots import MOST_OFFERED
from ringback.web.form.availability import describe
from ringback.web.page import locale_of
from tests.conftest import WIDGET, Clock
from tests.visitor import Page, Visitor

# The clock of the tests begins on Tuesday 24 November 2026 at 10:00 in London.
DAY = ("09:00-12:30", "13:30-17:30")
HOURS = {"timezone": "Europe/London", **dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), DAY)}


@pytest.fixture
def see(make_app: Callable[..., Flask]) -> Callable[..., Page]:
    """The form of a widget with such hours."""

    def see(hours: dict[str, Any] | None = None, **widget: Any) -> Page:
        app = make_app(widgets={"sales": WIDGET | ({"hours": hours} if hours else {}) | widget})
        return Visitor(app).opens("/sales")

    return see


def offered(page: Page) -> list[str]:
    """The times that can be chosen, as they are sent."""
    options = [option.get("value", "") for option in page.all("select[@name='slot']//option")]
    return [value for value in options if value] or [
        box.get("value", "") for box in page.all("input[@name='slot']")
    ]


def instant(value: str) -> datetime:
    return datetime.strptime(value, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


def chip(page: Page) -> str:
    return page.text_of("p[@class='chip tone-ok']") or page.text_of("p[@class='chip tone-warn']")


# --- the states ---


def test_without_hours_there_is_no_chip_and_nothing_to_choose(see: Callable[..., Page]) -> None:
    page = see()

    assert chip(page) == ""
    assert "We usually call within 15 minutes." in page.words
    assert page.all("fieldset") == []


def test_while_the_team_is_there_the_form_says_so_and_gives_the_owners_promise(see: Callable[..., Page]) -> None:
    page = see(HOURS)

    assert chip(page) == "Open now"
    assert "We usually call within 15 minutes." in page.words
    assert "As soon as possible Usually within 15 minutes Choose a time" in page.words
    assert page.answers["when"] == "asap"


@pytest.mark.parametrize(
    ("minutes", "words"), [(1, "a minute"), (90, "90 minutes"), (60, "an hour"), (120, "2 hours"), (None, "")]
)
def test_a_promise_is_never_rounded_and_never_invented(
    see: Callable[..., Page], minutes: int | None, words: str
) -> None:
    page = see(HOURS, promise_minutes=minutes)

    assert (f"within {words}." in page.words) == bool(words)
    assert words or "within" not in page.words


@pytest.mark.parametrize(("at", "is_soon"), [("12:15:00", False), ("12:15:01", True), ("12:29:59", True)])
@pytest.mark.parametrize("promise", [15, None])
def test_shortly_before_they_close_the_form_says_what_then(
    see: Callable[..., Page], clock: Clock, at: str, is_soon: bool, promise: int | None
) -> None:
    clock.now = datetime.fromisoformat(f"2026-11-24T{at}").replace(tzinfo=UTC)
    page = see(HOURS, promise_minutes=promise)

    assert (chip(page) == "Closing soon") == is_soon
    said = "We close at 12:30. If we do not call before, we will when we open again, from 13:30, London time."
    assert (said in page.words) == is_soon
    assert ("Before 12:30 or from 13:30, London time" in page.words) == is_soon


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-24T12:30", "from 13:30"),  # lunch
        ("2026-11-24T17:30", "Wednesday from 09:00"),
        ("2026-11-27T18:00", "Monday from 09:00"),
    ],
)
def test_while_nobody_is_there_the_form_says_when_they_are_and_what_happens(
    see: Callable[..., Page], clock: Clock, now: str, opens: str
) -> None:
    clock.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    page = see(HOURS)

    assert chip(page) == f"Closed, opens {opens.replace('from', 'at')}"
    assert f"Leave your number and we will call when we open: {opens}, London time." in page.words
    assert f"When we open {opens[0].upper()}{opens[1:]}, London time" in page.words
    assert "15 minutes" not in page.words


def test_an_opening_that_is_far_is_said_with_its_date_and_none_without(see: Callable[..., Page]) -> None:
    far = {"timezone": "Europe/London", "special": {"2026-12-24": ["09:00-12:00"]}}
    assert chip(see(far)) == "Closed, opens 24 December at 09:00"

    never = far | {"special": {"2026-11-23": ["09:00-12:00"]}}
    page = see(never)
    assert chip(page) == "Closed"
    assert "Leave your number and we will call when we open again." in page.words


def test_of_thousands_of_times_the_soonest_are_offered(see: Callable[..., Page]) -> None:
    """Every five minutes for ninety days once made a page of 2.6 MB in 2.3 s."""
    days = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    page = see({"timezone": "Europe/London", **days, "slot_minutes": 5, "days_ahead": 90})
    times = [option.get("value") for option in page.all("option") if option.get("value")]

    assert len(times) == MOST_OFFERED
    assert times[0] == "2026-11-24T10:05Z"
    assert len(page.html) < 100_000
    assert len(see({"timezone": "Europe/London", **days}).all("option")) == 1 + 27 + 7 * 48, (
        "by default all of them"
    )


def test_when_every_time_is_taken_the_form_says_so_before_anybody_types(
    make_app: Callable[..., Flask], clock: Clock
) -> None:
    hours = HOURS | {"tue": ["09:00-11:30"], "days_ahead": 0, "calls_per_slot": 1}
    visitor = Visitor(make_app(widgets={"sales": WIDGET | {"hours": hours}}))
    form = visitor.opens("/sales")
    assert offered(form) == ["2026-11-24T10:30Z", "2026-11-24T11:00Z"]
    for number, slot in enumerate(offered(form)):
        visitor.asks(f"020 7946 012{number}", when="slot", slot=slot)

    page = visitor.opens("/sales")
    assert "Every time that could be chosen is taken. You can also call us on +44 20 7946 0000." in page.words
    assert offered(page) == []
    assert page.answers["when"] == "asap"

    late = visitor.sends(form, phone="020 7946 0125", name="Ann", when="slot", slot="2026-11-24T11:00Z")
    assert late.status == 422
    assert late.errors == ["There are no times left to choose. Ask us to call as soon as we can"]
    assert late.answers["when"] == "asap"
    assert visitor.sends(late).status == 303


def test_a_day_without_times_is_not_called_taken(see: Callable[..., Page]) -> None:
    page = see(HOURS | {"tue": ["09:00-10:20"], "days_ahead": 0})

    assert page.all("fieldset") == []
    assert "taken" not in page.words


def test_the_owners_sentence_replaces_the_usual_one_and_never_what_is_not_usual(
    see: Callable[..., Page], clock: Clock
) -> None:
    texts = {"en": {"intro": "Talk to Ann and Bob."}}
    assert "We usually call" not in see(HOURS, texts=texts).words

    clock.passes(hours=9)
    words = see(HOURS, texts=texts).words
    assert "Talk to Ann and Bob. Leave your number and we will call when we open" in words


# --- the times ---


def test_few_times_are_shown_at_once_and_many_in_a_list_by_day(see: Callable[..., Page]) -> None:
    few = see(HOURS | {"days_ahead": 0, "slot_minutes": 90})
    assert few.text_of("fieldset[@class='slots']").startswith(
        "Time Tue 24 Nov, 10:30–12:00 Tue 24 Nov, 13:30–15:00"
    )
    assert "Times are London time." in few.words

    many = see(HOURS | {"days_ahead": 2})
    days = [group.get("label") for group in many.all("optgroup")]
    assert days == ["Today, Tuesday 24 November", "Tomorrow, Wednesday 25 November", "Thursday 26 November"]
    assert many.all("select[@name='slot']//option")[1].text == "Tue 24 Nov, 10:30–11:00"


def test_in_an_hour_that_is_repeated_each_clock_says_which(see: Callable[..., Page], clock: Clock) -> None:
    clock.now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    page = see({"timezone": "Europe/London", "sun": ["00:30-02:30"]})

    assert [label.text for label in page.all("fieldset[@class='slots']//label")] == [
        "Sun 25 Oct, 00:30–01:00 GMT+1",
        "Sun 25 Oct, 01:00 GMT+1–01:30 GMT+1",
        "Sun 25 Oct, 01:30 GMT+1–01:00 GMT+0",
        "Sun 25 Oct, 01:00 GMT+0–01:30 GMT+0",
        "Sun 25 Oct, 01:30 GMT+0–02:00",
        "Sun 25 Oct, 02:00–02:30",
    ]


@pytest.mark.parametrize(
    ("region", "text"), [("GB", "Tue 24 Nov, 14:00–14:30"), ("US", "Tue, Nov 24, 2:00\u202fPM–2:30\u202fPM")]
)
def test_clocks_and_days_are_written_as_the_widgets_region_does(region: str, text: str) -> None:
    widget = Widget(key="sales", team_name="Sales", region=region)
    start = datetime(2026, 11, 24, 14, tzinfo=UTC)

    assert TeamClock(UTC, locale_of(widget, "en")).slot(start, start + timedelta(minutes=30)) == text


@pytest.mark.parametrize("slot", ["", "2026-11-24T14:00", "tomorrow", "2026-02-30T10:00Z"])
def test_who_chooses_to_choose_has_to(make_app: Callable[..., Flask], slot: str) -> None:
    visitor = Visitor(make_app(widgets={"sales": WIDGET | {"hours": HOURS}}))
    page = visitor.sends(visitor.opens("/sales"), phone="020 7946 0123", name="Ann", when="slot", slot=slot)

    assert (page.status, page.errors) == (422, ["Select a time for the call"])
    assert page.all("p[@id='slot-error']")
    assert page.answers["when"] == "slot"
    assert visitor.sends(page, slot="2026-11-24T14:00Z").status == 303


def test_a_time_of_a_widget_that_has_none_any_more_is_not_taken_for_as_soon_as_possible(app: Flask) -> None:
    visitor = Visitor(app)
    page = visitor.sends(
        visitor.opens("/sales"), phone="020 7946 0123", name="Ann", when="slot", slot="2026-11-24T14:00Z"
    )

    assert (page.status, page.errors) == (
        422,
        ["There are no times left to choose. Ask us to call as soon as we can"],
    )


# --- the page says it, the post decides it ---


@pytest.mark.parametrize(
    ("slot", "why"),
    [("2026-11-24T10:30Z", "begun"), ("2026-11-24T12:30Z", "lunch"), ("2026-12-24T10:00Z", "too far")],
)
def test_a_time_that_is_not_offered_is_not_accepted(make_app: Callable[..., Flask], slot: str, why: str) -> None:
    app = make_app(widgets={"sales": WIDGET | {"hours": HOURS}})
    visitor = Visitor(app)
    form = visitor.opens("/sales")
    app.extensions["ringback"].clock.passes(minutes=30)
    page = visitor.sends(form, phone="020 7946 0123", name="Ann", when="slot", slot=slot)

    assert (page.status, page.errors) == (422, ["That time has just gone. Select another time"]), why
    assert slot not in offered(page)
    assert page.answers["name"] == "Ann"


def test_who_opened_the_form_before_they_closed_is_called_when_they_open(
    make_app: Callable[..., Flask], clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 24, 17, tzinfo=UTC)
    app = make_app(widgets={"sales": WIDGET | {"hours": HOURS}})
    visitor = Visitor(app)
    form = visitor.opens("/sales")
    assert chip(form) == "Open now"
    clock.passes(hours=1)
    visitor.follows(visitor.sends(form, phone="020 7946 0123", name="Ann"))

    (request,) = app.extensions["ringback"].operations.listed(False)
    assert f"{request.due_at:%a %H:%M}" == "Wed 09:00"


ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")


@given(
    zone=st.sampled_from(ZONES),
    starts=st.datetimes(datetime(2026, 10, 20), datetime(2026, 11, 5)),
    age=st.integers(0, 20 * 60),
    place=st.integers(0, 10_000),
    places=st.sampled_from([None, 1]),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_page_offers_the_post_takes_unless_it_is_gone_by_then(
    make_app: Callable[..., Flask],
    clock: Clock,
    zone: str,
    starts: datetime,
    age: int,
    place: int,
    places: int | None,
) -> None:
    """A page may be as old as it likes: what is accepted is what a page of the moment of sending offers."""
    clock.now = starts.replace(tzinfo=UTC)
    hours = dict.fromkeys(("sat", "sun", "mon", "tue"), ("00:00-05:00",))
    app = make_app(
        widgets={
            "sales": WIDGET | {"hours": hours | {"timezone": zone, "calls_per_slot": places, "days_ahead": 5}},
        },
        limits={"min_fill_seconds": 0, "per_address": "100 per minute", "per_number": "100 per hour"},
    )
    visitor = Visitor(app)
    old = visitor.opens("/sales")
    choices = offered(old)
    assert choices, "there are always some of the next five days"
    slot = choices[place % len(choices)]
    clock.passes(minutes=age)
    fresh = offered(visitor.opens("/sales"))
    sent = visitor.sends(old, phone="020 7946 0123", name="Ann", when="slot", slot=slot)

    assert (sent.status == 303) == (slot in fresh)
    assert sent.status == 303 or sent.errors == ["That time has just gone. Select another time"]
    assert sent.status == 303 or offered(sent) == fresh


@given(st.datetimes(datetime(2026, 10, 20), datetime(2026, 11, 5)))
@settings(max_examples=60, deadline=None)
def test_the_words_and_the_outbox_go_by_the_same_hours(at: datetime) -> None:
    now = at.replace(tzinfo=UTC)
    widget = Widget(key="sales", hours=HOURS, **WIDGET)
    times = describe(widget, list(slots(widget.hours, now)), now, "en_GB")
    opening = next_opening(widget.hours, now)

    assert times.chip.startswith("Closed, opens") == (opening != now)
    assert times.none_left == ""
    assert [choice.value for _, choices in times.days for choice in choices] == [
        f"{slot.start:%Y-%m-%dT%H:%MZ}" for slot in slots(widget.hours, now)
    ]
