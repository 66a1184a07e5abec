"""The languages visitors are spoken to in.

A language is one gettext catalogue, `translations/de.po`, which says for each English sentence of the pages what
it is in German; English needs none. They are compiled in memory when the settings name them; nothing is built.

Which language an answer is in stands in a context variable, so that whoever writes a sentence, in a template or in
the code, needs to know nothing of requests.
"""

import re
from collections.abc import Iterable, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import UnknownLocaleError, get_global, parse_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal

CATALOGUES = Path(__file__).parent.parent.parent / "translations"
SOURCE = "en"

# Of the languages a browser names, more than these say nothing about the person any more.
_MOST_WANTED = 20
_LONGEST_TAG = 100  # RFC 5646 has no longest one; what makes a tag that long is no matter here
_PREFERENCE = re.compile(
    r"(?P<tag>[A-Za-z0-9-]+)\s*(;\s*q\s*=\s*(?P<weight>[01](\.\d{0,3})?|\.\d{1,3}))?", re.IGNORECASE
)
# Written differently, read by the same people; the rest of the table is Unicode's, in Babel.
_READ_AS = {"no": "nb", "nn": "nb"}


@dataclass(frozen=True)
class Language:
    """One language, with all that is said in it. `tag` is like `pt_BR`, as in ringback.toml."""

    tag: str
    locale: Locale
    translations: NullTranslations
    is_reviewed: bool  # by a person who grew up with it

    @property
    def html(self) -> str:
        """As HTML and HTTP write it, `pt-BR`."""
        return self.tag.replace("_", "-")

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return self.locale.text_direction

    @property
    def name(self) -> str:
        """In the language itself, `Português (Brasil)`."""
        name = self.locale.get_display_name() or self.tag
        return name[0].upper() + name[1:]

    def gettext(self, sentence: str, /, **values: Any) -> str:
        """An English sentence in this language, with `%(name)s` filled in from `values`."""
        return self.translations.gettext(sentence) % values

    def ngettext(self, one: str, many: str, num: int, /, **values: Any) -> str:
        """The same for a sentence with a count, in the form that goes with it; `%(num)s` is the count, `1,000`."""
        count = format_decimal(num, locale=self.locale)
        return self.translations.ngettext(one, many, num) % (values | {"num": count})


def available() -> list[str]:
    """The tags of all languages there are."""
    return sorted([SOURCE, *[path.stem for path in CATALOGUES.glob("*.po")]])


@cache
def language(tag: str) -> Language:
    """The language of a tag like `pt_BR`. Raises ValueError where it has no catalogue that can be read."""
    if tag not in available():
        raise ValueError(f"has no translation here; it should be one of {', '.join(available())}")
    if tag == SOURCE:
        return Language(tag, Locale.parse(tag), NullTranslations(), is_reviewed=True)
    path = CATALOGUES / f"{tag}.po"
    try:
        locale, text = Locale.parse(tag), path.read_text(encoding="utf-8")
        compiled = BytesIO()
        write_mo(compiled, read_po(BytesIO(text.encode()), locale=locale, abort_invalid=True))
    except (PoFileError, UnknownLocaleError, LookupError, OSError, ValueError) as error:
        raise ValueError(f"has a translation that cannot be read, {path}: {error}") from None
    is_reviewed = bool(re.search(r'^"X-Reviewed: yes\\n"$', text, re.MULTILINE))
    return Language(tag, locale, GNUTranslations(BytesIO(compiled.getvalue())), is_reviewed)


def meant_by(tag: str) -> Language:
    """The language that somebody means who writes `en-GB` or `DE_at`. Raises ValueError where there is none."""
    return language(_nearest(tag[:_LONGEST_TAG], available()) or tag)


_current: ContextVar[Language] = ContextVar("language")


def current() -> Language:
    """The language of the answer that is being made; English where nothing was chosen, as in commands."""
    return _current.get(None) or language(SOURCE)


def speak(tag: str) -> Token[Language]:
    """Make the rest of this answer in a language. `restore` takes back what it returns."""
    return _current.set(language(tag))


def restore(before: Token[Language]) -> None:
    """Put back the language of before: what a request sets must not outlive it."""
    _current.reset(before)


def gettext(sentence: str, /, **values: Any) -> str:
    """A sentence in the language of the answer, see `Language.gettext`. Imported as `_`."""
    return current().gettext(sentence, **values)


def ngettext(one: str, many: str, num: int, /, **values: Any) -> str:
    """A sentence with a count in the language of the answer, see `Language.ngettext`."""
    return current().ngettext(one, many, num, **values)


def left_to_right(text: str) -> str:
    """A phone number or the like for a sentence: its parts keep their order where that is read from the right.

    By Unicode's isolates (https://www.unicode.org/reports/tr9/#Explicit_Directional_Isolates).
    """
    return f"\u2066{text}\u2069" if current().direction == "rtl" else text


def N_(sentence: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a sentence for the catalogues where it cannot be translated yet: in a table made at the start."""
    return sentence


def preferred(header: str) -> list[str]:
    """The tags of an Accept-Language header, the most wanted first (RFC 9110, section 12.5.4).

    A weight may be written `.8`, which the RFC does not allow and Werkzeug drops. What is no weight, or none at
    all (`q=0`), is left out.
    """
    found = []
    for part in header.split(",")[:_MOST_WANTED]:
        if match := _PREFERENCE.fullmatch(part.strip()):
            found.append((float(match["weight"] or 1), match["tag"]))
    return [tag for weight, tag in sorted(found, key=lambda each: -each[0]) if weight > 0]


def choose(offered: Sequence[str], wanted: Iterable[str]) -> str:
    """The tag, of those `offered`, that suits somebody who prefers the tags `wanted`, the most preferred first.

    Tags that are none are passed over. Where no wanted one leads anywhere, the first that is offered.
    """
    for tag in islice(wanted, _MOST_WANTED):
        if nearest := _nearest(tag[:_LONGEST_TAG], offered):
            return nearest
    return offered[0]


def _nearest(wanted: str, offered: Sequence[str]) -> str | None:
    """The same language, if it can be in the same script, if it can be of the same country."""
    language, script, territory = _subtags(wanted)

    def distance(tag: str) -> tuple[bool, bool]:
        _, its_script, its_territory = _subtags(tag)
        return its_script != script, its_territory != territory

    return min([tag for tag in offered if language and _subtags(tag)[0] == language], key=distance, default=None)


@lru_cache(maxsize=1024)
def _subtags(tag: str) -> tuple[str, str, str]:
    """Language, script and territory of a tag such as `zh-TW`, the unsaid ones as they most likely are.

    By Unicode's table (https://www.unicode.org/reports/tr35/#Likely_Subtags): Hant for Taiwan, Brazil for `pt`.
    Three times nothing for what is no tag.
    """
    plain = re.split(r"[-_][0-9A-Za-z][-_]", tag)[0].replace("_", "-")  # what follows one letter is an extension
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", plain):
        return "", "", ""
    try:
        language, territory, script = parse_locale(plain, sep="-")[:3]
    except ValueError:
        language, territory, script = plain.split("-")[0].lower(), None, None
    language = _READ_AS.get(language) or get_global("language_aliases").get(language, language).split("_")[0]
    likely = get_global("likely_subtags")
    for known in (f"{language}_{territory}", f"{language}_{script}", language):
        if known in likely:
            parts = parse_locale(likely[known])
            return language, script or parts[2] or "", territory or parts[1] or ""
    return language, script or "", territory or ""
