"""Whatever colour a company has, what is shown in it can be read: by day, by night, and under a pointer."""

import html
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringback.web import theme as brand
from ringback.web.theme import contrast

STYLE_SHEET = Path("static/ringback.css").read_text(encoding="utf-8")
# WCAG 2.2: 1.4.3 Contrast (Minimum), and 1.4.11 Non-text Contrast.
WORDS, SIGNS = 4.5, 3.0
PARTS = range(0, 256, 17)
COLOURS = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in itertools.product(PARTS, repeat=3)]
GROUNDS = ("page", "surface", "field")
TINTS = ("bad-tint", "ok-tint", "warn-tint")


def palette(selector: str) -> dict[str, str]:
    """The colours that the style sheet sets in its first rule for a selector."""
    (rule,) = re.findall(rf"^ *{re.escape(selector)} {{(.*?)}}", STYLE_SHEET, re.DOTALL | re.MULTILINE)
    return dict(re.findall(r"--([\w-]+): (#\w+);", rule))


def whole(colour: str) -> str:
    """`#fff` as `#ffffff`."""
    return colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])


def theme(name: str) -> dict[str, str]:
    selector = {"light": ":root", "dark": ':root[data-theme="dark"]'}[name]
    return {token: whole(colour) for token, colour in palette(selector).items()}


THEMES = {name: theme(name) for name in ("light", "dark")}


def too_faint(colour: str, name: str) -> Iterator[tuple[str, float]]:
    """What of a brand colour could not be read or seen in a theme."""
    tokens, ours = brand.tokens(colour), THEMES[name]
    accent, tint = tokens[f"accent-{name}"], tokens[f"tint-{name}"]
    pairs = [
        ("words on the button", tokens["on-brand"], tokens["brand"], WORDS),
        ("words on the button under a pointer", tokens["on-brand"], tokens["brand-hover"], WORDS),
        *[(f"a link or a focus ring on --{ground}", accent, ours[ground], WORDS) for ground in GROUNDS],
        ("a border, dot or ring on the tint", accent, tint, SIGNS),
        *[(f"--{ink} on the tint", ours[ink], tint, WORDS) for ink in ("ink", "ink-2")],
        *[(f"a focus ring on --{ground}", accent, ours[ground], SIGNS) for ground in TINTS],
    ]
    for what, one, other, ratio in pairs:
        if (found := contrast(one, other)) < ratio:
            yield f"{colour}, {name}: {what}", round(found, 2)


@pytest.mark.parametrize("name", THEMES)
def test_every_colour_of_a_brand_is_readable_and_its_focus_visible(name: str) -> None:
    assert len(COLOURS) == 4096
    assert [fault for colour in COLOURS for fault in too_faint(colour, name)] == []


def test_a_pointer_over_the_button_shows() -> None:
    for colour in COLOURS:
        tokens = brand.tokens(colour)
        pairs = zip(bytes.fromhex(tokens["brand"][1:]), bytes.fromhex(tokens["brand-hover"][1:]), strict=True)
        assert max(abs(one - other) for one, other in pairs) >= 16, colour


def test_a_brand_that_can_be_read_as_it_is_stays_as_it_is() -> None:
    assert brand.tokens("#0b6b4b")["accent-light"] == "#0b6b4b"
    assert brand.tokens("#ffd600")["accent-dark"] == "#ffd600"


@pytest.mark.parametrize("name", THEMES)
def test_the_colours_that_are_nobodys_brand_are_readable_too(name: str) -> None:
    ours = THEMES[name]
    faint = [
        (ink, ground)
        for ink in ("ink", "ink-2", "bad", "ok", "warn")
        for ground in (*GROUNDS, f"{ink}-tint")
        if ground in ours and contrast(ours[ink], ours[ground]) < WORDS
    ]
    faint += [("line", ground) for ground in GROUNDS if contrast(ours["line"], ours[ground]) < SIGNS]
    faint += [("ink", tint) for tint in TINTS if contrast(ours["ink"], ours[tint]) < WORDS]

    assert faint == []


def test_the_grounds_that_the_brand_is_computed_for_are_those_of_the_style_sheet() -> None:
    grounds = {name: [THEMES[name][ground] for ground in GROUNDS] for name in THEMES}

    assert brand._hex(brand._LIGHT) == THEMES["light"]["surface"]
    assert brand._hex(brand._DARK) == THEMES["dark"]["surface"]
    assert brand._hex(brand._LIGHT_HARDEST) == max(
        grounds["light"], key=lambda ground: contrast(ground, "#ffffff")
    )
    assert brand._hex(brand._DARK_HARDEST) == max(grounds["dark"], key=lambda ground: contrast(ground, "#000000"))


def test_the_style_of_a_page_is_what_its_policy_has_the_hash_of() -> None:
    style = brand.style("#0b6b4b", "/static/own/0123.woff2")

    assert html.escape(style) == style  # what a template would write differently, the hash would not fit
    assert "</" not in style


def test_the_ratio_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#777777", "#777777") == 1
    # The best-known pair: the lightest grey that words on white may have.
    assert contrast("#767676", "#ffffff") >= WORDS > contrast("#777777", "#ffffff")
