"""The form among other things: lists of links, narrow boxes, landmarks, phones, pages that isolate themselves."""

import pytest
from playwright.sync_api import expect

from tests.browser.journeys import Company, Visitor

ISOLATED = {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Opener-Policy": "same-origin"}


def test_pointing_along_a_list_of_links_keeps_one_form(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, "<br>".join(company.link(f"data-ringback-plan=p{n}", f"Plan {n}") for n in range(9)))
    for n in range(9):
        visitor.page.get_by_role("link", name=f"Plan {n}").hover()
    expect(visitor.page.locator("iframe")).to_have_count(1)

    visitor.opens_the_dialog("Plan 3")
    visitor.fills_in()
    visitor.close_button.click()
    for n in (5, 6):
        visitor.page.get_by_role("link", name=f"Plan {n}").hover()
    expect(visitor.page.locator("iframe")).to_have_count(2)
    visitor.opens_the_dialog("Plan 3")
    expect(visitor.phone_field).to_have_value(visitor.number)


@pytest.mark.parametrize(
    "box", ["display:flex", "display:grid;justify-items:start", "display:inline-block;width:500px"]
)
def test_an_inline_form_is_as_wide_as_the_box_it_stands_in(visitor: Visitor, company: Company, box: str) -> None:
    visitor.page.set_viewport_size({"width": 1280, "height": 800})
    visitor.goes_to(company, f"<div id=box style='{box}'>{company.link('data-ringback=inline')}</div>")
    visitor.has_the_form(visitor.page.frame_locator("iframe"))
    widths = visitor.page.evaluate(
        "() => [document.querySelector('#box'), document.querySelector('ringback-inline')].map(e => e.offsetWidth)"
    )

    assert widths[0] == widths[1] >= 500


@pytest.mark.parametrize("mode", ["dialog", "button", "inline"])
def test_the_page_gets_no_landmark_without_a_name(visitor: Visitor, company: Company, mode: str) -> None:
    link = company.link(f"data-ringback={mode}", "Ring me")
    visitor.goes_to(company, f"<nav><a href='/'>Home</a></nav><main><h1>Rooms</h1>{link}</main>")
    if mode == "inline":
        visitor.has_the_form(visitor.page.frame_locator("iframe"))
    else:
        visitor.opens_the_dialog("Ring me")
        visitor.close_button.click()

    expect(visitor.page.get_by_role("navigation")).to_have_count(1)


def test_a_launcher_opens_what_its_link_says_by_now(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, company.link("data-ringback=button data-ringback-plan=free id=link", "Ring me"))
    expect(visitor.page.get_by_role("link", name="Ring me")).to_have_count(1)
    visitor.page.locator("#link").evaluate("(link) => link.setAttribute('data-ringback-plan', 'pro')")
    visitor.opens_the_dialog("Ring me")
    visitor.asks()

    assert company.calls_to(visitor.number)[0].attributes["plan"] == "pro"


def test_whoever_sent_an_inline_form_on_a_phone_sees_the_headline_of_the_answer(
    visitor: Visitor, company: Company
) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 500})
    visitor.goes_to(company, "<p style='height:300px'>Rooms</p>" + company.link("data-ringback=inline"))
    visitor.has_the_form(visitor.page.frame_locator("iframe"))
    visitor.asks()

    expect(visitor.headline).to_be_focused()
    expect(visitor.headline).to_be_in_viewport(ratio=1)


def test_a_form_that_was_there_before_a_single_page_site_went_on_names_the_page_it_is_sent_from(
    visitor: Visitor, company: Company
) -> None:
    visitor.goes_to(company, company.link("data-ringback=inline"))
    visitor.has_the_form(visitor.page.frame_locator("iframe"))
    visitor.page.evaluate("() => history.pushState(null, '', '/rooms?token=secret')")
    visitor.asks()

    assert company.calls_to(visitor.number)[0].attributes["page"] == f"{company.web_site.url}/rooms"


def test_an_error_is_read_in_the_dialog_too(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, "<button onclick='Ringback.open(`nowhere`)'>Ask</button>")
    visitor.page.get_by_role("button", name="Ask").click()
    frame = visitor.page.frame_locator("iframe")

    expect(frame.get_by_role("heading", level=1)).to_have_text("Page not found")
    expect(frame.get_by_role("heading", level=1)).to_be_focused()
    expect(visitor.dialog.get_by_role("status")).to_have_text("")


@pytest.mark.parametrize("mode", ["dialog", "inline"])
def test_a_page_that_isolates_itself_has_the_form(visitor: Visitor, company: Company, mode: str) -> None:
    company.web_site.shows(company.script + company.link(f"data-ringback={mode}"), **ISOLATED)
    visitor.page.goto(company.web_site.url)
    assert visitor.page.evaluate("() => crossOriginIsolated")
    if mode == "dialog":
        visitor.opens_the_dialog()
    else:
        visitor.has_the_form(visitor.page.frame_locator("iframe"))
    visitor.asks()

    assert len(company.calls_to(visitor.number)) == 1


def test_a_page_with_a_map_of_its_own_hears_of_no_error(visitor: Visitor, company: Company) -> None:
    heard: list[str] = []
    visitor.page.on("pageerror", lambda error: heard.append(str(error)))
    visitor.goes_to(company, company.link(), head="<script>window.Map = 'map of the site'</script>")
    visitor.opener.click()

    expect(visitor.page).to_have_url(f"{company.form_url}")
    assert heard == []


def test_an_address_with_a_stroke_at_its_end_is_the_same_form(visitor: Visitor, company: Company) -> None:
    visitor.page.goto(f"{company.form_url}/")
    visitor.asks()

    assert len(company.calls_to(visitor.number)) == 1
