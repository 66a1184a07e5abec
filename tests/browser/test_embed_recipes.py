"""What the guide for site owners shows is pasted on a site as it stands there, and leads to a call.

Only the address in it is changed, to that of the company's own Ringback.
"""

import base64
import hashlib
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import npm
from tests.browser.journeys import ASKING, Company, Visitor

GUIDE = (Path(__file__).parent.parent.parent / "docs/embedding.md").read_text(encoding="utf-8")
JAVASCRIPT = "text/javascript"

# StrictMode mounts everything twice, but only in the builds for development.
REACT = {
    "/react.js": ("react", "umd/react.development.js"),
    "/react-dom.js": ("react-dom", "umd/react-dom.development.js"),
    "/react-dom-server.js": ("react-dom", "umd/react-dom-server-legacy.browser.development.js"),
    "/babel.js": ("@babel/standalone", "babel.min.js"),
}
VUE = {"/vue.js": ("vue", "dist/vue.global.prod.js")}

# As Tag Manager runs a tag of the type Custom HTML: its nodes come into the page one after another, and a
# script is made anew, of which only the address or the text is kept.
TAG_MANAGER = """async (tag) => {
  const template = document.createElement("template");
  template.innerHTML = tag;
  for (const node of [...template.content.childNodes]) {
    if (node.localName !== "script") { document.body.append(node); continue; }
    const script = document.createElement("script");
    script.async = false;
    if (node.src) script.src = node.src; else script.text = node.text;
    const came = node.src && new Promise((resolve) => { script.onload = script.onerror = resolve; });
    document.body.append(script);
    await came;
  }
}"""

# Puts what is reported on the page; what there is no function for is not reported.
PLAUSIBLE = "<script>window.reported = []; window.plausible = (...all) => reported.push(all)</script>"
GTAG = "<script>window.reported = []; window.gtag = (...all) => reported.push(all)</script>"


def recipe(heading: str, company: Company, language: str = "html", index: int = 0) -> str:
    """A block of code from the guide, the first in its language under a heading unless said otherwise."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    assert section, f"the guide has no section {heading}"
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    return str(blocks[index]).replace("https://callback.acme.com", company.ringback.url)


def goes_where_only(visitor: Visitor, company: Company, body: str, **page: str) -> None:
    """Come to the company's web site, which has this on its page and no more: not even the script."""
    company.web_site.shows(body, **page)
    visitor.page.goto(company.web_site.url)


def serves(company: Company, files: dict[str, tuple[str, str]]) -> str:
    """Put files of npm's packages on the web site; the elements that load them."""
    for path, (package, file) in files.items():
        company.web_site.serves(path, (npm.folder(package) / file).read_bytes(), JAVASCRIPT)
    return "".join(f'<script src="{path}"></script>' for path in files)


def asks_for_a_call(visitor: Visitor, company: Company, plan: str | None = None) -> None:
    """From the open form to the one call that Samespace gets."""
    visitor.asks()
    assert [call.attributes.get("plan") for call in company.calls_to(visitor.number)] == [plan]


def has_the_form_inline(visitor: Visitor) -> None:
    """The one form that stands in the page."""
    expect(frames_of(visitor.page)).to_have_count(1)
    visitor.has_the_form(visitor.page.frame_locator("iframe"))


def frames_of(page: Page) -> Locator:
    return page.locator("iframe")


# --- the page's own lines ---


@pytest.mark.ordinary
def test_the_two_lines_open_the_form_over_the_page(visitor: Visitor, company: Company) -> None:
    goes_where_only(visitor, company, recipe("The two lines", company))
    visitor.opens_the_dialog()

    asks_for_a_call(visitor, company)


def test_a_link_without_any_script_leads_to_the_form(visitor: Visitor, company: Company) -> None:
    goes_where_only(visitor, company, recipe("A plain link", company))
    visitor.page.get_by_role("link").click()
    visitor.has_the_form(visitor.page)

    asks_for_a_call(visitor, company, plan="pro")


def test_a_link_says_in_its_address_what_it_could_say_by_attributes(visitor: Visitor, company: Company) -> None:
    (address,) = re.findall(r"`/sales(\?.*?)`", GUIDE)
    visitor.goes_to(company, f'<a href="{company.form_url}{address}">{ASKING}</a>')
    visitor.opens_the_dialog()

    expect(visitor.name_field).to_have_value("Ann Example")
    expect(visitor.place.locator("html")).to_have_css("color-scheme", "dark")
    asks_for_a_call(visitor, company, plan="pro")


def test_a_script_of_the_page_opens_the_form_once_ours_has_come(visitor: Visitor, company: Company) -> None:
    open_it, close_it = recipe("Events and calls", company, "js").strip().split("\n")
    buttons = f"<button onclick='{open_it}'>Ask</button>"
    errors: list[str] = []
    visitor.page.on("pageerror", lambda error: errors.append(error.message))
    goes_where_only(visitor, company, buttons)
    visitor.page.get_by_role("button", name="Ask").click()
    visitor.page.add_script_tag(url=f"{company.ringback.url}/embed.js")
    visitor.page.get_by_role("button", name="Ask").click()
    visitor.has_the_form_in_the_dialog()
    asks_for_a_call(visitor, company, plan="pro")
    visitor.page.evaluate(close_it)

    expect(visitor.dialog).to_be_hidden()
    assert errors == []


# --- inline ---


def kept_room(visitor: Visitor) -> float:
    """How far below the link the page goes on."""
    box = visitor.page.get_by_text("what follows").bounding_box()
    assert box
    return box["y"]


@pytest.mark.parametrize("way", ["style attribute", "style sheet", "height of its own"])
def test_an_inline_form_comes_where_its_link_kept_the_place_free(
    visitor: Visitor, company: Company, way: str
) -> None:
    link, head, policy = recipe("Inline", company), "", {}
    if way != "style attribute":
        form = recipe("Inline", company, "css", index=0 if way == "style sheet" else 1)
        company.web_site.serves("/site.css", form.encode(), "text/css")
        head = '<link rel="stylesheet" href="/site.css">'
        link = re.sub(r' style="[^"]*"', "", link)
        ours = company.ringback.url
        own = "default-src 'none'; style-src 'self'"
        policy = {"Content-Security-Policy": f"{own}; script-src {ours}; frame-src {ours}"}
    body = f'<div class="contact">{link}</div><p>what follows</p>'
    goes_where_only(visitor, company, body, head=head, **policy)
    before = kept_room(visitor)
    visitor.goes_to(company, body, head=head, **policy)
    has_the_form_inline(visitor)

    assert before >= (720 if way == "height of its own" else 640)
    assert kept_room(visitor) == before, "nothing jumped"
    asks_for_a_call(visitor, company)


def test_an_inline_form_grows_with_what_is_in_it_and_keeps_its_place(visitor: Visitor, company: Company) -> None:
    visitor.page.set_viewport_size({"width": 320, "height": 844})
    visitor.goes_to(company, f"{recipe('Inline', company)}<p>what follows</p>")
    before = kept_room(visitor)
    has_the_form_inline(visitor)
    visitor.fills_in(phone="123", name=" ")
    visitor.sends()
    expect(visitor.problems).to_be_visible()
    below = "(before) => document.querySelector('p').getBoundingClientRect().y > before"
    visitor.page.wait_for_function(below, arg=before)
    visitor.page.frames[-1].wait_for_function("document.documentElement.scrollHeight <= innerHeight")
    asks_for_a_call(visitor, company)

    assert kept_room(visitor) >= before


def test_no_field_is_so_small_that_a_telephone_zooms_in_on_it(visitor: Visitor, company: Company) -> None:
    visitor.goes_to(company, company.link())
    visitor.opens_the_dialog()

    sizes = "(fields) => fields.map((field) => parseFloat(getComputedStyle(field).fontSize))"
    assert min(visitor.place.locator("input:visible, textarea").evaluate_all(sizes)) >= 16


# --- the launcher ---


def test_the_launcher_has_the_colours_of_the_page(visitor: Visitor, company: Company) -> None:
    colours = recipe("Button", company, "css")
    visitor.goes_to(company, recipe("Button", company), head=f"<style>{colours}</style>")
    expect(visitor.opener).to_have_css("background-color", "rgb(11, 93, 59)")
    expect(visitor.opener).to_have_css("color", "rgb(255, 255, 255)")
    visitor.opens_the_dialog()

    asks_for_a_call(visitor, company)


def test_the_room_at_the_end_of_the_page_keeps_the_last_control_free_of_the_launcher(
    visitor: Visitor, company: Company
) -> None:
    room = recipe("Button", company, "css", index=1)
    last = "<div style='height:2000px'></div><button style='width:100%'>the last control</button>"
    visitor.goes_to(company, recipe("Button", company) + last, head=f"<style>{room}</style>")
    expect(visitor.opener).to_be_in_viewport(ratio=1)
    visitor.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")

    control = visitor.page.get_by_role("button", name="the last control").bounding_box()
    launcher = visitor.opener.bounding_box()
    assert control
    assert launcher
    assert control["y"] + control["height"] <= launcher["y"]


# --- what tells others of a request ---


@pytest.mark.ordinary
def test_tag_manager_brings_the_script_and_hears_of_a_request(visitor: Visitor, company: Company) -> None:
    goes_where_only(visitor, company, "<script>window.dataLayer = [{ event: 'gtm.js' }]</script>" + company.link())
    visitor.page.evaluate(TAG_MANAGER, recipe("Google Tag Manager", company))
    visitor.opens_the_dialog()
    asks_for_a_call(visitor, company)
    visitor.page.wait_for_function("dataLayer.length > 1")

    pushed = visitor.page.evaluate("dataLayer")
    assert pushed == [{"event": "gtm.js"}, {"event": "callback_requested", "widget": "sales"}]


@pytest.mark.parametrize(
    ("tool", "report"),
    [
        (PLAUSIBLE, ["Callback requested", {"props": {"widget": "sales"}}]),
        (GTAG, ["event", "callback_requested", {"widget": "sales"}]),
    ],
    ids=["Plausible", "Google Analytics"],
)
def test_analytics_hears_that_there_was_a_request_and_nothing_of_who_asked(
    visitor: Visitor, company: Company, tool: str, report: list[object]
) -> None:
    visitor.goes_to(company, tool + recipe("Analytics", company) + company.link())
    visitor.opens_the_dialog()
    asks_for_a_call(visitor, company)
    visitor.page.wait_for_function("reported.length")

    assert visitor.page.evaluate("reported") == [report]


# --- what other people's software makes of a page ---

FROM_SERVER = "React or Vue, rendered on a server"
JSX = '<script type="text/babel" data-type="module" data-presets="react">'
# A site of one page, whose router shows one of two things; what the recipe shows is on the second. There is no
# element around it, which would take an inline form away with it.
REACT_SITE = """
function Site() {
  const [route, go] = React.useState("home");
  return (
    <>
      <button onClick={() => go("home")}>Home</button>
      <button onClick={() => go("contact")}>Contact</button>
      {route === "contact" && <>%s</>}
    </>
  );
}
ReactDOM.createRoot(site).render(<React.StrictMode><Site /></React.StrictMode>);
"""
VUE_SITE = """
Vue.createApp({
  components: { CallBack: { template: `%s` } },
  data: () => ({ route: "home" }),
  template: `
    <button @click="route = 'home'">Home</button>
    <button @click="route = 'contact'">Contact</button>
    <template v-if="route === 'contact'">%s</template>`,
}).mount(site);
"""

# The same as a server would send it, taken over by the browser.
REACT_FROM_SERVER = """
function Site() {
  React.useEffect(loadRingback, []);
  return <main>%s<p>what follows</p></main>;
}
const served = <React.StrictMode><Site /></React.StrictMode>;
site.innerHTML = ReactDOMServer.renderToString(served);
ReactDOM.hydrateRoot(site, served);
"""
VUE_FROM_SERVER = """
Vue.createSSRApp({
  components: { CallBack: { template: `%s` } },
  template: `<main>%s<p>what follows</p></main>`,
  mounted: loadRingback,
}).mount(site);
"""


def react_site(company: Company) -> str:
    """The recipe in StrictMode; the browser turns its JSX into JavaScript first."""
    component, used = recipe("React", company, "jsx"), recipe("React", company, "jsx", index=1)
    return f"{serves(company, REACT)}{JSX}{component}{REACT_SITE % used}</script>"


def vue_template(company: Company) -> str:
    """What the browser has to compile of the recipe."""
    (template,) = re.findall(r"<template>(.*)</template>", recipe("Vue", company, "vue"), re.DOTALL)
    return str(template).strip()


def vue_site(company: Company) -> str:
    code = VUE_SITE % (vue_template(company), recipe("Vue", company))
    return f"{serves(company, VUE)}<script>{code}</script>"


@pytest.fixture(params=[react_site, vue_site], ids=["React", "Vue"])
def one_page_site(request: pytest.FixtureRequest, visitor: Visitor, company: Company) -> Iterator[Page]:
    """A site made with the recipe, at its first page; in the end, whether anything on it failed."""
    faults: list[str] = []
    visitor.page.on("pageerror", lambda error: faults.append(error.message))
    visitor.goes_to(company, f'<div id="site"></div>{request.param(company)}')
    expect(visitor.page.get_by_role("button", name="Contact")).to_be_visible()
    yield visitor.page
    assert faults == []


def test_a_component_opens_the_form_over_the_page(one_page_site: Page, visitor: Visitor, company: Company) -> None:
    one_page_site.get_by_role("button", name="Contact").click()
    visitor.opens_the_dialog()

    asks_for_a_call(visitor, company, plan="pro")


@pytest.mark.ordinary
def test_a_component_that_comes_and_goes_has_one_form_each_time_and_leaves_nothing(
    one_page_site: Page, visitor: Visitor, company: Company
) -> None:
    before = one_page_site.content()
    for _ in range(3):
        one_page_site.get_by_role("button", name="Contact").click()
        has_the_form_inline(visitor)
        one_page_site.get_by_role("button", name="Home").click()
        expect(frames_of(one_page_site)).to_have_count(0)
        assert one_page_site.content() == before
    one_page_site.get_by_role("button", name="Contact").click()
    has_the_form_inline(visitor)

    asks_for_a_call(visitor, company)


def react_from_server(company: Company) -> str:
    component, used = recipe("React", company, "jsx"), recipe("React", company, "jsx", index=1)
    load = recipe(FROM_SERVER, company, "js")
    return (
        f'<div id="site"></div>{serves(company, REACT)}{JSX}{component}{load}{REACT_FROM_SERVER % used}</script>'
    )


def vue_from_server(company: Company) -> str:
    used = recipe("Vue", company)
    link = f'<a href="{company.form_url}" \\1><!--[-->\\2<!--]--></a>'  # so its server writes what fills a slot
    sent = re.sub(r"<CallBack (.*?)>(.*?)</CallBack>\n?", link, used)
    code = recipe(FROM_SERVER, company, "js") + VUE_FROM_SERVER % (vue_template(company), used)
    return (
        f'<div id="site"><main>{sent}<p>what follows</p></main></div>{serves(company, VUE)}<script>{code}</script>'
    )


@pytest.mark.parametrize("site", [react_from_server, vue_from_server], ids=["React", "Vue"])
def test_a_page_that_a_server_rendered_is_taken_over_without_a_fault(
    visitor: Visitor, company: Company, site: Callable[[Company], str]
) -> None:
    faults: list[str] = []
    visitor.page.on("pageerror", lambda error: faults.append(error.message))
    visitor.page.on("console", lambda message: faults.extend([message.text] if "ydrat" in message.text else []))
    goes_where_only(visitor, company, site(company))
    has_the_form_inline(visitor)
    asks_for_a_call(visitor, company)

    assert faults == []


def test_a_block_of_wordpress_survives_what_wordpress_does_to_it(visitor: Visitor, company: Company) -> None:
    # What its own wpautop and wptexturize (6.1.9) make of the recipe after a line of text, where they are applied.
    content = f"<p>Don&#8217;t wait:<br />\n{recipe('WordPress', company).strip()}</p>"
    php = recipe("WordPress", company, "php")
    (address,) = re.findall(r"'(http[^']*/embed.js)'", php)
    script = f'<script src="{address}" id="ringback-js" async data-wp-strategy="async"></script>'
    goes_where_only(visitor, company, content, head=script)
    visitor.opens_the_dialog()

    asks_for_a_call(visitor, company, plan="pro")


def test_a_page_that_replaces_its_body_needs_no_more(visitor: Visitor, company: Company) -> None:
    goes_where_only(visitor, company, recipe("The two lines", company))
    visitor.opens_the_dialog()
    visitor.fills_in(name="Ann Unmistakable")
    next_page = f"<body>{recipe('Inline', company)}{recipe('Button', company)}</body>"
    visitor.page.evaluate(
        """(html) => {
          history.pushState({}, "", "/next");
          document.body.replaceWith(new DOMParser().parseFromString(html, "text/html").body);
        }""",
        next_page,
    )
    expect(visitor.name_field).to_have_value("Ann Unmistakable")
    visitor.page.evaluate("Ringback.close()")
    expect(visitor.opener).to_be_in_viewport(ratio=1)
    visitor.has_the_form(visitor.page.frame_locator("ringback-inline iframe"))

    asks_for_a_call(visitor, company)


# --- what guards a page ---


def test_two_directives_are_all_that_a_strict_policy_needs(visitor: Visitor, company: Company) -> None:
    ours = recipe("A strict Content Security Policy", company, "").strip()
    policy = f"default-src 'none'; {ours}; require-trusted-types-for 'script'"
    complaints: list[str] = []
    visitor.page.on("console", lambda message: complaints.append(message.text))
    goes_where_only(visitor, company, recipe("The two lines", company), Content_Security_Policy=policy)
    visitor.opens_the_dialog()
    asks_for_a_call(visitor, company)

    assert complaints == []


def script_with_its_hash(company: Company, served: bytes) -> str:
    digest = base64.b64encode(hashlib.sha384(served).digest()).decode()
    return recipe("Subresource Integrity", company).replace("sha384-…", f"sha384-{digest}")


def test_a_script_with_its_hash_is_the_script(visitor: Visitor, company: Company) -> None:
    with urllib.request.urlopen(f"{company.ringback.url}/embed.js") as answer:
        served = answer.read()
    goes_where_only(visitor, company, company.link() + script_with_its_hash(company, served))
    visitor.opens_the_dialog()

    asks_for_a_call(visitor, company)


def test_a_script_with_the_hash_of_another_leaves_the_links_as_they_are(
    visitor: Visitor, company: Company
) -> None:
    goes_where_only(visitor, company, company.link() + script_with_its_hash(company, b"the release before"))
    visitor.opener.click()
    visitor.has_the_form(visitor.page)

    asks_for_a_call(visitor, company)
