"""The install page in front of a site owner: by keyboard, without a script, and what is pasted works."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from urllib.request import urlopen

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page, Route, expect

from tests.browser.journeys import ASKING, Company, Dock, Visitor
from tests.browser.test_accessibility import AXE, LOOKS, RULES, WIDTHS, findings, lost
from tests.pairs import once_or_all
from tests.running import Server

UPDATED = "The snippet and the preview are up to date."


class SiteOwner:
    """Somebody who is to put the form on a site, and has ten minutes."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def opens(self, query: str = "") -> None:
        self.page.goto(self.url + query)

    def chooses(self, mode: str) -> None:
        self.page.get_by_label(mode, exact=True).check()
        expect(self.snippet).to_have_value(re.compile(f'data-ringback="{mode.lower()}"'))

    def presses(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def comes_by_tab_to(self, place: Locator) -> None:
        for _ in range(30):
            self.page.keyboard.press("Tab")
            if place.evaluate("(element) => element === document.activeElement"):
                return
        raise AssertionError("the keyboard never came there")

    @property
    def snippet(self) -> Locator:
        return self.page.get_by_label("Into your page, where the link should stand")

    @property
    def finding(self) -> Locator:
        return self.page.locator("#finding")

    @property
    def news(self) -> Locator:
        """What a screen reader is told."""
        return self.page.locator("#news")

    @property
    def preview(self) -> FrameLocator:
        """The page in the page: scrolled to, since what nobody sees is not loaded."""
        self.page.locator("iframe[title^=Preview]").scroll_into_view_if_needed()
        return self.page.frame_locator("iframe[title^=Preview]")

    def asks_in_the_preview(self) -> None:
        """Click its link once its script is there: before, the link leads to the form on a page of its own."""
        has_script = "async () => { while (!window.Ringback) await new Promise(requestAnimationFrame) }"
        self.preview.locator("html").evaluate(has_script)
        self.preview.get_by_role("link", name=ASKING).click()


@pytest.fixture
def owner(page: Page, served: Server) -> SiteOwner:
    return SiteOwner(page, f"{served.url}/demo/install")


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser has to say, such as of a policy that was broken."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    return heard


@pytest.fixture
def paste(page: Page, served: Server, company: Company) -> Callable[..., None]:
    """Put what was copied on the company's web site, with its own Ringback's address, and go there."""

    def paste(text: str, head: str = "") -> None:
        body, in_head = (
            each.replace(f"{served.url}/demo", company.form_url).replace(served.url, company.ringback.url)
            for each in (text, head)
        )
        company.web_site.shows(body, head=in_head)
        page.goto(company.web_site.url)

    return paste


# --- choosing ---


@pytest.mark.ordinary
def test_everything_is_chosen_and_copied_by_keyboard_alone(owner: SiteOwner, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    owner.opens()
    dialog, inline = owner.page.get_by_label("Dialog", exact=True), owner.page.get_by_label("Inline", exact=True)
    owner.comes_by_tab_to(dialog)
    owner.presses("ArrowDown")
    expect(owner.snippet).to_have_value(re.compile('data-ringback="inline"'))
    expect(inline).to_be_focused()
    expect(owner.news).to_have_text(UPDATED)
    theme = owner.page.get_by_label("Light or dark")
    owner.comes_by_tab_to(theme)
    owner.presses("D")
    expect(owner.snippet).to_have_value(re.compile('data-ringback-theme="dark"'))
    expect(theme).to_be_focused()
    copy = owner.page.get_by_role("button", name="Copy the snippet")
    owner.comes_by_tab_to(copy)
    owner.presses("Enter")

    expect(owner.page.get_by_text("Copied")).to_be_visible()
    expect(copy).to_be_focused()
    copied = owner.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == owner.snippet.input_value()
    owner.page.reload()
    expect(owner.snippet).to_have_value(copied)


def test_an_address_is_checked_where_it_is_typed(owner: SiteOwner) -> None:
    owner.opens()
    preview = owner.page.locator("iframe").element_handle()
    site = owner.page.get_by_label("Address of your page")
    site.fill("https://www.acme.com/contact")
    site.press("Enter")
    sentence = 'www.acme.com may not show the form yet: add "https://www.acme.com" to origins of [widgets.demo]'

    expect(owner.finding).to_contain_text(sentence)
    expect(owner.news).to_contain_text(sentence)
    expect(owner.page.get_by_label("The line in ringback.toml")).to_have_value(re.compile("https://www.acme.com"))
    expect(site).to_be_focused()
    expect(site).to_have_accessible_description(re.compile("may not show the form yet"))
    assert preview.evaluate("(frame) => frame.isConnected"), "what is being tried is left alone"


def test_an_answer_that_comes_late_does_not_undo_a_later_choice(owner: SiteOwner) -> None:
    owner.opens()
    late: list[Route] = []
    owner.page.route(re.compile("install.*mode=inline"), lambda route: late.append(route))
    owner.page.get_by_label("Dialog", exact=True).focus()
    owner.presses("ArrowDown", "ArrowDown")
    expect(owner.snippet).to_have_value(re.compile('data-ringback="button"'))
    with owner.page.expect_response(re.compile("install.*mode=inline")) as answer:
        late[0].continue_()
    answer.value.finished()
    owner.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    expect(owner.snippet).to_have_value(re.compile('data-ringback="button"'))


def test_a_server_that_does_not_answer_is_told_and_asked_again_by_button(owner: SiteOwner) -> None:
    owner.opens()
    update = owner.page.get_by_role("button", name="Update")
    expect(update).to_be_hidden()
    owner.page.route("**/install?*", lambda route: route.abort(), times=1)
    owner.page.get_by_label("Button", exact=True).check()
    expect(owner.page.get_by_text("Ringback does not answer.")).to_be_visible()
    update.click()

    expect(owner.snippet).to_have_value(re.compile('data-ringback="button"'))
    expect(owner.page.get_by_text("Ringback does not answer.")).to_be_hidden()
    expect(update).to_be_hidden()


# --- the preview ---


def test_a_call_is_asked_for_in_the_preview_and_rings_on_the_dock(
    owner: SiteOwner, sandbox_visitor: Visitor, dock: Dock, complaints: list[str]
) -> None:
    owner.opens()
    owner.asks_in_the_preview()
    sandbox_visitor.has_the_form(owner.preview.get_by_role("dialog").frame_locator("iframe"))
    sandbox_visitor.asks()
    owner.preview.get_by_role("button", name="Close").click()
    expect(owner.preview.get_by_role("dialog")).to_be_hidden()
    dock.opens()

    expect(dock.call(sandbox_visitor.number)).to_be_visible()
    assert complaints == []


def test_an_inline_form_is_filled_in_within_the_preview(
    owner: SiteOwner, sandbox_visitor: Visitor, complaints: list[str]
) -> None:
    owner.opens()
    owner.chooses("Inline")
    sandbox_visitor.has_the_form(owner.preview.frame_locator("iframe"))
    sandbox_visitor.asks()

    assert complaints == []


def test_a_launcher_shows_in_the_colour_that_was_picked(owner: SiteOwner, complaints: list[str]) -> None:
    owner.opens()
    owner.chooses("Button")
    owner.page.get_by_label("Colour of the buttons").fill("#ffcc00")
    expect(owner.page.get_by_label("for the colour of the form")).to_have_value('brand = "#ffcc00"')
    expect(owner.page.get_by_text("Request call", exact=True)).to_have_css("background-color", "rgb(255, 204, 0)")
    launcher = owner.preview.get_by_role("link", name=ASKING)

    expect(launcher).to_have_css("background-color", "rgb(255, 204, 0)")
    expect(launcher).to_have_css("color", "rgb(0, 0, 0)")
    assert complaints == []


# --- what is pasted ---


@pytest.mark.ordinary
@pytest.mark.parametrize("mode", ["Dialog", "Inline", "Button"])
def test_what_is_copied_works_on_a_site_as_it_stands(
    owner: SiteOwner, visitor: Visitor, paste: Callable[..., None], company: Company, mode: str
) -> None:
    owner.opens()
    if mode != "Dialog":
        owner.chooses(mode)
    paste(owner.snippet.input_value())
    if mode == "Inline":
        visitor.has_the_form(owner.page.frame_locator("iframe"))
    else:
        visitor.opens_the_dialog()
    visitor.asks()

    assert company.calls_to(visitor.number)


def hash_of_the_script(server: Server) -> str:
    with urlopen(f"{server.url}/embed.js") as answer:
        return base64.b64encode(hashlib.sha384(answer.read()).digest()).decode()


def test_a_page_with_the_policy_and_the_hash_shown_opens_the_form(
    owner: SiteOwner,
    visitor: Visitor,
    served: Server,
    company: Company,
    paste: Callable[..., None],
    complaints: list[str],
) -> None:
    owner.opens()
    link, script = owner.snippet.input_value().split("\n")
    policy = owner.page.get_by_label("Into the policy of your pages").input_value()
    pinned = owner.page.get_by_label("In place of the script above").input_value()
    assert pinned.startswith(script.removesuffix("></script>"))
    header = f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; {policy}">'
    # Each server's script has its own address in it.
    paste(link + pinned.replace(hash_of_the_script(served), hash_of_the_script(company.ringback)), header)
    visitor.opens_the_dialog()
    visitor.asks()

    assert complaints == []


# --- without a script ---


@pytest.fixture
def plain_owner(browser: Browser, served: Server) -> Iterator[SiteOwner]:
    """One whose browser runs no scripts."""
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    context.set_default_timeout(10_000)
    yield SiteOwner(context.new_page(), f"{served.url}/demo/install")
    context.close()


@pytest.mark.ordinary
def test_without_a_script_a_button_brings_the_snippet_the_preview_and_the_finding(plain_owner: SiteOwner) -> None:
    owner = plain_owner
    owner.opens()
    owner.page.get_by_label("Inline", exact=True).check()
    owner.page.get_by_label("Light or dark").select_option("Dark")
    owner.page.get_by_role("button", name="Update").click()
    expect(owner.page).to_have_url(re.compile("mode=inline.*#paste$"))
    expect(owner.snippet).to_have_value(re.compile('data-ringback="inline" data-ringback-theme="dark"'))
    expect(owner.preview.get_by_role("link", name=ASKING)).to_have_attribute("data-ringback", "inline")
    expect(owner.page.get_by_role("button", name="Copy")).to_have_count(0)
    owner.page.get_by_label("Address of your page").fill("localhost")
    owner.page.get_by_role("button", name="Check").click()

    expect(owner.page).to_have_url(re.compile("mode=inline.*#check$"))
    expect(owner.finding).to_contain_text("this page is at https://localhost, which is another origin")
    expect(owner.snippet).to_have_value(re.compile('data-ringback="inline"'))


# --- for everybody ---


def inspect(page: Page, looks: list[tuple[str, int]]) -> None:
    """As for every other page, and what is framed on it too."""
    frames = [frame for frame in page.frames if frame.url.startswith("http")]
    for frame in frames:
        frame.evaluate(AXE_SCRIPT)
    for look, width in looks:
        page.emulate_media(**LOOKS[look])
        page.set_viewport_size({"width": width, "height": 844})
        for frame in frames:
            assert findings(frame.evaluate(AXE, RULES)) == [], f"{look}, {width} px: {frame.url}"
            assert lost(frame) == [], f"{width} px: {frame.url}"


@pytest.mark.parametrize("looks", once_or_all(tuple(LOOKS), WIDTHS))
@pytest.mark.parametrize(
    "query", ["", "?mode=button&color=ffcc00&site=www.acme.com", "?mode=inline&theme=dark&site=x"]
)
def test_axe_finds_nothing(owner: SiteOwner, query: str, looks: list[tuple[str, int]]) -> None:
    owner.page.emulate_media(reduced_motion="reduce")
    owner.opens(query)
    preview = owner.preview
    if not query:
        owner.asks_in_the_preview()
    expect(preview.locator("h1")).to_be_visible()
    if "button" not in query:
        expect(preview.frame_locator("iframe").locator("h1")).to_be_visible()
    inspect(owner.page, looks)


def test_the_other_pages_of_the_sandbox_lead_to_it(owner: SiteOwner, sandbox_site: str, dock: Dock) -> None:
    dock.opens()
    expect(dock.page.get_by_role("link", name="Put it on your site")).to_have_attribute("href", "/demo/install")
    owner.page.goto(sandbox_site)
    owner.page.get_by_role("link", name="Put it on your site").click()

    expect(owner.page).to_have_url(owner.url)
