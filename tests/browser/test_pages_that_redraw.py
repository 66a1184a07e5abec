"""Pages whose scripts change what is there into what is to be: Turbo, htmx, Idiomorph, morphdom, as npm has them.

None of them knows of our elements, since no page of the site's server has them.
"""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.journeys import Company, Visitor
from tests.browser.test_embed_recipes import recipe, serves

SCRIPTS = {
    "Idiomorph": {"/idiomorph.js": ("idiomorph", "dist/idiomorph.js")},
    "morphdom": {"/morphdom.js": ("morphdom", "dist/morphdom-umd.js")},
    "htmx": {
        "/htmx.js": ("htmx.org", "dist/htmx.js"),
        "/idiomorph.js": ("idiomorph", "dist/idiomorph.js"),
        "/idiomorph-htmx.js": ("idiomorph", "dist/idiomorph-htmx.js"),
    },
    "Turbo": {"/turbo.js": ("@hotwired/turbo", "dist/turbo.es2017-umd.js")},
}
# Each takes the HTML that is to be in <main>.
REDRAW = {
    "Idiomorph": "(html) => Idiomorph.morph(document.querySelector('main'), html, { morphStyle: 'innerHTML' })",
    "morphdom": "(html) => morphdom(document.querySelector('main'), `<main hx-ext=morph>${html}</main>`)",
    "htmx": """(html) => {
      const main = document.querySelector("main");
      htmx.swap(main, html, { swapStyle: "morph:innerHTML" }, { contextElement: main });
    }""",
    "Turbo": """(html) => Turbo.renderStreamMessage(`<turbo-stream action=update method=morph targets=main>
      <template>${html}</template></turbo-stream>`)""",
}
STYLE = "display:block; min-height:640px; color:teal"


def shows_the_site(visitor: Visitor, company: Company, library: str, links: str, head: str = "") -> None:
    """Where a paragraph counts how often it was redrawn."""
    scripts = serves(company, SCRIPTS[library])
    main = f"<main hx-ext=morph>{content(0, links)}</main>"
    visitor.goes_to(company, main, head=scripts + head)


def content(time: int, links: str) -> str:
    return f"<p>Drawn {time} times</p><div>{links}</div><p>All rooms look out on the garden.</p>"


def redraws(page: Page, library: str, time: int, links: str) -> None:
    page.evaluate(f"(html) => {{ ({REDRAW[library]})(html) }}", content(time, links))
    expect(page.get_by_text(f"Drawn {time} times")).to_be_visible()


def has_one_form_inline(visitor: Visitor) -> None:
    expect(visitor.page.locator("ringback-inline iframe")).to_have_count(1)
    visitor.has_the_form(visitor.page.frame_locator("ringback-inline iframe"))
    expect(visitor.opener).to_have_count(0)  # the link is not shown beside it


@pytest.mark.parametrize("library", SCRIPTS)
def test_an_inline_form_is_there_however_often_the_page_is_redrawn_and_the_link_keeps_its_own_style(
    visitor: Visitor, company: Company, library: str
) -> None:
    link = company.link(f"data-ringback=inline id=link style='{STYLE}'")
    shows_the_site(visitor, company, library, link)
    has_one_form_inline(visitor)
    for time in (1, 2):
        redraws(visitor.page, library, time, link)
        has_one_form_inline(visitor)
        expect(visitor.page.locator("#link")).to_have_attribute("style", STYLE)
    visitor.asks()


@pytest.mark.parametrize("library", SCRIPTS)
def test_what_was_typed_inline_is_there_after_the_page_was_redrawn_as_the_guide_says(
    visitor: Visitor, company: Company, library: str
) -> None:
    link = company.link("data-ringback=inline")
    shows_the_site(visitor, company, library, link)
    if library in ("Idiomorph", "htmx"):
        visitor.page.evaluate(f"() => {{ {recipe('Pages that redraw themselves', company, 'js')} }}")
    elif library == "morphdom":
        said = recipe("Pages that redraw themselves", company, "js", index=1)
        visitor.page.evaluate(
            f"() => {{ const plain = morphdom; {said}; morphdom = (a, b) => plain(a, b, options) }}"
        )
    has_one_form_inline(visitor)
    visitor.fills_in()
    for time in (1, 2, 3):
        redraws(visitor.page, library, time, link)

    has_one_form_inline(visitor)
    expect(visitor.phone_field).to_have_value(visitor.number)


def test_a_page_that_turbo_loads_again_by_morphing_keeps_form_launcher_and_what_was_typed(
    visitor: Visitor, company: Company
) -> None:
    links = company.link(f"data-ringback=inline style='{STYLE}'") + company.link("data-ringback=button", "Ring me")
    head = "<meta name=turbo-refresh-method content=morph>"
    shows_the_site(visitor, company, "Turbo", links, head)
    has_one_form_inline(visitor)
    visitor.fills_in()
    scripts = serves(company, SCRIPTS["Turbo"])
    company.web_site.shows(f"<main>{content(1, links)}</main>{company.script}", head=scripts + head)
    visitor.page.evaluate("() => Turbo.visit(location.href, { action: 'replace' })")
    expect(visitor.page.get_by_text("Drawn 1 times")).to_be_visible()

    has_one_form_inline(visitor)
    expect(visitor.phone_field).to_have_value(visitor.number)
    expect(visitor.page.get_by_role("link", name="Ring me")).to_have_count(1)


@pytest.mark.ordinary
@pytest.mark.parametrize("library", SCRIPTS)
def test_a_launcher_and_what_was_typed_in_its_dialog_are_there_after_the_page_was_redrawn(
    visitor: Visitor, company: Company, library: str
) -> None:
    link = company.link("data-ringback=button style='color:teal'", "Ring me")
    shows_the_site(visitor, company, library, link)
    visitor.opens_the_dialog("Ring me")
    visitor.fills_in()
    redraws(visitor.page, library, 1, link)
    visitor.close_button.click()

    expect(visitor.page.get_by_role("link", name="Ring me")).to_have_count(1)
    expect(visitor.page.locator("main a")).to_have_css("visibility", "hidden")
    visitor.opens_the_dialog("Ring me")
    expect(visitor.phone_field).to_have_value(visitor.number)


@pytest.mark.parametrize("taken", ["ringback-inline", "ringback-embed"])
def test_what_somebody_takes_away_comes_back_and_a_page_that_takes_it_away_every_time_has_its_link(
    visitor: Visitor, company: Company, taken: str
) -> None:
    links = company.link("data-ringback=inline", "Ring me here") + company.link("data-ringback=button", "Ring me")
    visitor.goes_to(company, links)
    visitor.has_the_form(visitor.page.frame_locator("ringback-inline iframe"))
    visitor.page.locator(taken).evaluate("(ours) => ours.remove()")
    has_one_form_inline(visitor)
    expect(visitor.page.get_by_role("link", name="Ring me")).to_have_count(1)
    visitor.page.evaluate(
        """(taken) => {
          const take = () => document.querySelectorAll(taken).forEach((ours) => ours.remove());
          new MutationObserver(take).observe(document, { childList: true, subtree: true });
          take();
        }""",
        taken,
    )

    link = "Ring me here" if taken == "ringback-inline" else "Ring me"
    expect(visitor.page.locator("body").get_by_role("link", name=link, exact=True)).to_be_visible()


def test_a_mode_that_a_link_is_given_later_counts_and_so_does_its_end(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, company.link("id=link style='color:teal'"))
    link = visitor.page.locator("#link")
    link.evaluate("(link) => { link.dataset.ringback = 'inline' }")
    has_one_form_inline(visitor)
    link.evaluate("(link) => { link.dataset.ringback = 'button' }")
    expect(visitor.page.locator("ringback-inline")).to_have_count(0)
    expect(visitor.page.locator("ringback-embed").get_by_role("link")).to_have_count(1)
    link.evaluate("(link) => { delete link.dataset.ringback }")

    expect(visitor.page.locator("ringback-embed").get_by_role("link")).to_have_count(0)
    expect(link).to_be_visible()
    assert link.evaluate("(link) => link.getAttributeNames()") == ["href", "id", "style"]


def test_a_link_whose_address_comes_later_has_its_form(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, "<a data-ringback=inline id=link>Request a call back</a>")
    visitor.page.locator("#link").evaluate("(link, address) => { link.href = address }", company.form_url)

    has_one_form_inline(visitor)
