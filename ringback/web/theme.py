"""One brand colour in; the colours of a page out, readable on light and on dark.

Contrast is WCAG 2's (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio), and so are the ratios asked for:
4.5 for words (1.4.3), 3 for what has to be seen without being read (1.4.11). All that is computed here has 4.5.
"""

from functools import lru_cache

OURS = "#4f46e5"  # on pages that belong to no widget

RGB = tuple[int, int, int]

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
# What the style sheet lays a page on. Of its grounds (--page, --surface, --field) the second is the hardest to be
# seen on: by day the darkest, by night the lightest.
_LIGHT, _LIGHT_HARDEST = _WHITE, (243, 244, 246)
_DARK, _DARK_HARDEST = (23, 25, 29), (30, 33, 38)
_READABLE = 4.5
_STEPS = 100
_TINT = 0.08
_HOVER = 0.18
_SHOWS = 16  # of 255, in one of the three parts


@lru_cache(maxsize=64)
def style(brand: str, font: str = "") -> str:
    """The text of the one inline style element. `brand` is like `#4f46e5`, `font` the address of a WOFF2 file.

    It has no quotes, brackets or ampersands: nothing that a template would escape, and so change its hash.
    """
    rules = ":root{" + ";".join(f"--{name}:{value}" for name, value in tokens(brand).items())
    if not font:
        return rules + "}"
    # Optional: a font that comes too late is left for the next page, rather than moving what is being read.
    face = f"font-family:ringback-own;font-display:optional;src:url({font})"
    return f"@font-face{{{face}}}{rules};--own-font:ringback-own}}"


def tokens(brand: str) -> dict[str, str]:
    """The custom properties that depend on the brand, by their names without the dashes."""
    colour = _rgb(brand)
    words = _text_on(colour)
    found = {
        "brand": colour,
        "on-brand": words,
        "brand-hover": _hovered(colour, words),
        "accent-light": _readable_on(_LIGHT_HARDEST, colour, towards=_BLACK),
        "accent-dark": _readable_on(_DARK_HARDEST, colour, towards=_WHITE),
        "tint-light": _mixed(_LIGHT, colour, _TINT),
        "tint-dark": _mixed(_DARK, colour, _TINT),
    }
    return {name: _hex(value) for name, value in found.items()}


def text_on(brand: str) -> str:
    """The colour of words on a brand colour: white where it can be read there, else black."""
    return _hex(_text_on(_rgb(brand)))


def contrast(one: str, other: str) -> float:
    """Of two colours like `#4f46e5`: from 1 (the same) to 21 (black on white)."""
    return _contrast(_rgb(one), _rgb(other))


def _contrast(one: RGB, other: RGB) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _text_on(colour: RGB) -> RGB:
    return _WHITE if _contrast(colour, _WHITE) >= _READABLE else _BLACK


def _hovered(colour: RGB, words: RGB) -> RGB:
    """A shade further from the words on it; nearer to them only where there is no further to go."""
    away = _mixed(colour, _BLACK if words == _WHITE else _WHITE, _HOVER)
    near = _mixed(colour, words, _HOVER)
    has_room = max(abs(a - b) for a, b in zip(colour, away, strict=True)) >= _SHOWS
    return away if has_room or _contrast(near, words) < _READABLE else near


def _readable_on(ground: RGB, colour: RGB, towards: RGB) -> RGB:
    """The colour itself where it can be read, else as little of `towards` mixed in as it takes."""
    for step in range(_STEPS + 1):
        mixed = _mixed(colour, towards, step / _STEPS)
        if _contrast(mixed, ground) >= _READABLE:
            return mixed
    return towards


def _mixed(colour: RGB, other: RGB, share: float) -> RGB:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _luminance(colour: RGB) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _rgb(colour: str) -> RGB:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(colour: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
