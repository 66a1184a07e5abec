"""No answer tells whether a number was asked for before, stopped, blocked, over its limit or held as a machine's.

The same number is asked for in stores with different pasts, at the same moments of the same clock, and all
that a visitor can fetch is compared byte by byte. Only what is drawn at random is evened out: ids, references
and tokens.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Route, sync_playwright
from werkzeug.test import TestResponse

from ringback.outbox.request import Answers, Held, Source
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.tables import alerts
from tests.browser.chromium import options
from tests.conftest import PUBLIC_URL, WIDGET, Clock
from tests.visitor import Page, Visitor

NUMBER, SOMEBODY_ELSES = "442079460123", "442079460288"
TYPED = {"name": "Ann Example", "phone": "020 7946 0123", "email": "ann@example.test", "message": "softly"}
WIDGETS = {"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}}
BRAKE = 9
LIMITS = {"per_number": "2 per hour", "per_widget": f"{BRAKE} per day", "min_fill_seconds": 0}
# What a past may take; the visitor comes when it is over.
PAST = timedelta(minutes=30)
# What browsers and password managers look for, by the HTML standard's names for autofill and what forms use
# for them (https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill).
FILLED_IN = """
    name user nick login account pass pwd mail phone tel mobile fax address street city town state province county
    postal zip country region company organi title url web site birth bday age sex gender card cc- cvc cvv code otp
    pin token language photo impp message comment subject honorific given family first last suffix prefix search
""".split()
RANDOM = [
    (re.compile(rb"\b[0-9a-f]{32}\b"), b"(id)"),
    (re.compile(rb"Retry-After: \d+"), b"Retry-After: (by another clock)"),
    (re.compile(rb"\bRB-\w{4}-\w{4}\b"), b"(reference)"),
    (re.compile(rb"(?<=last four characters: )\S*\w{4}\S*(?=\.)"), b"(its end)"),
    (re.compile(rb'(name="csrf_token"[^>]*value=")[^"]+'), rb"\1(token)"),
]


class Past:
    """What happened in a store before the visitor came."""

    def __init__(self, app: Flask, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        self.outbox = app.extensions["ringback"].outbox
        self.attention = app.extensions["ringback"].operations
        self.delivery = app.extensions["ringback"].delivery

    def asks(self, phone: str = NUMBER, widget: str = "sales") -> str:
        """Somebody asks, each from an address of their own."""
        source = Source(phone, phone)
        asked = Answers(widget=widget, phone=phone, region="GB", name="Somebody Else")
        return self.outbox.accept(asked, source=source).id

    def hands_over(self) -> None:
        while claim := self.outbox.claim("test"):
            self.delivery.hand_over(claim)

    def nobody_asked(self) -> None:
        pass

    def asked_before(self) -> None:
        self.asks()
        self.hands_over()
        self.clock.passes(minutes=10)

    def asked_at_another_widget(self) -> None:
        self.asks(widget="help")
        self.hands_over()

    def waits(self) -> None:
        self.clock.passes(minutes=29)
        self.asks()

    def waits_at_another_widget(self) -> None:
        self.clock.passes(minutes=29)
        self.asks(widget="help")

    def cancelled(self) -> None:
        self.outbox.cancel(self.asks())

    def erased(self) -> None:
        self.app.extensions["ringback"].personal_data.erase(self.asks())

    def stopped(self) -> None:
        person = Visitor(self.app, "203.0.113.50")
        assert person.stops("020 7946 0123").status == 303

    def stopped_while_it_waited(self) -> None:
        self.asks()
        self.stopped()
        self.hands_over()

    def blocked(self) -> None:
        self.attention.block(NUMBER)

    def range_blocked(self) -> None:
        self.attention.block(NUMBER[:10], is_range=True)

    def over_its_limit(self) -> None:
        for _ in range(2):
            self.asks()
            self.hands_over()

    def over_its_limit_and_waiting(self) -> None:
        self.clock.passes(minutes=29)
        self.asks(), self.asks()

    def widget_over_its_brake(self) -> None:
        # Three times over it, so that nobody is called by itself; with the call that tells how the team answers.
        for turn in range(3 * BRAKE - 1):
            self.asks(f"4420794602{turn:02}")
        self.hands_over()


PASTS = [name for name, act in vars(Past).items() if not name.startswith(("_", "asks", "hands"))]


class Watcher:
    """A visitor who notes every answer, whole."""

    def __init__(self, app: Flask) -> None:
        self._visitor = Visitor(app, "198.51.100.7")
        self.notes: list[bytes] = []

    def asks(self, **more: str) -> str:
        """Ask, send the same form again, and once more with another answer; where the first led."""
        form = self._visitor.opens("/sales")
        answers = form.answers | TYPED | more
        first = self._visitor.posts(form.action, answers)
        again = self._visitor.posts(form.action, answers)
        assert first.status == 303
        assert again.location == first.location
        for answer in (first, again, self._visitor.posts(form.action, answers | {"message": "loudly"})):
            self._note("POST /sales", answer)
        return first.location

    def looks(self, confirmation: str) -> None:
        """At everything that the link leads to."""
        for path in ("", ".json", "/export", "/erase"):
            self._note(f"GET {path}", self._visitor.opens(confirmation + path))

    def is_told_to_wait(self) -> None:
        answer = self._visitor.sends(self._visitor.opens("/sales"), **TYPED)
        assert answer.status == 429
        self._note("POST /sales", answer)

    def stops(self) -> None:
        form = self._visitor.opens("/stop")
        asked = self._visitor.sends(form, phone=TYPED["phone"])
        done = self._visitor.sends(asked)
        self._note("GET /stop", form)
        self._note("POST /stop", asked)
        self._note("POST /stop again", done)
        self._note("then", self._visitor.follows(done))

    def sends(self, path: str) -> None:
        self._note(f"POST {path.rpartition('/')[2]}", self._visitor.posts(path, {}))

    def _note(self, what: str, page: Page) -> None:
        assert page.status < 500, f"{what}: {page.words}"
        self.notes.append(what.encode() + b"\n" + evened_out(page.response))


def evened_out(response: TestResponse) -> bytes:
    """Status, headers and body, without what is drawn at random; a token's length is."""
    body = response.get_data()
    assert response.headers["Content-Length"] == str(len(body))
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers if name != "Content-Length")
    whole = f"{response.status}\n{headers}\n\n".encode() + body
    for pattern, instead in RANDOM:
        whole = pattern.sub(instead, whole)
    return whole


def keeps_it(watcher: Watcher, past: Past, confirmation: str) -> None:
    for wait in ({"seconds": 0}, {"seconds": 6}, {"minutes": 2}, {"minutes": 40}):
        past.clock.passes(**wait)
        past.hands_over()
        watcher.looks(confirmation)
    watcher.sends(f"{confirmation}/cancel")
    watcher.looks(confirmation)


def cancels(watcher: Watcher, past: Past, confirmation: str) -> None:
    watcher.sends(f"{confirmation}/cancel")
    watcher.looks(confirmation)
    past.hands_over()
    watcher.looks(confirmation)


def erases(watcher: Watcher, past: Past, confirmation: str) -> None:
    watcher.sends(f"{confirmation}/erase")
    watcher.looks(confirmation)
    past.hands_over()
    watcher.sends(f"{confirmation}/cancel")
    watcher.sends(f"{confirmation}/erase")


def erases_later(watcher: Watcher, past: Past, confirmation: str) -> None:
    past.hands_over()
    watcher.sends(f"{confirmation}/erase")
    watcher.looks(confirmation)


# What a visitor may go on to do, and how Samespace fares meanwhile.
JOURNEYS = [
    *((keeps_it, mode) for mode in (Mode.ANSWERS, Mode.DOWN, Mode.REFUSES)),
    *((act, Mode.ANSWERS) for act in (cancels, erases, erases_later)),
    (erases_later, Mode.DOWN),
]


@pytest.fixture
def begin(
    make_app: Callable[..., Flask], samespace: SandboxSamespace, clock: Clock, tmp_path: Path
) -> Callable[..., Past]:
    """Let a past happen in a store of its own, up to the moment at which the visitor comes."""
    start = clock.now

    def begin(name: str, mode: Mode = Mode.ANSWERS, **limits: str) -> Past:
        clock.now, samespace.mode = start, Mode.ANSWERS
        url = f"sqlite:///{tmp_path}/{len(list(tmp_path.iterdir()))}.db"
        past = Past(make_app(url, samespace.base_url, widgets=WIDGETS, limits=LIMITS | limits), clock)
        getattr(past, name)()
        samespace.mode = mode
        # Somebody else's request, so that it is known how the team answers at the moment.
        past.asks(SOMEBODY_ELSES)
        # While Samespace is down, whatever waits goes on waiting, and from the first try on nobody else is tried.
        if mode is Mode.DOWN or "wait" not in name or "waited" in name:
            past.hands_over()
        clock.now = start + PAST
        return past

    return begin


def seen_after(past: Past, goes_on: Callable[..., None], **more: str) -> list[bytes]:
    watcher = Watcher(past.app)
    confirmation = watcher.asks(**more)
    watcher.looks(confirmation)
    goes_on(watcher, past, confirmation)
    return watcher.notes


def journeys() -> Iterator[Any]:
    """Each with every sixth of the pasts, so that all are looked at; in the long run each with each."""
    for place, (goes_on, mode) in enumerate(JOURNEYS):
        name = f"{goes_on.__name__}, Samespace {mode}"
        yield pytest.param(goes_on, mode, PASTS[1:][place % 6 :: 6], id=name)
        yield pytest.param(goes_on, mode, PASTS[1:], id=f"{name}, every past", marks=pytest.mark.long)


@pytest.mark.parametrize(("goes_on", "mode", "pasts"), list(journeys()))
def test_a_number_with_any_past_is_answered_as_one_with_none(
    begin: Callable[..., Past], goes_on: Callable[..., None], mode: Mode, pasts: list[str]
) -> None:
    unknown = seen_after(begin("nobody_asked", mode), goes_on)
    for name in pasts:
        for expected, seen in zip(unknown, seen_after(begin(name, mode), goes_on), strict=True):
            assert seen == expected, name


def test_the_pasts_are_what_they_say(begin: Callable[..., Past]) -> None:
    why = {
        "stopped": Held.STOPPED,
        "stopped_while_it_waited": Held.STOPPED,
        "blocked": Held.BLOCKED,
        "range_blocked": Held.BLOCKED,
        "over_its_limit": Held.NUMBER_LIMIT,
        "over_its_limit_and_waiting": Held.NUMBER_LIMIT,
        "widget_over_its_brake": Held.WIDGET_LIMIT,
    }
    for name in PASTS:
        past = begin(name)
        found = past.outbox.read(Watcher(past.app).asks().rpartition("/")[2])
        assert found
        assert found[0].held == why.get(name), name


def test_a_request_that_came_while_its_number_was_in_the_air_looks_like_any_other_afterwards(
    begin: Callable[..., Past],
) -> None:
    seen = []
    for name in ("nobody_asked", "waits"):
        past = begin(name)
        claim = past.outbox.claim("test") if name == "waits" else None
        watcher = Watcher(past.app)
        confirmation = watcher.asks()
        if claim:
            past.delivery.hand_over(claim)
        past.hands_over()
        watcher.looks(confirmation)
        seen.append(watcher.notes)

    assert seen[0] == seen[1]


def test_how_many_an_address_may_ask_for_tells_nothing_either(begin: Callable[..., Past]) -> None:
    def seen(name: str) -> list[bytes]:
        watcher = Watcher(begin(name, per_address="2 per hour").app)
        watcher.asks(phone="020 7946 0111")
        watcher.asks()
        watcher.is_told_to_wait()
        return watcher.notes

    unknown = seen("nobody_asked")
    for name in PASTS[1:]:
        assert seen(name) == unknown, name


def test_stopping_a_number_tells_nothing_about_it(begin: Callable[..., Past]) -> None:
    def seen(name: str) -> list[bytes]:
        watcher = Watcher(begin(name).app)
        watcher.stops()
        watcher.stops()
        return watcher.notes

    unknown = seen("nobody_asked")
    assert b"Calls to your number are stopped" in unknown[3]
    for name in PASTS[1:]:
        assert seen(name) == unknown, name


# --- machines ---


@pytest.mark.parametrize("mode", [Mode.ANSWERS, Mode.DOWN, Mode.REFUSES])
def test_what_looks_like_a_machines_is_answered_like_any_other_and_held(
    begin: Callable[..., Past], samespace: SandboxSamespace, mode: Mode
) -> None:
    persons = seen_after(begin("nobody_asked", mode), keeps_it)
    past = begin("nobody_asked", mode)
    rung = len(samespace.calls)
    assert seen_after(past, keeps_it, confirm_again="https://spam.test") == persons

    held = [request for request in past.attention.listed(attention=True) if request.held]
    assert [(request.answers.phone, request.held) for request in held] in ([(NUMBER, Held.SUSPECTED)], [])
    assert NUMBER not in [call.number for call in samespace.calls[rung:]]


def test_what_looks_like_a_machines_is_told_of_and_rung_once_a_person_says_so(
    begin: Callable[..., Past], samespace: SandboxSamespace
) -> None:
    past = begin("nobody_asked")
    id = Watcher(past.app).asks(confirm_again="x").rpartition("/")[2]
    with past.app.extensions["ringback"].database.read() as connection:
        told = connection.execute(sa.select(alerts.c.kind, alerts.c.about)).all()
    (request,) = past.attention.listed(attention=True)
    assert [tuple(row) for row in told] == [("held", request.reference)]
    past.hands_over()
    assert NUMBER not in [call.number for call in samespace.calls]

    assert past.attention.release(id)
    past.hands_over()
    assert [call.number for call in samespace.calls].count(NUMBER) == 1


def test_the_trap_is_for_machines_alone(visitor: Visitor) -> None:
    page = visitor.opens("/sales")
    (trap,) = page.all("input[@name='confirm_again']")
    box = next(element for element in page.all("*") if trap in list(element))

    assert "hidden" in box.attrib
    assert (trap.get("tabindex"), trap.get("autocomplete")) == ("-1", "off")
    assert trap.get("type", "text") == "text", "a machine that skips hidden fields fills it in"
    assert not trap.get("value")
    assert "required" not in trap.attrib
    assert page.text_of("label[@for='confirm_again']") == "Leave this empty", "to whoever meets it nevertheless"


def test_the_trap_has_a_name_that_nothing_fills_in(visitor: Visitor) -> None:
    (trap,) = visitor.opens("/sales").all("input[@name='confirm_again']")
    words = f"{trap.get('id')} {trap.get('name')} {trap.get('placeholder', '')} Leave this empty".lower()

    assert [word for word in FILLED_IN if word in words] == []


def test_a_browser_shows_the_trap_to_nobody(app: Flask) -> None:
    # In a thread of its own: the browser tests may have a browser open in this one.
    with ThreadPoolExecutor(1) as pool:
        snapshot, boxes, focused = pool.submit(what_a_browser_offers, app).result()

    assert "Full name" in snapshot
    assert "Leave this empty" not in snapshot
    assert boxes == 0
    assert "phone" in focused
    assert "confirm_again" not in focused


def what_a_browser_offers(app: Flask) -> tuple[str, int, set[str]]:
    """The form's accessibility tree, how many boxes the trap has, and what the tab key reaches."""
    client = app.test_client(use_cookies=False)

    def serve(route: Route) -> None:
        with client.get(route.request.url.removeprefix(PUBLIC_URL), base_url=PUBLIC_URL) as answer:
            route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.get_data())

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options())
        page = browser.new_page()
        page.route("**/*", serve)
        page.goto(f"{PUBLIC_URL}/sales")
        snapshot = page.locator("body").aria_snapshot()
        boxes = page.evaluate("document.getElementById('confirm_again').getClientRects().length")
        focused = set()
        for _ in range(20):
            page.keyboard.press("Tab")
            focused.add(page.evaluate("document.activeElement.name || ''"))
        browser.close()
    return snapshot, boxes, focused
