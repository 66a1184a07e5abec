"""When to call, once it is asked: what the page says, a change of mind, the calendar file, what the agent sees."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
from flask import Flask

from ringback.opening_hours import Interval
from ringback.outbox.request import Answers, CallbackRequest
from ringback.sandbox.samespace import SandboxSamespace
from tests.conftest import WIDGET, Clock
from tests.visitor import Page, Visitor

WEEKDAYS = {day: ["09:00-17:30"] for day in ("mon", "tue", "wed", "thu", "fri")}
LONDON = {"timezone": "Europe/London", **WEEKDAYS, "calls_per_slot": 1}
SALES = WIDGET | {"hours": LONDON}
# The clock stands at Tuesday 24 November 2026, 10:00 in London.
TODAY, TOMORROW = "2026-11-24T14:00Z", "2026-11-25T09:30Z"
IN_THE_EVENING = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(widgets={"sales": SALES})


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)


def asks_for(visitor: Visitor, slot: str, phone: str = "020 7946 0123", **more: str) -> Page:
    return visitor.asks(phone, when="slot", slot=slot, **more)


def change(visitor: Visitor, page: Page) -> Page:
    """Where the link on a confirmation leads."""
    (link,) = [link for link in page.all("a") if link.get("id") == "time"]
    return visitor.opens(link.get("href", ""))


def links(page: Page) -> set[str | None]:
    return {link.get("id") for link in page.all("a")}


def moves(visitor: Visitor, page: Page, slot: str = "") -> Page:
    """Open the page of the times, choose one (or as soon as possible), send it."""
    return visitor.sends(change(visitor, page), when="slot" if slot else "asap", slot=slot)


def status(visitor: Visitor, page: Page) -> Any:
    return visitor.opens(f"{page.address}.json").response.get_json()


def stored(app: Flask) -> list[CallbackRequest]:
    return app.extensions["ringback"].operations.listed()


def hands_over(app: Flask) -> None:
    while claim := app.extensions["ringback"].outbox.claim("test"):
        app.extensions["ringback"].delivery.hand_over(claim)


def interval(start: str) -> Interval:
    at = datetime.strptime(start, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    return Interval(at, at + timedelta(minutes=30))


@pytest.mark.parametrize(
    "slot", ["9999-12-31T23:59Z", "9999-12-31T23:31Z", "0001-01-01T00:00Z", "0001-01-01T23:59Z"]
)
def test_a_time_at_the_end_of_time_is_one_that_cannot_be_chosen(visitor: Visitor, app: Flask, slot: str) -> None:
    asked = visitor.sends(visitor.opens("/sales"), phone="020 7946 0123", name="Ann", when="slot", slot=slot)
    made = asks_for(visitor, TODAY)
    moved = moves(visitor, made, slot)

    for page in (asked, moved):
        assert page.status == 422
        assert page.errors[0].split(".")[0] in ("Select a time for the call", "That time has just gone")
    assert len(stored(app)) == 1


# --- the confirmation says when ---


def test_who_the_call_will_come_from_is_only_said_where_the_owner_says_so(make_app: Callable[..., Flask]) -> None:
    """The team's own number is one to call; what an agent's call shows is Samespace's business."""
    visitor = Visitor(make_app(widgets={"sales": SALES | {"caller_id": None}}))
    page = asks_for(visitor, TODAY)

    assert "will come from" not in page.words
    assert "+44 20 7946 0000" in page.words, "the team's own number, to call"
    calendar = visitor.opens(f"{page.address}/calendar.ics").response
    assert (calendar.status_code, "will ring you" in calendar.text) == (200, False)


def test_a_chosen_time_is_said_in_the_teams_zone_with_who_will_ring_and_what_to_do(visitor: Visitor) -> None:
    page = asks_for(visitor, TODAY)

    assert "Acme Ltd will call you today between 14:00 and 14:30 London time." in page.words
    assert "The call will come from +44 20 7946 0000." in page.words
    assert "If nobody has called by 14:30 London time, call us." in page.words
    assert "Tue 24 Nov, 14:00–14:30, London time" in page.words
    assert "We are passing it" not in page.words, "its time has not come"


def test_the_visitors_own_time_stands_beside_it_where_it_differs(visitor: Visitor) -> None:
    page = asks_for(visitor, TODAY, zone="Europe/Paris")

    assert "between 14:00 and 14:30 London time (15:00 to 15:30 in Paris)" in page.words
    assert "Tue 24 Nov, 15:00–15:30 in Paris" in page.words


def test_another_day_where_the_visitor_is_is_named(visitor: Visitor) -> None:
    page = asks_for(visitor, "2026-11-24T17:00Z", zone="Asia/Tokyo")

    assert "between 17:00 and 17:30 London time (Wednesday 25 November, 02:00 to 02:30 in Tokyo)" in page.words


@pytest.mark.parametrize("zone", ["Europe/Lisbon", "Europe/London", "", "Mars/Olympus", "../../etc/passwd", "<b>"])
def test_no_other_time_is_shown_where_the_clock_is_the_same_or_the_zone_is_none(
    visitor: Visitor, app: Flask, zone: str
) -> None:
    page = asks_for(visitor, TODAY, zone=zone)

    assert "14:30 London time. The call" in page.words
    assert stored(app)[0].answers.zone == (zone if zone.startswith("Europe/") else ""), "garbage is dropped"


def test_a_zone_that_is_no_place_is_not_named(visitor: Visitor) -> None:
    page = asks_for(visitor, TODAY, zone="EST5EDT")

    assert "(09:00 to 09:30 on your clock)" in page.words


HIDDEN_ZONES = [
    "Atlantic/Reykjavik",
    "Iceland",
    "UTC",
    "Etc/UTC",
    "GMT",
    "Etc/GMT+5",
    "Etc/GMT-3",
    "Zulu",
    "localtime",
]


@pytest.mark.parametrize("zone", HIDDEN_ZONES)
def test_whoever_hides_their_zone_reads_the_teams_clock(
    make_app: Callable[..., Flask], samespace: SandboxSamespace, clock: Clock, zone: str
) -> None:
    berlin = LONDON | {"timezone": "Europe/Berlin"}
    app = make_app(base_url=samespace.base_url, widgets={"sales": WIDGET | {"hours": berlin}})
    visitor = Visitor(app)
    page = asks_for(visitor, TODAY, zone=zone)

    assert "between 15:00 and 15:30 Berlin time. The call" in page.words
    assert stored(app)[0].answers.zone == ""
    clock.now = interval(TODAY).start
    hands_over(app)
    assert samespace.calls[0].attributes["asked_for"] == "2026-11-24T15:00+01:00 (Europe/Berlin)"


def test_a_hidden_zone_that_was_stored_before_is_no_place_either(app: Flask, visitor: Visitor) -> None:
    answers = Answers("sales", "442079460123", "GB", "Ann", zone="Etc/GMT+5")
    outbox = app.extensions["ringback"].outbox
    id = outbox.accept(answers).id
    assert outbox.reschedule(id, interval(TODAY))

    assert "14:30 London time. The call" in visitor.opens(f"/requests/{id}").words


# --- whose clock it is where there are no opening hours ---


@pytest.mark.parametrize(
    ("setting", "zone", "time"),
    [
        (None, "Europe/Berlin", "11:15 Berlin time"),
        (None, "", "10:15 UTC"),
        (None, "Atlantic/Reykjavik", "10:15 UTC"),
        ("Asia/Kolkata", "", "15:45 Kolkata time"),
        ("Asia/Kolkata", "Europe/Berlin", "15:45 Kolkata time (11:15 in Berlin)"),
        ("Atlantic/Reykjavik", "Etc/UTC", "10:15 Reykjavik time"),
    ],
)
def test_without_opening_hours_it_is_the_clock_that_is_set_else_the_visitors_own(
    make_app: Callable[..., Flask], setting: str | None, zone: str, time: str
) -> None:
    visitor = Visitor(make_app(widgets={"sales": WIDGET | {"timezone": setting}}))
    page = visitor.asks(zone=zone)

    assert f"If nobody has called by {time}, call us." in page.words
    offset = {"Kolkata": "T15:30:00+05:30", "Berlin": "T11:00:00+01:00"}
    shown = next((offset[city] for city in offset if f"{city} time" in time), "T10:00:00+00:00")
    assert status(visitor, page)["requested_at"] == f"2026-11-24{shown}"


def test_the_clock_that_visitors_read_may_be_another_than_the_teams(
    make_app: Callable[..., Flask], samespace: SandboxSamespace, clock: Clock
) -> None:
    widget = SALES | {"timezone": "America/New_York"}
    app = make_app(base_url=samespace.base_url, widgets={"sales": widget})
    visitor = Visitor(app)
    form = visitor.opens("/sales")
    (sentence,) = [element for element in form.all("p") if element.get("id") == "slot-zone"]
    assert "".join(sentence.itertext()).strip() == "Times are New York time."
    assert "team is in" not in (sentence.get("data-own") or "") + (sentence.get("data-team") or "")

    page = asks_for(visitor, TODAY)
    assert "between 9:00 and 9:30 New York time" in page.words.replace("09:", "9:")
    clock.now = interval(TODAY).start
    hands_over(app)
    assert samespace.calls[0].attributes["asked_for"] == "2026-11-24T14:00+00:00 (Europe/London)"


def test_a_stored_zone_that_is_no_longer_known_does_no_harm(app: Flask, visitor: Visitor) -> None:
    chosen = interval(TODAY)
    answers = Answers("sales", "442079460123", "GB", "Ann", zone="Europe/Atlantis")
    outbox = app.extensions["ringback"].outbox
    id = outbox.accept(answers).id
    assert outbox.reschedule(id, chosen)

    assert visitor.opens(f"/requests/{id}").status == 200


def test_outside_hours_the_page_says_when_the_team_opens(visitor: Visitor, clock: Clock) -> None:
    clock.now = IN_THE_EVENING
    page = visitor.asks(zone="Europe/Paris")
    opening, promised = "Tuesday at 09:00 London time (10:00 in Paris)", "09:15 London time (10:15 in Paris)"

    assert f"We will call when we open, {opening}, or soon after." in page.words
    assert f"If nobody has called by Tuesday 24 November, {promised}, call us." in page.words
    assert status(visitor, page)["due_at"] == "2026-11-24T09:00:00+00:00"


@pytest.mark.parametrize("slot", [TODAY, ""], ids=["chosen", "as soon as possible"])
def test_a_promise_that_was_missed_stays_and_the_page_says_that_it_is_late(
    visitor: Visitor, clock: Clock, slot: str
) -> None:
    page = asks_for(visitor, slot) if slot else visitor.asks()
    clock.now = datetime(2026, 11, 24, 14, 30, 1, tzinfo=UTC)
    late = visitor.opens(page.address)

    said = "today between 14:00 and 14:30 London time" if slot else "by 10:15 London time"
    assert late.headline == "Your call is late"
    assert f"We said {said}, and that time has passed. If nobody has called, we are late: call us." in late.words


def test_what_could_not_be_handed_over_before_closing_says_when_the_team_gets_it(
    visitor: Visitor, clock: Clock
) -> None:
    page = visitor.asks()
    clock.passes(hours=8)

    words = visitor.opens(page.address).words
    assert "Acme Ltd is closed now. The team gets it when we open, Wednesday at 09:00 London time." in words


def test_what_waits_though_it_was_due_is_not_said_to_be_handed_over_now(visitor: Visitor, clock: Clock) -> None:
    """As while Samespace is known to be down, and nothing is tried."""
    page = visitor.asks()
    (main,) = page.all("main")
    assert main.get("data-changes-in") == "0"
    clock.passes(seconds=8)
    received = visitor.opens(page.address)
    (main,) = received.all("main")
    assert main.get("data-changes-in") == "2"
    clock.passes(seconds=2)
    clock.passes(seconds=1)
    waiting = visitor.opens(page.address)

    assert "We are passing it to the team at Acme Ltd now." in received.words
    said = "We could not pass it to the team at Acme Ltd yet. It is safe, and we keep trying."
    assert said in waiting.words
    assert "Tried" not in waiting.words, "nothing was"


def test_what_is_held_is_said_to_wait_as_any_other(visitor: Visitor, app: Flask, clock: Clock) -> None:
    app.extensions["ringback"].outbox.stop("442079460123")
    held, other = visitor.asks("020 7946 0123"), visitor.asks("020 7946 0124")
    for seconds in (0, 10, 1):
        clock.passes(seconds=seconds)
        said, expected = (
            re.sub(SPOKEN_CODE, "*", visitor.opens(page.address).text_of("p")) for page in (held, other)
        )
        assert said == expected


def test_while_the_team_is_closed_what_was_due_is_not_said_to_be_tried(visitor: Visitor, clock: Clock) -> None:
    page = visitor.asks()
    clock.passes(hours=8)

    assert "keep trying" not in visitor.opens(page.address).words


def test_no_page_says_that_a_call_was_made(app: Flask, visitor: Visitor, clock: Clock) -> None:
    page = asks_for(visitor, TODAY)
    for _ in range(6):
        clock.passes(hours=1)
        words = visitor.opens(page.address).words
        assert "called you" not in words
        assert "called at" not in words


# --- the visitor changes the time ---


def test_the_time_is_changed_and_nothing_else_is_asked_for(visitor: Visitor, app: Flask) -> None:
    page = asks_for(visitor, TODAY, email="ann@example.test")
    form = change(visitor, page)
    assert form.answers == {"when": "slot", "slot": TODAY, "zone": ""}
    assert "Tue 24 Nov, 14:00–14:30, London time" in form.words
    moved = visitor.follows(visitor.sends(form, when="slot", slot=TOMORROW))

    assert "Acme Ltd will call you on Wednesday 25 November between 09:30 and 10:00 London time." in moved.words
    assert "Time changed" in moved.words
    (request,) = stored(app)
    assert (request.answers.name, request.answers.email) == ("Ann Example", "ann@example.test")
    told = status(visitor, page)
    assert told["due_at"] == "2026-11-25T09:30:00+00:00"
    assert [event["kind"] for event in told["events"]] == ["received", "rescheduled"]


def test_a_call_as_soon_as_possible_is_put_off_and_brought_back(visitor: Visitor, app: Flask) -> None:
    page = visitor.asks()
    visitor.follows(moves(visitor, page, TODAY))
    (request,) = stored(app)
    assert (request.due_at, request.promised_by) == (interval(TODAY).start, interval(TODAY).end)
    assert app.extensions["ringback"].outbox.claim("me") is None, "its time has not come"

    back = visitor.follows(moves(visitor, visitor.opens(page.address)))
    assert "We usually call within 15 minutes." in back.words
    assert status(visitor, page)["due_at"] == "2026-11-24T10:00:00+00:00"
    assert app.extensions["ringback"].outbox.claim("me")


def test_the_same_time_again_gives_the_same_answer_and_changes_nothing(visitor: Visitor, app: Flask) -> None:
    page = asks_for(visitor, TODAY)
    form = change(visitor, page)
    answers = [visitor.sends(form, when="slot", slot=TOMORROW) for _ in range(3)]

    assert {(answer.status, answer.location) for answer in answers} == {(303, page.address)}
    assert [event["kind"] for event in status(visitor, page)["events"]] == ["received", "rescheduled"]


def test_the_same_form_again_says_the_same_though_the_request_has_gone_on(
    make_app: Callable[..., Flask], samespace: SandboxSamespace
) -> None:
    app = make_app(base_url=samespace.base_url, widgets={"sales": SALES})
    visitor = Visitor(app)
    page = asks_for(visitor, TODAY)
    form = change(visitor, page)
    assert visitor.sends(form, when="asap").status == 303
    hands_over(app)

    assert visitor.sends(form, when="asap").status == 303
    assert visitor.sends(form, when="slot", slot=TOMORROW).status == 409


def test_a_place_that_is_left_can_be_taken_by_somebody_else(visitor: Visitor) -> None:
    page = asks_for(visitor, TODAY)
    form = visitor.opens("/sales")
    assert f'value="{TODAY}"' not in form.html
    visitor.follows(moves(visitor, page, TOMORROW))

    assert asks_for(visitor, TODAY, "020 7946 0124").status == 200


def test_a_time_that_has_just_gone_is_told_and_nothing_changes(visitor: Visitor) -> None:
    page = asks_for(visitor, TODAY)
    form = change(visitor, page)
    asks_for(visitor, TOMORROW, "020 7946 0124")
    answer = visitor.sends(form, when="slot", slot=TOMORROW)

    assert (answer.status, answer.title) == (422, "Error: Change the time")
    assert answer.errors == ["That time has just gone. Select another time"]
    assert f'value="{TOMORROW}"' not in answer.html
    assert status(visitor, page)["due_at"] == "2026-11-24T14:00:00+00:00"


@pytest.mark.parametrize(
    ("slot", "error"),
    [
        ("", "Select a time for the call"),
        ("tomorrow", "Select a time for the call"),
        ("2026-11-24T09:30Z", "That time has just gone. Select another time"),
        ("2026-11-24T14:10Z", "That time has just gone. Select another time"),
        ("2026-11-28T14:00Z", "That time has just gone. Select another time"),
    ],
    ids=["none", "no time", "past", "between", "closed"],
)
def test_only_a_time_that_is_offered_can_be_chosen(visitor: Visitor, slot: str, error: str) -> None:
    page = visitor.asks()
    answer = visitor.sends(change(visitor, page), when="slot", slot=slot)

    assert (answer.status, answer.errors) == (422, [error])


def test_once_it_has_begun_its_own_time_is_not_offered_and_does_no_harm(visitor: Visitor, clock: Clock) -> None:
    page = asks_for(visitor, TODAY)
    clock.passes(hours=4, minutes=5)
    form = change(visitor, page)

    assert f'value="{TODAY}"' not in form.html
    assert visitor.posts(f"{page.address}/time", {"when": "slot", "slot": TODAY}).status == 303
    assert [event["kind"] for event in status(visitor, page)["events"]] == ["received"]


def test_the_time_is_changed_only_while_the_request_waits(visitor: Visitor) -> None:
    page = asks_for(visitor, TODAY)
    form = change(visitor, page)
    visitor.follows(visitor.posts(f"{page.address}/cancel", {}))

    for answer in (visitor.opens(form.address), visitor.sends(form, when="slot", slot=TOMORROW)):
        assert answer.status == 409
        assert "It is too late to change the time of this request." in answer.words
        assert "time" not in links(answer)


def test_with_the_team_it_can_no_longer_be_changed(
    make_app: Callable[..., Flask], samespace: SandboxSamespace
) -> None:
    app = make_app(base_url=samespace.base_url, widgets={"sales": SALES})
    visitor = Visitor(app)
    page = visitor.asks()
    hands_over(app)

    assert visitor.opens(f"{page.address}/time").status == 409
    assert visitor.posts(f"{page.address}/time", {"when": "asap"}).status == 409
    assert visitor.posts(f"{page.address}/time", {"when": "slot", "slot": TODAY}).status == 409
    assert status(visitor, page)["state"] == "with_team"


def test_a_widget_without_times_offers_no_change(make_app: Callable[..., Flask]) -> None:
    visitor = Visitor(make_app())
    page = visitor.asks()

    assert "time" not in links(page)
    assert visitor.opens(f"{page.address}/time").status == 404
    assert visitor.posts(f"{page.address}/time", {"when": "asap"}).status == 404


def test_a_change_from_another_site_is_refused(visitor: Visitor) -> None:
    page = asks_for(visitor, TODAY)
    form = change(visitor, page)

    assert visitor.sends(form, {"Sec-Fetch-Site": "cross-site"}, when="slot", slot=TOMORROW).status == 403
    assert status(visitor, page)["due_at"] == "2026-11-24T14:00:00+00:00"


def test_in_a_frame_the_change_stays_in_the_frame(visitor: Visitor) -> None:
    page = asks_for(visitor, TODAY)
    framed = visitor.opens(f"{page.address}?embed=1&theme=dark&lang=en")
    form = change(visitor, framed)
    answer = visitor.sends(form, when="slot", slot=TOMORROW)

    assert form.address.endswith("/time?embed=1&theme=dark&lang=en")
    assert form.action == form.address
    assert answer.location == f"{page.address}?embed=1&theme=dark&lang=en"
    assert "frame-ancestors https://www.acme.test" in form.response.headers["Content-Security-Policy"]


def test_while_the_widget_is_paused_the_time_stays_as_it_is(visitor: Visitor, app: Flask, clock: Clock) -> None:
    page = asks_for(visitor, TODAY)
    form = change(visitor, page)
    app.extensions["ringback"].outbox.slots.pause("sales", "Our building is on fire.", clock.now)

    paused = visitor.opens(form.address)
    assert (paused.status, paused.all("form")) == (200, [])
    answer = visitor.sends(form, when="slot", slot=TOMORROW)
    assert answer.status == 503
    for shown in (paused, answer):
        assert "Our building is on fire." in shown.words
        assert "Tue 24 Nov, 14:00–14:30, London time" in shown.words
    assert status(visitor, page)["due_at"] == "2026-11-24T14:00:00+00:00"


def test_changing_without_end_is_bounded(make_app: Callable[..., Flask]) -> None:
    limits = {"per_address": "1 per minute", "min_fill_seconds": 0}
    visitor = Visitor(make_app(widgets={"sales": SALES}, limits=limits))
    page = visitor.asks()
    answers = [
        visitor.posts(f"{page.address}/time", {"when": "slot", "slot": slot}) for slot in [TODAY, TOMORROW] * 7
    ]

    assert {answer.status for answer in answers[:11]} == {303}
    assert answers[-1].status == 429
    assert int(answers[-1].response.headers["Retry-After"]) > 0


def test_where_the_visitor_is_now_replaces_where_they_were(visitor: Visitor, app: Flask) -> None:
    page = asks_for(visitor, TODAY, zone="Europe/Paris")
    visitor.sends(change(visitor, page), when="slot", slot=TOMORROW)
    assert stored(app)[0].answers.zone == "Europe/Paris"
    visitor.sends(change(visitor, page), when="slot", slot=TODAY, zone="Asia/Tokyo")

    assert stored(app)[0].answers.zone == "Asia/Tokyo"


# --- the calendar file ---


def event_of(visitor: Visitor, page: Page) -> icalendar.Event:
    file = visitor.opens(f"{page.address}/calendar.ics")
    assert file.status == 200
    return event_of_text(file.html)


def event_of_text(file: str) -> icalendar.Event:
    (event,) = icalendar.Calendar.from_ical(file).events
    return event


def test_a_chosen_time_can_be_taken_to_a_calendar(visitor: Visitor) -> None:
    page = asks_for(visitor, TODAY, zone="Europe/Paris", message="ring softly")
    assert "calendar" in links(page)
    file = visitor.opens(f"{page.address}/calendar.ics")
    event = event_of(visitor, page)
    reference = page.all("main")[0].get("data-reference")

    assert file.response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert file.response.headers["Content-Disposition"] == f'attachment; filename="{reference}.ics"'
    assert "DTSTART:20261124T140000Z" in file.html
    assert "DTEND:20261124T143000Z" in file.html
    assert (event["SUMMARY"], event["STATUS"]) == ("Call from Acme Ltd", "CONFIRMED")
    assert event["UID"] == f"{reference}@callback.acme.test"
    assert "+44 20 7946 0000 will call you." in event["DESCRIPTION"]
    assert f"https://callback.acme.test{page.address}" in event["DESCRIPTION"]


def test_a_calendar_that_is_shared_shows_no_more_than_that_the_time_is_taken(visitor: Visitor) -> None:
    page = asks_for(visitor, TODAY, message="ring softly", email="ann@example.test", company="Quixotine")
    file = visitor.opens(f"{page.address}/calendar.ics").html

    assert event_of(visitor, page)["CLASS"] == "PRIVATE", "the link in it is a key"
    for said in ("Ann", "example.test", "softly", "Quixotine", "0123"):
        assert said not in file.replace(page.address, "")


def test_a_later_calendar_file_takes_the_place_of_the_earlier(visitor: Visitor, clock: Clock) -> None:
    page = asks_for(visitor, TODAY)
    first, again = event_of(visitor, page), event_of(visitor, page)
    assert first == again, "asked for twice, it is the same"
    clock.passes(minutes=5)
    visitor.follows(moves(visitor, page, TOMORROW))
    second = event_of(visitor, page)
    visitor.posts(f"{page.address}/cancel", {})
    third = event_of(visitor, page)

    assert first["UID"] == second["UID"] == third["UID"]
    assert [event["SEQUENCE"] for event in (first, second, third)] == [0, 1, 2]
    assert [event["STATUS"] for event in (first, second, third)] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert second.start == interval(TOMORROW).start
    assert first["DTSTAMP"].dt < second["DTSTAMP"].dt


def test_a_cancelled_time_is_taken_out_of_the_calendar_from_its_own_page(
    make_app: Callable[..., Flask], clock: Clock
) -> None:
    visitor = Visitor(make_app(widgets={"sales": SALES | {"caller_id": "+44 20 7946 0000"}}))
    page = asks_for(visitor, TODAY)
    before = visitor.opens(f"{page.address}/calendar.ics")
    clock.passes(minutes=3)
    visitor.posts(f"{page.address}/cancel", {})
    cancelled = visitor.opens(page.address)
    (link,) = [link for link in cancelled.all("a") if link.get("id") == "calendar"]
    file = visitor.opens(link.get("href", ""))
    calendar = icalendar.Calendar.from_ical(file.html)
    (event,) = calendar.events

    assert "".join(link.itertext()) == "Take it out of your calendar"
    assert "METHOD" not in before.html
    assert calendar["METHOD"] == "CANCEL"
    assert "method=CANCEL" in file.response.headers["Content-Type"]
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 1)
    assert event["UID"] == event_of_text(before.html)["UID"]
    assert str(event["ORGANIZER"]) == "https://callback.acme.test/sales", "RFC 5546 asks for one"
    assert "will call you" not in file.html
    assert event["DESCRIPTION"] == "This call is cancelled."
    assert (event.start, event.end) == (interval(TODAY).start, interval(TODAY).end)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_time_that_became_as_soon_as_possible_is_taken_out_of_the_calendar(
    visitor: Visitor, clock: Clock, is_cancelled: bool
) -> None:
    page = asks_for(visitor, TODAY)
    first = event_of(visitor, page)
    clock.passes(minutes=3)
    visitor.follows(moves(visitor, page, TOMORROW))
    clock.passes(minutes=3)
    visitor.follows(moves(visitor, page))
    if is_cancelled:
        visitor.posts(f"{page.address}/cancel", {})
    shown = visitor.opens(page.address)
    (link,) = [link for link in shown.all("a") if link.get("id") == "calendar"]
    file = visitor.opens(link.get("href", ""))
    calendar = icalendar.Calendar.from_ical(file.html)
    (event,) = calendar.events

    assert "".join(link.itertext()) == "Take it out of your calendar"
    assert calendar["METHOD"] == "CANCEL"
    assert "method=CANCEL" in file.response.headers["Content-Type"]
    assert (event["UID"], event["STATUS"], event["SEQUENCE"]) == (first["UID"], "CANCELLED", 2 + is_cancelled)
    assert (event.start, event.end) == (interval(TOMORROW).start, interval(TOMORROW).end)
    assert event["DESCRIPTION"] == "This call is cancelled."


def test_a_time_that_is_chosen_again_comes_back_to_the_calendar(visitor: Visitor, clock: Clock) -> None:
    page = asks_for(visitor, TODAY)
    for slot in ("", TOMORROW):
        clock.passes(minutes=3)
        visitor.follows(moves(visitor, page, slot))
    event = event_of(visitor, page)

    assert (event["STATUS"], event["SEQUENCE"], event.start) == ("CONFIRMED", 2, interval(TOMORROW).start)


def test_a_cancelled_request_without_a_time_has_no_calendar_file(visitor: Visitor) -> None:
    page = visitor.asks()
    visitor.posts(f"{page.address}/cancel", {})

    assert "calendar" not in links(visitor.opens(page.address))


def test_without_a_chosen_time_there_is_no_calendar_file(visitor: Visitor) -> None:
    page = visitor.asks()
    assert "calendar" not in links(page)
    assert visitor.opens(f"{page.address}/calendar.ics").status == 404
    assert visitor.opens(f"/requests/{'0' * 32}/calendar.ics").status == 404
    visitor.follows(moves(visitor, page, TODAY))
    assert visitor.opens(f"{page.address}/calendar.ics").status == 200


# --- what the agent sees, what the visitor may have ---


def test_the_agent_is_told_the_time_that_was_asked_for(
    make_app: Callable[..., Flask], samespace: SandboxSamespace, clock: Clock
) -> None:
    app = make_app(base_url=samespace.base_url, widgets={"sales": SALES})
    visitor = Visitor(app)
    asks_for(visitor, TODAY, zone="Europe/Paris")
    asks_for(visitor, TOMORROW, phone="020 7946 0177", zone="Europe/Lisbon")
    visitor.asks("020 7946 0188")
    hands_over(app)
    clock.now = interval(TODAY).start
    hands_over(app)
    clock.now = interval(TOMORROW).start
    hands_over(app)

    assert [call.attributes.get("asked_for") for call in samespace.calls] == [
        None,
        "2026-11-24T14:00+00:00 (Europe/London); visitor: 2026-11-24T15:00+01:00 (Europe/Paris)",
        "2026-11-25T09:30+00:00 (Europe/London)",
    ]


def test_two_who_asked_for_the_same_time_are_told_of_once(
    make_app: Callable[..., Flask], samespace: SandboxSamespace, clock: Clock
) -> None:
    hours = LONDON | {"calls_per_slot": 2}
    app = make_app(base_url=samespace.base_url, widgets={"sales": SALES | {"hours": hours}})
    visitor = Visitor(app)
    asks_for(visitor, TODAY), asks_for(visitor, TODAY)
    clock.now = interval(TODAY).start
    hands_over(app)

    (call,) = samespace.calls
    assert call.attributes["asked_for"] == "2026-11-24T14:00+00:00 (Europe/London)"


def test_the_chosen_time_and_the_zone_are_in_the_visitors_data_and_the_zone_goes_with_it(
    visitor: Visitor, app: Flask
) -> None:
    page = asks_for(visitor, TODAY, zone="Europe/Paris")
    data = visitor.opens(f"{page.address}/export").response.get_json()

    assert data["slot_starts_at"] == "2026-11-24T14:00:00+00:00"
    assert data["slot_ends_at"] == "2026-11-24T14:30:00+00:00"
    assert data["zone"] == "Europe/Paris"
    id = page.address.rpartition("/")[2]
    app.extensions["ringback"].personal_data.erase(id)
    assert app.extensions["ringback"].outbox.read(id)[0].answers.zone == ""


# --- promised is promised ---


@pytest.mark.parametrize(
    "after",
    [
        LONDON | {"timezone": "America/New_York"},
        LONDON | {"tue": [], "closed": ["2026-11-24"]},
        LONDON | {"slot_minutes": 45, "tue": ["15:00-17:00"]},
    ],
    ids=["another zone", "closed that day", "other times"],
)
def test_a_slot_booked_rings_at_the_instant_promised_though_the_zones_rules_change_after(
    make_app: Callable[..., Flask],
    store_url: str,
    samespace: SandboxSamespace,
    clock: Clock,
    after: Any,
) -> None:
    page = asks_for(Visitor(make_app(store_url, samespace.base_url, widgets={"sales": SALES})), TODAY)
    app = make_app(store_url, samespace.base_url, widgets={"sales": SALES | {"hours": after}})
    visitor, outbox = Visitor(app), app.extensions["ringback"].outbox

    clock.now = interval(TODAY).start - timedelta(seconds=1)
    outbox.expire()
    hands_over(app)
    assert samespace.calls == []
    assert datetime.fromisoformat(status(visitor, page)["due_at"]) == interval(TODAY).start
    clock.now = interval(TODAY).start
    outbox.expire()
    hands_over(app)
    assert [call.number for call in samespace.calls] == ["442079460123"]
    assert status(visitor, page)["state"] == "with_team"


def test_a_number_with_two_chosen_times_is_called_at_the_first_and_both_pages_say_what_was_chosen(
    make_app: Callable[..., Flask], store_url: str, samespace: SandboxSamespace, clock: Clock
) -> None:
    app = make_app(store_url, samespace.base_url, widgets={"sales": SALES})
    visitor = Visitor(app)
    first, second = visitor.asks(name="Ann"), asks_for(visitor, TODAY, name="Ben")
    visitor.follows(moves(visitor, first, TOMORROW))
    hands_over(app)
    assert samespace.calls == [], "the one that was to go now has moved"
    assert [status(visitor, page)["due_at"][:16] for page in (first, second)] == [
        "2026-11-25T09:30",
        "2026-11-24T14:00",
    ]
    clock.now = interval(TODAY).start
    hands_over(app)

    (call,) = samespace.calls
    assert call.attributes["name"] == "Ben"
    assert [status(visitor, page)["state"] for page in (first, second)] == ["waiting", "with_team"]
    clock.now = interval(TOMORROW).start
    hands_over(app)
    assert [status(visitor, page)["state"] for page in (first, second)] == ["with_team"] * 2
    assert len(samespace.calls) == 1, "the time it moved to is held: the number had one already"


# --- nothing tells whether a number is held ---


SPOKEN_CODE = r"(?<=last four characters: )[^.]+"
RANDOM = rf"RB-....-....|[0-9a-f]{{32}}|{SPOKEN_CODE}"


def noted(visitor: Visitor, *pages: Page) -> list[str]:
    """All that a visitor can see of requests, without what is drawn at random."""
    seen = []
    for page in pages:
        for path in ("", ".json", "/time", "/calendar.ics"):
            answer = visitor.opens(page.address + path)
            seen.append(f"{answer.status} {re.sub(RANDOM, '*', answer.html)}")
    return seen


def asks_twice_and_moves_one(
    app: Flask, samespace: SandboxSamespace, clock: Clock, slots: tuple[str, str]
) -> list[str]:
    visitor = Visitor(app)
    pages = [asks_for(visitor, slot) for slot in slots]
    seen = noted(visitor, *pages)
    answers = [moves(visitor, pages[1], "2026-11-25T11:00Z"), moves(visitor, pages[1], "2026-11-25T11:00Z")]
    seen += [f"{answer.status}" for answer in answers] + noted(visitor, *pages)
    for moment in (TODAY, TOMORROW, "2026-11-25T11:00Z"):
        clock.now = interval(moment).start
        hands_over(app)
        seen += noted(visitor, *pages)
        seen += [f"{visitor.posts(f'{page.address}/time', {'when': 'asap'}).status}" for page in pages]
    return seen


@pytest.mark.parametrize("past", ["stopped", "blocked", "over its limit"])
def test_nothing_that_is_seen_of_times_tells_that_a_number_is_held(
    make_app: Callable[..., Flask], tmp_path: Path, samespace: SandboxSamespace, clock: Clock, past: str
) -> None:
    def journey(name: str, per_number: str, prepare: Callable[[Flask], Any]) -> list[str]:
        clock.now = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
        limits = {"per_number": per_number, "min_fill_seconds": 0}
        url = f"sqlite:///{tmp_path}/{name}.db"
        app = make_app(url, samespace.base_url, widgets={"sales": SALES}, limits=limits)
        prepare(app)
        return asks_twice_and_moves_one(app, samespace, clock, (TODAY, TOMORROW))

    held: dict[str, tuple[str, Callable[[Flask], Any]]] = {
        "stopped": ("9 per hour", lambda app: app.extensions["ringback"].outbox.stop("442079460123")),
        "blocked": ("9 per hour", lambda app: app.extensions["ringback"].operations.block("442079460123")),
        "over its limit": ("1 per hour", lambda app: None),
    }
    plain = journey("plain", "9 per hour", lambda app: None)
    rung = len(samespace.calls)
    assert rung == 1
    assert journey("held", *held[past]) == plain
    assert len(samespace.calls) - rung == (1 if past == "over its limit" else 0)


# --- at once ---


def together(app: Flask, *acts: Callable[[Visitor], Page]) -> list[Page]:
    """What each of these, all at the same moment, was answered."""
    start, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(index: int) -> None:
        visitor = Visitor(app, f"198.51.100.{index + 10}")
        start.wait()
        answers[index] = acts[index](visitor)  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=[index]) for index in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for answer in answers if answer]


def posts(path: str, fields: dict[str, str]) -> Callable[[Visitor], Page]:
    return lambda visitor: visitor.posts(path, fields)


def filled(app: Flask, phone: str, slot: str) -> dict[str, str]:
    """A form that is ready to be sent."""
    answers = Visitor(app).opens("/sales").answers
    return answers | {"name": "Ann Example", "phone": phone, "message": "softly", "when": "slot", "slot": slot}


def test_two_visitors_at_the_last_place_of_a_time_one_gets_it_and_the_other_is_told_and_keeps_the_answers(
    make_app: Callable[..., Flask], store_url: str
) -> None:
    app = make_app(store_url, widgets={"sales": SALES})
    for turn in range(5):
        slot = f"2026-11-24T{11 + turn}:00Z"
        forms = [filled(app, f"020 7946 01{turn}{index}", slot) for index in range(2)]
        answers = together(app, *(posts("/sales", form) for form in forms))
        assert sorted(answer.status for answer in answers) == [303, 422], slot
        told, form = next(pair for pair in zip(answers, forms, strict=True) if pair[0].status == 422)
        assert told.errors == ["That time has just gone. Select another time"]
        assert {name: told.answers[name] for name in ("name", "phone", "message")} == {
            name: form[name] for name in ("name", "phone", "message")
        }
        assert f'value="{slot}"' not in told.html
        assert len([request for request in stored(app) if request.due_at == interval(slot).start]) == 1


def test_who_moves_to_the_last_place_and_who_asks_for_it_at_once_do_not_both_get_it(
    make_app: Callable[..., Flask], store_url: str
) -> None:
    app = make_app(store_url, widgets={"sales": SALES})
    waiting = [Visitor(app).asks(f"020 7946 02{index}0") for index in range(2)]
    for turn in range(5):
        slot = f"2026-11-24T{11 + turn}:00Z"
        acts = [posts(f"{page.address}/time", {"when": "slot", "slot": slot}) for page in waiting]
        acts.append(posts("/sales", filled(app, f"020 7946 03{turn}0", slot)))
        answers = together(app, *acts)
        assert sorted(answer.status for answer in answers) == [303, 422, 422], slot
        assert len([request for request in stored(app) if request.due_at == interval(slot).start]) == 1


def test_one_change_sent_five_times_at_once_is_one_change(make_app: Callable[..., Flask], store_url: str) -> None:
    app = make_app(store_url, widgets={"sales": SALES})
    page = Visitor(app).asks()
    answers = together(app, *[posts(f"{page.address}/time", {"when": "slot", "slot": TODAY})] * 5)

    assert {answer.status for answer in answers} == {303}
    assert [event["kind"] for event in status(Visitor(app), page)["events"]] == ["received", "rescheduled"]


def test_a_change_and_a_cancel_at_once_leave_it_cancelled(make_app: Callable[..., Flask], store_url: str) -> None:
    app = make_app(store_url, widgets={"sales": SALES})
    for turn in range(4):
        page = Visitor(app).asks(f"020 7946 040{turn}")
        slot = f"2026-11-24T{11 + turn}:00Z"
        moved, cancelled = together(
            app, posts(f"{page.address}/time", {"when": "slot", "slot": slot}), posts(f"{page.address}/cancel", {})
        )
        assert cancelled.status == 303
        assert moved.status in (303, 409)
        assert status(Visitor(app), page)["state"] == "cancelled"
