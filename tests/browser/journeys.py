"""Who does what in the browser: a visitor, the agent in front of the dock, and a company with a web site."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

from playwright.sync_api import FrameLocator, Locator, Page, expect

from ringback.sandbox.samespace import Call, SandboxSamespace
from tests import privacy
from tests.running import Server

# The page of a request looks for news every five seconds, then more slowly; this is longer than two looks.
LIVE_MS = 15_000
# Longer than the sandbox's `min_fill_seconds`: what is sent quicker is taken for a machine's.
SANDBOX_FILLING_IN_SECONDS = 2.1

ASKING = "Request a call back"
RECEIVED = "We have your request"
WITH_TEAM = "The team has your request"
CANCELLED = "Your request is cancelled"
STILL_WAITING = "We could not pass it to the team at Acme Ltd yet. It is safe, and we keep trying."

_numbers = itertools.count(100)


def new_number() -> str:
    """A London number that no other test uses, of Ofcom's range for drama (020 7946 0000 to 0999)."""
    return f"020 7946 0{next(_numbers)}"


def international(number: str) -> str:
    """`020 7946 0123` as an agent sees it: `+442079460123`."""
    return "+44" + number.replace(" ", "").removeprefix("0")


class Visitor:
    """Somebody with a browser. `place` is where our pages show: the page itself, or a frame on it."""

    def __init__(self, page: Page, form_url: str, filling_in_seconds: float = 0) -> None:
        self.page = page
        self.form_url = form_url
        self.place: Page | FrameLocator = page
        self.number = new_number()
        self._filling_in_seconds = filling_in_seconds
        self._opened_at = 0.0

    def opens_the_form(self, query: str = "") -> None:
        self.page.goto(self.form_url + query)
        self.has_the_form(self.page)

    def goes_to(self, company: "Company", body: str, **page: str) -> None:
        """Come to the company's web site, which has this on its page besides the script."""
        company.web_site.shows(body + company.script, **page)
        self.page.goto(company.web_site.url)

    def opens_the_dialog(self, link: str = ASKING) -> None:
        self.page.get_by_role("link", name=link).first.click()
        self.has_the_form_in_the_dialog()

    def has_the_form_in_the_dialog(self) -> None:
        self.has_the_form(self.page.get_by_role("dialog").frame_locator("iframe:visible"))

    def has_the_form(self, place: Page | FrameLocator) -> None:
        """From here on, what the visitor does is done there."""
        self.place = place
        self.sees(ASKING)
        self._opened_at = time.monotonic()

    def fills_in(self, phone: str = "", name: str = "Ann Example") -> None:
        privacy.submits({"name": name, "phone": phone or self.number})
        self.name_field.fill(name)
        self.phone_field.fill(phone or self.number)

    def sends(self) -> None:
        # How old a form is, its server knows; there is nothing on the page to wait for.
        missing = self._opened_at + self._filling_in_seconds - time.monotonic()
        if missing > 0:
            self.page.wait_for_timeout(missing * 1000)
        self.button.click()

    def asks(self) -> None:
        """Fill in the form that is open, send it, arrive at the confirmation."""
        self.fills_in()
        self.sends()
        self.has_the_confirmation()

    def has_the_confirmation(self) -> None:
        expect(self.place.get_by_label("Link to this page")).to_be_visible()

    def sees(self, headline: str) -> None:
        """At once, or when the page has brought itself up to date."""
        expect(self.headline).to_have_text(headline, timeout=LIVE_MS)

    def reads(self, sentence: str) -> None:
        """As above."""
        expect(self.place.get_by_text(sentence)).to_be_visible(timeout=LIVE_MS)

    def waits_until_reading(self, sentence: str) -> None:
        """Sit before the page, on a clock that runs ahead; the browser context has to have one installed."""
        self._does_until_reading(sentence, lambda: self.page.clock.fast_forward(LIVE_MS))

    def loads_again_until_reading(self, sentence: str) -> None:
        """As people do where no script does it for them."""
        self._does_until_reading(sentence, lambda: self.page.reload())

    def _does_until_reading(self, sentence: str, do: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIVE_MS / 1000
        while not self.place.get_by_text(sentence).first.is_visible():
            assert time.monotonic() < deadline, f"the page never said: {sentence}"
            self.page.wait_for_timeout(200)  # what happens on the server can only be asked for
            do()

    def cancels(self) -> None:
        """Withdraw a request that waits; once more where it was just being tried to hand it over."""
        confirmation = self.page.url
        self.loads_again_until_reading(STILL_WAITING)
        self.page.get_by_role("button", name="Cancel the request").click()
        too_late = self.page.get_by_text("It was too late to cancel")
        expect(self.page.get_by_role("heading", name=CANCELLED).or_(too_late)).to_be_visible()
        if too_late.is_visible():
            self.page.goto(confirmation)
            self.cancels()

    @property
    def opener(self) -> Locator:
        """The link to the form on a host page."""
        return self.page.get_by_role("link", name=ASKING)

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def close_button(self) -> Locator:
        """The dialog's own, which is not in the frame."""
        return self.page.get_by_role("button", name="Close")

    @property
    def headline(self) -> Locator:
        return self.place.get_by_role("heading", level=1)

    @property
    def name_field(self) -> Locator:
        return self.place.get_by_label("Full name")

    @property
    def phone_field(self) -> Locator:
        return self.place.get_by_label("Phone number")

    @property
    def button(self) -> Locator:
        return self.place.get_by_role("button", name="Request call")

    @property
    def problems(self) -> Locator:
        """The box that says what to mend."""
        return self.place.locator(".error-summary")

    @property
    def link_to_confirmation(self) -> str:
        """What "Copy this link" copies."""
        return self.place.get_by_label("Link to this page").input_value()

    @property
    def reference(self) -> str:
        return self.place.get_by_text("RB-").inner_text()


class Dock:
    """The sandbox's page that plays the agent's dock."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def opens(self) -> None:
        self.page.goto(self.url)

    def makes_samespace(self, behaviour: str) -> None:
        """`Answers`, `Refuses`, `Is slow` or `Is down`."""
        self.opens()
        button = self.page.get_by_role("button", name=behaviour)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")

    def call(self, number: str) -> Locator:
        """The card of the call to a number."""
        heading = self.page.get_by_role("heading", name=international(number))
        return self.page.locator(".call").filter(has=heading)

    def detail(self, number: str, name: str) -> Locator:
        """What the card says about one attribute."""
        return (
            self.call(number).locator("div").filter(has=self.page.locator(f"dt:text-is('{name}')")).locator("dd")
        )


class WebSite:
    """A customer's web site on a port of its own, one page of it, as a test writes it."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805 (the method speaks of the site as self)
                self._answer(handler)

            def log_message(self, *args: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://localhost:{self._server.server_port}"
        self._pages: dict[str, tuple[bytes, dict[str, str]]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def shows(self, body: str, *, head: str = "", language: str = "en", path: str = "/", **headers: str) -> None:
        html = f'<!doctype html><html lang="{language}"><head><title>Acme</title>{head}</head><body>{body}</body>'
        self.serves(path, html.encode(), "text/html; charset=utf-8", **headers)

    def serves(self, path: str, body: bytes, content_type: str, **headers: str) -> None:
        """A page, a script or a style sheet; the underscores of a header's name are its hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._pages[path] = (body, {"Content-Type": content_type} | named)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body, headers = self._pages.get(handler.path.split("?")[0], (b"", {}))
        handler.send_response(200 if body else 404)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


@dataclass
class Company:
    """A site owner: Ringback in production, the Samespace behind it, and the web site that may frame its form."""

    ringback: Server
    samespace: SandboxSamespace
    web_site: WebSite

    @property
    def form_url(self) -> str:
        return f"{self.ringback.url}/sales"

    @property
    def script(self) -> str:
        """What a site owner pastes once."""
        return f'<script async src="{self.ringback.url}/embed.js"></script>'

    def calls_to(self, number: str) -> list[Call]:
        """The calls that Samespace was asked for to a number, once there is one; raises TimeoutError."""
        digits = international(number).removeprefix("+")
        while True:
            calls = self.samespace.calls
            if found := [call for call in calls if call.number == digits]:
                return found
            self.samespace.wait_for_calls(calls[-1].serial + 1 if calls else 1, timeout=15)

    def link(self, attributes: str = "", words: str = ASKING) -> str:
        return f'<a href="{self.form_url}" {attributes}>{words}</a>'
