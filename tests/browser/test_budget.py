"""What a visitor downloads for the form, by the bytes that are served; and nothing moves while a page comes."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, Request, Route

from ringback.i18n import languages
from tests.browser.journeys import Visitor
from tests.conftest import NO_SAMESPACE
from tests.running import Server, production

KB = 1024
TOTAL = 10 * KB
REQUESTS = 3
# A week of office hours in half hours, in every language. Its logo is not counted.
WITH_TIMES = """
[widgets.times]
team_name = "Sales"
company = "Acme Ltd"
region = "GB"
logo = "acme.svg"
languages = [{languages}]
[widgets.times.hours]
timezone = "Europe/London"
mon = ["09:00-17:30"]
tue = ["09:00-17:30"]
wed = ["09:00-17:30"]
thu = ["09:00-17:30"]
fri = ["09:00-17:30"]
"""
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 130 40"><path d="M4 36 20 4l16 32z"/></svg>'


@pytest.fixture(scope="module")
def ringback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("weighed")
    server = production(folder, NO_SAMESPACE)
    (folder / "acme.svg").write_text(LOGO)
    with (folder / "ringback.toml").open("a") as configuration:
        configuration.write(WITH_TIMES.format(languages=", ".join(f'"{tag}"' for tag in languages.available())))
    yield server.start()
    server.stop()


# --- bytes ---


@pytest.mark.ordinary
@pytest.mark.parametrize(
    ("addresses", "script"),
    [
        (["/sales"], 2 * KB),
        (["/sales?embed=1"], 2 * KB),
        ([f"/times?embed=1&lang={tag.replace('_', '-')}" for tag in languages.available()], 3 * KB),
    ],
    ids=["alone", "in a frame", "with times"],
)
def test_the_form_is_ten_kilobytes_in_three_requests_all_of_them_ours(
    browser: Browser, ringback: Server, addresses: list[str], script: int
) -> None:
    budgets = {"document": 4 * KB, "stylesheet": 4 * KB, "script": script}
    for address in addresses:
        got = downloads(browser, ringback.url + address)

        assert all(each.url.startswith(ringback.url) for each in got), got
        assert len(got) <= REQUESTS, got
        assert [each for each in got if each.size > budgets[each.kind]] == []
        assert sum(each.size for each in got) <= TOTAL, got


class Download(NamedTuple):
    """`kind` is the browser's word: document, stylesheet, script. `size` is that of the body as sent, in bytes."""

    url: str
    kind: str
    size: int


def downloads(browser: Browser, address: str) -> list[Download]:
    """What a page asks for until it is there. Its icon comes after."""
    page = browser.new_page()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    page.goto(address, wait_until="networkidle")
    found = [
        Download(request.url, request.resource_type, compressed(request))
        for request in asked
        if "/icon.svg?" not in request.url
    ]
    page.close()
    return found


def compressed(request: Request) -> int:
    response = request.response()
    assert response, request.url
    assert response.headers["content-encoding"] == "gzip", request.url
    return request.sizes()["responseBodySize"]


# --- nothing moves ---

WATCH = """window.shifts = [];
new PerformanceObserver((list) => shifts.push(...list.getEntries()))
  .observe({ type: "layout-shift", buffered: true });"""


def shows_the_form(page: Page, url: str) -> None:
    page.goto(f"{url}/sales")


def shows_a_logo_and_times_elsewhere(page: Page, url: str) -> None:
    page.goto(f"{url}/times")


def shows_what_to_mend(page: Page, url: str) -> None:
    page.goto(f"{url}/sales")
    page.locator("form [data-sending]").click()
    page.locator(".error-summary").wait_for()


def shows_a_request(page: Page, url: str) -> None:
    visitor = Visitor(page, f"{url}/sales")
    visitor.opens_the_form()
    visitor.asks()


def comes_late(page: Page, script: Route) -> None:
    """As over a slow line: the page is there before its script."""
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
    script.continue_()


@pytest.mark.parametrize(
    "show",
    [shows_the_form, shows_a_logo_and_times_elsewhere, shows_what_to_mend, shows_a_request],
    ids=lambda show: show.__name__,
)
def test_nothing_moves_while_a_page_comes(
    browser: Browser, ringback: Server, show: Callable[[Page, str], None]
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, timezone_id="Pacific/Auckland")
    page.add_init_script(WATCH)
    page.route("**/static/*.js*", lambda route: comes_late(page, route))
    show(page, ringback.url)
    page.wait_for_load_state("networkidle")

    assert page.evaluate("() => shifts.map((shift) => shift.value)") == []
    page.close()
