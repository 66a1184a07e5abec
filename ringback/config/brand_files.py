"""A logo or a font of the site owner's: read once at the start and checked, so that nobody meets a broken one."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LOGO_BYTES = 64 * 1024
FONT_BYTES = 256 * 1024

_SVG = "http://www.w3.org/2000/svg"
_PICTURES = "an SVG, PNG or WebP file"


@dataclass(frozen=True)
class BrandFile:
    """What is served. `name` changes with what is in it, so that browsers may keep it for ever."""

    name: str
    mimetype: str
    content: bytes = field(repr=False)

    @property
    def url(self) -> str:
        """On our own origin: nobody else learns who looks at the form."""
        return f"/static/own/{self.name}"


def read_logo(path: Path) -> BrandFile:
    """Raises ValueError, which says what to mend."""
    return _read(path, LOGO_BYTES, ("svg", "png", "webp"), _PICTURES)


def read_font(path: Path) -> BrandFile:
    """As above. WOFF2 (https://www.w3.org/TR/WOFF2/) is the smallest kind, and every browser takes it."""
    return _read(path, FONT_BYTES, ("woff2",), "a WOFF2 file")


def _read(path: Path, limit: int, kinds: tuple[str, ...], wanted: str) -> BrandFile:
    kind = path.suffix.lower().removeprefix(".")
    if kind not in kinds:
        raise ValueError(f"should be {wanted}, by its name")
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise ValueError(f"should be a file; there is none at {path}") from None
    except OSError as error:
        raise ValueError(f"should be a file that can be read ({type(error).__name__} at {path})") from None
    if len(content) > limit:
        raise ValueError(f"should be at most {limit // 1024} KB; every visitor downloads it")
    mimetype, is_one, mend = _KINDS[kind]
    if not is_one(content):
        raise ValueError(mend)
    return BrandFile(f"{hashlib.sha256(content).hexdigest()[:16]}.{kind}", mimetype, content)


def _is_svg(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    # Without its namespace a browser shows no picture, only a broken one.
    return bool(re.search(rf"<svg\b[^>]*\bxmlns=[\"']{_SVG}[\"']", text))


def _begins(start: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(start)


_KINDS: dict[str, tuple[str, Callable[[bytes], bool], str]] = {
    "svg": ("image/svg+xml", _is_svg, f'should be an SVG in UTF-8, which begins with <svg xmlns="{_SVG}"'),
    "png": ("image/png", _begins(b"\x89PNG\r\n\x1a\n"), "is not a PNG file"),
    "webp": (
        "image/webp",
        lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP",
        "is not a WebP file",
    ),
    "woff2": ("font/woff2", _begins(b"wOF2"), "is not a WOFF2 file"),
}
