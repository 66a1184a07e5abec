"""Every state of every page, in every look, for every way to read it: what docs/accessibility.md names."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Frame, Page, expect

from ringback.i18n import languages
from tests.browser.states import STATES, Places, Stage, State, places, reach
from tests.browser.trees import tree_of, written_tree
from tests.pairs import each_once

# Named one by one: the one rule of WCAG 2.2, target-size, is left out by default and runs when its tag is named.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = "(rules) => axe.run(document, { runOnly: rules, iframes: false })"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced": {"color_scheme": "light", "forced_colors": "active"},
}
WIDTHS = (390, 320)
PAINTED_SECONDS = 10  # of a busy machine
# Whatever mirrors does so by the same few rules, and in forced colours the colours are the system's: a few states
# show whether both hold.
FROM_THE_RIGHT = {state.name for state in [state for state in STATES if not state.around][::15]}
# WCAG 2.2, 1.4.12: what a visitor's own style may ask for.
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
p { margin-block-end: 2em !important }"""


@dataclass(frozen=True)
class Case:
    """A state in a language, and the looks that axe is to see it in."""

    state: State
    language: str
    looks: tuple[tuple[str, int], ...]

    def param(self, *marks: Any) -> Any:
        # For one process: it starts the servers once, and leads a page to each state once.
        group = pytest.mark.xdist_group("states")
        return pytest.param(self, id=f"{self.state.name}-{self.language}", marks=[group, *marks])


def cases() -> Iterator[Any]:
    """One state in three in English, by day or by night, and a few from the right; all of it in the long run."""
    for place, state in enumerate(STATES):
        for language in ["en"] if state.around else languages.available():
            if chosen := ordinary_looks(place, state, language):
                yield Case(state, language, chosen).param()
            rest = tuple(look for look in product(LOOKS, WIDTHS) if look not in chosen)
            yield pytest.param(
                Case(state, language, rest), id=f"{state.name}-{language}-the-rest", marks=pytest.mark.long
            )


def ordinary_looks(place: int, state: State, language: str) -> tuple[tuple[str, int], ...]:
    """How a state is looked at in the ordinary run: most are not, and none in most languages."""
    if language == "en" and place % 3 == 0:
        return ((("light", 320), ("dark", 390))[place // 3 % 2],)
    return (("forced", 390),) if language == "ar" and state.name in FROM_THE_RIGHT else ()


@pytest.fixture(scope="module")
def served_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with places(tmp_path_factory.mktemp("places")) as served:
        yield served


@dataclass
class Shown:
    """A page that was led to a state."""

    page: Page
    case: Case

    def look(self, name: str = "light", width: int = 390, height: int = 844) -> None:
        self.page.emulate_media(**LOOKS[name])
        self.page.set_viewport_size({"width": width, "height": height})

    @property
    def frames(self) -> list[Frame]:
        """The page, and what is framed on it."""
        return [frame for frame in self.page.frames if frame.url.startswith("http")]

    @property
    def own_frame(self) -> Frame:
        """The one that is ours: on a host page the last."""
        return self.frames[-1]


@pytest.fixture(scope="module", params=list(cases()))
def shown(request: pytest.FixtureRequest, browser: Browser, served_places: Places) -> Iterator[Shown]:
    case: Case = request.param
    # What is still fading in has the wrong contrast.
    context = browser.new_context(reduced_motion="reduce", locale="en-GB", viewport={"width": 390, "height": 844})
    context.set_default_timeout(10_000)
    page = context.new_page()
    reach(case.state, Stage(page, served_places, case.language))
    yield Shown(page, case)
    context.close()


# --- what a machine finds ---


@pytest.mark.ordinary(all_cases=True)
def test_axe_finds_nothing_to_mend(shown: Shown) -> None:
    for look, width in shown.case.looks:
        shown.look(look, width)
        for frame in shown.frames:
            found = axe_on(frame)
            assert findings(found) == [], f"{look}, {width} px: {frame.url}"
            assert "target-size" in [rule["id"] for rule in found["passes"]] or not has_targets(frame)


def axe_on(frame: Frame) -> dict[str, Any]:
    """What axe says of a frame once it is painted: until then the contrast of its words cannot be told."""
    if frame.parent_frame:  # Chromium paints none that is out of sight
        frame.frame_element().evaluate("(element) => element.scrollIntoView()")
    deadline = time.monotonic() + PAINTED_SECONDS
    while True:
        if not frame.evaluate("() => 'axe' in window"):  # nor in a frame that has loaded anew
            frame.evaluate(AXE_SCRIPT)
        found: dict[str, Any] = frame.evaluate(AXE, RULES)
        if not findings(found) or time.monotonic() > deadline:
            return found
        frame.page.wait_for_timeout(250)  # nothing tells when that is


def findings(found: dict[str, Any]) -> list[str]:
    """What is wrong, and what axe cannot decide, save the contrasts of what lies over a customer's page.

    It also says that a frame has to be tested by itself, which is what is done here.
    """
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in [*found["violations"], *found["incomplete"]]
        for node in rule["nodes"]
        if rule in found["violations"] or "ringback-embed" not in str(node["target"])
        if rule["id"] != "frame-tested"
    ]


def has_targets(frame: Frame) -> bool:
    return frame.locator("a, button, input, summary").count() > 0


# --- larger, further apart, narrower ---


def still_lost(shown: Shown) -> list[str]:
    """What is lost once every frame has been laid out anew: one within another follows a moment later."""
    for _ in range(40):
        found = [what for frame in shown.frames for what in lost(frame)]
        if not found:
            return []
        shown.page.wait_for_timeout(50)
    return found


@pytest.mark.ordinary(all_cases=True)
def test_a_page_as_narrow_as_a_phone_or_zoomed_to_400_percent_scrolls_one_way(shown: Shown) -> None:
    shown.look(width=320, height=256)  # 1280 x 1024 at 400 %
    assert still_lost(shown) == []


def test_text_twice_as_large_is_all_there(shown: Shown) -> None:
    shown.look(width=640)  # 1280 at 200 %, in which a visitor's own text size says the rest
    with styled(shown, "html { font-size: 200% !important }"):
        assert still_lost(shown) == []


def test_text_with_more_space_around_it_is_all_there(shown: Shown) -> None:
    shown.look(width=320)
    with styled(shown, SPACED):
        assert still_lost(shown) == []


class styled:  # noqa: N801 - reads as a verb
    """While it lasts, a visitor's own style sheet; a style element would be against our policy."""

    def __init__(self, shown: Shown, css: str) -> None:
        self._frames, self._css = shown.frames, css

    def __enter__(self) -> None:
        for frame in self._frames:
            frame.evaluate(
                "(css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);"
                "document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet] }",
                self._css,
            )

    def __exit__(self, *error: object) -> None:
        for frame in self._frames:
            frame.evaluate("() => document.adoptedStyleSheets.pop()")


def lost(frame: Frame) -> list[str]:
    """What makes a page scroll sideways, or has more words than it shows."""
    return frame.evaluate(
        """() => {
          const root = document.documentElement;
          const found = root.scrollWidth > innerWidth ? [`${location.pathname}: ${root.scrollWidth} px wide`] : [];
          for (const element of document.body.querySelectorAll("*")) {
            const style = getComputedStyle(element);
            const isCut = element.scrollWidth > element.clientWidth + 1
              || element.scrollHeight > element.clientHeight + 1;
            const hides = /hidden|clip/.test(style.overflowX + style.overflowY) && style.clipPath === "none";
            if (hides && isCut && !/^(INPUT|SELECT|IFRAME)$/.test(element.tagName)) found.push(element.outerHTML);
          }
          return found;
        }"""
    )


def test_a_page_says_the_same_when_it_is_turned_on_its_side(shown: Shown) -> None:
    shown.look()
    upright = tree_of(shown.page)
    shown.look(width=844, height=390)

    assert tree_of(shown.page) == upright


# --- by keyboard, and by what a screen reader is told ---


@pytest.mark.ordinary(all_cases=True)
def test_the_keyboard_comes_everywhere_in_order_and_is_seen_to(shown: Shown) -> None:
    shown.look()
    page = shown.page
    # Pages with frames have tests of their own: test_embed_modes.py, test_install_page.py.
    has_frames = len(shown.frames) > 1 or page.locator("ringback-embed").count()
    wanted = [] if has_frames else page.evaluate(REACHABLE)
    page.evaluate("() => { document.activeElement?.blur(); getSelection().removeAllRanges(); scrollTo(0, 0) }")
    page.locator("body").evaluate("body => { body.tabIndex = -1; body.focus(); body.removeAttribute('tabindex') }")
    address = page.url
    for name in wanted:
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == [name, "seen"]
    assert page.url == address  # to come to something does nothing


REACHABLE = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, iframe")]
  .filter((element) => element.checkVisibility() && element.tabIndex >= 0 && element.type !== "hidden")
  .filter((element) => element.type !== "radio" || element.checked)
  .map((element) => element.outerHTML)"""
# WCAG 2.2, 2.4.7 and 2.4.11: the ring is there, and nothing lies over what has it.
FOCUSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element), box = element.getClientRects()[0];
  const over = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 10));
  const isSeen = parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none"
    && (element.contains(over) || [...element.labels ?? []].some((label) => label.contains(over)));
  return [element.outerHTML, isSeen ? "seen" : `not seen: ${style.outline} under ${over?.outerHTML}`];
}"""


@pytest.mark.ordinary(all_cases=True)
def test_a_page_says_its_language_its_title_and_one_headline(shown: Shown) -> None:
    page = shown.own_frame
    expect(page.locator("html")).to_have_attribute("lang", shown.case.language.replace("_", "-"))
    headlines = page.locator("h1").all_inner_texts()

    assert len(headlines) == 1
    assert headlines[0]
    if not shown.case.state.around:
        assert page.title().endswith(headlines[0])  # with "Error: " before it where there is one


def test_what_is_said_to_a_control_is_what_stands_on_it(shown: Shown) -> None:
    silent = """() => [...document.querySelectorAll("a, button, summary, input, select, textarea")]
      .filter((element) => element.ariaLabel && element.innerText.length > 1
        && !element.ariaLabel.toLowerCase().includes(element.innerText.trim().toLowerCase()))
      .map((element) => element.outerHTML)"""
    assert [what for frame in shown.frames for what in frame.evaluate(silent)] == []


@pytest.mark.ordinary(all_cases=True)
def test_a_screen_reader_is_told_what_the_tree_on_file_says(shown: Shown) -> None:
    # Trees are kept of the visitor's own pages, in English.
    is_kept = shown.case.language == "en" and not shown.case.state.around and shown.case.state.name != "dialog"
    assert not is_kept or tree_of(shown.page) == written_tree(shown.case.state.name)


# --- for those who asked for more contrast ---

# Of every border, and of those drawn by `::before` and `::after`, to what is beside it.
EDGES = """() => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [red, green, blue] = rgba(colour).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    const colour = element ? getComputedStyle(element).backgroundColor : "white";
    return !element || rgba(colour)[3] === 255 ? colour : ground(element.parentElement);
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    for (const drawn of [null, "::before", "::after"]) {
      const style = getComputedStyle(element, drawn);
      if (!element.checkVisibility() || (drawn && style.content === "none")) continue;
      const beside = luminance(ground(drawn ? element : element.parentElement));
      for (const side of ["Top", "Right", "Bottom", "Left"]) {
        const colour = style[`border${side}Color`];
        if (!parseFloat(style[`border${side}Width`]) || !rgba(colour)[3]) continue;
        const [darker, lighter] = [luminance(colour), beside].sort((one, other) => one - other);
        const edge = `${element.cloneNode().outerHTML} ${drawn ?? ""} ${side}`;
        found.push([edge, (lighter + 0.05) / (darker + 0.05)]);
      }
    }
  }
  return found;
}"""
MOST = 7  # what WCAG 2.2 asks of words at level AAA (1.4.6)


def in_more_contrast() -> Iterator[Any]:
    """Each state once, each scheme twice; all of them together where there is time."""
    names, schemes = ("form-with-errors", "form-with-times", "request-waiting", "erasing"), ("light", "dark")
    once = each_once(names, schemes)
    for name, scheme in product(names, schemes):
        marks = () if (name, scheme) in once else pytest.mark.long
        yield pytest.param(name, scheme, marks=marks)


@pytest.mark.parametrize(("name", "scheme"), list(in_more_contrast()))
def test_who_asked_for_more_contrast_has_it_in_every_word_and_border(
    page: Page, served_places: Places, name: str, scheme: Literal["light", "dark"]
) -> None:
    (state,) = [state for state in STATES if state.name == name]
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    reach(state, Stage(page, served_places))
    page.evaluate(AXE_SCRIPT)
    words = ["color-contrast-enhanced"]
    assert min(ratio for _edge, ratio in page.evaluate(EDGES)) < MOST
    assert findings(page.evaluate(AXE, words)) != []

    page.emulate_media(contrast="more")
    assert [(edge, ratio) for edge, ratio in page.evaluate(EDGES) if ratio < MOST] == []
    assert findings(page.evaluate(AXE, words)) == []
    assert findings(page.evaluate(AXE, RULES)) == []


# --- movement ---


def test_nothing_moves_for_those_who_asked_for_less_of_it(shown: Shown) -> None:
    for frame in shown.frames:
        assert frame.evaluate("() => document.getAnimations().length") == 0
    durations = shown.own_frame.evaluate(
        "() => [...document.querySelectorAll('*')].map((element) => getComputedStyle(element).transitionDuration)"
    )
    assert not [duration for duration in set(durations) if not re.fullmatch(r"(0s(, )?)+", duration)]


def test_no_movement_lasts_longer_than_five_seconds(shown: Shown) -> None:
    # What turns while the form is on its way says that it is.
    may_turn = shown.case.state.name == "form-while-sending"
    shown.page.emulate_media(reduced_motion="no-preference")
    ends = shown.own_frame.evaluate(
        "() => document.getAnimations().map((each) => each.effect.getComputedTiming().endTime)"
    )
    shown.page.emulate_media(reduced_motion="reduce")

    assert [end for end in ends if not may_turn and (end is None or end > 5000)] == []


# --- what a pointer and a choice do, and do not ---


@pytest.fixture
def careful_form(browser: Browser, served_places: Places) -> Iterator[Page]:
    """The form with something to choose and to tick."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    Stage(page, served_places).opens("/careful")
    page.wait_for_load_state("networkidle")
    yield page
    page.close()


def test_fields_about_the_visitor_say_what_they_are_for(page: Page, served_places: Places) -> None:
    Stage(page, served_places).opens()
    fields = page.locator("form .field :is(input, textarea)")
    purposes = fields.evaluate_all("(all) => all.map((field) => [field.name, field.autocomplete])")

    # The tokens of https://html.spec.whatwg.org/#autofill; a message is about nobody.
    assert purposes == [
        ["name", "name"],
        ["phone", "tel"],
        ["email", "email"],
        ["company", "organization"],
        ["message", ""],
    ]


def test_a_choice_changes_nothing_else(careful_form: Page) -> None:
    asked: list[str] = []
    careful_form.on("request", lambda request: asked.append(request.url))
    before = tree_of(careful_form).splitlines()
    careful_form.locator("select").select_option("US")
    careful_form.locator("#consent").check()
    after = tree_of(careful_form).splitlines()

    assert [url for url in asked if not url.endswith("/begun")] == []  # that somebody began is counted
    assert len([line for line in after if line not in before]) == 3  # one option for another, and the box


def test_a_press_that_is_taken_back_sends_nothing(careful_form: Page) -> None:
    asked: list[str] = []
    careful_form.on("request", lambda request: asked.append(request.url))
    careful_form.locator("form [data-sending]").hover()
    careful_form.mouse.down()
    careful_form.mouse.move(5, 5)
    careful_form.mouse.up()

    expect(careful_form.locator(".error-summary")).to_have_count(0)
    assert asked == []
    careful_form.locator("form [data-sending]").click()  # and one that is not, does
    expect(careful_form.locator(".error-summary")).to_be_visible()
