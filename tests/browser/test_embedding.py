"""The form as a dialog on other people's pages: links, one script, and what the two of them leave alone."""

import re
from pathlib import Path
from urllib.parse import parse_qs, unquote_plus, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.browser.journeys import ASKING, Company, Visitor, WebSite, international
from tests.running import production

# Writes every event of ours, with its detail, on the page.
LISTENER = """<output id="heard"></output><script>
for (const name of ["open", "begun", "failed", "requested", "close"]) document.addEventListener(
  `ringback:${name}`, ({ detail }) => heard.append(`${name} ${JSON.stringify(detail)} `))
</script>"""


@pytest.fixture
def guest(visitor: Visitor, company: Company) -> Visitor:
    """Somebody on the company's web site, which has the plain link and the script."""
    visitor.goes_to(company, company.link())
    return visitor


def asked_of_the_form(page: Page) -> dict[str, str]:
    """The query that the form in the dialog was asked for with."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.frames[-1].url).query).items()}


# --- the dialog ---


@pytest.mark.ordinary
def test_the_dialog_is_named_after_its_link_and_begins_with_a_close_button_that_is_not_the_forms(
    guest: Visitor,
) -> None:
    guest.opens_the_dialog()

    expect(guest.dialog).to_match_aria_snapshot(f'- dialog "{ASKING}":\n  - button "Close"\n  - iframe')


@pytest.mark.ordinary
def test_the_dialog_is_opened_filled_in_and_closed_by_keyboard_alone(guest: Visitor) -> None:
    keyboard = guest.page.keyboard
    keyboard.press("Tab")
    keyboard.press("Enter")
    guest.has_the_form_in_the_dialog()
    expect(guest.headline).to_be_focused()
    keyboard.press("Tab")
    keyboard.type("Ann Example")
    keyboard.press("Tab")
    keyboard.type(guest.number)
    keyboard.press("Enter")
    guest.has_the_confirmation()
    expect(guest.headline).to_be_focused()
    keyboard.press("Escape")

    expect(guest.dialog).to_be_hidden()
    expect(guest.opener).to_be_focused()


@pytest.mark.ordinary
@pytest.mark.parametrize(
    "way", ["Escape in the form", "Escape on the page", "the close button", "a click beside it"]
)
def test_the_dialog_closes_and_gives_the_focus_back(guest: Visitor, way: str) -> None:
    guest.opens_the_dialog()
    close = guest.close_button
    match way:
        case "Escape in the form":
            guest.phone_field.press("Escape")
        case "Escape on the page":
            close.press("Escape")
        case "the close button":
            close.click()
        case _:
            guest.page.mouse.click(5, 5)

    expect(guest.dialog).to_be_hidden()
    expect(guest.opener).to_be_focused()


@pytest.mark.ordinary
def test_what_was_typed_is_still_there_when_the_dialog_is_opened_again(guest: Visitor) -> None:
    guest.opens_the_dialog()
    guest.fills_in()
    guest.phone_field.press("Escape")
    guest.opens_the_dialog()

    expect(guest.phone_field).to_have_value(guest.number)
    expect(guest.name_field).to_have_value("Ann Example")


@pytest.mark.parametrize("intent", ["hover", "focus"])
def test_whoever_points_at_a_link_finds_the_form_there_when_they_click(
    guest: Visitor, context: BrowserContext, intent: str
) -> None:
    with context.expect_event("request", lambda request: request.url.startswith(guest.form_url)):
        getattr(guest.opener, intent)()
    expect(guest.dialog).to_have_count(0)
    frame = guest.page.locator("iframe").element_handle().content_frame()
    assert frame
    frame.wait_for_load_state()
    guest.opens_the_dialog()

    assert len(guest.page.frames) == 2
    expect(guest.headline).to_be_focused()


# --- which links, which clicks ---


def test_a_link_that_is_added_later_opens_the_dialog(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, "<main></main>")
    visitor.page.locator("main").evaluate("(main, link) => { main.innerHTML = link }", company.link())
    visitor.opens_the_dialog()

    expect(visitor.dialog).to_be_visible()


@pytest.mark.parametrize("modifier", ["Control", "Shift"])
def test_a_click_that_asks_for_another_tab_or_window_gets_one(
    guest: Visitor, context: BrowserContext, modifier: str
) -> None:
    with context.expect_page() as opened:
        guest.opener.click(modifiers=[modifier])

    expect(opened.value.get_by_role("heading", level=1)).to_have_text(ASKING)
    expect(guest.dialog).to_have_count(0)


def test_a_click_that_the_page_has_dealt_with_is_left_alone(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, company.link("onclick='event.preventDefault()'"))
    visitor.opener.click()

    expect(visitor.page).to_have_url(f"{company.web_site.url}/")
    expect(visitor.dialog).to_have_count(0)


@pytest.mark.ordinary
def test_an_inline_form_stands_where_its_link_stood(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, f"<p>before</p>{company.link('data-ringback=inline')}<p>after</p>")
    visitor.has_the_form(visitor.page.frame_locator("iframe"))
    visitor.asks()

    expect(visitor.dialog).to_have_count(0)
    frame = visitor.page.locator("iframe").bounding_box()
    after = visitor.page.get_by_text("after").bounding_box()
    assert frame
    assert after
    assert frame["y"] + frame["height"] <= after["y"]


def test_a_launcher_stays_at_the_corner_of_the_window(visitor: Visitor, company: Company) -> None:
    tall = "<div style='height:3000px'></div>"
    visitor.goes_to(company, tall + company.link("data-ringback=button") + tall)
    expect(visitor.opener).to_have_count(1)
    expect(visitor.opener).to_be_in_viewport(ratio=1)
    visitor.opens_the_dialog()

    expect(visitor.dialog).to_be_visible()


# --- what the page says about the form ---


def test_the_page_hands_on_its_own_language_and_colours(visitor: Visitor, company: Company) -> None:
    dark = '<meta name="color-scheme" content="dark">'
    visitor.goes_to(company, company.link(), language="de", head=dark)
    visitor.opens_the_dialog()

    asked = asked_of_the_form(visitor.page)
    assert (asked["lang"], asked["theme"], asked["page"]) == ("de", "dark", f"{company.web_site.url}/")
    expect(visitor.place.locator("html")).to_have_css("color-scheme", "dark")


def test_a_link_says_it_otherwise(visitor: Visitor, company: Company) -> None:
    said = "data-ringback-lang=fr data-ringback-theme=light data-ringback-plan=pro"
    dark = '<meta name="color-scheme" content="dark">'
    visitor.goes_to(company, company.link(said), language="de", head=dark)
    visitor.opens_the_dialog()

    asked = asked_of_the_form(visitor.page)
    assert (asked["lang"], asked["theme"], asked["plan"]) == ("fr", "light", "pro")
    expect(visitor.place.locator("html")).to_have_css("color-scheme", "light")


def test_the_agent_reads_which_page_it_was_asked_on_and_its_title(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, company.link())
    visitor.opens_the_dialog()
    visitor.close_button.click()
    visitor.page.evaluate(
        "() => { history.pushState(null, '', '/prices?coupon=secret#pro'); document.title = 'Prices – Acme' }"
    )
    visitor.opens_the_dialog()
    visitor.asks()

    asked_on = [
        (call.attributes["page"], call.attributes["page_title"]) for call in company.calls_to(visitor.number)
    ]
    assert asked_on == [(f"{company.web_site.url}/prices", "Prices – Acme")]


def test_a_page_opens_and_closes_the_form_itself(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, "<button onclick='Ringback.open(`sales`, {plan: `pro`})'>Ask</button>")
    visitor.page.get_by_role("button", name="Ask").click()
    visitor.has_the_form_in_the_dialog()
    visitor.asks()
    visitor.page.evaluate("() => Ringback.close()")

    expect(visitor.dialog).to_be_hidden()
    assert [call.attributes["plan"] for call in company.calls_to(visitor.number)] == ["pro"]


# --- what the form tells the page ---


@pytest.mark.ordinary
def test_the_page_hears_when_the_form_is_opened_begun_sent_in_vain_sent_and_closed(
    visitor: Visitor, company: Company
) -> None:
    visitor.goes_to(company, LISTENER + company.link())
    visitor.opens_the_dialog()
    with visitor.page.expect_request("**/sales/begun") as counted:
        visitor.fills_in(phone="12")
    assert counted.value.post_data is None
    visitor.sends()
    expect(visitor.page.locator("#heard")).to_contain_text("failed")
    visitor.asks()
    told = f'requested {{"widget":"sales","reference":"{visitor.reference}","state":'
    expect(visitor.page.locator("#heard")).to_contain_text(told)
    visitor.close_button.click()

    of_form = r'\{"widget":"sales"\}'
    heard = rf"^open null begun {of_form} failed {of_form} requested \{{[^}}]*\}} close null $"
    expect(visitor.page.locator("#heard")).to_have_text(re.compile(heard))


@pytest.mark.ordinary
def test_another_frame_on_the_page_cannot_speak_for_the_form(visitor: Visitor, company: Company) -> None:
    lie = "{ringback: 1, type: 'requested', widget: 'sales', reference: 'RB-0000-0000', state: 'with_team'}"
    tries = f"for (const lie of [{lie}, {{ringback: 1, type: 'escape'}}]) parent.postMessage(lie, '*')"
    company.web_site.shows(f"<script>{tries}</script>", path="/advert")
    visitor.goes_to(company, LISTENER + company.link())
    visitor.opens_the_dialog()
    visitor.page.evaluate(
        """() => new Promise((loaded) => {
          const advert = Object.assign(document.createElement("iframe"), { src: "/advert", onload: loaded });
          document.body.append(advert);
        })"""
    )

    expect(visitor.dialog).to_be_visible()
    expect(visitor.page.locator("#heard")).to_have_text("open null")


# --- what is left alone ---


def test_the_script_pasted_twice_acts_once(visitor: Visitor, company: Company) -> None:
    links = company.link() + company.link("data-ringback=button", "Ring me")
    visitor.goes_to(company, LISTENER + links + company.script)
    visitor.opens_the_dialog()

    expect(visitor.dialog).to_have_count(1)
    expect(visitor.page.locator("iframe")).to_have_count(1)
    expect(visitor.page.locator("#heard")).to_have_text("open null")
    visitor.page.evaluate("() => Ringback.close()")
    expect(visitor.page.get_by_role("link", name="Ring me")).to_have_count(1)


@pytest.mark.ordinary
def test_the_strictest_policy_needs_no_exception(visitor: Visitor, company: Company) -> None:
    ours = company.ringback.url
    policy = f"default-src 'none'; script-src {ours}; frame-src {ours}; require-trusted-types-for 'script'"
    complaints: list[str] = []
    visitor.page.on("console", lambda message: complaints.append(message.text))
    links = company.link() + company.link("data-ringback=button")
    visitor.goes_to(company, links, Content_Security_Policy=policy)
    visitor.opens_the_dialog()
    visitor.asks()

    box = visitor.dialog.bounding_box()
    assert box
    assert box["width"] == 390, "its own styles are there"
    assert complaints == []


def test_the_page_gets_one_new_global(visitor: Visitor, company: Company) -> None:
    globals_of = "() => Object.getOwnPropertyNames(window)"
    company.web_site.shows(company.link())
    visitor.page.goto(company.web_site.url)
    before = set(visitor.page.evaluate(globals_of))
    visitor.goes_to(company, company.link())
    visitor.opens_the_dialog()

    assert set(visitor.page.evaluate(globals_of)) - before == {"Ringback"}


# --- when the form does not come ---


def test_a_server_that_is_down_leaves_the_visitor_a_sentence_and_a_link(
    visitor: Visitor, company: Company, tmp_path: Path
) -> None:
    server = production(tmp_path, "http://127.0.0.1:9").start()
    other = Company(server, company.samespace, company.web_site)
    visitor.goes_to(other, other.link())
    server.kill()
    visitor.opener.click()

    expect(visitor.dialog.get_by_text("The form did not load.")).to_be_visible()
    expect(visitor.dialog.get_by_role("link")).to_have_attribute("href", re.compile(f"^{other.form_url}"))
    visitor.page.keyboard.press("Escape")
    expect(visitor.dialog).to_be_hidden()


@pytest.mark.ordinary
def test_a_site_that_may_not_frame_the_form_leaves_the_visitor_a_link_that_works(
    visitor: Visitor, company: Company, context: BrowserContext
) -> None:
    with WebSite() as strange_site:
        stranger = Company(company.ringback, company.samespace, strange_site)
        visitor.goes_to(stranger, stranger.link())
        visitor.opener.click()
        expect(visitor.dialog.get_by_text("The form did not load.")).to_be_visible()
        with context.expect_page() as opened:
            visitor.dialog.get_by_role("link").click()

        expect(opened.value.get_by_role("heading", level=1)).to_have_text(ASKING)


# --- what a person typed ---


@pytest.mark.ordinary
def test_what_the_page_knows_of_a_person_fills_the_form_and_is_not_sent_before_they_send_it(
    visitor: Visitor, company: Company, context: BrowserContext
) -> None:
    requests: list[Request] = []
    context.on("request", lambda request: requests.append(request))
    known = f"data-ringback-name='Ann Unmistakable' data-ringback-phone='{international(visitor.number)}'"
    visitor.goes_to(company, company.link(known + " data-ringback-email='ann+unmistakable@example.test'"))
    visitor.opens_the_dialog()
    expect(visitor.name_field).to_have_value("Ann Unmistakable")
    expect(visitor.phone_field).to_have_value(international(visitor.number))
    expect(visitor.place.get_by_label("Email address")).to_have_value("ann+unmistakable@example.test")
    assert "#" not in visitor.page.frames[-1].url
    assert not [
        request.url for request in requests if is_told(request, "nmistakable", international(visitor.number))
    ]
    visitor.sends()
    visitor.has_the_confirmation()

    told = [request.method for request in requests if is_told(request, "nmistakable", "7946")]
    assert told == ["POST"]


def is_told(request: Request, *words: str) -> bool:
    """Whether one of the words stands in anything of a request."""
    everything = unquote_plus(f"{request.url} {request.all_headers()} {request.post_data}")
    return any(word in everything for word in words)
