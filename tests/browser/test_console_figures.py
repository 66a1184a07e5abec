"""The pages of the console beside the requests as they are seen: in each look, and on a phone."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, expect

from tests.browser.test_accessibility import AXE, LOOKS, RULES
from tests.pairs import once_or_all
from tests.running import Server

PAGES = ("figures", "wall", "widgets", "teams", "numbers", "webhooks", "api-keys", "audit", "operators")


@pytest.mark.ordinary
@pytest.mark.parametrize("looks", once_or_all(tuple(LOOKS), (390, 1280)))
@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_a_fault_that_axe_finds_nor_scrolls_sideways(
    browser: Browser, served: Server, name: str, looks: list[tuple[str, int]]
) -> None:
    page = browser.new_page()
    for look, width in looks:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(**LOOKS[look])
        page.goto(f"{served.url}/console/{name}")  # anew: fields take a moment to change their colours
        page.evaluate(AXE_SCRIPT)
        found = page.evaluate(AXE, RULES)["violations"]
        assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == [], (width, look)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    page.close()


def test_from_the_customers_site_the_console_is_one_click_away_and_its_wall_says_when_it_is_old(
    browser: Browser, served: Server
) -> None:
    page = browser.new_page()
    page.goto(f"http://localhost:{served.port}/sandbox/site")
    page.get_by_role("link", name="Open the operators’ console").click()
    expect(page.get_by_text("made up: there are no such people, and no such numbers")).to_be_visible()
    page.get_by_role("link", name="Figures").click()
    expect(page.get_by_role("img", name="Requests a day")).to_be_visible()

    page.clock.install()
    page.goto(f"{served.url}/console/wall")
    page.route("**/console/wall", lambda route: route.abort())
    page.clock.run_for(11_000)
    expect(page.get_by_text("These numbers are old")).to_be_visible()
    page.unroute("**/console/wall")
    page.clock.run_for(11_000)
    expect(page.get_by_text("These numbers are old")).to_be_hidden()
    page.close()
