"""The console's list and the page of one, in a browser: to look at, by keys, and while things change."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.console_day import forget_history, make_day
from tests.browser.test_accessibility import AXE, LOOKS, RULES, findings
from tests.pairs import once_or_all
from tests.running import sandbox

pytestmark = pytest.mark.xdist_group("console-list")  # they have one server


@dataclass(frozen=True)
class Console:
    """A sandbox with a day of requests."""

    url: str
    folder: Path
    references: list[str]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("console")
    server = sandbox(folder).start()
    forget_history(folder)
    yield Console(server.url, folder, make_day(folder))
    server.stop()


@pytest.fixture
def wide(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    return page


@pytest.mark.ordinary
@pytest.mark.parametrize("looks", once_or_all(tuple(LOOKS), (390, 1280)))
def test_axe_finds_nothing_to_mend_and_nothing_is_wider_than_a_phone(
    browser: Browser, console: Console, looks: list[tuple[str, int]]
) -> None:
    page = browser.new_page(reduced_motion="reduce")
    for address in ("requests", f"requests/{console.references[2]}"):
        page.goto(f"{console.url}/console/{address}")
        page.evaluate(AXE_SCRIPT)
        for look, width in looks:
            page.emulate_media(**LOOKS[look])
            page.set_viewport_size({"width": width, "height": 900})
            assert findings(page.evaluate(AXE, RULES)) == [], f"{address}, {look}, {width} px"
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
    page.close()


@pytest.mark.ordinary
def test_the_list_is_worked_by_keys_and_keeps_what_was_chosen(wide: Page, console: Console) -> None:
    wide.goto(f"{console.url}/console/requests?state=attention")
    count = wide.locator("[data-state=attention] .states__count").inner_text()
    assert int(count) >= 6
    expect(wide).to_have_title(f"({count}) Requests – Ringback")
    wide.keyboard.press("j")
    expect(wide.get_by_role("link", name="Amelia Clarke")).to_be_focused()
    wide.keyboard.press("j")
    wide.keyboard.press("x")
    expect(wide.get_by_label(f"Choose {console.references[1]}")).to_be_checked()

    wide.keyboard.press("/")
    wide.keyboard.type("xjk?r")
    expect(wide.get_by_label("Search")).to_have_value("xjk?r")
    expect(wide.get_by_label(f"Choose {console.references[1]}")).to_be_checked()
    wide.get_by_role("link", name="Amelia Clarke").focus()
    wide.keyboard.press("?")
    expect(wide.get_by_role("dialog", name="Keys")).to_be_visible()
    wide.keyboard.press("Escape")

    wide.get_by_role("button", name="Claim").click()
    expect(wide.get_by_text("Claim: 1 request.")).to_be_visible()
    expect(wide.get_by_text("sandbox is on it")).to_be_visible()
    expect(wide.get_by_label(f"Choose {console.references[1]}")).to_be_checked()


@pytest.mark.ordinary
def test_what_is_new_is_said_and_moves_nothing_until_it_is_asked_for(wide: Page, console: Console) -> None:
    wide.clock.install()
    wide.goto(f"{console.url}/console/requests")
    there = wide.locator(".list__name").all_text_contents()
    make_day(console.folder, first=6, asked_ago=0)
    wide.clock.run_for(11_000)
    expect(wide.get_by_role("link", name="6 new: show")).to_be_visible()
    assert wide.locator(".list__name").all_text_contents() == there
    wide.get_by_role("link", name="6 new: show").click()
    expect(wide.locator(".list__name")).to_have_count(len(there) + 6)


@pytest.mark.ordinary
def test_an_erase_can_be_undone(wide: Page, console: Console) -> None:
    wide.goto(f"{console.url}/console/requests/{console.references[8]}")
    wide.get_by_role("button", name="Erase").click()
    wide.get_by_role("button", name="Undo").click()
    expect(wide.get_by_text("Undone: 1.").first).to_be_visible()
    expect(wide.get_by_role("button", name="Erase")).to_be_visible()
