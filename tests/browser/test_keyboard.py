"""The form by keyboard alone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.journeys import ASKING, Visitor


@pytest.fixture
def typist(visitor: Visitor) -> Visitor:
    """Somebody without a mouse, in front of the form."""
    visitor.opens_the_form()
    return visitor


def presses(visitor: Visitor, *keys: str) -> None:
    for key in keys:
        visitor.page.keyboard.press(key)


def types(visitor: Visitor, text: str) -> None:
    visitor.page.keyboard.type(text)


@pytest.mark.ordinary
def test_the_form_is_filled_in_and_sent_in_the_order_in_which_it_is_read(typist: Visitor) -> None:
    presses(typist, "Tab")
    expect(typist.name_field).to_be_focused()
    types(typist, "Ann Example")
    presses(typist, "Tab")
    expect(typist.phone_field).to_be_focused()
    types(typist, typist.number)
    presses(typist, "Tab")
    expect(typist.page.locator("summary")).to_be_focused()
    presses(typist, "Enter", "Tab")
    expect(typist.page.get_by_label("Email address")).to_be_focused()
    types(typist, "ann@example.test")
    presses(typist, "Tab", "Tab")
    types(typist, "Ring softly")
    presses(typist, "Tab")
    expect(typist.button).to_be_focused()
    presses(typist, "Enter")

    typist.has_the_confirmation()


def test_enter_in_a_field_sends_the_form(typist: Visitor) -> None:
    presses(typist, "Tab")
    types(typist, "Ann Example")
    presses(typist, "Tab")
    types(typist, typist.number)
    presses(typist, "Enter")

    typist.has_the_confirmation()


@pytest.mark.ordinary
def test_the_summary_of_errors_takes_the_focus_and_its_links_lead_to_the_fields(typist: Visitor) -> None:
    presses(typist, "Tab", "Enter")
    expect(typist.page).to_have_title(f"Error: {ASKING}")
    expect(typist.problems).to_be_focused()
    expect(typist.problems.get_by_role("heading")).to_have_text("There is a problem")
    presses(typist, "Tab", "Tab")
    expect(typist.problems.get_by_role("link", name="Enter your phone number")).to_be_focused()
    presses(typist, "Enter")

    expect(typist.phone_field).to_be_focused()
    expect(typist.phone_field).to_have_accessible_description(re.compile("Error: Enter your phone number"))
    expect(typist.phone_field).to_have_attribute("aria-invalid", "true")


@pytest.mark.ordinary
def test_the_button_sends_once_keeps_the_focus_and_is_given_back_when_no_answer_comes(typist: Visitor) -> None:
    posts: list[str] = []
    typist.page.on("request", lambda request: request.url.endswith("/begun") or posts.append(request.url))
    typist.page.route("**/sales", lambda route: route.fulfill(status=204))  # the browser stays where it is
    typist.page.clock.install()
    typist.fills_in()
    typist.button.focus()
    presses(typist, "Enter")
    sending = typist.page.get_by_role("button", name="Sending…")
    expect(sending).to_be_focused()
    expect(sending).to_have_attribute("aria-disabled", "true")
    presses(typist, "Enter")
    typist.page.clock.fast_forward(10_000)
    expect(typist.page.get_by_role("status")).to_have_text("Still sending. Do not close this page")
    assert posts == [typist.form_url]
    typist.page.clock.fast_forward(30_000)

    expect(typist.button).to_be_focused()
    expect(typist.button).not_to_have_attribute("aria-disabled", "true")
    presses(typist, "Enter")
    expect(sending).to_be_focused()
