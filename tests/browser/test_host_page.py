"""Host pages of every kind: strict, without cookies, rewritten by their own scripts, dark, with hostile styles."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, Response, expect

from tests.browser.chromium import options
from tests.browser.journeys import Company, Visitor

TALL = "<div style='height:3000px'></div>"


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Iterator[Browser]:
    """A browser on a system that prefers dark, with scrollbars that take room.

    Both are its own: Playwright's emulation of dark overrules what a page says, and hides what would be seen.
    """
    how = options()
    how["args"] = [*how["args"], "--blink-settings=preferredColorScheme=0"]
    desk = browser.browser_type.launch(**how, ignore_default_args=["--hide-scrollbars"])
    yield desk
    desk.close()


@pytest.fixture
def at_desk(desk: Browser, company: Company) -> Iterator[Visitor]:
    context = desk.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", color_scheme="null")
    context.set_default_timeout(10_000)
    yield Visitor(context.new_page(), company.form_url)
    context.close()


# --- policies ---

# From the first moment, in every frame.
VIOLATIONS = "addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))"


def test_an_inline_form_violates_not_even_the_strictest_policy(visitor: Visitor, company: Company) -> None:
    ours = company.ringback.url
    policy = f"default-src 'none'; script-src {ours}; frame-src {ours}; require-trusted-types-for 'script'"
    complaints: list[str] = []
    visitor.page.on("console", lambda message: complaints.append(message.text))
    visitor.page.add_init_script(VIOLATIONS)
    visitor.goes_to(company, company.link("data-ringback=inline"), Content_Security_Policy=policy)
    visitor.has_the_form(visitor.page.frame_locator("iframe"))
    visitor.asks()

    expect(visitor.page.locator("iframe")).to_have_css("border-top-width", "0px")  # its own styles are there
    assert complaints == []


# --- cookies and storage ---

COOKIES: dict[str, tuple[dict[str, object], str]] = {
    "all allowed": ({"cookie_controls_mode": 0, "block_third_party_cookies": False}, "0 0"),
    "third parties' blocked": (
        {"cookie_controls_mode": 1, "block_third_party_cookies": True},
        "0 SecurityError",
    ),
    "all blocked": ({"default_content_setting_values": {"cookies": 2}}, "SecurityError SecurityError"),
}
STORED = """() => {
  try { return String(localStorage.length + sessionStorage.length + document.cookie.length) }
  catch ({ name }) { return name }
}"""


@pytest.mark.ordinary
@pytest.mark.parametrize("cookies", COOKIES)
def test_nobody_stores_anything_and_nobody_has_to(
    browser: Browser, company: Company, tmp_path: Path, cookies: str
) -> None:
    preferences, stored = COOKIES[cookies]
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps({"profile": preferences}))
    answers: list[Response] = []
    context = browser.browser_type.launch_persistent_context(tmp_path, **options(), locale="en-GB")
    context.on("response", lambda response: answers.append(response))
    visitor = Visitor(context.new_page(), company.form_url)
    visitor.goes_to(company, company.link())
    visitor.opens_the_dialog()
    visitor.asks()

    host, frame = visitor.page.frames
    assert f"{host.evaluate(STORED)} {frame.evaluate(STORED)}" == stored
    assert len(answers) > 5
    assert not [answer.url for answer in answers if answer.header_value("set-cookie")]
    assert context.cookies() == []
    context.close()


# --- single-page sites ---

PAGE_OF_THE_SITE = "<h1>{name}</h1>" + TALL
REPLACE = {
    "the body": """(html) => {
      const body = document.createElement("body");
      body.innerHTML = html;
      document.body.replaceWith(body);
    }""",
    "what is in the body": "(html) => { document.body.innerHTML = html }",
    "what is in the document": """(html) => {
      const body = document.createElement("body");
      body.innerHTML = html;
      document.documentElement.replaceChildren(document.head, body);
    }""",
}


@pytest.mark.parametrize("replaced", REPLACE)
def test_a_single_page_site_that_goes_on_keeps_its_links_and_loses_no_launcher(
    visitor: Visitor, company: Company, replaced: str
) -> None:
    links = [company.link(), company.link("data-ringback=inline"), company.link("data-ringback=button", "Ring me")]
    visitor.goes_to(company, links[0] + links[2] + links[1])
    expect(visitor.page.locator("ringback-inline")).to_have_count(1)
    visitor.page.evaluate("() => history.pushState(null, '', '/next?token=secret')")
    visitor.page.evaluate(REPLACE[replaced], links[0] + links[2])

    expect(visitor.page.locator("ringback-inline")).to_have_count(0)
    expect(visitor.page.get_by_role("link", name="Ring me")).to_have_count(1)
    visitor.opens_the_dialog()
    visitor.close_button.click()
    visitor.opens_the_dialog("Ring me")
    visitor.asks()
    assert company.calls_to(visitor.number)[0].attributes["page"] == f"{company.web_site.url}/next"
    visitor.page.evaluate(REPLACE[replaced], "<h1>Next</h1>")
    expect(visitor.page.get_by_role("link", name="Ring me")).to_have_count(0)


@pytest.mark.parametrize("replaced", REPLACE)
def test_a_page_that_is_replaced_under_the_open_dialog_can_be_used(
    visitor: Visitor, company: Company, replaced: str
) -> None:
    visitor.goes_to(company, company.link() + TALL)
    visitor.opener.press("Enter")  # a mouse would be at the link when the dialog goes, and bring it back
    visitor.has_the_form_in_the_dialog()
    visitor.page.evaluate(REPLACE[replaced], company.link() + TALL)
    if visitor.dialog.is_visible():
        visitor.close_button.click()
    expect(visitor.dialog).to_be_hidden()
    scrolls_by(visitor.page, 300)
    visitor.page.evaluate("() => scrollTo(0, 0)")

    visitor.opens_the_dialog()
    is_modal(visitor.dialog)
    visitor.asks()


def scrolls_by(page: Page, pixels: int) -> None:
    """By wheel, as only a page does that is not locked and has nothing over it."""
    before = page.evaluate("() => scrollY")
    page.mouse.move(200, 200)
    page.mouse.wheel(0, pixels)
    page.wait_for_function("(y) => scrollY === y", arg=before + pixels)


def is_modal(dialog: Locator) -> None:
    assert dialog.evaluate("(dialog) => dialog.matches(':modal')")


# --- the page stands still ---

STYLED = {
    "nothing": "",
    "a body of its own ways": "document.body.style.cssText = 'overflow-x: clip; overflow-y: auto; margin: 20px'",
    "a root that always has a scrollbar": "document.documentElement.style.overflowY = 'scroll'",
    "a gutter": "document.documentElement.style.scrollbarGutter = 'stable'",
}
STYLES_OF_THE_PAGE = "() => [document.documentElement.style.cssText, document.body.style.cssText]"


@pytest.mark.parametrize("styled", STYLED)
def test_the_page_behind_the_dialog_stays_where_it_is(at_desk: Visitor, company: Company, styled: str) -> None:
    page = at_desk.page
    script = f"<script>{STYLED[styled]}</script>"
    at_desk.goes_to(company, TALL + f"<p align=right>here {company.link()}</p>" + TALL + script)
    at_desk.opener.scroll_into_view_if_needed()
    mark, styles = page.get_by_text("here"), page.evaluate(STYLES_OF_THE_PAGE)
    before = mark.bounding_box()
    assert page.evaluate("() => innerWidth > document.documentElement.clientWidth"), "there is a scrollbar"
    at_desk.opens_the_dialog()

    assert mark.bounding_box() == before
    wheel_turns_in_vain(page)
    assert mark.bounding_box() == before
    at_desk.close_button.click()
    expect(at_desk.dialog).to_be_hidden()
    assert mark.bounding_box() == before
    assert page.evaluate(STYLES_OF_THE_PAGE) == styles
    scrolls_by(page, 200)


def wheel_turns_in_vain(page: Page) -> None:
    """Over the page that is behind; what it does not scroll by then, it does not scroll."""
    page.evaluate("() => { turned = new Promise((done) => addEventListener('wheel', done, { once: true })) }")
    page.mouse.move(100, 200)
    page.mouse.wheel(0, 300)
    page.evaluate("() => turned")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


# --- light and dark ---

LIGHT, DARK = "#ffffff", "#17191d"  # the form's surface
SCHEMES = {
    "nothing": ("", LIGHT),
    "light": ("<style>:root { color-scheme: light }</style>", LIGHT),
    "dark": ("<style>:root { color-scheme: dark }</style>", DARK),
    "dark in its head": ("<meta name=color-scheme content=dark>", DARK),
    "light dark": ("<style>:root { color-scheme: light dark }</style>", DARK),
    "light dark in its head": ("<meta name=color-scheme content='light dark'>", DARK),
}


@pytest.mark.parametrize(
    "said",
    [
        *("nothing", "light", "dark in its head", "light dark"),
        *(pytest.param(said, marks=pytest.mark.long) for said in ("dark", "light dark in its head")),
    ],
)
def test_on_a_dark_system_the_form_is_as_dark_as_the_page_says(
    at_desk: Visitor, company: Company, said: str
) -> None:
    head, surface = SCHEMES[said]
    at_desk.goes_to(company, company.link() + company.link("data-ringback=inline"), head=head)
    assert at_desk.page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    at_desk.has_the_form(at_desk.page.frame_locator("ringback-inline iframe"))
    inline = at_desk.page.locator("ringback-inline iframe")
    at_desk.opens_the_dialog()

    shown = at_desk.dialog.locator("iframe:visible")
    assert colour_of(at_desk.dialog) == colour_of(shown) == surface
    at_desk.close_button.click()
    expect(at_desk.dialog).to_be_hidden()
    assert colour_of(inline) == surface


def colour_of(shown: Locator) -> str:
    """What is seen of it at its left edge, below a round corner: `#ffffff`."""
    box = box_of(shown)
    picture = shown.page.screenshot(clip={"x": box["x"] + 3, "y": box["y"] + 30, "width": 1, "height": 1})
    compressed, position = b"", 8
    while position < len(picture):  # a PNG is chunks of length, name, data, checksum
        length, name = struct.unpack_from(">I4s", picture, position)
        if name == b"IDAT":
            compressed += picture[position + 8 : position + 8 + length]
        position += length + 12
    return "#" + zlib.decompress(compressed)[1:4].hex()


# --- hostile styles ---

HOSTILE = """<style>
* { all: revert; font-size: 50px !important; padding: 40px !important; display: block !important;
  visibility: hidden; opacity: .3; letter-spacing: 1em !important }
dialog { display: none !important }
iframe { width: 10px !important; height: 10px !important }
button, a { width: 300px !important; height: 300px !important; margin: 50px !important }
body { transform: translateX(5px); filter: blur(1px) }
</style>"""
PARTS = ["dialog", "dialog button", "dialog iframe", "span a"]


def test_a_style_sheet_that_is_after_everything_changes_no_size(visitor: Visitor, company: Company) -> None:
    links = company.link() + company.link("data-ringback=button", "Ring me") + company.link("data-ringback=inline")
    place, inline = visitor.page.locator("ringback-inline"), visitor.page.locator("ringback-inline iframe")
    boxes = []
    for head in ("", HOSTILE):
        visitor.goes_to(company, links, head=head)
        place.scroll_into_view_if_needed()
        visitor.has_the_form(inline.content_frame)
        assert box_of(inline)["height"] >= 640
        assert box_of(inline)["width"] == box_of(place)["width"] > 150
        visitor.page.evaluate("() => Ringback.open('sales')")
        visitor.has_the_form_in_the_dialog()
        boxes.append({part: box_of(visitor.page.locator(part)) for part in PARTS})

    plain, hostile = boxes
    assert hostile == plain


def box_of(locator: Locator) -> FloatRect:
    box = locator.first.bounding_box()
    assert box, "it is not shown"
    return box
