"""Download my data, delete my details: by keyboard, without a script, and in the dialog on another site's page."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ringback.sandbox.handler import Mode
from tests.browser.conftest import PATIENCE_MS
from tests.browser.journeys import LIVE_MS, WITH_TEAM, Company, Visitor, international

GONE = "This request has been deleted"


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """The page of somebody whose browser runs no script."""
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def tabs_to(visitor: Visitor, name: str, role: str = "link") -> None:
    """Go on by the keyboard alone until this has the focus."""
    wanted = visitor.place.get_by_role(role, name=name)  # type: ignore[arg-type]
    for _ in range(20):
        visitor.page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    pytest.fail(f"Tab never came to {name}")


def downloads_by(visitor: Visitor, press: str = "") -> dict[str, object]:
    """What is in the file that the link gives; it has to be named after the request."""
    with visitor.page.expect_download() as started:
        if press:
            visitor.page.keyboard.press(press)
        else:
            visitor.place.get_by_role("link", name="Download my data").click()
    download = started.value
    assert download.suggested_filename == f"{visitor.reference}.json"
    return json.loads(Path(download.path()).read_text(encoding="utf-8"))


def has_asked(visitor: Visitor, company: Company) -> None:
    """Arrive at the confirmation of a request that nobody is trying to hand over any more."""
    visitor.asks()
    company.calls_to(visitor.number)
    visitor.sees(WITH_TEAM)


@pytest.mark.ordinary
def test_data_are_downloaded_and_deleted_by_keyboard_alone(visitor: Visitor, company: Company) -> None:
    visitor.opens_the_form()
    has_asked(visitor, company)
    address = visitor.page.url
    tabs_to(visitor, "Download my data")
    data = downloads_by(visitor, "Enter")
    assert (data["name"], data["phone"]) == ("Ann Example", international(visitor.number))
    expect(visitor.headline).to_have_text(WITH_TEAM)

    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_role("link", name="Delete my details")).to_be_focused()
    visitor.page.keyboard.press("Enter")
    visitor.sees("Delete your details?")
    tabs_to(visitor, "Delete my details", "button")
    visitor.page.keyboard.press("Enter")
    visitor.sees(GONE)
    assert visitor.page.url == address
    expect(visitor.place.get_by_text(visitor.number[-3:])).to_have_count(0)
    tabs_to(visitor, "Ask for a call")


def test_who_would_rather_keep_them_goes_back(visitor: Visitor) -> None:
    visitor.opens_the_form()
    visitor.asks()
    address = visitor.page.url
    visitor.place.get_by_role("link", name="Delete my details").click()
    visitor.sees("Delete your details?")
    tabs_to(visitor, "Keep them")
    visitor.page.keyboard.press("Enter")

    visitor.has_the_confirmation()
    assert visitor.page.url == address


def test_data_are_downloaded_and_deleted_without_a_script(plain_page: Page, company: Company) -> None:
    visitor = Visitor(plain_page, company.form_url)
    visitor.opens_the_form()
    visitor.asks()
    visitor.loads_again_until_reading("Acme Ltd has it on the list of calls to make.")
    assert downloads_by(visitor)["phone"] == international(visitor.number)
    plain_page.get_by_role("link", name="Delete my details").click()
    plain_page.get_by_role("button", name="Delete my details").click()

    visitor.sees(GONE)
    plain_page.go_back()
    plain_page.reload()
    visitor.sees(GONE)


def test_what_is_on_its_way_is_deleted_when_it_has_arrived(visitor: Visitor, company: Company) -> None:
    company.samespace.mode = Mode.SLOW
    company.samespace.slow_seconds = 5
    visitor.opens_the_form()
    visitor.asks()
    company.calls_to(visitor.number)
    visitor.place.get_by_role("link", name="Delete my details").click()
    delete = visitor.place.get_by_role("button", name="Delete my details")
    delete.click()
    notice = visitor.place.get_by_text("It is being passed to the team right now. Try again in a minute.")
    expect(notice).to_be_visible()
    expect(visitor.place.locator("[data-takes-focus]")).to_be_focused()
    company.samespace.mode = Mode.ANSWERS
    while notice.is_visible():
        with visitor.page.expect_navigation():
            delete.click()

    visitor.sees(GONE)


@pytest.fixture
def guest(visitor: Visitor, company: Company) -> Visitor:
    """Somebody who has asked for a call in the dialog on the company's web site."""
    visitor.goes_to(company, company.link())
    visitor.opens_the_dialog()
    visitor.fills_in()
    visitor.sends()
    visitor.has_the_confirmation()
    company.calls_to(visitor.number)
    expect(visitor.headline).to_have_text(WITH_TEAM, timeout=LIVE_MS)
    visitor.place.get_by_text("More about this request").click()
    return visitor


def test_data_are_downloaded_and_deleted_in_the_dialog(guest: Visitor, company: Company) -> None:
    data = downloads_by(guest)
    assert data["phone"] == international(guest.number)
    assert data["page"] == f"{company.web_site.url}/"
    expect(guest.headline).to_have_text(WITH_TEAM)
    guest.place.get_by_role("link", name="Delete my details").click()
    guest.sees("Delete your details?")
    guest.place.get_by_role("button", name="Delete my details").click()
    guest.sees(GONE)
    expect(guest.page).to_have_url(f"{company.web_site.url}/")

    guest.place.get_by_role("link", name="Ask for a call").click()
    guest.has_the_form_in_the_dialog()
    guest.name_field.press("Escape")
    expect(guest.dialog).to_be_hidden()


def test_what_is_deleted_elsewhere_leaves_the_screen_too(guest: Visitor, plain_page: Page) -> None:
    plain_page.goto(guest.link_to_confirmation)
    plain_page.get_by_role("link", name="Delete my details").click()
    plain_page.get_by_role("button", name="Delete my details").click()
    expect(plain_page.get_by_role("heading", level=1)).to_have_text(GONE)

    guest.sees(GONE)
    expect(guest.place.get_by_text(re.compile(re.escape(guest.number[-4:])))).to_have_count(0)
