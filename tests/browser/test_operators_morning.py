"""An operator's morning, from the sign-in with a passkey to an erase that is taken back."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ringback.accounts.accounts import Accounts
from ringback.accounts.operator import Role
from ringback.clock import utc_now
from ringback.console.words import WHY_HELD
from ringback.outbox.request import Held
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.database import Database
from tests.browser.console_day import Row, make_day
from tests.browser.test_console_accounts import DEVICE, PASSWORD
from tests.conftest import make_settings
from tests.running import Server, production

SUSPECTED: list[Row] = [
    (f"Casey {place}", f"44207946070{place}", "GB", 40 + place, "suspected") for place in range(10)
]
LAST_WEEK: Row = ("Freya Hughes", "442079460800", "GB", 7 * 24 * 60, "with_team")


class Morning:
    """Ringback, served, with a day of requests and a Samespace; and Robin, who has a link that sets a password."""

    def __init__(self, folder: Path, samespace: SandboxSamespace) -> None:
        self.server: Server = production(folder, samespace.base_url)
        # Passkeys are for names, not for numbers.
        self.server._environment["PUBLIC_URL"] = f"http://localhost:{self.server.port}"
        self.server.start()
        store = f"sqlite:///{folder}/ringback.db"
        database = Database(store)
        people = Accounts(database, make_settings(store), utc_now).people
        self.link = f"{self.url}/password/{people.add('robin', Role.ADMIN, None, by='cli:root')}"
        people.change("robin", Role.ADMIN, None, "robin@acme", by="cli:root")
        database.close()
        self.references = make_day(folder, widget="sales", more=[*SUSPECTED, LAST_WEEK])

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server.port}/console"


@pytest.fixture
def morning(tmp_path: Path, samespace: SandboxSamespace) -> Iterator[Morning]:
    morning = Morning(tmp_path, samespace)
    yield morning
    morning.server.stop()


@pytest.fixture
def robin(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce", locale="en-GB")
    context.set_default_timeout(15_000)
    page = context.new_page()
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    yield page
    context.close()


@pytest.mark.ordinary
def test_a_morning_of_an_operator(morning: Morning, robin: Page, samespace: SandboxSamespace) -> None:
    signs_in_with_a_passkey(robin, morning)
    robin.goto(f"{morning.url}/requests?state=attention")
    names = robin.locator(".list__name")
    expect(names.first).to_have_text("Amelia Clarke")  # whose promise was broken first

    resolves_an_unknown(robin)
    releases_what_is_held(robin, morning)
    calls_from_the_dock(robin, morning, samespace)
    blocks_and_pauses(robin, morning)

    looks_at_last_week(robin, morning)
    robin.goto(f"{morning.url}/requests?q=0207946+0958&from=2020-01-01")
    expect(names).to_have_text(["Amelia Clarke"])
    with robin.expect_download() as taken:
        robin.get_by_role("link", name="All of this list as CSV").click()
    assert "Amelia Clarke" in taken.value.path().read_text()

    robin.goto(f"{morning.url}/requests/{morning.references[8]}")
    robin.get_by_role("button", name="Erase").click()
    robin.locator("form").filter(has_text="Erase: 1 request").get_by_role("button", name="Undo").click()
    expect(robin.get_by_text("Undone: 1.").first).to_be_visible()
    expect(robin.get_by_role("heading", level=1)).to_have_text("Grace Kelly")


def signs_in_with_a_passkey(robin: Page, morning: Morning) -> None:
    robin.goto(morning.link)
    robin.get_by_label("New password").fill(PASSWORD)
    robin.get_by_role("button", name="Set the password and sign in").click()
    robin.get_by_role("link", name="robin").click()
    robin.get_by_label("Name of the passkey").fill("My laptop")
    robin.get_by_role("button", name="Add a passkey").click()
    expect(robin.get_by_role("status")).to_have_text("You can sign in with your passkey now.")
    robin.get_by_role("button", name="Sign out", exact=True).click()
    robin.goto(f"{morning.url}/sign-in")
    robin.get_by_role("button", name="Sign in with a passkey").click()
    expect(robin.get_by_role("heading", level=1)).to_have_text("Requests")


def resolves_an_unknown(robin: Page) -> None:
    robin.get_by_role("link", name="Sofia Rossi").click()
    robin.get_by_role("button", name="It rang", exact=True).click()
    expect(robin.get_by_text("With the team").first).to_be_visible()


def releases_what_is_held(robin: Page, morning: Morning) -> None:
    robin.goto(f"{morning.url}/requests?state=held")
    rows = robin.get_by_role("row").filter(has_text=WHY_HELD[Held.SUSPECTED]).filter(has_text="Casey")
    expect(rows).to_have_count(10)
    for place in range(10):
        rows.nth(place).get_by_role("checkbox").check()
    robin.get_by_role("button", name="Release").click()
    expect(robin.get_by_text("Release: in a moment")).to_have_count(10)  # when it can no longer be taken back


def looks_at_last_week(robin: Page, morning: Morning) -> None:
    """By the form; and by the address that this leads to, as a bookmark does."""
    day = utc_now() - timedelta(days=7)
    robin.goto(f"{morning.url}/requests")
    for label, date in (("Asked from", day - timedelta(days=1)), ("Asked to", day + timedelta(days=1))):
        robin.get_by_label(label).fill(f"{date:%Y-%m-%d}")
    robin.get_by_role("button", name="Show").click()
    expect(robin.locator(".list__name")).to_have_text(["Freya Hughes"])
    bookmark = robin.url
    robin.goto(f"{morning.url}/figures")
    robin.goto(bookmark)
    expect(robin.locator(".list__name")).to_have_text(["Freya Hughes"])


def calls_from_the_dock(robin: Page, morning: Morning, samespace: SandboxSamespace) -> None:
    robin.goto(f"{morning.url}/requests/{morning.references[3]}")
    robin.get_by_role("button", name="Call from my dock").click()
    expect(robin.get_by_text("Called from a dock").first).to_be_visible()
    (dial,) = samespace.dials
    assert (dial["username"], dial["number"]) == ("robin@acme", "353850123456")
    robin.get_by_label("Answered").check()
    robin.get_by_role("button", name="Note the outcome").click()
    expect(robin.get_by_text("Called", exact=True).first).to_be_visible()


def blocks_and_pauses(robin: Page, morning: Morning) -> None:
    robin.goto(f"{morning.url}/requests/{morning.references[10]}")
    robin.get_by_role("button", name="Block this number").click()
    expect(robin.get_by_text("The number is blocked.").first).to_be_visible()
    robin.goto(f"{morning.url}/widgets")
    robin.get_by_text("Pause of sales").click()
    robin.get_by_label("What visitors read").fill("We are moving house, and back on Monday.")
    robin.get_by_role("button", name="Take no requests by sales").click()
    expect(robin.get_by_role("button", name="Take requests again by sales")).to_be_visible()
    robin.goto(f"http://localhost:{morning.server.port}/sales")
    expect(robin.get_by_text("We are moving house, and back on Monday.")).to_be_visible()
