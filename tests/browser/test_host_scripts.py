"""The scripts of a host page and of the frames on it: what they break, replace or forge, and what they keep."""

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, expect

from tests.browser.journeys import Company, Visitor

# --- errors are ours ---

# What reaches the page's own handlers of errors; the console outlives the page.
OVERHEARD = """<script>
addEventListener("error", ({ message }) => console.info("overheard", message))
addEventListener("unhandledrejection", ({ reason }) => console.info("overheard", String(reason)))
</script>"""
NO = "() => { throw new Error('no') }"
WORSE = {
    "no shadow": f"Element.prototype.attachShadow = {NO}",
    "no style sheets": "CSSStyleSheet = class { constructor() { throw new Error('no') } }",
    "no dialogs": f"HTMLDialogElement.prototype.showModal = {NO}",
    "no styles that are in force": f"getComputedStyle = {NO}",
    "no addresses": f"URL = {NO}",
}
STILL_A_DIALOG = {
    "nothing tells what is in view": "IntersectionObserver = undefined",
    "nothing tells what changes": "MutationObserver = undefined",
    "the body is gone": """addEventListener("load", () => {
      document.documentElement.append(...document.querySelectorAll("a"))
      document.body.remove()
    })""",
}


@pytest.fixture
def overheard(page: Page) -> list[str]:
    """What the page heard of errors, and what nobody caught."""
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if "overheard" in said.text else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


@pytest.mark.parametrize(
    ("broken", "mode"),
    [("no shadow", "dialog"), ("no shadow", "inline"), *((broken, "button") for broken in WORSE)],
)
def test_where_the_dialog_cannot_be_the_link_leads_to_the_form_and_the_page_hears_of_no_error(
    visitor: Visitor, company: Company, overheard: list[str], broken: str, mode: str
) -> None:
    head = f"{OVERHEARD}<script>{WORSE[broken]}</script>"
    visitor.goes_to(company, company.link(f"data-ringback={mode}"), head=head)
    visitor.opener.click()
    visitor.has_the_form(visitor.page)

    assert overheard == []


@pytest.mark.parametrize("broken", STILL_A_DIALOG)
def test_what_is_not_needed_for_a_dialog_may_be_missing(
    visitor: Visitor, company: Company, overheard: list[str], broken: str
) -> None:
    links = company.link("data-ringback=inline", "Ring me") + company.link("data-ringback=button")
    visitor.goes_to(company, links, head=f"{OVERHEARD}<script>{STILL_A_DIALOG[broken]}</script>")
    visitor.opens_the_dialog()
    visitor.asks()
    expect(visitor.headline).to_be_focused()  # its script has come: before, a key says nothing to the page around
    visitor.headline.press("Escape")

    expect(visitor.dialog).to_be_hidden()
    assert overheard == []


def test_a_dialog_that_a_page_asks_for_and_cannot_have_is_the_form_on_its_own_page(
    visitor: Visitor, company: Company, overheard: list[str]
) -> None:
    ask = "<button onclick='Ringback.open(`sales`)'>Ask</button>"
    visitor.goes_to(company, ask, head=f"{OVERHEARD}<script>{WORSE['no dialogs']}</script>")
    visitor.page.get_by_role("button", name="Ask").click()
    visitor.has_the_form(visitor.page)

    assert overheard == []


# --- what a page has made of JavaScript ---

# As libraries did that are still out there: the same meaning, another shape, and everything enumerable.
OTHER_PROTOTYPES = """<script>
Object.prototype.toQueryString = function () { return "" }
Object.prototype.surplus = "surplus"
Array.prototype.each = function (action) { for (let i = 0; i < this.length; i++) action(this[i]) }
Array.prototype.find = function (action, context) {
  for (let i = 0; i < this.length; i++) if (action.call(context, this[i], i)) return this[i]
}
Array.prototype.toJSON = function () { return "[" + this.join() + "]" }
Array.prototype.include = Array.prototype.includes
Element.prototype.remove = function () { this.parentNode?.removeChild(this); return this }
Element.prototype.hide = function () { this.style.display = "none"; return this }
String.prototype.trim = function () { return this.replace(/^\\s+/, "").replace(/\\s+$/, "") }
Function.prototype.bind = function (self, ...first) {
  return (...rest) => this.call(self, ...first, ...rest)
}
window.$ = (id) => document.getElementById(id)
const { prototype } = Element
window.Element = Object.assign(function (name) { return document.createElement(name) }, { prototype })
</script>"""


@pytest.mark.ordinary
def test_a_page_that_has_other_prototypes_has_the_form_in_all_three_modes(
    visitor: Visitor, company: Company, overheard: list[str]
) -> None:
    launcher = company.link("data-ringback=button", "Ring me")
    inline = company.link("data-ringback=inline id=inline data-ringback-plan=pro")
    visitor.goes_to(company, company.link() + launcher + inline, head=OVERHEARD + OTHER_PROTOTYPES)
    visitor.has_the_form(visitor.page.frame_locator("ringback-inline iframe"))
    visitor.asks()
    assert company.calls_to(visitor.number)[0].attributes["plan"] == "pro"
    visitor.opens_the_dialog("Ring me")
    visitor.close_button.click()
    visitor.opens_the_dialog()
    visitor.headline.press("Escape")

    expect(visitor.dialog).to_be_hidden()
    assert "surplus" not in "".join(frame.url for frame in visitor.page.frames)
    assert overheard == []


@pytest.mark.parametrize("head", ["", OTHER_PROTOTYPES], ids=["any page", "a page of other prototypes"])
def test_a_link_that_is_taken_away_and_put_back_is_what_it_was(
    visitor: Visitor, company: Company, head: str
) -> None:
    links = company.link("data-ringback=button", "Ring me") + company.link("data-ringback=inline")
    visitor.goes_to(company, f"<main>{links}</main>", head=head)
    stand_in = visitor.page.locator("ringback-inline")
    launcher = visitor.page.get_by_role("link", name="Ring me")
    expect(stand_in).to_have_count(1)
    main = visitor.page.evaluate_handle(
        "() => { const main = document.querySelector('main'); document.body.removeChild(main); return main }"
    )
    expect(stand_in.or_(launcher)).to_have_count(0)
    main.evaluate("(main) => document.body.append(main)")

    expect(launcher).to_have_count(1)
    expect(stand_in.locator("visible=true")).to_have_count(1)
    visitor.has_the_form(visitor.page.frame_locator("ringback-inline iframe"))


@pytest.mark.parametrize("base", ["href=https://elsewhere.test/", "target=_blank", "href=/deep/down/ target=top"])
def test_a_base_of_the_page_changes_nothing(
    visitor: Visitor, company: Company, context: BrowserContext, base: str
) -> None:
    launcher = company.link("data-ringback=button", "Ring me")
    visitor.goes_to(company, company.link() + launcher, head=f"<base {base}>")
    visitor.opens_the_dialog("Ring me")
    visitor.close_button.click()
    visitor.opens_the_dialog()
    visitor.asks()

    assert company.calls_to(visitor.number)[0].attributes["page"] == f"{company.web_site.url}/"
    assert len(context.pages) == 1


# --- what a page listens to ---

LISTENERS = """<script>
heard = new Set()
const kinds = ["click", "keydown", "pointerover", "focusin", "message"]
for (const kind of kinds) {
  for (const [name, target] of Object.entries({ window, document })) {
    target["on" + kind] = (event) => heard.add(`${name}.on${kind}`)
    target.addEventListener(kind, (event) => heard.add(`${name} ${kind}`))
    target.addEventListener(kind, (event) => heard.add(`${name} ${kind} early`), true)
  }
}
onmessage.mine = document.onclick.mine = true
</script>"""
ON_THE_WAY = {
    f"{target}{way}"
    for target in ("window", "document")
    for kind in ("click", "keydown")
    for way in (f".on{kind}", f" {kind}", f" {kind} early")
}
OF_MESSAGES = {f"window{way}" for way in (".onmessage", " message", " message early")}


def test_the_page_keeps_every_listener_it_has(visitor: Visitor, company: Company) -> None:
    heard = "() => [...heard]"
    visitor.goes_to(company, company.link(), head=LISTENERS)
    visitor.opener.press("Enter")
    visitor.has_the_form_in_the_dialog()
    assert set(visitor.page.evaluate(heard)) >= ON_THE_WAY
    visitor.asks()

    assert set(visitor.page.evaluate(heard)) >= OF_MESSAGES
    assert visitor.page.evaluate("() => onmessage.mine && document.onclick.mine")
    wrapped = """() => [history.pushState, history.replaceState, addEventListener, postMessage, fetch]
      .filter((its) => !String(its).includes("[native code]")).map(String)"""
    assert visitor.page.evaluate(wrapped) == []


# --- who speaks for the form ---

FORGED_HEIGHTS = "[5000, 1e9, 1, 0, -700, '5000', '50%', NaN, Infinity, null, {}, [5000]]"
FORGED = f"""[
  ...["escape", "close", "open", "ready", "resize"].map((type) => ({{ ringback: 1, type }})),
  ...{FORGED_HEIGHTS}.map((height) => ({{ ringback: 1, type: "height", height }})),
  {{ ringback: 1, type: "requested", widget: "sales", reference: "RB-0000-0000", state: "with_team" }},
]"""
# From the form's own frame, what this version does not say.
UNKNOWN = """[
  null, 1, "escape", [], { ringback: 1 }, { type: "escape" }, { ringback: "1", type: "escape" },
  { ringback: true, type: "escape" }, { ringback: 2, type: "escape" }, { ringback: 1, type: ["escape"] },
  { ringback: 1, type: "constructor" }, { ringback: 1, type: "__proto__" }, { ringback: 1, type: {} },
  ...[1e9, -700, "5000", "50%", NaN, Infinity, null, {}, [5000]].map((height) => (
    { ringback: 1, type: "height", height }
  )),
]"""
# Writes down what the embed makes of what is said to the page.
WITNESS = """<output id=heard></output><script>
addEventListener("message", ({ data }) => { if (data === "done") heard.append(data) })
for (const name of ["open", "requested", "close"]) document.addEventListener(
  `ringback:${name}`, () => heard.append(name + " "))
</script>"""


def says(frame: Frame, messages: str) -> None:
    """To the page around it, one by one; a page that has no frame around it says them to itself."""
    frame.evaluate(f"() => {{ for (const said of [...{messages}, 'done']) parent.postMessage(said, '*') }}")


def frame_of(page: Page, selector: str) -> Frame:
    frame = page.locator(selector).element_handle().content_frame()
    assert frame
    return frame


@pytest.mark.ordinary
def test_nobody_but_the_form_speaks_for_it(visitor: Visitor, company: Company, overheard: list[str]) -> None:
    page, site = visitor.page, company.web_site
    site.shows("An advertisement", path="/advert")
    adverts = f"""<iframe id=ours src="{company.form_url}?embed=1"></iframe><iframe id=same src=/advert></iframe>
      <iframe id=sandboxed sandbox=allow-scripts src=/advert></iframe>"""
    inline = company.link("data-ringback=inline", "Ring me")
    visitor.goes_to(company, WITNESS + company.link() + inline + adverts, head=OVERHEARD)
    expect(page.frame_locator("ringback-inline iframe").get_by_role("button", name="Request call")).to_be_visible()
    visitor.opens_the_dialog()
    expect(visitor.headline).to_be_focused()
    shown = [page.locator("ringback-inline iframe"), visitor.dialog.locator("iframe:visible"), visitor.dialog]
    before = [part.bounding_box() for part in shown]

    says(page.main_frame, FORGED)
    for advert in ("#ours", "#same", "#sandboxed"):
        says(frame_of(page, advert), FORGED)
    expect(page.locator("#heard")).to_have_text("open " + "done" * 4)
    assert [part.bounding_box() for part in shown] == before
    assert overheard == []


def test_another_site_that_has_come_into_the_forms_frame_does_not_speak_for_it(
    visitor: Visitor, company: Company
) -> None:
    company.web_site.shows("An advertisement", path="/advert")
    visitor.goes_to(company, WITNESS + company.link())
    visitor.opens_the_dialog()
    leave = "(page, address) => { location.href = address }"
    visitor.place.locator("html").evaluate(leave, f"{company.web_site.url}/advert")
    expect(visitor.place.get_by_text("An advertisement")).to_be_visible()
    says(frame_of(visitor.page, "iframe"), FORGED)

    expect(visitor.page.locator("#heard")).to_have_text("open done")
    expect(visitor.dialog).to_be_visible()


def test_what_the_form_does_not_say_in_this_version_moves_nothing(
    visitor: Visitor, company: Company, overheard: list[str]
) -> None:
    page = visitor.page
    inline = company.link("data-ringback=inline", "Ring me")
    visitor.goes_to(company, WITNESS + company.link() + inline, head=OVERHEARD)
    expect(page.frame_locator("ringback-inline iframe").get_by_role("button", name="Request call")).to_be_visible()
    visitor.opens_the_dialog()
    expect(visitor.headline).to_be_focused()
    shown = [page.locator("ringback-inline iframe"), visitor.dialog.locator("iframe:visible"), visitor.dialog]
    before = [part.bounding_box() for part in shown]

    for frame in page.frames[1:]:
        says(frame, UNKNOWN)
    expect(page.locator("#heard")).to_have_text("open donedone")
    assert [part.bounding_box() for part in shown] == before
    assert overheard == []


def test_a_frame_beside_the_form_cannot_tell_it_anything(visitor: Visitor, company: Company) -> None:
    lies = """[{ ringback: 1, type: "page", page: "https://lies.test/", title: "Lies" },
      ...["close", "open", "reload", "theme", "prefill"].map((type) => ({ ringback: 1, type, name: "Lies" }))]"""
    company.web_site.shows("An advertisement", path="/advert")
    form = f'<iframe id=form src="{company.form_url}?embed=1" width=390 height=700></iframe>'
    visitor.goes_to(company, f"{form}<iframe id=advert src=/advert></iframe>")
    visitor.has_the_form(visitor.page.frame_locator("#form"))
    visitor.fills_in()
    frame_of(visitor.page, "#form").evaluate(
        """() => { told = new Promise((hear) => {
          addEventListener("message", ({ data }) => { if (data === "done") hear() })
        }) }"""
    )
    frame_of(visitor.page, "#advert").evaluate(
        f"() => {{ for (const lie of [...{lies}, 'done']) parent.frames[0].postMessage(lie, '*') }}"
    )
    frame_of(visitor.page, "#form").evaluate("() => told")

    expect(visitor.phone_field).to_have_value(visitor.number)
    visitor.sends()
    visitor.has_the_confirmation()
    assert "ies" not in str(company.calls_to(visitor.number)[0].attributes)


def test_a_frame_beside_the_dialog_finds_no_form_to_talk_to(visitor: Visitor, company: Company) -> None:
    company.web_site.shows("An advertisement", path="/advert")
    inline = company.link("data-ringback=inline", "Ring me")
    visitor.goes_to(company, company.link() + inline + "<iframe id=advert src=/advert></iframe>")
    visitor.has_the_form(visitor.page.frame_locator("ringback-inline iframe"))
    visitor.opens_the_dialog()

    found = frame_of(visitor.page, "#advert").evaluate(
        "() => Array.from(parent.frames, (frame) => frame === window)"
    )
    assert found == [True], "itself alone"
