"""A visitor of a customer's web site asks for a call, and the team gets it."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from ringback.sandbox.handler import Mode
from tests.browser.journeys import RECEIVED, WITH_TEAM, Company, Dock, Visitor, international
from tests.running import Server

# What a page can keep in a browser, besides cookies; closed storage holds nothing.
STORED = """async () => {
  const lengthOf = (name) => { try { return window[name].length } catch { return 0 } };
  const databases = await indexedDB.databases().catch(() => []);
  const caches = await window.caches?.keys().catch(() => []);
  return [lengthOf("localStorage"), lengthOf("sessionStorage"), databases.length, caches?.length ?? 0];
}"""


@pytest.mark.ordinary
def test_a_visitor_asks_on_the_customers_site_and_the_call_shows_on_the_dock(
    sandbox_visitor: Visitor, sandbox_site: str, dock: Dock
) -> None:
    visitor = sandbox_visitor
    dock.opens()
    visitor.page.goto(sandbox_site)
    visitor.opens_the_dialog("Ask about Pro")
    visitor.asks()

    expect(dock.call(visitor.number)).to_have_count(1)
    expect(dock.detail(visitor.number, "name")).to_have_text("Ann Example")
    expect(dock.detail(visitor.number, "plan")).to_have_text("pro")
    expect(dock.detail(visitor.number, "page")).to_have_text(sandbox_site)
    expect(dock.detail(visitor.number, "reference")).to_have_text(visitor.reference)
    expect(dock.page.get_by_text(f"New call: {international(visitor.number)} for Sales")).to_be_attached()


def test_the_confirmation_brings_itself_up_to_date_without_being_loaded_again(
    visitor: Visitor, company: Company
) -> None:
    company.samespace.slow_seconds = 1
    company.samespace.mode = Mode.SLOW
    visitor.opens_the_form()
    visitor.asks()
    visitor.sees(RECEIVED)
    loaded: list[str] = []
    visitor.page.on("framenavigated", lambda frame: loaded.append(frame.url))
    visitor.sees(WITH_TEAM)

    expect(visitor.page).to_have_title(WITH_TEAM)
    expect(visitor.page.locator("#news")).to_have_text(WITH_TEAM)
    assert loaded == []


def test_the_link_to_the_confirmation_is_copied(context: BrowserContext, visitor: Visitor) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.opens_the_form()
    visitor.asks()
    visitor.page.get_by_role("button", name="Copy this link").click()
    expect(visitor.page.get_by_text("Link copied")).to_be_visible()

    assert visitor.page.evaluate("() => navigator.clipboard.readText()") == visitor.page.url


@pytest.mark.ordinary
def test_a_whole_journey_asks_nobody_else_and_runs_without_a_complaint(
    context: BrowserContext, page: Page, sandbox_visitor: Visitor, sandbox_site: str, served: Server
) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    context.clock.install()
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))

    page.goto(sandbox_site)
    assert [url for url in asked if not url.startswith(f"http://localhost:{served.port}/")] == [
        f"{served.url}/embed.js"
    ]
    sandbox_visitor.opens_the_dialog()
    sandbox_visitor.asks()
    sandbox_visitor.waits_until_reading(WITH_TEAM)

    assert {urlsplit(url).netloc for url in asked} == {f"localhost:{served.port}", f"127.0.0.1:{served.port}"}
    assert complaints == []
    assert page.main_frame.evaluate(STORED) == [0, 0, 0, 0]


@pytest.mark.ordinary
def test_a_whole_journey_on_our_own_pages_leaves_nothing_in_the_browser(
    context: BrowserContext, visitor: Visitor
) -> None:
    # On its own, since in a frame on another site the browser may keep things from being stored, or from showing.
    visitor.opens_the_form()
    assert visitor.page.evaluate(STORED) == [0, 0, 0, 0]
    visitor.asks()
    visitor.loads_again_until_reading(WITH_TEAM)

    assert visitor.page.evaluate(STORED) == [0, 0, 0, 0]
    assert context.cookies() == []
