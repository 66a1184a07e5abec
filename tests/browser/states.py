"""Every state that a page of ours can be in, and the way there: one list, for the tests and for the sheets.

The ways know no sentence, only ids and addresses, so that they are the same in every language.
"""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from ringback.clock import utc_now
from ringback.i18n import languages
from ringback.outbox.slots import Slots
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.database import Database
from tests import privacy
from tests.browser.journeys import SANDBOX_FILLING_IN_SECONDS, Company, WebSite, new_number
from tests.running import Server, production, sandbox

PATIENCE_SECONDS = 60  # of a very busy machine
_addresses = itertools.count(1)  # of RFC 5737's for examples
SLOW_SECONDS = 4  # longer than Ringback waits for an answer
# One word that nobody can break, as long as an answer may be.
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"

CAREFUL = """
[widgets.careful]
team_name = "Sales"
company = "Acme Ltd"
region = "GB"
regions = ["GB", "IE", "US"]
consent = "checkbox"
brand = "#ffd600"
logo = "acme.svg"
languages = [{languages}]
[widgets.careful.texts.en]
marketing = "Acme Ltd may send me its offers"

[widgets.times]
team_name = "Sales"
company = "Acme Ltd"
region = "GB"
languages = [{languages}]
[widgets.times.hours]
timezone = "Europe/London"
mon = ["00:00-24:00"]
tue = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]
slot_minutes = 120

[widgets.closed]
team_name = "Sales"
company = "Acme Ltd"
region = "GB"
phone = "+44 20 7946 0000"
caller_id = "+44 20 7946 0000"
languages = [{languages}]
[widgets.closed.hours]
timezone = "Europe/London"
closed = ["2026-01-01"]

[widgets.paused]
team_name = "Sales"
company = "Acme Ltd"
region = "GB"
phone = "+44 20 7946 0000"
caller_id = "+44 20 7946 0000"
languages = [{languages}]
"""
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 130 40">
<path d="M4 36 20 4l16 32z" fill="#ffd600"/>
<path d="M48 28V12h10a6 6 0 0 1 0 12h-6m24-12v16m10-16h12m-6 0v16" fill="none" stroke="#14161a" stroke-width="4"/>
</svg>"""


@dataclass(frozen=True)
class Places:
    """The servers that the states are shown by."""

    company: Company
    impatient: Server  # gives a request up at once, and takes one a minute from an address
    sandbox: Server


@contextmanager
def places(folder: Path) -> Iterator[Places]:
    """All of them, started for the time being."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    named = ", ".join(f'"{tag}"' for tag in languages.available())
    with SandboxSamespace(slow_seconds=SLOW_SECONDS) as samespace, WebSite() as web_site:
        folders = [Path(tempfile.mkdtemp(dir=folder)) for _ in range(3)]
        company = production(folders[0], samespace.base_url)
        (folders[0] / "acme.svg").write_text(LOGO)
        own = f'required = ["name"]\norigins = ["{web_site.url}"]\nlanguages = [{named}]\n'
        _add(folders[0], own + CAREFUL.format(languages=named))
        _try_for_long(folders[0] / "ringback.toml")
        impatient = production(folders[1], "http://127.0.0.1:9", TRUSTED_PROXIES="1")
        file = folders[1] / "ringback.toml"
        changed = file.read_text().replace("1000 per minute", "1 per minute").replace("promise_minutes = 15", "")
        file.write_text(changed.replace("[delivery]", "[delivery]\ngive_up_minutes = 0.001"))
        _add(folders[1], f"languages = [{named}]\n")
        _pause(folders[0], "paused")
        servers = [company.start(), impatient.start(), sandbox(folders[2]).start()]
        try:
            yield Places(Company(company, samespace, web_site), impatient, servers[2])
        finally:
            for server in servers:
                server.stop()


def _try_for_long(file: Path) -> None:
    """What is refused waits long enough to be looked at, on a busy machine too."""
    waits = "retry_seconds = [0.3, 0.5, 1"
    text = file.read_text()
    assert waits in text
    file.write_text(text.replace(waits, waits + ", 1" * 100))


def _pause(folder: Path, key: str) -> None:
    """As an operator would, in the store that the server will open."""
    database = Database(f"sqlite:///{folder}/ringback.db")
    database.migrate("production")
    Slots(database).pause(key, "We are moving house until Friday.", utc_now())
    database.close()


def _add(folder: Path, text: str) -> None:
    with (folder / "ringback.toml").open("a") as file:
        file.write(text)


@dataclass
class Stage:
    """A page that is led to a state. `language` is a tag like `pt_BR`."""

    page: Page
    places: Places
    language: str = "en"

    @property
    def samespace(self) -> SandboxSamespace:
        return self.places.company.samespace

    @property
    def send_button(self) -> Locator:
        return self.page.locator("form [data-sending]")

    def opens(self, path: str = "/sales", server: Server | None = None) -> None:
        tag = self.language.replace("_", "-")
        self.page.goto(f"{(server or self.places.company.ringback).url}{path}?lang={tag}")

    def fills_in(self, name: str = "Ann Example") -> None:
        number = new_number()
        privacy.submits({"name": name, "phone": number})
        self.page.locator("#name").fill(name)
        self.page.locator("#phone").fill(number)

    def comes_from_an_address_of_its_own(self) -> None:
        """For the impatient server, which believes the proxy that this pretends to be."""
        self.page.set_extra_http_headers({"X-Forwarded-For": f"192.0.2.{next(_addresses)}"})

    def asks(self, server: Server | None = None) -> None:
        """A request, and its page."""
        self.opens(server=server)
        self.fills_in()
        self.send_button.click()
        expect(self.page.locator("main[data-state]")).to_be_visible()

    def waits_for(self, condition: str) -> None:
        """Load the page anew until its request is as the selector says."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.page.locator(condition).count():
            assert time.monotonic() < deadline, f"the request was never {condition}"
            self.page.wait_for_timeout(200)  # what happens on the server can only be asked for
            self.page.reload()


@dataclass(frozen=True)
class State:
    """`reach` leads a page to it. A state that is `around` is of a page in English, beside the visitor's own."""

    name: str
    reach: Callable[[Stage], None]
    around: bool = False


STATES: list[State] = []


def state(reach: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """The function's name is the state's."""
    STATES.append(State(reach.__name__.replace("_", "-"), reach))
    return reach


def state_around(reach: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """As above, for pages that speak English only."""
    STATES.append(State(reach.__name__.replace("_", "-"), reach, around=True))
    return reach


# --- the form ---


@state
def form(stage: Stage) -> None:
    stage.opens()


@state
def form_with_more(stage: Stage) -> None:
    stage.opens()
    stage.page.locator("summary").click()


@state
def form_with_errors(stage: Stage) -> None:
    stage.opens()
    stage.page.locator("summary").click()
    stage.page.locator("#email").fill("nobody")
    stage.send_button.click()
    expect(stage.page.locator(".error-summary")).to_be_visible()


@state
def form_with_a_long_word(stage: Stage) -> None:
    stage.opens()
    stage.page.locator("summary").click()
    stage.page.locator("#name").fill(LONG_WORD)
    stage.page.locator("#company").fill(LONG_WORD)
    stage.page.locator("#message").fill(LONG_WORD)


@state
def form_with_times(stage: Stage) -> None:
    stage.opens("/times")


@state
def form_with_a_time_left_out(stage: Stage) -> None:
    stage.opens("/times")
    stage.fills_in()
    stage.page.locator("#when-slot").check()
    stage.send_button.click()
    expect(stage.page.locator(".error-summary")).to_be_visible()


@state
def form_while_closed(stage: Stage) -> None:
    stage.opens("/closed")


@state
def form_while_paused(stage: Stage) -> None:
    stage.opens("/paused")


@state
def request_with_another_time(stage: Stage) -> None:
    stage.opens("/times")
    stage.fills_in()
    stage.page.locator("#when-slot").check()
    stage.page.locator("#slot").select_option(index=12)
    stage.send_button.click()
    stage.page.locator("#time").click()
    expect(stage.page.locator("#when-slot")).to_be_checked()


@state
def form_sent_before(stage: Stage) -> None:
    stage.asks()
    stage.page.go_back()
    stage.fills_in()
    stage.send_button.click()
    expect(stage.page.locator(".notice")).to_be_visible()


@state
def form_after_too_many(stage: Stage) -> None:
    stage.comes_from_an_address_of_its_own()
    stage.asks(stage.places.impatient)
    stage.opens(server=stage.places.impatient)
    stage.fills_in()
    stage.send_button.click()
    expect(stage.page.locator(".notice")).to_be_visible()


@state
def form_while_sending(stage: Stage) -> None:
    stage.opens()
    stage.page.route("**/sales?*", lambda route: route.fulfill(status=204))  # the browser stays where it is
    stage.fills_in()
    stage.send_button.click()
    expect(stage.send_button).to_have_attribute("aria-disabled", "true")


@state
def form_with_boxes_to_tick(stage: Stage) -> None:
    stage.opens("/careful")


@state
def form_with_a_box_left_out(stage: Stage) -> None:
    stage.opens("/careful")
    stage.fills_in()
    stage.send_button.click()
    expect(stage.page.locator(".error-summary")).to_be_visible()


# --- the page of a request ---


@state
def request_received(stage: Stage) -> None:
    stage.samespace.mode = Mode.SLOW
    stage.asks()
    stage.waits_for("main:not(:has(#cancel))")  # it is being handed over,
    stage.page.route("**/*.json*", lambda route: None)  # and this page is not told how that ends
    stage.page.evaluate("() => { AbortSignal.timeout = () => undefined }")


@state
def request_waiting(stage: Stage) -> None:
    stage.samespace.mode = Mode.REFUSES  # and not DOWN: once Samespace is known to be away, nothing is tried
    stage.asks()
    stage.waits_for(".tone-warn")


@state
def request_with_the_team(stage: Stage) -> None:
    stage.asks()
    stage.waits_for("[data-state=with_team]")


@state
def request_being_checked(stage: Stage) -> None:
    stage.samespace.mode = Mode.SLOW
    stage.asks()
    stage.waits_for("[data-state=unknown]")


@state
def request_failed(stage: Stage) -> None:
    stage.comes_from_an_address_of_its_own()
    stage.asks(stage.places.impatient)
    stage.waits_for("[data-state=failed]")


@state
def request_cancelled(stage: Stage) -> None:
    request_waiting(stage)
    confirmation = stage.page.url
    while True:  # it may just be tried to hand it over, and then it is too late
        stage.page.goto(confirmation)
        stage.waits_for("#cancel, [data-state=cancelled]")
        if stage.page.locator("[data-state=cancelled]").count():
            return
        stage.page.locator("#cancel").click()


@state
def request_out_of_reach(stage: Stage) -> None:
    stage.page.clock.install()
    request_with_the_team(stage)
    stage.page.route("**/*.json*", lambda route: route.abort())
    stage.page.clock.fast_forward(60_000)
    expect(stage.page.locator("#offline")).not_to_be_empty()


# --- what becomes of details and of numbers ---


@state
def erasing(stage: Stage) -> None:
    request_with_the_team(stage)
    stage.page.locator("#erase").click()
    expect(stage.page.locator(".button-final")).to_be_visible()


@state
def erased(stage: Stage) -> None:
    erasing(stage)
    stage.page.locator(".button-final").click()
    expect(stage.page.locator(".button-final")).to_have_count(0)


@state
def erasing_too_early(stage: Stage) -> None:
    stage.samespace.mode = Mode.SLOW
    notice = stage.page.locator(".notice")
    while not notice.count():  # on a busy machine it is handed over before anybody gets there
        stage.asks()
        stage.page.locator("#erase").click()
        stage.page.locator(".button-final").click()
        expect(notice.or_(stage.page.locator("main:not(:has(form))"))).to_be_visible()


@state
def stop(stage: Stage) -> None:
    stage.opens("/stop")


@state
def stop_with_errors(stage: Stage) -> None:
    stage.opens("/stop")
    stage.send_button.click()
    expect(stage.page.locator(".error-summary")).to_be_visible()


def _stops(stage: Stage) -> None:
    number = new_number()
    privacy.submits({"phone": number})
    stage.page.locator("#phone").fill(number)
    stage.send_button.click()
    expect(stage.page.locator("[name=confirmed]")).to_have_count(1)


@state
def stop_asks_which_country(stage: Stage) -> None:
    stage.opens("/stop")
    stage.page.locator("#phone").fill("020 7946 0123")
    stage.send_button.click()
    expect(stage.page.locator(".error-summary")).to_be_visible()


@state
def stop_with_the_number_in_full(stage: Stage) -> None:
    stage.opens("/stop", stage.places.impatient)
    _stops(stage)


@state
def stopped(stage: Stage) -> None:
    stage.comes_from_an_address_of_its_own()
    stage.opens("/stop", stage.places.impatient)
    _stops(stage)
    stage.send_button.click()
    expect(stage.send_button).to_have_count(0)


@state
def nothing_here(stage: Stage) -> None:
    stage.opens("/nothing")


# --- on other people's pages, and around the widget ---


@state
def dialog(stage: Stage) -> None:
    company = stage.places.company
    words = f"<main><h1>Acme</h1><p>Offices, desks and telephones.</p>{company.link()}</main>"
    company.web_site.shows(words + company.script, language=stage.language.replace("_", "-"))
    stage.page.goto(company.web_site.url)
    stage.page.locator("main a").click()
    expect(stage.page.frame_locator("iframe").locator("#name")).to_be_visible()


@state_around
def dialog_on_the_sandbox_site(stage: Stage) -> None:
    sandbox_site(stage)
    stage.page.locator("main a[href$='/demo']").first.click()
    expect(stage.page.frame_locator("iframe").locator("#name")).to_be_visible()


@state_around
def form_sent_too_quickly(stage: Stage) -> None:
    stage.opens("/demo", stage.places.sandbox)
    # In one go: on a busy machine a field and a button of their own may take a person's time.
    privacy.submits({"name": "Ann Example", "phone": (number := new_number())})
    stage.page.evaluate(
        """(number) => {
            document.querySelector("#name").value = "Ann Example";
            document.querySelector("#phone").value = number;
            document.querySelector("#phone").form.requestSubmit();
        }""",
        number,
    )
    expect(stage.page.locator(".notice")).to_be_visible()


@state_around
def launcher(stage: Stage) -> None:
    company = stage.places.company
    page = f"<main><h1>Acme</h1></main>{company.link('data-ringback=button')}{company.script}"
    company.web_site.shows(page)
    stage.page.goto(company.web_site.url)
    expect(stage.page.locator("ringback-embed span a")).to_be_visible()


@state_around
def dialog_whose_form_does_not_come(stage: Stage) -> None:
    with WebSite() as strange:
        company = Company(stage.places.company.ringback, stage.samespace, strange)
        strange.shows(f"<main><h1>Acme</h1>{company.link()}</main>{company.script}")
        stage.page.goto(strange.url)
        stage.page.locator("main a").click()
        expect(stage.page.locator("ringback-embed output a")).to_be_visible()


@state_around
def sandbox_site(stage: Stage) -> None:
    # Until the form that stands inline has come: what still loads is measured half painted.
    stage.page.goto(f"http://localhost:{stage.places.sandbox.port}/sandbox/site", wait_until="networkidle")


@state_around
def sandbox_dock(stage: Stage) -> None:
    stage.page.goto(f"{stage.places.sandbox.url}/sandbox/dock")


@state_around
def sandbox_dock_with_a_call(stage: Stage) -> None:
    stage.opens("/demo", stage.places.sandbox)
    stage.fills_in()
    stage.page.wait_for_timeout(SANDBOX_FILLING_IN_SECONDS * 1000)
    stage.send_button.click()
    expect(stage.page.locator("main[data-state]")).to_be_visible()
    sandbox_dock(stage)
    expect(stage.page.locator(".call").first).to_be_visible()


@state_around
def install(stage: Stage) -> None:
    stage.page.goto(f"{stage.places.sandbox.url}/demo/install?site=https%3A%2F%2Facme.com")


def reach(wanted: State, stage: Stage) -> None:
    """Lead a page to a state, from wherever the last one has left things."""
    stage.samespace.mode = Mode.ANSWERS
    wanted.reach(stage)
