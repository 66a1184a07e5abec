"""The ways a browser sends a form again, and what people mean by them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from ringback.web.form.sentences import ALREADY_SENT
from tests.browser.chromium import options
from tests.browser.journeys import Company, Visitor, new_number


@pytest.fixture(scope="module")
def everyday_browser(browser: Browser) -> Iterator[Browser]:
    """One that brings a page back as it was left, as everybody's does; Playwright's own does not."""
    everyday = browser.browser_type.launch(**options(), ignore_default_args=["--disable-back-forward-cache"])
    yield everyday
    everyday.close()


@pytest.fixture
def context(everyday_browser: Browser) -> Iterator[BrowserContext]:
    context = everyday_browser.new_context()
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def posts(context: BrowserContext) -> list[str]:
    """The address of every form that this browser sends from here on."""
    posts: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and not request.url.endswith("/begun"):  # which counts, and has no body
            posts.append(request.url)

    context.on("request", note)
    return posts


@pytest.fixture
def confirmed(visitor: Visitor) -> Visitor:
    """A visitor who has asked and looks at the confirmation."""
    visitor.opens_the_form()
    visitor.asks()
    return visitor


def goes_back(page: Page) -> None:
    # A page that comes back as it was left does not load, so there is no load to wait for.
    page.go_back(wait_until="commit")


@pytest.mark.ordinary
def test_the_second_click_of_a_double_click_sends_nothing(visitor: Visitor, posts: list[str]) -> None:
    visitor.opens_the_form()
    visitor.fills_in()
    on_their_way: list[Route] = []
    visitor.page.route("**/sales", lambda route: on_their_way.append(route))
    button = visitor.button.bounding_box()
    assert button
    with visitor.page.expect_request("**/sales"):
        visitor.page.mouse.click(button["x"] + 9, button["y"] + 9)
    visitor.page.mouse.click(button["x"] + 9, button["y"] + 9)
    on_their_way[0].continue_()
    visitor.has_the_confirmation()

    assert posts == [visitor.form_url]


def test_back_and_forward_leads_to_the_same_confirmation(confirmed: Visitor, posts: list[str]) -> None:
    confirmation, reference = confirmed.page.url, confirmed.reference
    goes_back(confirmed.page)
    expect(confirmed.phone_field).to_have_value(confirmed.number)
    expect(confirmed.button).not_to_have_attribute("aria-disabled", "true")
    confirmed.page.go_forward(wait_until="commit")
    confirmed.has_the_confirmation()

    assert (confirmed.page.url, confirmed.reference) == (confirmation, reference)
    assert posts == []


@pytest.mark.ordinary
def test_back_and_sending_the_same_again_leads_to_the_same_confirmation(
    confirmed: Visitor, company: Company, posts: list[str]
) -> None:
    confirmation = confirmed.page.url
    goes_back(confirmed.page)
    confirmed.sends()
    confirmed.has_the_confirmation()

    assert confirmed.page.url == confirmation
    assert posts == [confirmed.form_url]
    assert len(company.calls_to(confirmed.number)) == 1


def test_the_same_goes_for_a_browser_that_has_to_load_the_form_again(browser: Browser, company: Company) -> None:
    # It brings back what was typed, and a fresh token beside it.
    with browser.new_context() as context:
        visitor = Visitor(context.new_page(), company.form_url)
        visitor.opens_the_form()
        visitor.asks()
        confirmation = visitor.page.url
        goes_back(visitor.page)
        expect(visitor.phone_field).to_have_value(visitor.number)
        visitor.sends()
        visitor.has_the_confirmation()

        assert visitor.page.url == confirmation


def test_back_and_correcting_the_number_asks_first_and_then_makes_another_request(
    confirmed: Visitor, company: Company
) -> None:
    confirmation, corrected = confirmed.page.url, new_number()
    goes_back(confirmed.page)
    confirmed.phone_field.fill(corrected)
    confirmed.sends()
    confirmed.reads(ALREADY_SENT)
    expect(confirmed.phone_field).to_have_value(corrected)
    expect(confirmed.name_field).to_have_value("Ann Example")
    confirmed.sends()
    confirmed.has_the_confirmation()

    assert confirmed.page.url != confirmation
    expect(confirmed.page.locator("main")).to_contain_text(corrected.removeprefix("0"))


def test_loading_the_confirmation_again_changes_nothing(confirmed: Visitor, posts: list[str]) -> None:
    confirmation, reference = confirmed.page.url, confirmed.reference
    confirmed.page.reload()
    confirmed.has_the_confirmation()

    assert (confirmed.page.url, confirmed.reference) == (confirmation, reference)
    assert posts == []
