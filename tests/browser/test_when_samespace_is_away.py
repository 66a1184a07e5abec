"""What a visitor reads, without doing anything, while the team's side has its troubles."""

import pytest
from playwright.sync_api import BrowserContext, expect

from ringback.sandbox.handler import Mode
from tests.browser.journeys import RECEIVED, STILL_WAITING, WITH_TEAM, Company, Dock, Visitor

BEING_CHECKED = "We have your request and are checking it"


@pytest.fixture(autouse=True)
def _clock_that_runs_ahead(context: BrowserContext) -> None:
    # Of the browser only: the page waits seconds between two looks, and what it shows then is the server's.
    context.clock.install()


@pytest.mark.ordinary
@pytest.mark.parametrize("behaviour", ["Is down", "Refuses"])
def test_the_visitor_reads_that_it_waits_and_the_call_goes_out_when_samespace_is_back(
    sandbox_visitor: Visitor, dock: Dock, behaviour: str
) -> None:
    visitor = sandbox_visitor
    visitor.opens_the_form()
    dock.makes_samespace(behaviour)
    visitor.asks()
    visitor.waits_until_reading(STILL_WAITING)
    expect(visitor.page.get_by_text("You can call us")).to_be_visible()
    expect(dock.call(visitor.number)).to_have_count(0)
    dock.makes_samespace("Answers")

    visitor.waits_until_reading(WITH_TEAM)
    dock.opens()
    expect(dock.call(visitor.number)).to_have_count(1)
    assert int(dock.detail(visitor.number, "attempt").inner_text()) > 1


def test_the_visitor_reads_that_nobody_can_tell_and_the_call_is_not_made_twice(
    sandbox_visitor: Visitor, dock: Dock
) -> None:
    visitor = sandbox_visitor
    visitor.opens_the_form()
    dock.makes_samespace("Is slow")
    visitor.asks()
    visitor.waits_until_reading(BEING_CHECKED)
    expect(visitor.page.get_by_text("You may still be called.")).to_be_visible()
    dock.makes_samespace("Answers")

    visitor.page.reload()
    visitor.sees(BEING_CHECKED)
    expect(dock.call(visitor.number)).to_have_count(1)


@pytest.mark.ordinary
def test_a_page_that_cannot_reach_us_says_so_and_recovers(
    context: BrowserContext, visitor: Visitor, company: Company
) -> None:
    company.samespace.mode = Mode.DOWN
    visitor.opens_the_form()
    visitor.asks()
    context.set_offline(True)
    visitor.waits_until_reading("We cannot reach the server. This page may be out of date.")
    visitor.sees(RECEIVED)
    context.set_offline(False)
    company.samespace.mode = Mode.ANSWERS

    visitor.waits_until_reading(WITH_TEAM)
    expect(visitor.page.get_by_text("We cannot reach the server.")).to_have_count(0)


def test_a_page_that_says_it_was_too_late_to_cancel_keeps_itself_up_to_date(
    visitor: Visitor, company: Company
) -> None:
    company.samespace.mode = Mode.DOWN
    visitor.opens_the_form()
    visitor.asks()
    visitor.loads_again_until_reading(STILL_WAITING)
    company.samespace.mode = Mode.SLOW
    assert company.calls_to(visitor.number)
    visitor.page.get_by_role("button", name="Cancel the request").click()
    visitor.reads("It was too late to cancel")

    visitor.waits_until_reading(BEING_CHECKED)


def test_a_page_whose_words_change_with_the_time_is_had_anew_when_that_has_come(
    visitor: Visitor, company: Company
) -> None:
    visitor.opens_the_form()
    visitor.asks()
    main, link = visitor.page.locator("main"), visitor.link_to_confirmation
    main.evaluate("(main) => { main.dataset.changesIn = '-9' }")
    with visitor.page.expect_response(lambda answer: answer.url.startswith(link) and ".json" not in answer.url):
        visitor.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")

    expect(main).not_to_have_attribute("data-changes-in", "-9")
