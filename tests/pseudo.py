"""Two languages nobody speaks: English in disguise, longer than it was, so that what is not translated stands out.

They borrow the tags of Greek and Hebrew, whose dates and names of countries have no Latin letter in them. So any
Latin letter that a page shows is a person's or a company's own, or a sentence that was never marked.
"""

import re
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path
from xml.etree.ElementTree import Element

from babel.messages.pofile import write_po

from tools.messages import extracted

ACCENTED, RIGHT_TO_LEFT = "el", "he"
LONGER = 0.4  # as German and Finnish are, at their worst
_PLACEHOLDER = re.compile(r"(%\(\w+\)s)")
_LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS = {
    ACCENTED: "áƀçđéƒğĥíĵķļɱñóþɋŕšťúṽŵẋýžÁƁÇĐÉƑĞĤÍĴĶĻṀÑÓÞɊŔŠŤÚṼŴẊÝŽ",
    RIGHT_TO_LEFT: "".join(islice(cycle("אבגדהוזחטיכלמנסעפצקרשת"), len(_LATIN))),
}
# What is read, or read out; the rest of the attributes are for machines.
_READ_OUT = ("aria-label", "alt", "title", "placeholder", "data-sending", "data-slow", "data-copied")
_READ_OUT += ("data-sentence", "label", "data-own", "data-team", "data-switch", "data-slot", "data-today")
_READ_OUT += ("data-tomorrow",)
_TAKEN_BY_A_SCRIPT = re.compile(r"\{\w+\}")


def disguised(sentence: str, tag: str) -> str:
    """The sentence in letters of the language, with its placeholders, and two fifths longer."""
    table = str.maketrans(_LATIN, _LETTERS[tag])
    parts = _PLACEHOLDER.split(sentence)
    text = "".join(part if _PLACEHOLDER.fullmatch(part) else part.translate(table) for part in parts)
    padding = round(len(sentence) * LONGER)
    words = " ".join(islice(cycle([_LETTERS[tag][:6], _LETTERS[tag][6:10]]), padding // 6 + 1))
    return f"{text} {words[:padding]}".rstrip()


def write_catalogues(folder: Path) -> None:
    """Put both languages into a folder, as catalogues like any other."""
    for tag in _LETTERS:
        catalogue = extracted()
        catalogue.locale = tag
        for message in catalogue:
            if isinstance(message.id, str):
                message.string = disguised(message.id, tag)
            else:
                message.string = (
                    disguised(message.id[0], tag),
                    *[disguised(message.id[1], tag)] * (catalogue.num_plurals - 1),
                )
        written = BytesIO()
        write_po(written, catalogue)
        (folder / f"{tag}.po").write_bytes(written.getvalue())


# A reference's last four characters, which the caller can say.
_SPOKEN_CODE = re.compile(r"(?<=: )\u2066?[2-9A-HJKMNP-TV-Z]{4}\b")


def undisguised(page: Element, own: list[str]) -> list[str]:
    """Each text of a page that has Latin letters in it, leaving out people's and companies' `own` words."""
    found = []
    for element in page.iter():
        is_own = element.tag in ("script", "style", "bdi", "textarea") or element.get("aria-hidden") == "true"
        if is_own or element.get("lang", "el") not in _LETTERS:
            texts = [element.tail]
        else:
            texts = [element.text, element.tail, *[element.get(name) for name in _READ_OUT]]
        for text in filter(None, texts):
            ours = _SPOKEN_CODE.sub("", _TAKEN_BY_A_SCRIPT.sub("", text))
            for word in own:
                ours = ours.replace(word, "")
            if re.search("[A-Za-z]", ours):
                found.append(" ".join(text.split()))
    return found
