"""The three ways to put the form on a site: by keyboard, on any screen, and when it does not come."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from tests.browser.journeys import ASKING, Company, Visitor, WebSite
from tests.running import Server, free_port

MODES = ["dialog", "inline", "button"]
RESERVED = "style='display:block;min-height:640px'"
DID_NOT_COME = "The form did not load."
SCREENS = {
    "a narrow phone": (320, 568),
    "a phone": (390, 844),
    "a phone on its side": (844, 390),
    "a desk": (1280, 800),
}
RIGHT_TO_LEFT = "<script>document.documentElement.dir = 'rtl'</script>"
# Adds up how far the page's things jumped, from its first moment; also what a visitor's own act excuses.
SHIFTS = """<script>
shifted = 0
new PerformanceObserver((list) => { for (const { value } of list.getEntries()) shifted += value })
  .observe({ type: "layout-shift", buffered: true })
</script>"""


def link_in_mode(company: Company, mode: str, attributes: str = "") -> str:
    return company.link(f"data-ringback={mode} {attributes}")


def box_of(locator: Locator) -> dict[str, float]:
    box = locator.bounding_box()
    assert box, "it is not shown"
    return {**box, "right": box["x"] + box["width"], "bottom": box["y"] + box["height"]}


# --- without JavaScript ---


@pytest.mark.parametrize("mode", MODES)
def test_without_javascript_the_link_leads_to_the_form_and_the_form_to_a_request(
    browser: Browser, company: Company, mode: str
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    visitor = Visitor(context.new_page(), company.form_url)
    visitor.goes_to(company, link_in_mode(company, mode))
    visitor.opener.click()
    visitor.has_the_form(visitor.page)
    visitor.asks()

    assert len(company.calls_to(visitor.number)) == 1
    context.close()


# --- what it costs ---


@pytest.fixture
def requests(context: BrowserContext) -> list[Request]:
    """Everything that was asked for, by the page and its frames."""
    asked: list[Request] = []
    context.on("request", lambda request: asked.append(request))
    return asked


@pytest.mark.ordinary
def test_before_anybody_acts_the_script_is_all_that_is_loaded(
    visitor: Visitor, company: Company, requests: list[Request]
) -> None:
    visitor.goes_to(company, company.link() + link_in_mode(company, "button", "id=launcher"))
    visitor.page.wait_for_load_state("networkidle")

    site, ours = company.web_site.url, company.ringback.url
    assert [request.url for request in requests] == [f"{site}/", f"{ours}/embed.js"]
    expect(visitor.page.locator("iframe")).to_have_count(0)


def test_an_inline_form_far_below_is_not_loaded_before_it_is_near(
    visitor: Visitor, company: Company, requests: list[Request]
) -> None:
    visitor.goes_to(company, "<div style='height:5000px'></div>" + link_in_mode(company, "inline"))
    visitor.page.wait_for_load_state("networkidle")
    assert len(requests) == 2
    visitor.page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")

    visitor.has_the_form(visitor.page.frame_locator("iframe"))


@pytest.mark.parametrize("mode", ["constructor", "__proto__", "toString", "Inline", ""])
def test_what_is_no_mode_leaves_a_link_that_opens_the_dialog(
    visitor: Visitor, company: Company, mode: str
) -> None:
    """A name that every object has a member of once hid the link for good."""
    visitor.goes_to(company, company.link(f"data-ringback='{mode}'"))

    visitor.opens_the_dialog()


@pytest.mark.ordinary
def test_fifty_links_to_a_form_share_one_frame_and_each_of_them_opens_it(
    visitor: Visitor, company: Company
) -> None:
    visitor.goes_to(company, "<br>".join(company.link(words=f"Ring me about room {room}") for room in range(50)))
    for room in (0, 7, 49):
        visitor.opens_the_dialog(f"Ring me about room {room}")
        expect(visitor.dialog).to_have_accessible_name(f"Ring me about room {room}")
        visitor.close_button.click()
        expect(visitor.page.get_by_role("link", name=f"Ring me about room {room}").first).to_be_focused()

    expect(visitor.page.locator("iframe")).to_have_count(1)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_on_the_page_jumps_when_the_script_comes_late(
    visitor: Visitor, company: Company, mode: str
) -> None:
    paragraph = "<p>All rooms look out on the garden.</p>"
    link = link_in_mode(company, mode, RESERVED if mode == "inline" else "")
    company.web_site.shows(paragraph + link + paragraph, head=SHIFTS)
    visitor.page.goto(company.web_site.url)
    two_frames_later(visitor.page)
    visitor.page.add_script_tag(url=f"{company.ringback.url}/embed.js")
    if mode == "inline":
        visitor.has_the_form(visitor.page.frame_locator("iframe"))
        expect(visitor.button).to_be_visible()
    else:
        visitor.opens_the_dialog()
        visitor.close_button.click()
        expect(visitor.dialog).to_be_hidden()

    two_frames_later(visitor.page)
    assert visitor.page.evaluate("() => shifted") == 0


def two_frames_later(page: Page) -> None:
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


# --- by keyboard ---

AROUND = "<a href=#before>before</a> {link} <input aria-label=after> <button>last</button>"
# Where the keyboard is, seen from the page: the embed's element, or something of the page's own.
FOCUSED = "() => document.activeElement.localName"


@pytest.mark.ordinary
def test_the_keyboard_stays_in_the_dialog_until_escape(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, AROUND.format(link=company.link()))
    visitor.opener.press("Enter")
    visitor.has_the_form_in_the_dialog()
    expect(visitor.headline).to_be_focused()
    met = set()
    for key in ["Tab"] * 15 + ["Shift+Tab"] * 15:
        visitor.page.keyboard.press(key)
        met.add(visitor.page.evaluate(FOCUSED))

    assert "ringback-embed" in met
    assert met <= {"ringback-embed", "body"}, "the body is the browser's own controls, which headless has none of"
    visitor.phone_field.focus()
    visitor.page.keyboard.press("Escape")
    expect(visitor.dialog).to_be_hidden()
    expect(visitor.opener).to_be_focused()


def test_the_close_button_is_one_step_before_the_heading(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, AROUND.format(link=company.link()))
    visitor.opens_the_dialog()
    expect(visitor.headline).to_be_focused()
    visitor.page.keyboard.press("Shift+Tab")
    expect(visitor.close_button).to_be_focused()
    visitor.page.keyboard.press("Enter")

    expect(visitor.dialog).to_be_hidden()
    expect(visitor.opener).to_be_focused()


def test_a_launcher_is_opened_and_closed_by_keyboard_and_has_the_focus_again(
    visitor: Visitor, company: Company
) -> None:
    visitor.goes_to(company, link_in_mode(company, "button"))
    visitor.page.keyboard.press("Tab")
    expect(visitor.opener).to_be_focused()
    visitor.page.keyboard.press("Enter")
    visitor.has_the_form_in_the_dialog()
    expect(visitor.headline).to_be_focused()
    visitor.page.keyboard.press("Escape")

    expect(visitor.dialog).to_be_hidden()
    expect(visitor.opener).to_be_focused()


# --- on any screen, in any direction ---


@pytest.mark.ordinary
@pytest.mark.parametrize("screen", SCREENS)
def test_the_dialog_fits_the_screen(visitor: Visitor, company: Company, screen: str) -> None:
    width, height = SCREENS[screen]
    visitor.page.set_viewport_size({"width": width, "height": height})
    visitor.goes_to(company, company.link(), head="<meta name=viewport content='width=device-width'>")
    visitor.opens_the_dialog()
    dialog, close = box_of(visitor.dialog), box_of(visitor.close_button)

    for content in (visitor.place.locator("html"), visitor.dialog, visitor.page.locator("html")):
        assert content.evaluate("(shown) => shown.scrollWidth - shown.clientWidth") <= 0, "it scrolls sideways"
    assert dialog["y"] >= 0
    assert dialog["bottom"] <= height
    assert close["y"] >= dialog["y"]
    assert close["right"] <= dialog["right"]
    assert min(close["width"], close["height"]) >= 44, "big enough for a thumb"
    if width < 480:
        assert (dialog["x"], dialog["right"], dialog["bottom"]) == (0, width, height), "a form at the bottom"
    else:
        assert dialog["width"] <= 416
        assert dialog["x"] == width - dialog["right"], "in the middle"
    visitor.close_button.click()
    expect(visitor.dialog).to_be_hidden()


def test_an_arabic_page_gets_its_language_and_its_direction(visitor: Visitor, company: Company) -> None:
    visitor.page.set_viewport_size({"width": 1280, "height": 800})
    visitor.goes_to(company, company.link() + link_in_mode(company, "button"), language="ar", head=RIGHT_TO_LEFT)
    launcher = box_of(visitor.opener.last)
    assert launcher["x"] < 100, "at the inline end"
    visitor.opens_the_dialog()
    dialog, close = box_of(visitor.dialog), box_of(visitor.close_button)

    assert close["x"] - dialog["x"] < 20, "at the inline end"
    assert "&lang=ar&" in visitor.page.frames[-1].url


def test_neither_launcher_nor_dialog_is_printed(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, link_in_mode(company, "button"))
    visitor.opens_the_dialog()
    visitor.page.emulate_media(media="print")

    expect(visitor.dialog).to_be_hidden()
    expect(visitor.opener).to_be_hidden()


def test_nothing_moves_for_people_who_asked_for_less_motion(visitor: Visitor, company: Company) -> None:
    count = "document.querySelector('ringback-embed').shadowRoot.getAnimations().length"
    opened = "<p id=moving></p><script>document.addEventListener('ringback:open', () => "
    opened += f"document.querySelector('#moving').append({count}))</script>"
    visitor.page.emulate_media(reduced_motion="reduce")
    visitor.goes_to(company, opened + company.link())
    visitor.opens_the_dialog()

    expect(visitor.page.locator("#moving")).to_have_text("0")


# --- coming and going ---


@pytest.mark.parametrize("left", ["with the dialog open", "with the dialog closed"])
def test_a_page_that_was_left_and_returned_to_is_of_use(visitor: Visitor, company: Company, left: str) -> None:
    company.web_site.shows("<h1>Elsewhere</h1>", path="/elsewhere")
    visitor.goes_to(company, "<a href=/elsewhere>Elsewhere</a>" + company.link() + "<div style='height:3000px'>")
    visitor.opens_the_dialog()
    if left.endswith("closed"):
        visitor.close_button.click()
        expect(visitor.dialog).to_be_hidden()
    visitor.page.evaluate("() => location.assign('/elsewhere')")
    expect(visitor.page.get_by_role("heading", name="Elsewhere")).to_be_visible()
    visitor.page.go_back()

    expect(visitor.dialog).to_be_hidden()
    visitor.opens_the_dialog()
    visitor.asks()
    visitor.close_button.click()
    scrolls_by_wheel(visitor.page, 400)


def scrolls_by_wheel(page: Page, pixels: int) -> None:
    page.mouse.move(200, 200)
    page.mouse.wheel(0, pixels)
    page.wait_for_function("(pixels) => scrollY === pixels", arg=pixels)


# --- when the form does not come ---


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of somebody who takes every call and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def elsewhere(company: Company, port: int, context: BrowserContext, folder: Path) -> Company:
    """A company whose Ringback is gone: only its script is still there, as out of the browser's cache."""
    gone = Company(Server([], folder, {}, port, folder), company.samespace, company.web_site)
    with urlopen(f"{company.ringback.url}/embed.js") as answer:
        script = answer.read().replace(company.ringback.url.encode(), gone.ringback.url.encode())
    context.route(
        f"{gone.ringback.url}/embed.js", lambda route: route.fulfill(body=script, content_type="text/javascript")
    )
    return gone


def test_a_server_that_never_answers_is_given_up_after_eight_seconds(
    visitor: Visitor, company: Company, context: BrowserContext, silent_server: int, tmp_path: Path
) -> None:
    gone = elsewhere(company, silent_server, context, tmp_path)
    visitor.page.clock.install()
    visitor.goes_to(gone, gone.link())
    visitor.opener.click()
    expect(visitor.dialog).to_be_visible()
    visitor.page.clock.fast_forward(5_000)
    expect(visitor.dialog.get_by_text(DID_NOT_COME)).to_have_count(0)
    visitor.page.clock.fast_forward(3_000)

    expect(visitor.dialog.get_by_text(DID_NOT_COME)).to_be_visible()
    expect(visitor.dialog.get_by_role("link")).to_have_attribute("href", re.compile(f"^{gone.form_url}"))


def test_an_inline_form_whose_server_is_down_says_so_where_it_would_stand(
    visitor: Visitor, company: Company, context: BrowserContext, tmp_path: Path
) -> None:
    gone = elsewhere(company, free_port(), context, tmp_path)
    visitor.goes_to(gone, link_in_mode(gone, "inline"))

    says_that_it_did_not_come(visitor, gone)


def test_an_inline_form_on_a_site_that_may_not_frame_it_says_so_where_it_would_stand(
    visitor: Visitor, company: Company, context: BrowserContext
) -> None:
    with WebSite() as strange_site:
        stranger = Company(company.ringback, company.samespace, strange_site)
        visitor.goes_to(stranger, link_in_mode(stranger, "inline"))

        says_that_it_did_not_come(visitor, stranger)
        with context.expect_page() as opened:
            visitor.page.get_by_role("link", name="Open it").click()
        expect(opened.value.get_by_role("heading", level=1)).to_have_text(ASKING)


def says_that_it_did_not_come(visitor: Visitor, company: Company) -> None:
    place = visitor.page.locator("ringback-inline")
    expect(place.get_by_text(DID_NOT_COME)).to_be_visible()
    expect(place.get_by_role("link")).to_have_attribute("href", re.compile(f"^{company.form_url}"))
