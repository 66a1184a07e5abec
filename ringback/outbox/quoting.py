"""Whether a Samespace reply quotes a visitor, and so is treated as personal data."""

import re
from collections.abc import Iterator

from ringback.config.widget import FIELDS
from ringback.outbox.request import Answers

_NUMBERS_END = 6  # digits: the end is the same in every way to write a number


def has_number(phone: str, reply: str) -> bool:
    """Whether a number, however it is written, is in a reply."""
    return phone[-_NUMBERS_END:] in re.sub(r"\D", "", _plain(reply))


def is_quoted(answers: Answers, reply: str) -> bool:
    """Whether a reply has a word, an attribute or the page of a visitor in it, or may have."""
    plain = _plain(reply)
    return any(word in plain for word in _words(answers))


def _plain(reply: str) -> str:
    """Without JSON's escapes, and all in one case."""
    unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), reply)
    return unescaped.replace("\\", "").casefold()


def _words(answers: Answers) -> Iterator[str]:
    for value in (*(getattr(answers, name) for name in FIELDS), *answers.attributes.values()):
        yield from re.findall(r"\w{3,}", value.casefold()) or ([value.casefold()] if value else [])
    if answers.page:
        yield answers.page.casefold()
