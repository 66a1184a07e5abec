"""Which links are ours whoever serves the script's bytes, how they may be written, and what they are called."""

import re
from urllib.parse import unquote
from urllib.request import urlopen

import pytest
from playwright.sync_api import ConsoleMessage, expect

from tests.browser.journeys import ASKING, Company, Visitor

HERE = "text/javascript"


def bytes_of_the_script(company: Company) -> bytes:
    with urlopen(f"{company.ringback.url}/embed.js") as answer:
        return bytes(answer.read())


def comes_to(visitor: Visitor, company: Company, body: str, **page: str) -> None:
    """To a page that has this and no more: not even the script."""
    company.web_site.shows(body, **page)
    visitor.page.goto(company.web_site.url)


# --- whose script it is ---

COPIED = {
    "from a path of the site's own": "<script src=/ringback.js></script>",
    "in a bundle": "<script src=/bundle.js></script>",
    "as a module": "<script type=module src=/ringback.js></script>",
    "in the page": "<script>{}</script>",
}


@pytest.mark.ordinary
@pytest.mark.parametrize("copied", COPIED)
def test_copied_bytes_open_our_links_and_leave_the_sites_own_alone(
    visitor: Visitor, company: Company, copied: str
) -> None:
    script = bytes_of_the_script(company)
    company.web_site.serves("/ringback.js", script, HERE)
    company.web_site.serves("/bundle.js", b"var site = 1;\n" + script + b"\nvar more = 2;", HERE)
    company.web_site.shows("<h1>Prices</h1>", path="/prices")
    own = "<a href=/prices>Prices</a> <a href=/ data-ringback=inline>Home</a>"
    own += "<a href=/sales data-ringback=button>Sale</a>"
    comes_to(visitor, company, company.link() + own + COPIED[copied].replace("{}", script.decode()))
    for name in ("Home", "Sale"):
        expect(visitor.page.get_by_role("link", name=name)).to_be_visible()
    expect(visitor.page.locator("ringback-inline")).to_have_count(0)
    visitor.opens_the_dialog()
    visitor.close_button.click()
    visitor.page.get_by_role("link", name="Prices").click()

    expect(visitor.page.get_by_role("heading", name="Prices")).to_be_visible()


@pytest.mark.parametrize("path", ["/stop", "/install", "/sale", "/sales/more", "/requests/0"])
def test_what_else_we_have_is_no_form(visitor: Visitor, company: Company, path: str) -> None:
    visitor.goes_to(company, f'<a href="{company.ringback.url}{path}">Elsewhere</a>')
    visitor.page.get_by_role("link", name="Elsewhere").click()

    expect(visitor.page).to_have_url(re.compile(f"^{company.ringback.url}{path}"))


def test_bytes_that_nobody_served_leave_the_links_and_say_one_line(visitor: Visitor, company: Company) -> None:
    """As copied out of the sources, where nothing says whose they are."""
    said: list[ConsoleMessage] = []
    thrown: list[object] = []
    visitor.page.on("console", lambda line: said.append(line))
    visitor.page.on("pageerror", lambda error: thrown.append(error))
    with open("static/embed.js", "rb") as source:
        company.web_site.serves("/embed.js", source.read(), HERE)
    links = (
        company.link()
        + company.link("data-ringback=inline", "Here")
        + company.link("data-ringback=button", "Ring")
    )
    comes_to(visitor, company, links + "<script src=/embed.js></script>")
    for name in ("Here", "Ring"):
        expect(visitor.page.get_by_role("link", name=name)).to_be_visible()
    visitor.opener.click()
    visitor.has_the_form(visitor.page)

    assert [(line.type, line.text.startswith("Ringback:")) for line in said] == [("warning", True)]
    assert thrown == []


# --- as they are written ---


SPELLINGS = ["/SALES", "/Sales/", "/sales/", "/", "", "/sales?", "/sales#", "/sales?utm_source=mail"]


@pytest.mark.ordinary
def test_however_a_link_is_written_it_leads_to_one_form(visitor: Visitor, company: Company) -> None:
    address = company.ringback.url.upper()
    others = [f'<a href="{address}{path}">Ring me {turn}</a>' for turn, path in enumerate(SPELLINGS)]
    visitor.goes_to(company, company.link() + " ".join(others))
    visitor.opens_the_dialog()
    visitor.fills_in()
    for turn, path in enumerate(SPELLINGS):
        visitor.close_button.click()
        visitor.opens_the_dialog(f"Ring me {turn}")

        expect(visitor.phone_field, path).to_have_value(visitor.number)
        expect(visitor.page.locator("iframe"), path).to_have_count(1)


def test_a_link_in_capitals_leads_to_the_form_by_itself(visitor: Visitor, company: Company) -> None:
    """A QR code has fewer dots in capitals."""
    visitor.page.goto(f"{company.ringback.url}/SALES")
    visitor.has_the_form(visitor.page)
    visitor.asks()

    assert len(company.calls_to(visitor.number)) == 1


@pytest.mark.parametrize("added", ["?plan=pro&_gl=1*{}", "?plan=pro&gclid={}&utm_campaign=x", "?plan=pro#_gl={}"])
def test_what_other_scripts_add_to_a_link_loses_nothing_that_was_typed(
    visitor: Visitor, company: Company, added: str
) -> None:
    decorate = """<script>
    let clicks = 0;
    addEventListener("mousedown", ({ target }) => {
      const link = target.closest?.("a");
      if (link) link.href = link.href.split(/[?#]/)[0] + "ADDED".replace("{}", ++clicks);
    });
    </script>""".replace("ADDED", added)
    visitor.goes_to(company, decorate + company.link().replace("/sales", "/sales?plan=pro"))
    visitor.opens_the_dialog()
    visitor.fills_in()
    for _ in range(2):
        visitor.close_button.click()
        visitor.opens_the_dialog()
    expect(visitor.phone_field).to_have_value(visitor.number)
    assert "_gl" not in visitor.page.frames[-1].url
    visitor.sends()
    visitor.has_the_confirmation()

    assert company.calls_to(visitor.number)[0].attributes["plan"] == "pro"


def test_links_that_say_something_else_have_forms_of_their_own(visitor: Visitor, company: Company) -> None:
    links = [
        company.link(words=f"Plan {plan}").replace("/sales", f"/sales?plan={plan}") for plan in ("free", "pro")
    ]
    visitor.goes_to(company, "".join(links))
    for plan in ("free", "pro"):
        visitor.opens_the_dialog(f"Plan {plan}")
        expect(visitor.phone_field).to_have_value("")
        visitor.fills_in()
        visitor.close_button.click()

    expect(visitor.page.locator("iframe")).to_have_count(2)


@pytest.mark.parametrize(
    ("mode", "length"),
    [
        ("dialog", 88),
        ("inline", 266),
        ("dialog", 900),
        *(
            pytest.param(*rest, marks=pytest.mark.long)
            for rest in (("inline", 88), ("dialog", 266), ("inline", 900))
        ),
    ],
)
def test_a_long_address_of_the_host_page_arrives_whole_or_cut_between_letters(
    visitor: Visitor, company: Company, mode: str, length: int
) -> None:
    path = f"/{'会社' * (length // 2)}"
    visitor.goes_to(company, company.link(f"data-ringback={mode}"))
    visitor.page.evaluate("(path) => history.replaceState(null, '', path)", path)
    if mode == "dialog":
        visitor.opens_the_dialog()
    else:
        visitor.has_the_form(visitor.page.frame_locator("ringback-inline iframe"))
    visitor.asks()

    told = unquote(company.calls_to(visitor.number)[0].attributes["page"], errors="strict")
    assert f"{company.web_site.url}{path}".startswith(told)
    assert len(told) > 70


@pytest.mark.parametrize("letter", ["会", "😀"])
def test_what_a_page_says_at_length_does_not_keep_the_form_from_coming(
    visitor: Visitor, company: Company, letter: str
) -> None:
    said = {name: f"{letter * 199}{end * 200}" for name, end in (("plan", "1"), ("campaign", "2"))}
    visitor.goes_to(
        company, company.link(" ".join(f"data-ringback-{name}={value}" for name, value in said.items()))
    )
    visitor.page.evaluate("(path) => history.replaceState(null, '', path)", f"/{'会' * 900}")
    visitor.opens_the_dialog()
    visitor.asks()

    told = company.calls_to(visitor.number)[0].attributes
    assert {name: told[name] for name in said} == {name: value[:200] for name, value in said.items()}


# --- what they are called ---

NAMED = {
    "Ring me": "Ring <b>me</b>",
    "Ring me back": "Ring<br>me<div>back</div>",
    "Ring me now": "<style>.a{color:red}</style><script>let hidden = 1</script>Ring me now<!-- not this -->",
    "Ring the desk": "<i aria-hidden=true>phone_icon</i> Ring the desk <span hidden>not this</span>",
    "Call by picture": "<img alt='Call by picture' src=data:,>",
    "Call by drawing": "<svg width=9 height=9><style>.b{}</style><title>Call by drawing</title><path d=''/></svg>",
    "Call by label": "<svg aria-label='Call by label' width=9 height=9></svg>",
}
NAMED_ON_THE_LINK = {
    "aria-label='Ring Ann' title='not this'": "Ring Ann",
    "title='Ring Bob'": "Ring Bob",
    "aria-labelledby='first second' aria-label='not this'": "Ring Carol",
}


def is_called(visitor: Visitor, name: str) -> None:
    """A launcher is shown with its name, and its dialog has the same."""
    launcher = visitor.page.locator("ringback-embed a")
    expect(launcher).to_have_accessible_name(name)
    expect(launcher).to_have_text(name)
    launcher.click()
    expect(visitor.dialog).to_have_accessible_name(name)


@pytest.mark.parametrize("name", NAMED)
def test_a_launcher_and_its_dialog_are_called_what_is_in_the_link(
    visitor: Visitor, company: Company, name: str
) -> None:
    visitor.goes_to(company, company.link("data-ringback=button title='not this'", NAMED[name]))

    is_called(visitor, name)


@pytest.mark.parametrize("attributes", NAMED_ON_THE_LINK)
def test_a_launcher_and_its_dialog_are_called_what_the_link_says(
    visitor: Visitor, company: Company, attributes: str
) -> None:
    icon = "<svg width=9 height=9></svg> "
    visitor.goes_to(
        company,
        "<p id=first hidden>Ring</p><p id=second>Carol</p>"
        + company.link(f"data-ringback=button {attributes}", icon),
    )

    is_called(visitor, NAMED_ON_THE_LINK[attributes])


def test_an_icon_without_any_name_is_no_empty_launcher_and_its_dialog_is_named_by_the_form(
    visitor: Visitor, company: Company
) -> None:
    visitor.goes_to(company, company.link("data-ringback=button", "<svg width=9 height=9></svg>"))
    expect(visitor.page.locator("ringback-embed a")).to_have_text(re.compile(r"\S"))
    visitor.page.locator("ringback-embed a").click()

    expect(visitor.dialog).to_have_accessible_name(ASKING)


# --- what the dialog says itself ---


@pytest.fixture
def at_the_german_site(sandbox_visitor: Visitor, sandbox_site: str) -> Visitor:
    sandbox_visitor.page.goto(sandbox_site)
    sandbox_visitor.page.wait_for_function("() => window.Ringback")
    sandbox_visitor.page.evaluate("() => { document.documentElement.lang = 'de-AT' }")
    return sandbox_visitor


def test_the_dialog_speaks_the_pages_language_once_the_form_has_come(at_the_german_site: Visitor) -> None:
    page = at_the_german_site.page
    page.evaluate("() => Ringback.open('demo')")

    expect(at_the_german_site.dialog).to_have_accessible_name("Rückruf anfordern")
    expect(page.get_by_role("button", name="Schließen")).to_have_attribute("lang", "de")
    expect(page.locator("ringback-embed iframe")).to_have_attribute("title", "Rückruf anfordern")


def test_a_form_that_does_not_come_is_told_of_in_the_language_of_the_last_that_did(
    at_the_german_site: Visitor,
) -> None:
    page, dialog = at_the_german_site.page, at_the_german_site.dialog
    page.evaluate("() => Ringback.open('demo')")
    expect(page.get_by_role("button", name="Schließen")).to_be_visible()
    page.evaluate("() => Ringback.close()")
    page.route("**/demo?*theme=dark*", lambda route: route.abort())
    page.evaluate("() => Ringback.open('demo', { theme: 'dark' })")

    expect(dialog.get_by_text("Das Formular konnte nicht geladen werden.")).to_be_visible()
    expect(dialog.get_by_role("status").last).to_have_attribute("lang", "de")
    expect(dialog.get_by_role("link", name="In einem neuen Tab öffnen")).to_be_visible()
