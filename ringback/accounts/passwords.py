"""Passwords: how they are kept, and which are taken."""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

FEWEST_CHARACTERS = 12
MOST_CHARACTERS = 200  # more is no password, and costs time to read
_FEWEST_DIFFERENT = 5
_SHORTEST_NAME = 3  # a shorter one stands in many words

# What OWASP names as the least. The library's own default takes three times as long, in a process that answers
# visitors as well.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Of a password that nobody has: where there is no account, as much is done as where there is one.
_NOBODYS = _HASHER.hash("the password of nobody")


def fault_of(password: str, name: str) -> str | None:
    """Why a password is not taken, as a sentence to its owner; None if it is."""
    if len(password) < FEWEST_CHARACTERS:
        return f"Use at least {FEWEST_CHARACTERS} characters. Four or five words are easy to remember."
    if len(password) > MOST_CHARACTERS:
        return f"Use at most {MOST_CHARACTERS} characters."
    folded = _typed(password).casefold()
    if len(name) >= _SHORTEST_NAME and name.casefold() in folded:
        return "Leave your user name out of the password."
    if len(set(folded)) < _FEWEST_DIFFERENT:
        return "Use more different characters."
    return None


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _HASHER.hash(_typed(password))


def is_right(kept: str | None, password: str) -> bool:
    """Whether it is this password. Takes as long where there is none."""
    try:
        is_same = _HASHER.verify(kept or _NOBODYS, _typed(password[: MOST_CHARACTERS + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return is_same and kept is not None


def is_old(kept: str) -> bool:
    """Whether it was hashed in a weaker way than is done now."""
    return _HASHER.check_needs_rehash(kept)


def _typed(password: str) -> str:
    """As one text, whichever keyboard it was typed on."""
    return unicodedata.normalize("NFKC", password)
