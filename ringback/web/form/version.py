"""Which form a visitor saw: a record of consent names it."""

import hashlib
import re
from pathlib import Path

_MADE_OF = ("templates/widget/form.html", "templates/components/field.html", "templates/components/when.html")


def form_version(root: Path) -> str:
    """Twelve characters that change with anything that a visitor reads on the form, in any language.

    Every sentence stands in the catalogues, in English too. Code may move as it likes.
    """
    files = [*[root / name for name in _MADE_OF], *sorted((root / "translations").glob("*.po"))]
    return hashlib.sha256("".join(map(_said_in, files)).encode()).hexdigest()[:12]


def _said_in(file: Path) -> str:
    """A template, or a catalogue without what depends on our code: its order, and which file has a sentence."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".po":
        return text
    return "\n\n".join(sorted(re.sub(r"(?m)^#:.*\n", "", text).strip().split("\n\n")))
