"""What nobody should send, for Hypothesis to draw from: words, numbers, forms, bytes, headers and addresses."""

import string
import unicodedata
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from hypothesis import strategies as st

from ringback.web.bounds import BODY_BYTES
from tests.conftest import PUBLIC_URL
from tests.phone.test_hostile_numbers import TABLE


def often(usual: st.SearchStrategy[Any], other: st.SearchStrategy[Any], times: int = 3) -> st.SearchStrategy[Any]:
    """So many times the one for each of the other; `st.one_of` counts each strategy once."""
    return st.sampled_from([usual] * times + [other]).flatmap(lambda chosen: chosen)


# --- words ---

HIDDEN = (
    "\x00\x01\x08\t\x0b\x1b\x1c\x7f\x85\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u200e"
    "\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\u2800\u3164\ue000\ufdd0\ufe0f\ufeff\uffa0\ufff9\ufffc\ufffe"
    "\U000e0041\U000e0100\U0010ffff\ud800\udfff"
)
MARKUP = "<>&\"'`{}[]()%$\\/=+-@#?;:|,.\r\n !"
# Letters that are joined, composed, taken apart or shaped by what stands beside them.
COMPOSING = "eaoAEO\u0301\u0327\u0323\u0338\u0345\u1100\u1161\u11a8\ufb2c\u0958\u0374\u2126क्षपنمیخواهم👩💻한é葛❤1"
# What a bound in characters can go wrong with: forms that grow when composed, a space or a joiner at the cut.
UNITS = ["a", "e\u0301", "क\u200d", "\u200d", "\ufb2c", "\u0958", "x ", "😀", "\u200b", "b\u200e", "a\n"]
UNITS += ["葛\U000e0100", "e\u200b\u0301", "\u0300", "\u0316\u0300", "\u0f73", "\u0344", "\u2800", "\U0001d159"]
MARKED_UP = ["</textarea><script>alert(1)</script>", '" onfocus="alert(1)', "{{ 7 * 7 }}", "%(name)s", "<!--"]

# What a text can be full of, by what it is hard on: composing, reading, looking up, splitting.
SHAPES = {
    "one letter": "a",
    "spaces": " ",
    "lines": "a\n",
    "marks of two classes, in turn": "\u0316\u0300",
    "marks, then marks of a lower class": "\u0300" * 20_000 + "\u0316" * 20_000,
    "marks that are two": "\u0344\u0f73",
    "marks with something unseen between": "\u0300\u200b\u0316\u034f",
    "marks and joiners": "\u0300\u200d\u0316\u200c",
    "from right to left": "שלום\u202eمرحبا",
    "digits of every script": "".join(
        chr(code) for code in range(0x20000) if unicodedata.category(chr(code)) == "Nd"
    ),
    "joiners": "क\u200d",
    "variation selectors": "葛\U000e0100\ufe0f",
    "emoji": "👩\u200d👩\u200d👧",
    "full-width": "（０）",
    "one that is many": "\ufdfa\u1f82",
    "syllables taken apart": "\u1112\u1161\u11ab",
    "brackets": "(0)",
    "an address without end": "a@a.",
    "a way without end": "https://a/requests/",
    "escapes": "%25",
    "nothing to be seen": "\u2800\u200b\u3164",
    "not to be encoded": "\ud800",
}
HEADER_UNITS = [
    ",",
    ";",
    "a,",
    "en;q=0.1,",
    "gzip;q=0.5,",
    '"a",',
    'W/"a",',
    "a ",
    "a;b=",
    "-a",
    "\xff",
    "=",
    "a-",
]


def filled(unit: str, size: int) -> str:
    """A text of so many bytes, at most, full of one thing."""
    started = "a" + unit * (size // len(unit.encode(errors="surrogatepass")) + 1)
    return started.encode(errors="surrogatepass")[:size].decode(errors="ignore")


units = st.sampled_from(UNITS)
letters = st.one_of(
    st.sampled_from(HIDDEN), st.sampled_from(MARKUP + COMPOSING), units, st.characters(codec="utf-8")
)
hostile_words = st.lists(letters | st.sampled_from(MARKED_UP), max_size=30).map("".join)


def words(length: int) -> st.SearchStrategy[str]:
    """Words for a field of so many characters: short ones, some about as long as the field, some much longer."""
    about = st.sampled_from([length - 1, length, length + 1])
    plain = about.map(lambda count: "a" * count)
    odd = st.builds(lambda start, unit, count: (start + unit * count)[:count], hostile_words, units, about)
    endless = st.builds(lambda unit: unit * length * 2, units)
    return often(hostile_words, st.one_of(plain, odd, endless), times=2)


# --- numbers ---

_NUMBERS = ["020 7946 0{}", "+44 (0)113 496 0{}", "07400 123{}", "+49 30 23125 {}", "+1 212 555 0{}"]
_NUMBERS += ["+91 98765 43{}", "0039 06 4782 1{}", "07700 900{}"]  # the last is asked about
_SCRIPTS = [string.digits, "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９"]

callable_numbers = st.builds(
    lambda number, digits, script, mark: (
        mark + number.format(digits).translate(str.maketrans(string.digits, script)) + mark
    ),
    st.sampled_from(_NUMBERS),
    st.text(string.digits, min_size=3, max_size=3),
    st.sampled_from(_SCRIPTS),
    st.sampled_from(["", " ", "\u200e", "\u202c", "\u200b"]),
)
numbers = st.one_of(
    callable_numbers,
    st.sampled_from([typed for typed, _, _ in TABLE]),
    st.text(string.digits + "+()-. /x#,;", max_size=24),
    st.builds("".join, st.tuples(callable_numbers, hostile_words)),
    hostile_words,
    st.sampled_from(["9" * 5_000, "+" * 300, "1e9", "-1", "NaN", "0x2079460000", "tel:+442079460018;ext=1"]),
)

# --- forms ---

_SITES = ["https://www.acme.test", "http://ann:secret@acme.test:8080", "HTTPS://[2001:db8::1]:99", "//acme.test"]
_SITES += [PUBLIC_URL, f"{PUBLIC_URL}:443/requests", "https://www.acme.test/requests", "https://a.test/%72equests"]
_SITES += ["javascript:alert(1)", "https://", "https://a\u202eb", "http://[::1", "https://a.test:99999", ""]
_ENDS = ["", "?token=secret", "#fragment", "?a#b", ";p", "?\u200b", "/@", "%3Fa=b", "\\@b.test/"]
pages = st.one_of(
    st.builds(
        lambda site, path, end: site + path + end,
        st.sampled_from(_SITES),
        st.just("/") | hostile_words.map("/{}".format),
        st.sampled_from(_ENDS),
    ),
    words(500).map("https://www.acme.test/{}".format),
    hostile_words,
)
_SLOTS = [
    "9999-12-31T23:59Z",
    "0001-01-01T00:00Z",
    "2026-11-24T12:00Z",
    "2026-11-25T20:00Z",
    "2026-11-24T14:00Z",
    "2026-11-24T08:00Z",
    "9999-99-99T99:99Z",
]
VALUES: dict[str, st.SearchStrategy[str]] = {
    "name": words(120),
    "email": words(254) | st.builds("{}@{}.test".format, words(240), hostile_words),
    "company": words(120),
    "message": words(1000),
    "plan": words(200),
    "page_title": words(200),
    "page": pages,
    "phone": numbers,
    "country": st.sampled_from(["GB", "DE", "IT", "FR", "ZZ", "", "gb"]) | hostile_words,
    "when": st.sampled_from(["asap", "slot", "never"]) | hostile_words,
    "slot": st.sampled_from(_SLOTS) | hostile_words,
    "zone": st.sampled_from(["Europe/Paris", "Etc/GMT+5", "../../etc/passwd", "localtime"]) | hostile_words,
    "checked": st.sampled_from(["447700900123", "1"]) | hostile_words,
    "consent": st.sampled_from(["y", "", "false"]) | hostile_words,
    "marketing": st.sampled_from(["y", "", "false"]) | hostile_words,
    "confirm_again": st.sampled_from(["", "x"]) | hostile_words,
    "csrf_token": st.sampled_from(["", "a.b", "WzFd.AAAA", "."]) | hostile_words,
    # Nobody's, but for those who try: what we send, what we store, what other frameworks make of a name.
    **dict.fromkeys(["space_id", "team_name", "number", "attributes", "held", "state", "id"], hostile_words),
    **dict.fromkeys(["phone[]", "attributes[x]", "__proto__", "NAME", "", "\x00", "\u202ename"], hostile_words),
}
_REFUSED_FOR = ("phone", "consent", "csrf_token")  # most of what can be in these is refused
GOOD = {
    "name": "Ann Example",
    "email": "ann@example.com",
    "company": "Acme",
    "message": "Hello\n\nAnn",
    "consent": "y",
}

header_text = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40)
HEADERS: dict[str, st.SearchStrategy[str]] = {
    "HTTP_ACCEPT_LANGUAGE": st.sampled_from(["de", "en;q=x", "*", "de-" * 200, "en;q=1e999"]),
    "HTTP_USER_AGENT": st.sampled_from(["", "x" * 5000]),
    "HTTP_COOKIE": st.sampled_from(["session=a.b.c", "a=b; " * 500, "=;=", "session"]),
    "HTTP_REFERER": st.sampled_from([PUBLIC_URL, "https://u:p@www.acme.test/a?b#c", "http://["]),
    "HTTP_X_FORWARDED_FOR": st.sampled_from(
        ["198.51.100.1", "::1", "fe80::1%eth0", "1, 2, ,", "unknown", "[::1]:9"]
    ),
    "HTTP_HOST": st.sampled_from(["callback.acme.test", "evil.test", "", "callback.acme.test:99999", "[", "a b"]),
    "HTTP_ORIGIN": st.sampled_from([PUBLIC_URL, "null", "https://evil.test", "https://["]),
    "HTTP_SEC_FETCH_SITE": st.sampled_from(["same-origin", "none", "cross-site"]),
    "HTTP_X_FORWARDED_PROTO": st.sampled_from(["http", "https", "A", "javascript"]),
    "HTTP_X_FORWARDED_HOST": st.sampled_from(["evil.test"]),
    "HTTP_TRANSFER_ENCODING": st.sampled_from(["chunked", "gzip, chunked"]),
    "HTTP_EXPECT": st.sampled_from(["100-continue"]),
    "HTTP_ACCEPT": st.sampled_from(["application/json", "text/html;q=x"]),
    "HTTP_ACCEPT_ENCODING": st.sampled_from(["gzip", "gzip;q=x", "*;q=0"]),
    "HTTP_AUTHORIZATION": st.sampled_from(["Basic ====", "Bearer x", "Digest username=\xff"]),
    "HTTP_IF_NONE_MATCH": st.sampled_from(["*", 'W/"x"', '"']),
    "HTTP_IF_MODIFIED_SINCE": st.sampled_from(["Thu, 99 Foo 99999", "0"]),
    "HTTP_RANGE": st.sampled_from(["bytes=0-", "bytes=-1,-2", "bytes=9-1"]),
    "HTTP_X_HTTP_METHOD_OVERRIDE": st.sampled_from(["DELETE"]),
}
_HARMLESS = list(HEADERS)[:5]


def _some_of(values: dict[str, Any], most: int, names: list[str]) -> st.SearchStrategy[dict[str, str]]:
    """A few of them, each with a value of its own."""
    chosen = st.lists(st.sampled_from(names), max_size=most, unique=True)
    return chosen.flatmap(lambda keys: st.fixed_dictionaries({key: values[key] for key in keys}))


_HEADERS = {name: some | header_text for name, some in HEADERS.items()}
# Most are such that a form gets through, so that there is something to look at in the store.
headers = often(_some_of(_HEADERS, 2, _HARMLESS), _some_of(_HEADERS, 4, list(HEADERS)))


def _quoted(name: str, value: str) -> str:
    return f"{quote_plus(name)}={quote_plus(value, errors='surrogatepass')}"


_ASKED = ["plan", "PLAN", "page", "page_title", "lang", "theme", "embed", "csrf_token", "x", ""]
queries = st.one_of(
    st.just(""),
    st.lists(
        st.builds(_quoted, st.sampled_from(_ASKED), pages | words(200)),
        max_size=3,
    ).map("&".join),
    st.binary(max_size=30).map(lambda raw: raw.decode("latin-1")),
)


@dataclass(frozen=True)
class Visit:
    """A form opened and sent: some of its answers in place of good ones, and some more behind them."""

    widget: str
    query: str
    headers: dict[str, str]
    instead: dict[str, str]
    more: list[tuple[str, str]]
    multipart: bool

    def pairs(self, hidden: dict[str, str], number: str) -> list[tuple[str, str]]:
        """The fields in order; `hidden` is what stood in the form."""
        return [*(hidden | {"phone": number} | GOOD | self.instead).items(), *self.more]


_more = st.lists(
    st.sampled_from(list(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])), max_size=3
)
_mostly_kept = [name for name in VALUES if name not in _REFUSED_FOR]
visits = st.builds(
    Visit,
    widget=st.sampled_from(["sales", "sales", "sales", "support"]),
    query=queries,
    headers=headers,
    instead=often(_some_of(VALUES, 3, _mostly_kept), _some_of(VALUES, 4, list(VALUES))),
    more=_more,
    multipart=st.booleans(),
)

_FORM = "application/x-www-form-urlencoded"
_BOUNDARY = "between-2f6d09c1"  # in no answer


def encoded(pairs: list[tuple[str, str]], multipart: bool = False) -> tuple[bytes, str]:
    """A body and its content type, as a browser that takes any character would write them."""
    if not multipart:
        return "&".join(_quoted(name, value) for name, value in pairs).encode(), _FORM
    head = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name="
    body = "".join(f'{head}"{name}"\r\n\r\n{value}\r\n' for name, value in pairs) + f"--{_BOUNDARY}--\r\n"
    return body.encode(errors="surrogatepass"), f"multipart/form-data; boundary={_BOUNDARY}"


# --- bytes ---

_PIECES = [b"phone=", b"name=", b"csrf_token=", b"&", b"=", b"%", b"%zz", b"%ff%fe", b"%00", b"%u0041", b"+", b";"]
_PIECES += [b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\x00", b"%ed%a0%80", b"+44 20 7946 0123", b"a=1&" * 200]
_PIECES += [b'{"phone": ', b'"+442079460123"', b"}", b"[" * 50, b"null", b"<?xml version='1.0'?>"]
_PIECES += [b"name*=utf-8''%ff"]
_PIECES += [b"--b", b"--b--", b"\r\n", b"\r\n\r\n", b'Content-Disposition: form-data; name="phone"']
_PIECES += [b"Content-Disposition: form-data; name=", b'; filename="a.txt"', b"Content-Transfer-Encoding: base64"]
_PIECES += [b"Content-Type: text/plain; charset=utf-16", b"Content-Type: text/plain; charset=no-such"]
_small = st.one_of(
    st.binary(max_size=200), st.lists(st.sampled_from(_PIECES) | st.binary(max_size=8), max_size=25).map(b"".join)
)
# Hypothesis draws no large bodies of its own; these are around the bound.
_large = st.builds(
    lambda piece, size: (piece * (size // len(piece) + 1))[:size],
    st.sampled_from(_PIECES),
    st.sampled_from([BODY_BYTES - 1, BODY_BYTES, BODY_BYTES + 1, 3 * BODY_BYTES]),
)
bodies = often(_small, _large, times=6)
_TYPES = [_FORM, f"{_FORM}; charset=utf-16", "text/plain", ""]
_TYPES += ["multipart/form-data; boundary=b", "multipart/form-data", 'multipart/form-data; boundary=""']
_TYPES += ["multipart/form-data; boundary=" + "b" * 300, "multipart/mixed; boundary=b", "application/json"]
_TYPES += ["application/json; charset=no-such", "multipart/form-data; charset=utf-7; boundary=b"]
types = st.sampled_from(_TYPES) | header_text
lengths = st.sampled_from([None] * 24 + ["", "0", "-1", "abc", "10", "1e3", "\xb2", "9" * 30, " 5 "])
_POSTED_TO = "/sales /sales /sales /support / /stop /requests/x/cancel".split()
_POSTED_TO += [f"/requests/{{id}}/{end}" for end in ("cancel", "erase", "time")] + [f"/requests/{'0' * 32}/erase"]
posted_to = st.sampled_from(_POSTED_TO)

# --- addresses ---

_PLACES = ["", *"/ /sales /support /stop /stop/done /embed.js /healthz /readyz /metrics * /sales/install".split()]
_PLACES += ["/requests/{id}" + end for end in ["", *".json /export /erase /cancel /time /calendar.ics".split()]]
_PLACES += ["/requests/", f"/requests/{'0' * 32}", f"/requests/{'é' * 32}", "/sales.json", "/static/ringback.css"]
_PLACES += "/static/../app.py /static/%2e%2e/app.py //evil.test/sales /\\evil.test".split()
_ODD = [b"/", b"//", b"/..", b"\x00", b"\r\nX: y", b"%00", b"\xff", b".json", b"?", b"#", b"a" * 3000]
paths = st.builds(
    lambda place, odd: place.encode() + odd,
    st.sampled_from(_PLACES),
    often(st.just(b""), st.binary(max_size=12) | st.sampled_from(_ODD), times=1),
)
methods = st.sampled_from(
    ["GET"] * 12 + ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "X", "get"]
)
