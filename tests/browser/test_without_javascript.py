"""Everything works without a script, as it does where one is blocked, broken or on its way."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect

from ringback.sandbox.handler import Mode
from tests.browser.journeys import CANCELLED, STILL_WAITING, WITH_TEAM, Company, Dock, Visitor

# Of Ofcom's range for drama: a number that could be, in no range that is in use.
UNASSIGNED = "07700 900982"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.mark.ordinary
def test_the_link_on_the_customers_site_leads_to_the_form_and_the_form_to_the_team(
    sandbox_visitor: Visitor, sandbox_site: str, dock: Dock
) -> None:
    visitor = sandbox_visitor
    visitor.page.goto(sandbox_site)
    visitor.page.get_by_role("link", name="Request a call back").first.click()
    visitor.has_the_form(visitor.page)
    visitor.asks()
    expect(visitor.page.get_by_role("button", name="Copy this link")).to_be_hidden()
    expect(visitor.place.get_by_text("This page keeps itself up to date.")).to_be_hidden()

    dock.opens()
    expect(dock.detail(visitor.number, "name")).to_have_text("Ann Example")
    confirmation = visitor.page.url
    visitor.page.get_by_role("link", name="Reload this page to see what is new").click()
    expect(visitor.page).to_have_url(confirmation)
    visitor.loads_again_until_reading(WITH_TEAM)


@pytest.mark.ordinary
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(visitor: Visitor) -> None:
    visitor.opens_the_form()
    visitor.fills_in(phone="12", name="")
    visitor.page.get_by_text("Add e-mail, company or a message").click()
    visitor.page.get_by_label("Message").fill("Ring\nsoftly")
    visitor.sends()

    expect(visitor.page).to_have_title("Error: Request a call back")
    said = ["Enter your full name", "Phone number is too short. Check that it has the area code"]
    expect(visitor.problems.get_by_role("link")).to_have_text(said)
    expect(visitor.phone_field).to_have_value("12")
    expect(visitor.page.get_by_label("Message")).to_have_value("Ring\nsoftly")
    visitor.asks()


def test_a_number_in_no_known_range_is_asked_about_once_and_then_accepted(visitor: Visitor) -> None:
    visitor.opens_the_form()
    visitor.fills_in(phone=UNASSIGNED)
    visitor.sends()
    asked = "Check your phone number. If +44 7700 900982 (United Kingdom) is right, select Request call again"
    expect(visitor.problems.get_by_role("link")).to_have_text(asked)
    visitor.sends()

    visitor.has_the_confirmation()


def test_sending_again_because_no_answer_came_asks_once(visitor: Visitor, company: Company) -> None:
    stored_before = company.ringback.log.count(": received")
    visitor.opens_the_form()
    visitor.fills_in()
    visitor.page.route("**/sales", loses_the_answer, times=1)
    visitor.sends()
    visitor.sends()
    visitor.has_the_confirmation()

    assert company.ringback.log.count(": received") == stored_before + 1


def loses_the_answer(route: Route) -> None:
    route.fetch(max_redirects=0)
    route.fulfill(status=204)  # the browser stays where it is


def test_a_request_is_cancelled_while_it_waits(sandbox_visitor: Visitor, dock: Dock) -> None:
    visitor = sandbox_visitor
    visitor.opens_the_form()
    dock.makes_samespace("Is down")
    visitor.asks()
    visitor.cancels()
    dock.makes_samespace("Answers")

    visitor.page.reload()
    visitor.sees(CANCELLED)


def test_loading_the_confirmation_again_shows_what_is_new(visitor: Visitor, company: Company) -> None:
    company.samespace.mode = Mode.DOWN
    visitor.opens_the_form()
    visitor.asks()
    visitor.loads_again_until_reading(STILL_WAITING)
    company.samespace.mode = Mode.ANSWERS

    visitor.loads_again_until_reading("Acme Ltd has it on the list of calls to make.")
