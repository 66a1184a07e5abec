"""What a visitor or the host page says, cleaned so that it may be stored, shown and sent.

Composed (NFC), and without invisible characters, which could hide or reorder what an agent reads.
"""

import re
import unicodedata
from codecs import getincrementaldecoder
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

PAGE_LENGTH = 500
# How many characters one letter may take before it is composed. At most this many times the kept length is read of
# any field, so that what is sent cannot cost more than what is kept.
SPELLED_IN = 4
# Marks on one letter, by Unicode (https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format): ordering
# them takes time that grows with the square of their number, and a stack of them covers the lines around it.
MOST_MARKS = 30
# The most characters of a host with user, password and port.
_SITE_LENGTH = 300

# How many times a path may be %-encoded; more is an attempt to hide something.
_MOST_CODED = 5
# The addresses that are keys, where a server may still find them: with parameters, dots or blanks behind the name.
_KEYS = r"(?:^|[/\\])\s*(?:requests|outcome)[\s.]*(?:[;?#][^/\\]*)?[/\\]"
_LEADS_TO_KEYS = re.compile(_KEYS)
_HAS_KEY = re.compile(_KEYS + r"[\s./\\]*[\w-]{20}")
_CODES_AT_END = re.compile(r"(?P<codes>(?:%[0-9A-Fa-f]{2})*)(?:%[0-9A-Fa-f]?)?$")

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
# What Unicode counts as letters and marks, and as Default_Ignorable_Code_Point: fillers, variation selectors.
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
# Invisible, and none of those: the object replacement character, blanks of old scripts.
_BLANKS = "\ufffc\U00013441\U00013442\U00016fe4\U0001d159"
_SPACES = str.maketrans({"\t": " ", "\u2800": " "})  # the second is the space of Braille
_SELECTOR = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def line(said: str | None) -> str:
    """What was typed, on one line: as `text`, with every run of white space one space."""
    return " ".join(text(said).split())


def text(said: str | None) -> str:
    """What was typed, with its line breaks.

    Joiners and variation selectors stay where they have an effect: Persian, Hindi, Japanese names and emoji are
    written with them.
    """
    lines = "\n".join((said or "").splitlines()).translate(_SPACES)
    seen = _without_stacked_marks(letter for letter in lines if not _is_unseen(letter))
    return unicodedata.normalize("NFC", _without_loose_ends(unicodedata.normalize("NFC", seen))).strip()


def address(said: str | None) -> str:
    """An e-mail address on one line, its letters and dots of the usual width: `ann＠example。com` is one.

    Without what comes along when it is copied: `mailto:` and its subject, brackets, quotes, a comma or full stop.
    Else as it was typed, its domain in its own script.
    """
    plain = line(unicodedata.normalize("NFKC", text(said)).replace("。", "."))
    copied = re.fullmatch(r"<?\s*(mailto:)?\s*([^<>]*?)\s*>?\s*[,;.]*", plain, re.IGNORECASE)
    if not copied:
        return plain
    alone = copied[2].partition("?")[0] if copied[1] else copied[2]
    return alone[1:-1].strip() if alone[:1] + alone[-1:] in ("()", "''", '""') else alone


def cut(said: str | None, length: int) -> str:
    """One line of at most `length` characters, clean at its new end too."""
    return line(line((said or "")[: SPELLED_IN * length])[:length])


def page(address: str | None, own: str = "") -> str:
    """A web address without query, fragment, user or password, which may hold secrets; "" where it is none.

    "" too for an address on the host of `own`, our own public address, and under its path, whatever its scheme and
    port, and for one that leads to a request's page on any host: the addresses of requests are keys.
    """
    try:
        parts = urlsplit(line((address or "")[: SPELLED_IN * PAGE_LENGTH]))
        host, port = parts.hostname, parts.port
        if len(parts.netloc) > _SITE_LENGTH or not host:
            return ""
        ours = urlsplit(own)
        is_own = _plain_host(host) == _plain_host(ours.hostname or "") and (
            not ours.path or f"{parts.path}/".startswith(f"{ours.path}/")
        )
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[\w.:-]+", host):
        return ""
    if is_own or _leads_to_a_key(parts.path[:PAGE_LENGTH], _LEADS_TO_KEYS):
        return ""
    host = f"[{host}]" if ":" in host else host
    whole = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
    kept = cut(whole, PAGE_LENGTH)
    return _without_broken_letter(kept) if len(whole) > PAGE_LENGTH else kept


def _without_broken_letter(address: str) -> str:
    """An address that was cut, without what is left at its end of a letter in %-codes."""
    end = _CODES_AT_END.search(address)
    if not end:
        return address
    decoder = getincrementaldecoder("utf-8")("replace")
    decoder.decode(bytes.fromhex(end["codes"].replace("%", "")))
    waiting, _ = decoder.getstate()  # the bytes of a letter that is not whole
    return address[: end.end("codes") - 3 * len(waiting)]


def value(said: str | None, length: int) -> str:
    """What the host page says, cut to `length` characters; "" if it contains the address of a request."""
    kept = cut(said, length)
    return "" if _leads_to_a_key(kept, _HAS_KEY) else kept


def _plain_host(host: str) -> str:
    """As it is looked up: `ｃａｌｌ。Acme.test.` is `call.acme.test`. Raises ValueError where it is none."""
    plain = unicodedata.normalize("NFKC", host).lower()
    if len(plain) > _SITE_LENGTH:
        raise ValueError("no host is so long")
    return plain.encode("idna").decode().rstrip(".")


def _leads_to_a_key(said: str, keys: re.Pattern[str]) -> bool:
    """Whether it does, as it is or decoded; also True if it is encoded more than `_MOST_CODED` times."""
    for _ in range(_MOST_CODED):
        plain = "".join(letter for letter in unicodedata.normalize("NFKC", said).lower() if not _is_unseen(letter))
        if keys.search(plain):
            return True
        said, before = unquote(plain), said
        if said in (plain, before):
            return False
    return True


def _is_unseen(letter: str) -> bool:
    if letter == "\n" or letter in _JOINERS:
        return False
    return letter in _FILLERS or letter in _BLANKS or unicodedata.category(letter) in _UNSEEN


def _without_stacked_marks(letters: Iterable[str]) -> str:
    """With at most `MOST_MARKS` marks on one letter. Joiners count as marks."""
    kept, height = [], 0
    for letter in letters:
        is_mark = letter in _JOINERS or unicodedata.category(letter)[0] == "M"
        height = height + len(unicodedata.normalize("NFD", letter)) if is_mark else 0
        if height <= MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


def _without_loose_ends(said: str) -> str:
    """Without joiners that join nothing and variation selectors that select nothing."""
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
    """Letters, marks, digits and emoji; not ASCII, which no joiner changes."""
    return not letter.isascii() and unicodedata.category(letter)[0] in "LMNS"
