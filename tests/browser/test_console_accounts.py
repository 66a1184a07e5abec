"""The accounts of the console in a real browser: a passkey is made and signs in; every page can be read by all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from ringback.accounts.accounts import Accounts
from ringback.accounts.operator import Role
from ringback.clock import utc_now
from ringback.store.database import Database
from tests.browser.test_accessibility import AXE, LOOKS, RULES, findings, lost
from tests.conftest import make_settings
from tests.pairs import once_or_all
from tests.running import Server, production

pytestmark = pytest.mark.xdist_group("console-accounts")  # they have one server

PASSWORD = "four quiet words of mine"
# A device of the browser's own, whose person is there and touches it.
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Console:
    """Ringback, served, and Robin's link that sets a password."""

    server: Server
    link: str

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server.port}/console"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("console")
    server = production(folder, "http://127.0.0.1:9")
    # Passkeys are for names, not for numbers.
    server._environment["PUBLIC_URL"] = f"http://localhost:{server.port}"
    server.start()
    url = f"sqlite:///{folder}/ringback.db"
    database = Database(url)
    people = Accounts(database, make_settings(url), utc_now).people
    people.add("ann.example@acme.test", Role.VIEWER, ["sales"], by="cli:root")
    people.add("sam", Role.ADMIN, None, PASSWORD, by="cli:root")
    key = people.add("robin", Role.ADMIN, None, by="cli:root")
    database.close()
    yield Console(server, f"/password/{key}")
    server.stop()


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce", locale="en-GB")
    context.set_default_timeout(10_000)
    page = context.new_page()
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    yield page
    context.close()


def looks_right(page: Page, looks: list[tuple[str, int]], pictures: Path | None) -> None:
    """Nothing for axe to mend, and nothing lost, by day and by night, on a phone and on a desk."""
    for look, width in looks:
        page.emulate_media(**LOOKS[look])
        page.set_viewport_size({"width": width, "height": 800})
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE_SCRIPT)
        assert findings(page.evaluate(AXE, RULES)) == [], f"{look}, {width} px: {page.url}"
        if pictures and look != "forced":
            name = page.url.split("/console/")[1].partition("?")[0].replace("/", "-")[:20]
            page.screenshot(path=pictures / f"console-{name}-{look}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 320, "height": 256})
    assert lost(page.main_frame) == [], page.url
    page.emulate_media(**LOOKS["light"])
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.mark.ordinary
def test_a_link_sets_a_password_a_passkey_is_made_and_signs_in(page: Page, console: Console) -> None:
    page.context.clear_cookies()
    page.goto(console.url + console.link)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set the password and sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Requests")

    page.get_by_role("link", name="robin").click()
    page.get_by_label("Name of the passkey").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_have_text("You can sign in with your passkey now.")
    expect(page.get_by_role("listitem").filter(has_text="My laptop")).to_have_count(1)

    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto(f"{console.url}/audit")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Audit")


@pytest.mark.parametrize("looks", once_or_all(tuple(LOOKS), (390, 1280)))
def test_each_page_can_be_read_by_everybody(
    page: Page, console: Console, screenshots: Path, looks: list[tuple[str, int]]
) -> None:
    pictures = screenshots if len(looks) > len(LOOKS) else None  # for a person, who wants all of them
    page.context.clear_cookies()
    page.goto(f"{console.url}/sign-in")
    looks_right(page, looks, pictures)
    page.get_by_label("User name").fill("sam")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Requests")
    for path in ("account", "account/second-factor", "operators", "operators/ann.example@acme.test", "audit"):
        page.goto(f"{console.url}/{path}")
        looks_right(page, looks, pictures)
    page.goto(f"{console.url}/operators")
    page.get_by_label("Name to sign in with").fill("zoe")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Send this link to zoe")).to_be_visible()
    looks_right(page, looks, pictures)
