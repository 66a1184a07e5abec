"""Choosing when: times on the visitor's own clock, with a way back; by mouse, by keyboard, without a script."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from werkzeug.serving import make_server

from ringback.factory import create_app
from ringback.i18n import languages
from ringback.outbox.operators.operations import Operations
from ringback.outbox.request import Answers
from tests.browser.journeys import Visitor, international
from tests.browser.test_accessibility import AXE, RULES, findings
from tests.conftest import WIDGET, Clock, make_settings
from tests.pairs import once_or_all
from tests.running import free_port

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # a Tuesday
HOURS = {"timezone": "Europe/London", "tue": ["09:00-17:00"], "wed": ["09:00-17:00"], "days_ahead": 1}
CHANGES = {"timezone": "Europe/London", "slot_minutes": 60}
WIDGETS = {
    "sales": {"hours": HOURS},
    "few": {"hours": HOURS | {"days_ahead": 0, "slot_minutes": 120}},
    "closed": {"hours": HOURS | {"tue": ["16:00-17:00"]}},
    "closing": {"hours": HOURS | {"tue": ["09:00-10:10"]}},
    "paused": {"hours": HOURS},
    "always": {"hours": None},
    "spring": {"hours": CHANGES | {"fri": ["09:00-13:00"], "mon": ["09:00-13:00"]}},
    "autumn": {"hours": CHANGES | {"sun": ["04:30-08:30"]}},
}
# Teams in a place, and far from it, that are there day and night, and speak all languages as a region writes them.
ALWAYS = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
for zone, region in {"Pacific/Auckland": "GB", "America/New_York": "US", "Asia/Dubai": "AE"}.items():
    city = zone.rpartition("/")[2].lower()
    for key, timezone in {f"in-{city}": zone, f"far-from-{city}": "Europe/London"}.items():
        hours = ALWAYS | {"timezone": timezone, "slot_minutes": 60, "days_ahead": 2}
        WIDGETS[key] = {"hours": hours, "languages": languages.available(), "region": region}


class Office:
    """Ringback with a clock of the test's own."""

    def __init__(self, app: Flask, url: str, clock: Clock) -> None:
        self.url = url
        self.clock = clock
        self.slots = app.extensions["ringback"].outbox.slots
        self._attention: Operations = app.extensions["ringback"].operations

    def email_of(self, visitor: Visitor) -> str:
        """The address that somebody left."""
        return self._answers_of(visitor).email

    def time_of(self, visitor: Visitor) -> tuple[str, str]:
        """When somebody is to be called, and where they are."""
        answers = self._answers_of(visitor)
        return f"{answers.slot_starts_at:%d %H:%M}", answers.zone

    def _answers_of(self, visitor: Visitor) -> Answers:
        digits = international(visitor.number).removeprefix("+")
        found = [request.answers for request in self._attention.listed(False)]
        (answers,) = [answers for answers in found if answers.phone == digits]
        return answers


@pytest.fixture(scope="module")
def served_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder, port, clock = tmp_path_factory.mktemp("office"), free_port(), Clock()
    url = f"http://127.0.0.1:{port}"
    app = create_app(
        make_settings(
            f"sqlite:///{folder}/ringback.db",
            widgets={key: WIDGET | {"team_name": key} | table for key, table in WIDGETS.items()},
            limits={"min_fill_seconds": 0, "per_address": "1000 per minute"},
            environment={"public_url": url},
        ),
        clock,
    )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Office(app, url, clock)
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["ringback"].database.close()


@pytest.fixture
def office(served_office: Office) -> Office:
    served_office.clock.now = NOW
    return served_office


@pytest.fixture
def comes_from(browser: Browser, office: Office) -> Iterator[Callable[..., Visitor]]:
    """Somebody in a zone, in front of the form of a widget."""
    contexts: list[BrowserContext] = []

    def comes(zone: str, widget: str = "sales", script: bool = True, form: bool = True) -> Visitor:
        context = browser.new_context(
            viewport={"width": 390, "height": 844},
            locale="en-GB",
            timezone_id=zone,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        if script:
            page.clock.set_fixed_time(office.clock.now)
        visitor = Visitor(page, f"{office.url}/{widget}")
        visitor.opens_the_form() if form else page.goto(visitor.form_url)
        return visitor

    yield comes
    for context in contexts:
        context.close()


def chooses_to_choose(page: Page) -> None:
    page.get_by_label("Choose a time").check()


def times(page: Page) -> Locator:
    return page.get_by_label("Time", exact=True)


def days(page: Page) -> dict[str, list[str]]:
    """The list as it reads."""
    return page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('optgroup')].map("
        "(group) => [group.label, [...group.children].map((option) => option.textContent)]))"
    )


def zone_sent(page: Page) -> str:
    return page.locator("[name=zone]").input_value()


# --- in whose time ---


@pytest.mark.ordinary
def test_a_visitor_elsewhere_sees_their_own_clock_and_days_and_can_go_back(
    comes_from: Callable[..., Visitor], office: Office
) -> None:
    visitor = comes_from("Pacific/Auckland")  # thirteen hours ahead
    page = visitor.page
    chooses_to_choose(page)
    own = days(page)
    assert list(own) == ["Today, Tuesday 24 November", "Tomorrow, Wednesday 25 November", "Thursday 26 November"]
    assert own["Today, Tuesday 24 November"] == ["Tue 24 Nov, 23:30–00:00"]
    assert own["Tomorrow, Wednesday 25 November"][0] == "Wed 25 Nov, 00:00–00:30"
    sentence = page.get_by_text("Times are in your own zone (New Zealand Time). The team is in London.")
    expect(sentence).to_be_visible()
    expect(sentence).to_have_role("status")

    times(page).select_option(label="Wed 25 Nov, 00:00–00:30")
    page.get_by_role("button", name="Show London time").click()
    assert next(iter(days(page).items()))[1][:2] == ["Tue 24 Nov, 10:30–11:00", "Tue 24 Nov, 11:00–11:30"]
    expect(page.get_by_text("Times are London time, where the team is.")).to_be_visible()
    expect(times(page)).to_have_value("2026-11-24T11:00Z")
    page.get_by_role("button", name="Show your own time").click()
    assert days(page) == own
    expect(times(page)).to_have_value("2026-11-24T11:00Z")

    visitor.asks()
    assert office.time_of(visitor) == ("24 11:00", "Pacific/Auckland")


def test_the_visitors_zone_is_named_in_the_language_of_the_page(
    comes_from: Callable[..., Visitor], office: Office
) -> None:
    page = comes_from("Europe/Athens").page
    page.goto(f"{office.url}/in-auckland?lang=fr")
    page.locator("#when-slot").check()

    expect(page.locator("#slot-zone")).to_contain_text("votre fuseau (heure d’Europe de l’Est)")


@pytest.mark.ordinary
def test_without_a_script_the_times_are_the_teams(comes_from: Callable[..., Visitor], office: Office) -> None:
    visitor = comes_from("Pacific/Auckland", script=False)
    page = visitor.page
    expect(times(page)).to_be_hidden()
    chooses_to_choose(page)
    expect(page.get_by_text("Times are London time.")).to_be_visible()
    expect(page.get_by_role("button", name="Show")).to_be_hidden()
    times(page).select_option(label="Tue 24 Nov, 12:00–12:30")
    visitor.asks()

    assert office.time_of(visitor) == ("24 12:00", "")


@pytest.mark.parametrize("zone", ["Europe/London", "Europe/Lisbon", "Africa/Abidjan"])
def test_where_the_clocks_agree_nothing_is_changed(comes_from: Callable[..., Visitor], zone: str) -> None:
    page = comes_from(zone).page
    chooses_to_choose(page)

    expect(page.get_by_text("Times are London time.")).to_be_visible()
    expect(page.get_by_role("button", name="Show")).to_be_hidden()
    assert zone_sent(page) == zone


def test_clocks_that_part_within_the_days_to_choose_from_are_told_apart(
    comes_from: Callable[..., Visitor], office: Office
) -> None:
    """The clock in London goes forward on Sunday 29 March 2026, in Abidjan it never does."""
    office.clock.now = datetime(2026, 3, 26, 12, tzinfo=UTC)
    page = comes_from("Africa/Abidjan", "spring").page
    chooses_to_choose(page)

    assert [labels[0] for labels in days(page).values()] == ["Fri 27 Mar, 09:00–10:00", "Mon 30 Mar, 08:00–09:00"]
    page.get_by_role("button", name="Show London time").click()
    assert [labels[0] for labels in days(page).values()] == ["Fri 27 Mar, 09:00–10:00", "Mon 30 Mar, 09:00–10:00"]


def test_in_the_visitors_repeated_hour_each_clock_says_which(
    comes_from: Callable[..., Visitor], office: Office
) -> None:
    """The clock in New York goes back on Sunday 1 November 2026, a week after London's."""
    office.clock.now = datetime(2026, 10, 30, 12, tzinfo=UTC)
    page = comes_from("America/New_York", "autumn").page
    chooses_to_choose(page)

    expect(page.locator(".slots label")).to_have_text(
        [
            "Sun 1 Nov, 00:30–01:30 GMT-4",
            "Sun 1 Nov, 01:30 GMT-4–01:30 GMT-5",
            "Sun 1 Nov, 01:30 GMT-5–02:30",
            "Sun 1 Nov, 02:30–03:30",
        ]
    )


@pytest.mark.parametrize("zone", ["UTC", "Atlantic/Reykjavik", "Etc/GMT+5"])
def test_a_browser_that_hides_where_it_is_stays_with_the_teams_time(
    comes_from: Callable[..., Visitor], zone: str
) -> None:
    page = comes_from(zone, "in-dubai").page

    assert zone_sent(page) == ""
    chooses_to_choose(page)
    expect(page.get_by_text("Times are Dubai time.")).to_be_visible()


def test_where_the_team_has_no_clock_the_visitors_own_is_read_and_an_address_stays_as_typed(
    comes_from: Callable[..., Visitor], office: Office
) -> None:
    visitor = comes_from("Europe/Berlin", "always")
    page = visitor.page
    page.get_by_text("Add e-mail, company or a message").click()
    page.get_by_label("Email address").fill("ann@bücher.example")
    visitor.fills_in()
    visitor.sends()

    expect(page.get_by_text("Berlin time, call us.")).to_be_visible()
    assert office.email_of(visitor) == "ann@bücher.example"


def test_a_zone_that_a_browser_calls_as_it_was_called_long_ago_is_known(
    comes_from: Callable[..., Visitor],
) -> None:
    visitor = comes_from("Asia/Calcutta")
    chooses_to_choose(visitor.page)
    times(visitor.page).select_option(label="Tue 24 Nov, 17:00–17:30")
    visitor.asks()

    visitor.reads("Tue 24 Nov, 17:00–17:30 in Kolkata")


ELSEWHERE = {
    "Pacific/Auckland": NOW,
    "America/New_York": datetime(2026, 10, 31, 12, tzinfo=UTC),  # the next day an hour is repeated
    "Asia/Dubai": datetime(2026, 5, 15, 12, tzinfo=UTC),
}


@pytest.mark.ordinary
@pytest.mark.parametrize("read", once_or_all(languages.available(), tuple(ELSEWHERE)))
@pytest.mark.parametrize("zone", ELSEWHERE)
def test_a_time_is_written_alike_by_server_and_script_in_every_language(
    comes_from: Callable[..., Visitor], office: Office, zone: str, read: list[tuple[str, str]]
) -> None:
    """Of a team elsewhere it is the script that writes; of one in the visitor's own place, the server."""
    office.clock.now = ELSEWHERE[zone]
    page = comes_from(zone).page
    city = zone.rpartition("/")[2].lower()
    for tag in [tag for tag, where in read if where == zone]:
        there, here = (read_in(page, f"{office.url}/{where}-{city}", tag) for where in ("far-from", "in"))
        shared = there.keys() & here.keys()

        assert len(shared) > 24, tag
        assert {start: there[start] for start in shared} == {start: here[start] for start in shared}, tag


def read_in(page: Page, form: str, tag: str) -> dict[str, list[str]]:
    """The times of a form by their starts: day and time, as they read."""
    page.goto(f"{form}?lang={tag.replace('_', '-')}")
    times = page.locator("optgroup option").evaluate_all(
        "(all) => all.map((time) => [time.value, time.parentElement.label, time.textContent])"
    )
    # A space is a space, however narrow, and a minus a minus.
    return {start: [" ".join(text.split()).replace("\u2212", "-") for text in texts] for start, *texts in times}


# --- choosing ---


@pytest.mark.ordinary
def test_the_times_are_shown_by_the_choice_and_what_was_chosen_outlives_a_mistake(
    comes_from: Callable[..., Visitor], office: Office
) -> None:
    visitor = comes_from("Asia/Kolkata")
    page = visitor.page
    expect(times(page)).to_be_hidden()
    chooses_to_choose(page)
    times(page).select_option(label="Tue 24 Nov, 17:00–17:30")
    visitor.fills_in(name="")
    visitor.sends()
    expect(visitor.problems).to_contain_text("Enter your full name")

    expect(times(page)).to_have_value("2026-11-24T11:30Z")
    expect(page.get_by_text("Times are in your own zone (India Standard Time).")).to_be_visible()
    page.get_by_label("As soon as possible").check()
    expect(times(page)).to_be_hidden()
    chooses_to_choose(page)
    visitor.asks()
    assert office.time_of(visitor)[0] == "24 11:30"


def test_the_error_leads_to_the_times(comes_from: Callable[..., Visitor]) -> None:
    visitor = comes_from("Europe/London")
    page = visitor.page
    chooses_to_choose(page)
    visitor.fills_in()
    visitor.sends()

    expect(page).to_have_title("Error: Request a call back")
    visitor.problems.get_by_role("link", name="Select a time for the call").click()
    expect(times(page)).to_be_focused()
    expect(times(page)).to_have_accessible_description("Times are London time. Error: Select a time for the call")


def test_the_keyboard_gets_to_a_time_and_back(comes_from: Callable[..., Visitor], office: Office) -> None:
    visitor = comes_from("Asia/Kolkata")
    page = visitor.page
    visitor.fills_in()
    page.keyboard.press("Tab")
    expect(page.get_by_label("As soon as possible")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Choose a time")).to_be_checked()
    page.keyboard.press("Tab")
    expect(times(page)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(times(page)).to_have_value("2026-11-24T10:30Z")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    back = page.get_by_role("button", name="Show your own time")
    expect(back).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Request call").focus()
    page.keyboard.press("Enter")
    visitor.has_the_confirmation()
    assert office.time_of(visitor)[0] == "24 10:30"


def test_where_the_times_are_always_shown_to_choose_one_is_enough(
    comes_from: Callable[..., Visitor], office: Office
) -> None:
    visitor = comes_from("Asia/Kolkata", "few")
    page = visitor.page
    page.locator(".times").evaluate("(box) => { box.style.display = 'block' }")  # as without :has()
    page.get_by_label("Tue 24 Nov, 16:30–18:30").check()

    expect(page.get_by_label("Choose a time")).to_be_checked()
    visitor.asks()
    assert office.time_of(visitor)[0] == "24 11:00"


# --- how it looks and reads ---


def inspect(page: Page) -> None:
    page.evaluate(AXE_SCRIPT)
    assert findings(page.evaluate(AXE, RULES)) == []


def test_axe_finds_nothing_in_the_times(comes_from: Callable[..., Visitor]) -> None:
    for widget in ("sales", "few"):
        visitor = comes_from("Pacific/Auckland", widget)
        chooses_to_choose(visitor.page)
        inspect(visitor.page)
        visitor.sends()
        expect(visitor.problems).to_contain_text("Select a time for the call")
        inspect(visitor.page)


@pytest.mark.parametrize(
    ("widget", "words"), [("closed", "Closed, opens at 16:00"), ("closing", "Closing soon"), ("paused", "Paused")]
)
def test_axe_finds_nothing_when_the_team_is_away(
    comes_from: Callable[..., Visitor], office: Office, widget: str, words: str
) -> None:
    if widget == "paused":
        office.slots.pause(widget, "We are moving house.", office.clock.now)
    page = comes_from("Europe/London", widget, form=False).page

    expect(page.locator(".chip")).to_have_text(words)
    inspect(page)


def test_what_is_to_be_touched_is_large_enough(comes_from: Callable[..., Visitor]) -> None:
    page = comes_from("Pacific/Auckland", "few").page
    page.set_viewport_size({"width": 320, "height": 700})
    chooses_to_choose(page)
    targets = page.locator(".when > .choice, .slots .choice, .times button").all()

    assert len(targets) >= 5
    for target in targets:
        box = target.bounding_box()
        assert box
        assert box["height"] >= 44
        assert box["x"] + box["width"] <= 320


def test_a_card_is_chosen_anywhere_on_it(comes_from: Callable[..., Visitor]) -> None:
    page = comes_from("Europe/London").page
    cards = page.locator(".when > .choice")
    for card, label in ((cards.nth(1), "Choose a time"), (cards.nth(0), "As soon as possible")):
        box = card.bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] - 8, box["y"] + 8)
        expect(page.get_by_label(label)).to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_with_forced_colours_the_choice_is_seen(
    comes_from: Callable[..., Visitor], screenshots: Path, scheme: str
) -> None:
    page = comes_from("Pacific/Auckland").page
    page.emulate_media(forced_colors="active", color_scheme=scheme)
    chooses_to_choose(page)
    chosen, other = (
        page.locator(".when > .choice").nth(place).evaluate("(card) => getComputedStyle(card).borderColor")
        for place in (1, 0)
    )

    page.screenshot(path=screenshots / f"choosing-a-time-forced-{scheme}.png")
    assert chosen != other
