"""axe finds nothing to mend: in no state, by day or by night, on a narrow screen or a very narrow one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from ringback.form import TOO_QUICK
from ringback.sandbox.samespace import Mode
from tests.browser.journeys import STILL_WAITING, WITH_TEAM, Company, Dock, Visitor, WebSite
from tests.server import Server, production

# Named one by one: the one rule of WCAG 2.2, target-size, is left out by default and runs when its tag is named.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (390, 320)]
AXE = "(rules) => axe.run(document, { runOnly: rules, iframes: false })"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    # What is still fading in has the wrong contrast.
    context = browser.new_context(reduced_motion="reduce", locale="en-GB")
    context.set_default_timeout(10_000)
    yield context
    context.close()


def inspect(page: Page) -> None:
    """Every look of what a page shows now, and every frame of ours on it."""
    frames = [frame for frame in page.frames if frame.url.startswith("http")]
    for frame in frames:
        frame.evaluate(AXE_SCRIPT)
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 844})
        for frame in frames:
            found = frame.evaluate(AXE, RULES)
            assert findings(found) == [], f"{scheme}, {width} px: {frame.url}"
            assert "target-size" in [rule["id"] for rule in found["passes"]] or not has_targets(frame)
            assert not is_wider_than_the_window(frame), f"{width} px: {frame.url}"


def findings(found: dict[str, Any]) -> list[str]:
    """What is wrong, and what axe cannot decide, save the contrasts of what lies over a customer's page."""
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in [*found["violations"], *found["incomplete"]]
        for node in rule["nodes"]
        if rule in found["violations"] or "ringback-embed" not in str(node["target"])
    ]


def has_targets(frame: Frame) -> bool:
    return frame.locator("a, button, input, summary").count() > 0


def is_wider_than_the_window(frame: Frame) -> bool:
    return bool(frame.evaluate("() => document.documentElement.scrollWidth > innerWidth"))


# --- the form ---


def test_the_form(visitor: Visitor) -> None:
    visitor.opens_the_form()
    visitor.page.get_by_text("Add e-mail, company or a message").click()
    inspect(visitor.page)


def test_the_form_with_errors(visitor: Visitor) -> None:
    visitor.opens_the_form()
    visitor.sends()
    expect(visitor.problems).to_be_visible()
    inspect(visitor.page)


def test_the_form_with_something_to_know(sandbox_visitor: Visitor) -> None:
    sandbox_visitor.opens_the_form()
    sandbox_visitor.fills_in()
    sandbox_visitor.button.click()
    sandbox_visitor.reads(TOO_QUICK)
    inspect(sandbox_visitor.page)


def test_a_page_that_is_not_there(visitor: Visitor, company: Company) -> None:
    visitor.page.goto(f"{company.ringback.url}/nothing")
    visitor.sees("There is nothing here")
    inspect(visitor.page)


# --- the confirmation ---


def test_the_confirmation_of_a_request_that_waits(visitor: Visitor, company: Company) -> None:
    company.samespace.mode = Mode.DOWN
    visitor.opens_the_form()
    visitor.asks()
    visitor.loads_again_until_reading(STILL_WAITING)
    inspect(visitor.page)


def test_the_confirmation_of_a_request_that_is_cancelled(visitor: Visitor, company: Company) -> None:
    company.samespace.mode = Mode.DOWN
    visitor.opens_the_form()
    visitor.asks()
    visitor.cancels()
    inspect(visitor.page)


def test_the_confirmation_of_a_request_that_the_team_has(visitor: Visitor) -> None:
    visitor.opens_the_form()
    visitor.asks()
    visitor.loads_again_until_reading(WITH_TEAM)
    inspect(visitor.page)


def test_the_confirmation_of_a_request_that_nobody_can_tell_of(visitor: Visitor, company: Company) -> None:
    company.samespace.mode = Mode.SLOW
    visitor.opens_the_form()
    visitor.asks()
    visitor.loads_again_until_reading("We have your request and are checking it")
    inspect(visitor.page)


@pytest.fixture
def overcautious(tmp_path: Path) -> Iterator[Server]:
    """A server that gives requests up at once and takes one a minute from an address."""
    server = production(tmp_path, "http://127.0.0.1:9")
    file = tmp_path / "ringback.toml"
    settings = file.read_text().replace("1000 per minute", "1 per minute").replace("promise_minutes = 15", "")
    file.write_text(settings.replace("[delivery]", "[delivery]\ngive_up_minutes = 0.001"))
    yield server.start()
    server.stop()


def test_the_confirmation_of_a_request_that_failed_and_the_form_when_there_were_too_many(
    overcautious: Server, page: Page
) -> None:
    visitor = Visitor(page, f"{overcautious.url}/sales")
    visitor.opens_the_form()
    visitor.asks()
    confirmation = page.url
    visitor.opens_the_form()
    visitor.fills_in()
    visitor.sends()
    visitor.reads("There have been many requests from your network.")
    inspect(page)
    page.goto(confirmation)
    visitor.loads_again_until_reading("We could not hand over your request")
    inspect(page)


# --- what is asked beside the number, and what becomes of it ---


@pytest.fixture
def careful(tmp_path: Path) -> Iterator[Server]:
    """A server whose form has a box for the call and one for more than that."""
    server = production(tmp_path, "http://127.0.0.1:9")
    with (tmp_path / "ringback.toml").open("a") as file:
        file.write(
            'consent = "checkbox"\n[widgets.sales.texts.en]\nmarketing = "Acme Ltd may send me its offers"\n'
        )
    yield server.start()
    server.stop()


def test_the_form_with_boxes_to_tick(careful: Server, page: Page) -> None:
    visitor = Visitor(page, f"{careful.url}/sales")
    visitor.opens_the_form()
    inspect(page)
    visitor.sends()
    expect(visitor.problems).to_contain_text("Select the box if you agree to be called")
    inspect(page)
    page.get_by_label("I agree that Acme Ltd may call me").check()
    inspect(page)
    visitor.asks()


def test_deleting_ones_details(visitor: Visitor) -> None:
    visitor.opens_the_form()
    visitor.asks()
    visitor.loads_again_until_reading(WITH_TEAM)
    visitor.page.get_by_role("link", name="Delete my details").click()
    visitor.sees("Delete your details?")
    inspect(visitor.page)
    visitor.page.get_by_role("button", name="Delete my details").click()
    visitor.sees("This request has been deleted")
    inspect(visitor.page)


def test_details_that_cannot_be_deleted_at_this_moment(visitor: Visitor, company: Company) -> None:
    company.samespace.mode = Mode.SLOW
    visitor.opens_the_form()
    visitor.asks()
    company.calls_to(visitor.number)
    visitor.page.get_by_role("link", name="Delete my details").click()
    visitor.page.get_by_role("button", name="Delete my details").click()
    visitor.reads("It is being handed over at this moment.")
    inspect(visitor.page)


# --- "I did not ask for this" ---


def test_stopping_calls(visitor: Visitor, company: Company) -> None:
    visitor.page.goto(f"{company.ringback.url}/stop")
    inspect(visitor.page)
    stop = visitor.page.get_by_role("button", name="Stop calls to this number")
    stop.click()
    expect(visitor.problems).to_be_visible()
    inspect(visitor.page)
    visitor.page.get_by_label("Your phone number").fill(visitor.number)
    stop.click()
    visitor.sees("Calls to your number are stopped")
    inspect(visitor.page)


# --- on other people's pages ---


def test_the_dialog_on_the_sandbox_site(sandbox_visitor: Visitor, sandbox_site: str) -> None:
    sandbox_visitor.page.goto(sandbox_site)
    inspect(sandbox_visitor.page)
    sandbox_visitor.opens_the_dialog()
    inspect(sandbox_visitor.page)


def test_the_dock(sandbox_visitor: Visitor, dock: Dock) -> None:
    sandbox_visitor.opens_the_form()
    sandbox_visitor.asks()
    dock.opens()
    expect(dock.call(sandbox_visitor.number)).to_be_visible()
    inspect(dock.page)


def test_a_launcher_and_a_dialog_whose_form_does_not_come(visitor: Visitor, company: Company) -> None:
    with WebSite() as strange_site:
        stranger = Company(company.ringback, company.samespace, strange_site)
        strange_site.shows(f"<main><h1>Acme</h1></main>{stranger.link('data-ringback=button')}{stranger.script}")
        visitor.page.goto(strange_site.url)
        inspect(visitor.page)
        visitor.page.get_by_role("link").click()
        expect(visitor.page.get_by_text("The form did not load.")).to_be_visible()
        inspect(visitor.page)
