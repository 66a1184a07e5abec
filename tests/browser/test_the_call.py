"""Both screens side by side: somebody asks, the agent says what became of the call, the page follows."""

import re

from playwright.sync_api import Browser, expect

from tests.browser.journeys import SANDBOX_FILLING_IN_SECONDS, WITH_TEAM, Dock, Visitor
from tests.running import Server

CALLED = "The team called you"
FOLLOWS_WITHIN_MS = 5_000
DIFFERS = re.compile(r"RB-\w{4}-\w{4}|: \w{4}\.|/requests/\w+|\d\d:\d\d|\+44 [\d ]+|data-\w+=\"[^\"]*\"")


def test_the_visitors_page_says_that_the_team_called_and_not_whether_it_was_answered(
    browser: Browser, served: Server, dock: Dock
) -> None:
    pages = []
    for end in ("Answered", "No answer"):
        context = browser.new_context(locale="en-GB", timezone_id="Europe/London")
        visitor = Visitor(context.new_page(), f"{served.url}/demo", SANDBOX_FILLING_IN_SECONDS)
        visitor.opens_the_form()
        visitor.asks()
        visitor.sees(WITH_TEAM)
        dock.opens()
        button = dock.call(visitor.number).get_by_role("button", name=end, exact=True)
        button.click()
        expect(visitor.page.locator("h1")).to_have_text(CALLED, timeout=FOLLOWS_WITHIN_MS)
        expect(button).to_have_attribute("aria-pressed", "true")
        visitor.page.wait_for_timeout(100)
        pages.append(DIFFERS.sub("…", visitor.page.locator("main").inner_html()))
        context.close()
    assert pages[0] == pages[1]
    assert "If you missed it" in pages[0]
