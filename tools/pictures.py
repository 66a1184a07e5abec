"""Take the pictures of the README and the guides: `python -m tools.pictures` (or `make pictures`).

They are of a sandbox that is started for them, so that they show the product as it is.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import open_page, sharp_options
from tests.browser.journeys import SANDBOX_FILLING_IN_SECONDS, WITH_TEAM, Dock, Visitor
from tests.running import ROOT, Server, sandbox

FOLDER = ROOT / "docs" / "pictures"
DESKTOP = (1280, 800)
PHONE = (390, 844)
# Pixels of the picture to one of the page, where it is busy: at SHARP it would weigh more than 250 KB.
LIGHTER = 1.75
NUMBER = "020 7946 0123"


def main() -> None:
    """Take them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = sandbox(Path(folder)).start()
        browser = playwright.chromium.launch(**sharp_options())
        take_all(browser, server)
        browser.close()
        server.stop()


def take_all(browser: Browser, server: Server) -> None:
    """One visitor's way through the sandbox, and the form on its own."""
    page = open_page(browser, DESKTOP, LIGHTER)
    page.goto(f"http://localhost:{server.port}/sandbox/site")
    visitor = Visitor(page, f"{server.url}/demo", SANDBOX_FILLING_IN_SECONDS)
    visitor.number = NUMBER
    visitor.opens_the_dialog()
    take(page, "site-dialog", whole=False)

    page.get_by_role("button", name="Close").click()
    visitor.opens_the_dialog("Ask about Pro")
    visitor.asks()
    visitor.sees(WITH_TEAM)
    take_of(open_page(browser, DESKTOP), visitor.link_to_confirmation, "confirmation")

    dock = Dock(open_page(browser, DESKTOP), f"{server.url}/sandbox/dock")
    dock.opens()
    dock.call(NUMBER).wait_for()
    take(dock.page, "dock")

    # Both are many windows long: as far as one goes is enough.
    for address, name in (("requests", "console"), ("figures", "console-figures")):
        console = open_page(browser, DESKTOP, LIGHTER)
        console.goto(f"{server.url}/console/{address}")
        take(console, name, whole=False)

    take_of(open_page(browser, DESKTOP), f"{server.url}/demo", "form")
    take_of(open_page(browser, PHONE), f"{server.url}/demo", "form-phone")


def take_of(page: Page, url: str, name: str) -> None:
    page.goto(url)
    take(page, name)


def take(page: Page, name: str, whole: bool = True) -> None:
    """Keep what a page shows, `whole` or as far as its window goes."""
    picture = FOLDER / f"{name}.png"
    page.screenshot(path=picture, full_page=whole)
    print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
