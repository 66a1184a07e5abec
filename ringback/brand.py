"""One brand colour in; the colours of a page out, readable on light and on dark.

Contrast is WCAG 2's (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
"""

OURS = "#4f46e5"  # on pages that belong to no widget

_LIGHT_SURFACE = (255, 255, 255)
_DARK_SURFACE = (23, 25, 29)
_READABLE = 4.5
_STEPS = 100

RGB = tuple[int, int, int]


def style(brand: str) -> str:
    """The text of the one inline style element: four custom properties. `brand` like `#4f46e5`."""
    colour = _rgb(brand)
    tokens = {
        "--brand": colour,
        "--on-brand": _text_on(colour),
        "--accent-light": _readable_on(_LIGHT_SURFACE, colour, towards=(0, 0, 0)),
        "--accent-dark": _readable_on(_DARK_SURFACE, colour, towards=(255, 255, 255)),
    }
    return ":root{" + ";".join(f"{name}:{_hex(value)}" for name, value in tokens.items()) + "}"


def text_on(brand: str) -> str:
    """The colour of words on a brand colour: white where it can be read there, else black."""
    return _hex(_text_on(_rgb(brand)))


def contrast(one: RGB, other: RGB) -> float:
    """From 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _text_on(colour: RGB) -> RGB:
    return _LIGHT_SURFACE if contrast(colour, _LIGHT_SURFACE) >= _READABLE else (0, 0, 0)


def _readable_on(surface: RGB, colour: RGB, towards: RGB) -> RGB:
    """The colour itself where it can be read, else as little of `towards` mixed in as it takes."""
    for step in range(_STEPS + 1):
        share = step / _STEPS
        red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, towards, strict=True))
        if contrast((red, green, blue), surface) >= _READABLE:
            return red, green, blue
    return towards


def _luminance(colour: RGB) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _rgb(colour: str) -> RGB:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(colour: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
