"""Finding requests: by a number in any spelling, a name, an e-mail address, a reference.

The words of names and addresses are rows of their own, in one case and without accents, so that a million
requests are searched by what begins as was typed, and nothing is read through.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import suppress

import sqlalchemy as sa

from ringback import phone as numbering
from ringback.outbox.selection import KEPT
from ringback.store.console_tables import search_words
from ringback.store.tables import requests

MOST_FOUND = 500  # requests; whoever finds more has to say more
_MOST_LOOKED_AT = 5_000  # words that begin as the longest one does that was typed
_MOST_WORDS = 8  # of a name, and of what is looked for
_LONGEST_WORD = 100
_FEWEST_DIGITS = 4
_LAST = "\U0010ffff"
_REFERENCE = re.compile(r"(?:RB)?[ -]?([2-9A-HJ-NP-TV-Z]{4})[ -]?([2-9A-HJ-NP-TV-Z]{4})", re.IGNORECASE)
_NUMBER = re.compile(r"[\s\d()+./-]+")


def words_of(name: str, email: str) -> list[str]:
    """By which a request is found."""
    words = [word[:_LONGEST_WORD] for word in re.findall(r"\w+", _folded(name))][:_MOST_WORDS]
    return list(dict.fromkeys([*words, _folded(email)] if email else words))


def note_words(connection: sa.Connection, id: str, widget: str, name: str, email: str) -> None:
    """Let a request be found, in the transaction that stores it."""
    rows = [{"word": word, "widget": widget, "request_id": id} for word in words_of(name, email)]
    if rows:
        connection.execute(_NOTE, rows)


def forget_words(connection: sa.Connection, ids: Collection[str]) -> None:
    """Let requests no longer be found, in the transaction that erases them."""
    connection.execute(search_words.delete().where(search_words.c.request_id.in_(ids)))


def found(
    connection: sa.Connection, typed: str, widgets: Collection[str] | None, regions: Collection[str]
) -> list[str]:
    """The ids of at most `MOST_FOUND` + 1 requests of these widgets (None: all).

    Numbers without a country code are read as in each of `regions`.
    """
    mine = [KEPT] if widgets is None else [KEPT, requests.c.widget.in_(widgets)]
    which = _numbers(typed, regions)
    if which is None and (reference := reference_of(typed)):
        which = requests.c.reference == reference
    if which is not None:
        query = sa.select(requests.c.id).where(which, *mine).order_by(requests.c.requested_at.desc())
        ids = list(connection.execute(query.limit(MOST_FOUND + 1)).scalars())
        if ids:
            return ids
    words = _typed_words(typed)
    return _by_words(connection, words, widgets, mine) if words else []


def reference_of(typed: str) -> str | None:
    """A reference as it is stored, if that is what was typed."""
    found = _REFERENCE.fullmatch(typed.strip())
    return f"RB-{found[1]}-{found[2]}".upper() if found else None


def _numbers(typed: str, regions: Collection[str]) -> sa.ColumnElement[bool] | None:
    """Requests for a number, or for any that begins so; None if it is none."""
    if not _NUMBER.fullmatch(typed) or len(numbering.only_digits(typed)) < _FEWEST_DIGITS:
        return None
    return sa.or_(*(requests.c.phone.between(digits, digits.ljust(15, "9")) for digits in _digits(typed, regions)))


def _digits(typed: str, regions: Collection[str]) -> set[str]:
    """What was typed as it is stored: whole numbers as they are read, and the beginning of one as it stands."""
    plain = numbering.only_digits(typed)
    beginning = plain.removeprefix("00") if plain.startswith("00") else plain
    return {beginning[:15], *_read(typed, regions)}


def _read(typed: str, regions: Collection[str]) -> Iterator[str]:
    for region in regions:
        yield numbering.with_country_code(typed, region)[:15]
        with suppress(numbering.PhoneError):
            yield numbering.read(typed, region, regions).digits


def _typed_words(typed: str) -> list[str]:
    """The longest first: it leaves the fewest to be looked at."""
    folded = _folded(typed.strip())
    if not folded.isprintable():
        return []  # what a store may be unable to look for
    words = [folded] if "@" in folded else re.findall(r"\w+", folded)[:_MOST_WORDS]
    return sorted((word[:_LONGEST_WORD] for word in words), key=len, reverse=True)


def _by_words(
    connection: sa.Connection,
    words: list[str],
    widgets: Collection[str] | None,
    mine: Collection[sa.ColumnElement[bool]],
) -> list[str]:
    first, *others = words
    looked_at = sa.select(search_words.c.request_id).where(_begins(search_words, first))
    if widgets is not None:
        looked_at = looked_at.where(search_words.c.widget.in_(widgets))
    # Two steps: the first words that are found end the search, and how few they are no planner would guess.
    most = _MOST_LOOKED_AT if others else MOST_FOUND + 1
    ids = list(connection.execute(looked_at.limit(most)).scalars())
    query = sa.select(requests.c.id).where(requests.c.id.in_(ids), *mine)
    for word in others:
        other = search_words.alias()
        query = query.where(sa.exists().where(other.c.request_id == requests.c.id, _begins(other, word)))
    return list(connection.execute(query.limit(MOST_FOUND + 1)).scalars()) if ids else []


def _begins(words: sa.FromClause, word: str) -> sa.ColumnElement[bool]:
    return sa.and_(words.c.word >= word, words.c.word < word + _LAST)


def _folded(text: str) -> str:
    """In one case, and without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


_NOTE = search_words.insert().inline()
