"""The form of one's own that the guide shows stands on a site as it is, and leads to a call."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import privacy
from tests.browser.journeys import WITH_TEAM, Company, new_number

OWN_FORM = (Path(__file__).parent.parent.parent / "docs/own-form.html").read_text(encoding="utf-8")


@pytest.mark.ordinary
def test_a_form_of_ones_own_shows_the_sentence_says_what_is_wrong_and_leads_to_a_call(
    page: Page, company: Company
) -> None:
    form, number = OWN_FORM.replace("https://callback.acme.com", company.ringback.url), new_number()
    company.web_site.serves("/", form.encode(), "text/html; charset=utf-8")
    privacy.submits({"name": "Ann Example", "phone": number})
    page.goto(company.web_site.url)

    expect(page.get_by_text("Acme Ltd", exact=False)).to_be_visible()
    page.get_by_label("Your name").fill("Ann Example")
    page.get_by_label("Phone number").fill("020")
    page.get_by_role("button", name="Request call").click()
    expect(page.get_by_role("status")).to_contain_text("too short")

    page.get_by_label("Phone number").fill(number)
    page.get_by_role("button", name="Request call").click()
    expect(page.get_by_role("status")).to_contain_text("We will call you. Your request RB-")
    (call,) = company.calls_to(number)
    assert call.attributes["page"] == f"{company.web_site.url}/"
    page.get_by_role("link", name="Your request RB-").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(WITH_TEAM)
