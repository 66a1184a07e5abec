"""The confirmation: in a frame what matters comes first and the rest is folded; on its own page all is open."""

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from ringback.sandbox.handler import Mode
from tests.browser.journeys import STILL_WAITING, WITH_TEAM, Company, Visitor

MORE = "More about this request"
FOLDED = ["Request received", "Ask for another call", "Download my data", "Delete my details", "Privacy notice"]


def folded(place: Page | FrameLocator) -> list[Locator]:
    return [place.get_by_text(words).first for words in FOLDED]


@pytest.mark.ordinary
@pytest.mark.parametrize("size", [(390, 844), (1280, 800)])
def test_the_dialog_shows_what_matters_without_scrolling_and_the_rest_when_it_is_asked_for(
    visitor: Visitor, company: Company, size: tuple[int, int]
) -> None:
    visitor.page.set_viewport_size({"width": size[0], "height": size[1]})
    visitor.goes_to(company, company.link())
    visitor.opens_the_dialog()
    visitor.asks()
    visitor.sees(WITH_TEAM)

    first = [
        "We usually call within 15 minutes",
        "The call will come from",
        "As soon as possible",
        "If nobody has called",
    ]
    for words in [*first, visitor.number.removeprefix("0"), "Link to this page"]:
        expect(visitor.place.get_by_text(words).first).to_be_in_viewport(ratio=1)
    for rest in folded(visitor.place):
        expect(rest).to_be_hidden()
    visitor.place.get_by_text(MORE).click()
    for rest in folded(visitor.place):
        expect(rest).to_be_visible()


def test_what_was_unfolded_stays_so_when_there_is_news(visitor: Visitor, company: Company) -> None:
    company.samespace.mode = Mode.DOWN
    visitor.goes_to(company, company.link())
    visitor.opens_the_dialog()
    visitor.asks()
    visitor.reads(STILL_WAITING)
    visitor.place.get_by_text(MORE).click()
    company.samespace.mode = Mode.ANSWERS
    visitor.sees(WITH_TEAM)

    expect(visitor.place.get_by_role("link", name="Download my data")).to_be_visible()
    expect(visitor.place.get_by_role("listitem").filter(has_text="With the team")).to_be_visible()


def test_without_javascript_the_rest_is_unfolded_all_the_same(
    browser: Browser, visitor: Visitor, company: Company
) -> None:
    visitor.opens_the_form()
    visitor.asks()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(visitor.link_to_confirmation + "?embed=1")
    expect(folded(page)[0]).to_be_hidden()
    page.get_by_text(MORE).click()

    for rest in folded(page):
        expect(rest).to_be_visible()
    context.close()


def test_on_a_wide_page_of_its_own_all_is_open_and_what_happened_stands_beside_what_matters(
    visitor: Visitor, company: Company
) -> None:
    visitor.page.set_viewport_size({"width": 1280, "height": 900})
    visitor.opens_the_form()
    visitor.asks()
    visitor.sees(WITH_TEAM)

    for shown in [*folded(visitor.page), visitor.page.get_by_label("Link to this page")]:
        expect(shown).to_be_in_viewport(ratio=1)
    headline, history = visitor.headline.bounding_box(), visitor.page.locator("details").bounding_box()
    assert headline
    assert history
    assert headline["x"] + headline["width"] <= history["x"]
    assert history["y"] < headline["y"] + headline["height"]


@pytest.mark.parametrize("width", [320, 640, 1100])
def test_what_is_in_an_inline_form_is_as_wide_as_its_box(visitor: Visitor, company: Company, width: int) -> None:
    visitor.page.set_viewport_size({"width": 1280, "height": 900})
    visitor.goes_to(company, f"<div style='width:{width}px'>{company.link('data-ringback=inline')}</div>")
    visitor.has_the_form(visitor.page.frame_locator("ringback-inline iframe"))
    for field in (visitor.name_field, visitor.phone_field, visitor.button):
        box = field.bounding_box()
        assert box
        assert box["width"] == width - 40, "but for the space at both sides"


@pytest.mark.parametrize(
    ("head", "colours"),
    [
        ("", ("rgb(79, 70, 229)", "rgb(255, 255, 255)")),
        (
            "<style>:root { --ringback-accent: #ffd400; --ringback-on-accent: #000 }</style>",
            ("rgb(255, 212, 0)", "rgb(0, 0, 0)"),
        ),
    ],
    ids=["the widget's brand", "the page's own colours"],
)
def test_a_launcher_has_the_colours_of(
    visitor: Visitor, company: Company, head: str, colours: tuple[str, str]
) -> None:
    visitor.goes_to(company, company.link("data-ringback=button"), head=head)
    launcher = visitor.page.locator("ringback-embed a")

    expect(launcher).to_have_css("background-color", colours[0])
    expect(launcher).to_have_css("color", colours[1])
