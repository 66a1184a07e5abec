"""A real browser, and Ringback served for it.

Each process of pytest-xdist has servers of its own: a test that changes how Samespace behaves disturbs no other.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from zlib import crc32

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from tests.browser.chromium import options
from tests.browser.journeys import SANDBOX_FILLING_IN_SECONDS, Company, Dock, Visitor, WebSite
from tests.running import Server, production, sandbox

PATIENCE_MS = 10_000  # of a busy machine
expect.set_options(timeout=PATIENCE_MS)

# Longer than the company's Ringback waits for an answer.
SLOW_SECONDS = 4
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before those that are long are taken out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make each test of the browser long that is not `ordinary`, and of an ordinary one all cases but one.

    A browser takes fifty times as long as a request. So the ordinary run has each kind of journey once; what
    other people's pages, other sizes and other languages do to it is for `make test-long`.
    """
    ours = [item for item in items if item.path.parent == HERE and isinstance(item, pytest.Function)]
    ours.sort(key=lambda item: item.nodeid)
    for name, found in groupby(ours, lambda item: f"{item.path.name} {item.originalname}"):
        cases = list(found)
        for case in set(cases) - set(ordinary_of(name, cases)):
            case.add_marker(pytest.mark.long)


def ordinary_of(name: str, cases: list[pytest.Function]) -> list[pytest.Function]:
    """Which cases of a test the ordinary run has: one, and its name says which, so that each kind has its turn."""
    short = [case for case in cases if not case.get_closest_marker("long")]
    mark = cases[0].get_closest_marker("ordinary")
    if not short or mark is None:
        return []
    return short if mark.kwargs.get("all_cases") else [short[crc32(name.encode()) % len(short)]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The sandbox, as `make run` starts it."""
    server = sandbox(tmp_path_factory.mktemp("sandbox")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def served_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Ringback in production, with the company's web site among its origins."""
    folder = tmp_path_factory.mktemp("company")
    with SandboxSamespace(slow_seconds=SLOW_SECONDS) as samespace, WebSite() as web_site:
        server = production(folder, samespace.base_url)
        with (folder / "ringback.toml").open("a") as configuration:
            configuration.write(f'required = ["name"]\norigins = ["{web_site.url}"]\n')
        server.start()
        yield Company(server, samespace, web_site)
        server.stop()


@pytest.fixture
def company(served_company: Company) -> Iterator[Company]:
    yield served_company
    served_company.samespace.mode = Mode.ANSWERS
    served_company.samespace.slow_seconds = SLOW_SECONDS


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def visitor(page: Page, company: Company) -> Visitor:
    """Somebody who comes to the company's form."""
    return Visitor(page, company.form_url)


@pytest.fixture
def sandbox_visitor(page: Page, served: Server) -> Visitor:
    """Somebody who tries the sandbox."""
    return Visitor(page, f"{served.url}/demo", SANDBOX_FILLING_IN_SECONDS)


@pytest.fixture
def sandbox_site(served: Server) -> str:
    """The sandbox's page that plays a customer's web site: to a browser, another site than the form's."""
    return f"http://localhost:{served.port}/sandbox/site"


@pytest.fixture
def dock(context: BrowserContext, served: Server) -> Iterator[Dock]:
    dock = Dock(context.new_page(), f"{served.url}/sandbox/dock")
    yield dock
    dock.makes_samespace("Answers")


@pytest.fixture
def screenshots() -> Path:
    folder = Path(__file__).parent.parent / "output"
    folder.mkdir(exist_ok=True)
    return folder
