"""What a visitor or the page around the form says, as it may be kept, shown and sent.

Composed (NFC), and without what nobody can see: it hides or reorders what an agent reads.
"""

import re
import unicodedata
from urllib.parse import urlsplit

PAGE_LENGTH = 500

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
# What Unicode counts as letters and marks, and as Default_Ignorable_Code_Point: fillers, variation selectors.
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
_SELECTOR = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def line(said: str | None) -> str:
    """One line of a person's words: as `text`, with every run of white space one space."""
    return " ".join(text(said).split())


def text(said: str | None) -> str:
    """A person's words with their line breaks.

    What joins letters or chooses their shape stays where it does so: Persian, Hindi, names in Japanese and
    emoji are written with it.
    """
    lines = unicodedata.normalize("NFC", "\n".join((said or "").splitlines())).replace("\t", " ")
    seen = "".join(letter for letter in lines if not _is_unseen(letter))
    return unicodedata.normalize("NFC", _without_loose_ends(seen)).strip()


def cut(said: str | None, length: int) -> str:
    """One line of at most so many characters, clean at its new end too."""
    return line(line(said)[:length])


def page(address: str | None) -> str:
    """A web address without query, fragment, user or password, which may hold secrets; else nothing."""
    try:
        parts = urlsplit(line(address))
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[\w.:-]+", host):
        return ""
    host = f"[{host}]" if ":" in host else host
    return cut(f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}", PAGE_LENGTH)


def _is_unseen(letter: str) -> bool:
    if letter == "\n" or letter in _JOINERS:
        return False
    return letter in _FILLERS or unicodedata.category(letter) in _UNSEEN


def _without_loose_ends(said: str) -> str:
    """Without joiners that join nothing and variation selectors that follow nothing."""
    kept = [" "]
    for letter, after in zip(said, said[1:] + " ", strict=False):
        before = kept[-1]
        if letter in _JOINERS:
            has_hold = _can_be_joined(before) and _can_be_joined(after) and not _SELECTOR.match(after)
        elif _SELECTOR.match(letter):
            has_hold = not (before.isspace() or before in _JOINERS or _SELECTOR.match(before))
        else:
            has_hold = True
        if has_hold:
            kept.append(letter)
    return "".join(kept)


def _can_be_joined(letter: str) -> bool:
    """Letters, marks, digits and pictures; not those of ASCII, which no joiner changes."""
    return not letter.isascii() and unicodedata.category(letter)[0] in "LMNS"
