"""The install page as it is served: the snippet, its preview, and the check of a page's address."""

import base64
import gzip
import hashlib
import re
import tomllib
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import html5lib
import pytest
from flask import Flask

from ringback.accounts.operator import Operator, Role
from ringback.config.widget import Widget
from ringback.console import access, install
from ringback.console.install import Choices, check
from ringback.sandbox import welcome
from ringback.sandbox.pages import sandbox_pages
from ringback.sandbox.samespace import SandboxSamespace
from ringback.web import theme
from tests.conftest import WIDGET
from tests.visitor import Page, Visitor

SERVER = "http://127.0.0.1:8000"
LINK = f'<a href="{SERVER}/sales">Request a call back</a>'
SCRIPT = f'<script async src="{SERVER}/embed.js"></script>'


@pytest.fixture
def app(make_app: Callable[..., Flask], samespace: SandboxSamespace) -> Flask:
    """A sandbox with one widget that offers two languages, and one that has nothing but its team."""
    widgets = {
        "sales": WIDGET | {"languages": ["en", "pt_BR"], "brand": "#0b6b4b", "attributes": ["plan", "page_title"]},
        "bare": {"team_name": "Sales", "region": "GB"},
    }
    app = make_app(widgets=widgets, environment={"sandbox": True, "public_url": SERVER})
    app.register_blueprint(sandbox_pages(samespace))
    return app


def shown(visitor: Visitor, query: str = "", widget: str = "sales") -> Page:
    page = visitor.opens(f"/{widget}/install{query}")
    assert page.status == 200
    return page


def pasted(page: Page, what: str = "snippet") -> str:
    """What stands in one of the fields to copy from; nothing where there is none."""
    for field in page.all("textarea"):
        if field.get("id") == what:
            return (field.text or "").removeprefix("\n")
    return ""


def preview_of(page: Page) -> str:
    return page.all("iframe")[0].get("src", "")


def finding(page: Page) -> str:
    (found,) = [each for each in page.all("p") if each.get("id") == "finding"]
    return "".join(found.itertext())


# --- the snippet ---


def test_the_snippet_is_the_plain_link_and_the_script(visitor: Visitor) -> None:
    assert pasted(shown(visitor)) == f"{LINK}\n{SCRIPT}"


@pytest.mark.parametrize(
    ("query", "attributes"),
    [
        ("?mode=dialog&theme=&lang=&color=%230b6b4b&site=", ""),
        ("?mode=button", ' data-ringback="button"'),
        ("?mode=inline", ' data-ringback="inline" style="display:block;min-height:640px"'),
        ("?theme=dark&lang=pt-BR", ' data-ringback-theme="dark" data-ringback-lang="pt-BR"'),
        ("?mode=popup&theme=pink&lang=de&color=red", ""),
        ("?mode=Inline&theme=LIGHT&lang=pt_BR&color=", ""),
    ],
)
def test_only_what_differs_from_the_default_is_written(visitor: Visitor, query: str, attributes: str) -> None:
    link = LINK.replace(">Request", f"{attributes}>Request")

    assert pasted(shown(visitor, query)) == f"{link}\n{SCRIPT}"


def test_the_choices_are_still_chosen_when_the_page_comes_again(visitor: Visitor) -> None:
    asked = {"mode": "button", "theme": "dark", "lang": "pt-BR", "color": "#ffcc00", "site": "www.acme.test"}
    page = visitor.opens("/sales/install?mode=button&theme=dark&lang=pt-BR&color=FFCC00&site=+www.acme.test")

    values = {field.get("name", ""): field.get("value", "") for field in page.all("input[@name='color']")}
    values |= {field.get("name", ""): field.get("value", "") for field in page.all("input[@name='site']")}
    values |= {radio.get("name", ""): radio.get("value", "") for radio in page.all("input[@checked]")}
    values |= {name: page.answers[name] for name in ("theme", "lang")}
    assert values == asked


def test_the_languages_are_those_of_the_widget_in_their_own_names(visitor: Visitor) -> None:
    languages = shown(visitor).all("select[@id='lang']/option")

    assert [(option.get("value"), option.text) for option in languages] == [
        ("", "As my page says"),
        ("en", "English (en)"),
        ("pt-BR", "Português (Brasil) (pt-BR)"),
    ]


@pytest.mark.parametrize("name", ["mode", "theme", "lang", "color", "site"])
@pytest.mark.parametrize(
    "value", ['"><script>alert(1)</script>', "</textarea><img src=x>", "'%00\ufeff&amp;{{7*7}}"]
)
def test_a_hostile_query_becomes_no_markup(visitor: Visitor, name: str, value: str) -> None:
    page = visitor.opens("/sales/install?" + f"{name}={value}&mode=inline")

    assert page.status == 200
    assert [script.get("src", "").split("?")[0] for script in page.all("script")] == ["/static/install.js"]
    assert page.all("img") == []
    assert "alert" not in pasted(page)


def test_what_is_not_ours_is_escaped_in_the_snippet(app: Flask) -> None:
    widget = app.extensions["ringback"].settings.widgets["sales"]
    choices = Choices("button", "", 'x" onclick="alert(1)', "#0b6b4b")
    markup = install.snippet('https://a.test/?a=1&b="<>', widget, choices)
    link, script = html5lib.parseFragment(str(markup), namespaceHTMLElements=False)

    assert link.attrib == {
        "href": 'https://a.test/?a=1&b="<>/sales',
        "data-ringback": "button",
        "data-ringback-lang": 'x" onclick="alert(1)',
    }
    assert script.attrib == {"async": "", "src": 'https://a.test/?a=1&b="<>/embed.js'}


# --- the colour ---


def test_the_widgets_own_colour_needs_no_setting(visitor: Visitor) -> None:
    page = shown(visitor, "?color=%230B6B4B")

    assert (pasted(page, "brand-line"), pasted(page, "launcher-style")) == ("", "")


@pytest.mark.parametrize(("colour", "words"), [("#ffcc00", "#000000"), ("#4f46e5", "#ffffff")])
def test_another_colour_is_a_line_for_the_form_and_one_for_the_launcher(
    visitor: Visitor, colour: str, words: str
) -> None:
    page = shown(visitor, f"?mode=button&color=%23{colour[1:]}")

    assert tomllib.loads(pasted(page, "brand-line")) == {"brand": colour}
    style = f":root {{ --ringback-accent: {colour}; --ringback-on-accent: {words}; }}"
    assert pasted(page, "launcher-style") == style
    assert f"--on-brand:{words}" in theme.style(colour)
    assert "The form keeps the colour #0b6b4b until that setting is changed." in page.words


def test_the_colour_is_served_as_a_style_sheet(visitor: Visitor) -> None:
    form = visitor.opens("/sales/install/accent.css?color=FFcc00")

    assert form.response.mimetype == "text/css"
    assert form.html == ":root { --ringback-accent: #ffcc00; --ringback-on-accent: #000000; }\n"


@pytest.mark.parametrize("colour", ["", "red", "fc0", "ffcc0g", "ffcc00;}", "ffcc00%0a", "%EF%BC%90fcc00"])
def test_what_is_no_colour_is_refused(visitor: Visitor, colour: str) -> None:
    assert visitor.opens(f"/sales/install/accent.css?color={colour}").status == 400


# --- the preview ---


def test_the_preview_is_on_another_site_and_only_the_install_page_may_frame_it(visitor: Visitor) -> None:
    page = shown(visitor, "?mode=button&theme=dark&lang=en&color=ffcc00")
    address = urlsplit(preview_of(page))

    assert f"{address.scheme}://{address.netloc}" == "http://localhost:8000"
    assert parse_qs(address.query) == {
        "mode": ["button"],
        "theme": ["dark"],
        "lang": ["en"],
        "color": ["#ffcc00"],
    }
    assert "frame-src http://localhost:8000;" in page.response.headers["Content-Security-Policy"]
    preview = visitor.client.get(preview_of(page))
    policy = preview.headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors 'self' {SERVER}")
    assert "unsafe" not in policy
    assert "/sales/install/accent.css?color=ffcc00" in preview.text


@pytest.mark.parametrize("mode", ["dialog", "button"])
def test_the_preview_has_the_very_snippet_on_it(visitor: Visitor, mode: str) -> None:
    page = shown(visitor, f"?mode={mode}&theme=light&color=ffcc00")

    assert pasted(page) in visitor.client.get(preview_of(page)).text


def test_an_inline_preview_keeps_the_place_without_a_style_attribute(visitor: Visitor) -> None:
    preview = visitor.client.get(preview_of(shown(visitor, "?mode=inline"))).text

    assert '<a href="http://127.0.0.1:8000/sales" data-ringback="inline">' in preview
    assert "style=" not in preview


@pytest.mark.parametrize("path", ["/nothing/install/preview", "/nothing/install/accent.css?color=ffcc00"])
def test_there_is_no_preview_of_a_widget_that_is_not_there(visitor: Visitor, path: str) -> None:
    assert visitor.opens(path).status == 404


# --- the check ---


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("https://www.acme.test/contact?a=1#b", "www.acme.test may show the form."),
        ("www.acme.test", "www.acme.test may show the form."),
        ("HTTPS://WWW.Acme.test:443", "www.acme.test may show the form."),
        ("http://127.0.0.1:9000/x", "127.0.0.1:9000 may show the form."),
        (
            "https://acme.test/contact",
            "You allow https://www.acme.test; this page is at https://acme.test, which is another origin. "
            "Add it to origins of [widgets.sales] in ringback.toml.",
        ),
        (
            "http://www.acme.test/",
            "You allow https://www.acme.test; this page is at http://www.acme.test, which is another origin. "
            "Add it to origins of [widgets.sales] in ringback.toml.",
        ),
        (
            "https://www.acme.test:8443",
            "You allow https://www.acme.test; this page is at https://www.acme.test:8443, "
            "which is another origin. Add it to origins of [widgets.sales] in ringback.toml.",
        ),
        (
            "https://shop.acme.test/",
            'shop.acme.test may not show the form yet: add "https://shop.acme.test" '
            "to origins of [widgets.sales] in ringback.toml.",
        ),
        (
            "http://intranet/help",
            'intranet may not show the form yet: add "http://intranet" '
            "to origins of [widgets.sales] in ringback.toml.",
        ),
    ],
)
def test_a_page_is_told_whether_it_may_show_the_form(visitor: Visitor, address: str, sentence: str) -> None:
    origins = ("https://www.acme.test", "http://127.0.0.1:9000")
    widget = visitor.app.extensions["ringback"].settings.widgets["sales"].model_copy(update={"origins": origins})
    found = check(widget, address)

    assert found.sentence == sentence
    assert found.is_allowed == (found.line == "") == sentence.endswith("may show the form.")
    if found.line:
        allowed = tomllib.loads(found.line)["origins"]
        Widget.model_validate({"key": "sales", "team_name": "Sales", "region": "GB", "origins": allowed})
        assert allowed[:2] == list(origins)
        assert check(widget.model_copy(update={"origins": tuple(allowed)}), address).is_allowed


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "two words",
        "https://",
        "https://.",
        "https://a..test",
        "http://[::1",
        "https://www.acme.test:port/",
        "https://www.acme.test:99999/",
        "https://ann:pw@www.acme.test/",
        "https://*.acme.test",
        "https://büro.test/",
        "javascript:alert(1)",
        "ftp://www.acme.test/",
        "file:///etc/passwd",
        "//www.acme.test/",
        '"><script>',
        "non\x00sense\ud7ff",
        "℀.test",
        "x" * 5_000,
    ],
)
def test_nonsense_gets_a_sentence(visitor: Visitor, address: str) -> None:
    page = Page(visitor.client.get("/sales/install", query_string={"site": address}, base_url=SERVER), "")

    assert page.status == 200
    assert "is not the address of a page on the web. Copy it from your browser" in finding(page)
    assert pasted(page, "origins-line") == ""


def test_the_line_to_add_has_what_is_allowed_already(visitor: Visitor) -> None:
    page = shown(visitor, "?site=https://acme.test/contact")

    assert pasted(page, "origins-line") == 'origins = ["https://www.acme.test", "https://acme.test"]'


def test_before_anything_is_asked_the_page_says_who_may(visitor: Visitor) -> None:
    assert finding(shown(visitor)) == "Allowed now: https://www.acme.test."
    assert finding(shown(visitor, widget="bare")) == "Allowed now: no site yet."


# --- what else a site may need ---


def test_the_policy_and_the_attributes_are_shown(visitor: Visitor) -> None:
    page = shown(visitor)

    assert pasted(page, "policy") == f"script-src {SERVER};\nframe-src {SERVER};"
    assert pasted(page, "attributes") == 'data-ringback-plan="…"'
    assert "This widget takes nothing yet" in shown(visitor, widget="bare").words


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_the_hash_is_that_of_the_script_as_a_browser_gets_it(visitor: Visitor, encoding: str) -> None:
    found = re.search(r' integrity="sha384-([^"]+)" crossorigin="anonymous">', pasted(shown(visitor), "pinned"))
    served = visitor.client.get("/embed.js", headers={"Accept-Encoding": encoding}, base_url=SERVER)
    assert served.content_encoding == (None if encoding == "identity" else "gzip")
    script = served.data if encoding == "identity" else gzip.decompress(served.data)

    assert found
    assert base64.b64decode(found[1]) == hashlib.sha384(script).digest()


# --- where it is served ---


@pytest.mark.parametrize("path", ["/nothing/install", "/requests/install", "/sales/install/x"])
def test_a_widget_that_is_not_there_has_no_install_page(visitor: Visitor, path: str) -> None:
    assert visitor.opens(path).status == 404


@pytest.mark.parametrize(
    "path", ["/sales/install", "/sales/install/preview", "/sales/install/accent.css?color=ffcc00"]
)
def test_in_production_it_is_for_who_is_signed_in_and_may_see_the_widget(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    app = make_app()
    assert Visitor(app).client.get(path).location == "/console/sign-in"
    for widgets, status in ((None, 200), ({"sales"}, 200), ({"help"}, 404)):
        who = Operator("robin", Role.VIEWER, frozenset(widgets) if widgets else None)
        monkeypatch.setattr(access, "_signed_in", lambda who=who: who)
        answer = Visitor(app).client.get(path)
        assert answer.status_code == status
        assert "andbox" not in answer.text.replace("sandbox-bar", "").replace("sandbox.css", "")


def test_in_production_the_form_may_stand_in_the_preview_of_our_own_page(make_app: Callable[..., Flask]) -> None:
    client = make_app().test_client()
    ours = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}
    form = client.get("/sales?embed=1", headers=ours)
    assert "frame-ancestors 'self' https://www.acme.test" in form.headers["Content-Security-Policy"]
    assert 'data-parent-origins="https://callback.acme.test https://www.acme.test"' in form.text
    for site in ("cross-site", "same-site", "none"):
        form = client.get("/sales?embed=1", headers=ours | {"Sec-Fetch-Site": site})
        assert "'self' https://www.acme.test" not in form.headers["Content-Security-Policy"]


def test_where_the_console_has_a_host_of_its_own_the_form_is_linked_and_not_framed(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_app(environment={"console_host": "console.acme.test"}).test_client()
    monkeypatch.setattr(access, "_signed_in", lambda: Operator("robin", Role.VIEWER))
    page = client.get("/sales/install", base_url="https://console.acme.test").text
    assert "<iframe" not in page
    assert 'href="https://callback.acme.test/sales"' in page


def test_the_sandbox_tells_where_it_is_when_it_starts() -> None:
    said = welcome(8123)

    assert "Five pages to open:" in said
    assert len(re.findall(r"http://\S+", said)) == 5
    assert "http://127.0.0.1:8123/demo/install" in said
    assert "http://127.0.0.1:8123/console/" in said
