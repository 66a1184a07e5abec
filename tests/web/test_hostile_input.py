"""Whatever is typed, posted or asked for: no answer is a fault of ours, and what is kept and sent obeys the rules.

The rules stand here a second time, from the standards and not from the code: Unicode's properties for what nobody
can see, E.164 and the numbering plans for numbers. After each input everything is looked at that is in the store,
that Samespace was sent and that was logged. `make test` tries 600 inputs, `make test-long` 100,000 more.
"""

import gzip
import json
import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import phonenumbers
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType
from werkzeug.test import TestResponse

from ringback.config.widget import Widget
from ringback.outbox.consent import Purpose
from ringback.outbox.request import EventKind, Held, State
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.all_tables import metadata
from ringback.store.tables import consents, events, requests, stop_beginnings, stops
from ringback.web.bounds import BODY_BYTES
from tests import hostile, privacy
from tests.conftest import PUBLIC_URL, WIDGET, Clock
from tests.hostile import GOOD, Visit
from tests.visitor import Page, check_headers

LENGTHS = {"name": 120, "email": 254, "company": 120, "message": 1000}
ATTRIBUTE_LENGTH, PAGE_LENGTH = 200, 500
ANSWERED = {200, 204, 206, 301, 303, 304, 308, 400, 403, 404, 405, 409, 410, 413, 416, 422, 429}

WIDGETS = {
    "sales": WIDGET
    | {
        "regions": ["GB", "DE", "US", "IN", "IT"],
        "attributes": ["plan", "page_title"],
        "consent": "checkbox",
        "texts": {"en": {"marketing": "Tell me about offers"}},
        "hours": {
            **{day: ["08:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
            **{"timezone": "Europe/London", "slot_minutes": 240, "days_ahead": 1},
        },
    },
    # Shows little, so that most of what is sent is not asked for.
    "support": {"team_name": "Support", "company": "Acme Ltd", "region": "GB"},
}
NO_LIMITS = dict.fromkeys(["per_address", "per_number", "per_widget"], "1000000 per second")

ZONES = {"", *available_timezones()}
# What events say, with this Samespace.
OPERATORS_READ = {
    *(None, Held.SUSPECTED, 'accepted: {"success": true}', "refused: Cant make call! Not logged In"),
    *("held, on the attention list", "held; the team refuses at the moment"),
    "held, and shown as the others for its number",
}
AGREED_TO = {
    "I agree that Acme Ltd may call me on this number about my request",
    "By selecting “Request call” you ask Acme Ltd to call you on this number about your request.",
    "Tell me about offers",
}


# --- the rules ---

# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), of letters and marks: not to be seen.
SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
BLANK = "\u2800\ufffc\U0001d159\U00016fe4\U00013441\U00013442"  # by their names: blanks, fillers, no object
INVISIBLE = re.compile(f"[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0{BLANK}]")
LOOSE = re.compile(f"(^|[\\s\u200c\u200d{SELECTORS}])[{SELECTORS}]|[\u200c\u200d]([\u200c\u200d{SELECTORS}]|$)")
ORDINARY = {
    *(PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE),
    *(PhoneNumberType.VOIP, PhoneNumberType.UAN, PhoneNumberType.UNKNOWN),
}
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def is_clean(text: str, lines: bool = False) -> bool:
    """Composed, every character to be seen, and what joins or shapes letters only where there are some."""
    for before, letter, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if letter in "\u200c\u200d":
            if min(before, after) < "\x80" or {unicodedata.category(c)[0] for c in before + after} - set("LMNS"):
                return False
        elif unicodedata.category(letter) in UNSEEN and not (lines and letter == "\n"):
            return False
    if max(heaps(text), default=0) > 30:
        return False
    if INVISIBLE.search(text) or LOOSE.search(text) or not unicodedata.is_normalized("NFC", text):
        return False
    return text == (text.strip() if lines else " ".join(text.split()))


def heaps(text: str) -> list[int]:
    """How many marks each letter carries, as they are when they are taken apart."""
    spelled = unicodedata.normalize("NFD", text)
    return [len(list(run)) for is_mark, run in groupby(spelled, unicodedata.combining) if is_mark]


def check_text(text: str, length: int, lines: bool = False) -> None:
    assert len(text) <= length
    assert is_clean(text, lines), ascii(text)


def check_page(address: str) -> None:
    check_text(address, PAGE_LENGTH)
    parts = urlsplit(address)
    assert not address or (parts.scheme in ("http", "https") and parts.hostname), address
    assert not re.search(r"[?#]", address), address
    assert "@" not in parts.netloc, address
    # Ours only as the form that stands in where no page is known.
    assert parts.hostname != urlsplit(PUBLIC_URL).hostname or parts.path[1:] in WIDGETS, address
    assert "/requests/" not in parts.path, address


def check_number(digits: str, regions: tuple[str, ...]) -> None:
    """One that the widget calls: of its regions, and of a kind that costs what a call costs."""
    assert re.fullmatch(r"[0-9]{7,15}", digits, re.ASCII)
    number = phonenumbers.parse("+" + digits)
    assert number.country_code in {phonenumbers.country_code_for_region(region) for region in regions}
    if phonenumbers.is_valid_number(number):
        assert any(phonenumbers.is_valid_number_for_region(number, region) for region in regions), digits
    else:
        assert phonenumbers.is_possible_number(number), digits
    assert phonenumbers.number_type(number) in ORDINARY
    assert not re.match(r"1900|1...976", digits)


def check_row(row: Any, widget: Widget) -> None:
    """Every column that can hold words; who adds one says here what may be in it."""
    rules: dict[str, Callable[[Any], object]] = {
        "id": lambda value: re.fullmatch(r"[0-9a-f]{32}", value),
        "reference": lambda value: re.fullmatch(r"RB-[2-9A-Z]{4}-[2-9A-Z]{4}", value),
        "widget": lambda value: value == widget.key,
        "state": lambda value: State(value),
        "held": lambda value: value in (None, Held.SUSPECTED),
        "region": lambda value: value in widget.called_regions,
        "language": lambda value: value in widget.languages,
        "form_id": lambda value: re.fullmatch(r"[0-9a-f]{32}", value),
        "answers_hash": lambda value: re.fullmatch(r"[0-9a-f]{64}", value),
        "owner": lambda value: value is None,
        "number_hash": lambda value: value is None,
        "source": lambda value: re.fullmatch(r"[0-9a-f]{32}", value),
        "source_network": lambda value: re.fullmatch(r"[0-9a-f]{32}", value),
        "turned_away": lambda value: value is None,
        "claimed_by": lambda value: value is None,
        "trace": lambda value: value is None or re.fullmatch(r"[0-9a-zA-Z-]{1,64}", value),
        "zone": lambda value: value in ZONES,
    }
    columns = {column.name for column in requests.c if isinstance(column.type, sa.String | sa.JSON)}
    assert columns == {*rules, *LENGTHS, "phone", "attributes", "page"}
    for name, rule in rules.items():
        assert rule(getattr(row, name)), name
    check_number(row.phone, widget.called_regions)
    for name, length in LENGTHS.items():
        check_text(getattr(row, name), length, lines=name == "message")
        assert not getattr(row, name) or name in widget.fields, f"{name} was not asked for"
    assert all(getattr(row, name) for name in widget.required)
    assert set(row.attributes) <= set(widget.attributes)
    for value in row.attributes.values():
        assert type(value) is str
        assert value
        check_text(value, ATTRIBUTE_LENGTH)
    check_page(row.page)
    if row.slot_starts_at:
        assert widget.hours
        assert (row.slot_starts_at.hour % 4, row.slot_starts_at.minute) == (0, 0)
        assert row.requested_at < row.slot_starts_at < row.slot_ends_at


def check_kept(row: Any, typed: dict[str, str], widget: Widget) -> None:
    """What was clean is kept as typed, what a machine did is held, and no digit is called that nobody typed."""
    assert row.held == (Held.SUSPECTED if typed.get("confirm_again") else None)
    for name in (*widget.fields, *widget.attributes):
        is_attribute = name in widget.attributes
        kept = row.attributes.get(name, "") if is_attribute else getattr(row, name)
        said = typed.get(name, "")
        fits = said[:ATTRIBUTE_LENGTH] if is_attribute else said
        if is_clean(said, lines=name == "message") and is_clean(fits, lines=name == "message"):
            assert kept == fits, name
    rest = iter(str(unicodedata.decimal(letter, "")) for letter in unicodedata.normalize("NFKC", typed["phone"]))
    assert all(digit in rest for digit in row.phone[-6:])


def check_erased(row: Any) -> None:
    assert {row.phone, row.name, row.email, row.company, row.message, row.page} == {""}
    assert (row.attributes, row.answers_hash) == ({}, None)


def check_told(body: dict[str, Any], rows: list[Any], widget: Widget, how: str) -> None:
    """Exactly what Samespace may get for requests that are one call, all of it strings."""
    assert set(body) == {"space_id", "team_name", "number", "attributes"}
    assert (body["space_id"], body["team_name"], body["number"]) == ("acme", widget.team_name, rows[0].phone)
    told = body["attributes"]
    given = {name for name in LENGTHS for row in rows if getattr(row, name)}
    given |= {name for name in widget.attributes for row in rows if row.attributes.get(name)}
    ours = {"page", "language", "requested_at", "reference", "stop_url"}
    ours |= {"asked_for"} if any(row.slot_starts_at for row in rows) else set()
    late = {"attempt", "note"} & set(told)
    assert set(told) == given | ours | late
    assert len(late) == {"in time": 0, "late": 2}.get(how, len(late))
    assert all(type(value) is str and value for value in told.values())
    for name in given:
        values = [getattr(row, name, None) or row.attributes.get(name, "") for row in rows]
        of_each = len(f" / {rows[0].reference}: ") if len(rows) > 1 else 0
        check_text(told[name], sum(map(len, values)) + of_each * len(rows), lines=name == "message")
        assert all(value in told[name] for value in values)
    check_page(told["page"])
    assert told["page"] in {row.page or f"{PUBLIC_URL}/{row.widget}" for row in rows}
    assert told["language"] in widget.languages
    assert datetime.fromisoformat(told["requested_at"]).utcoffset() is not None
    assert sorted(told["reference"].split(" / ")) == sorted(row.reference for row in rows)
    assert told["stop_url"] == f"{PUBLIC_URL}/stop"
    assert told.get("attempt", "1") in ("1", "2")
    check_text(told.get("note", ""), 160 + len(" / 92QD") * len(rows))
    assert not late or all(row.reference[-4:] in told["note"] for row in rows)
    clock = r"\d{4}-\d\d-\d\dT\d\d:\d\d[+-]\d\d:\d\d \([\w/+-]+\)"
    times = rf"{clock}(; visitor: {clock})?"
    assert re.fullmatch(rf"({times}( / {times})*)?", told.get("asked_for", ""), re.ASCII)


# --- the site that it is sent to ---


@dataclass
class Site:
    """An app with its store and its Samespace, and what was seen of them."""

    app: Flask
    clock: Clock
    samespace: SandboxSamespace
    seen: Counter[str] = field(default_factory=Counter)
    heard: privacy.Listener = field(default_factory=privacy.Listener)
    calls: int = 0

    def __post_init__(self) -> None:
        self.start = self.clock.now

    def widget(self, key: str) -> Widget:
        return self.app.extensions["ringback"].settings.widgets[key]

    def next_address(self) -> str:
        """Of another visitor each time: how often one may ask is no matter here."""
        return str(ip_address("10.0.0.0") + self.seen.total())

    def answers(self, method: str, path: bytes, body: bytes = b"", **environment: str | None) -> TestResponse:
        """As a server hands it to the app, with nothing put right on the way."""
        given = {name: value for name, value in environment.items() if value is not None}
        response = self.app.test_client(use_cookies=False).open(
            "/",
            method=method,
            base_url=PUBLIC_URL,
            data=body,
            environ_overrides={"REMOTE_ADDR": self.next_address(), "PATH_INFO": path.decode("latin-1")} | given,
        )
        answer = response.get_data()
        response.close()
        if response.headers.get("Content-Encoding") == "gzip":
            response.set_data(gzip.decompress(answer))
        assert response.status_code in ANSWERED, (response.status_code, self.heard.lines)
        self.seen[f"{method} {response.status}"] += 1
        check_headers(response)
        to = urlsplit(response.headers.get("Location", ""))
        assert to.netloc in ("", urlsplit(PUBLIC_URL).netloc)
        assert to.scheme in ("", "http", "https")
        return response

    def page(self, method: str, path: str, body: bytes = b"", **environment: str | None) -> Page:
        """The same, and the page of it as a browser reads it."""
        return Page(self.answers(method, path.encode(), body, **environment), path)

    def opens(self, path: str, **environment: str | None) -> dict[str, str]:
        """What stands in the form at an address; in that of a plain visit, where this one is turned away."""
        page = self.page("GET", path, **environment)
        return (page if page.status == 200 else self.page("GET", path)).answers

    def asks(self, visit: Visit, number: str) -> list[dict[str, str]]:
        """Open the form, fill it in, send it, and once more if it is shown again. The forms as they were sent."""
        path, by = f"/{visit.widget}", visit.headers
        pairs = visit.pairs(self.opens(path, QUERY_STRING=visit.query, **by), number)
        sent = [dict(reversed(pairs))]  # of a field that comes twice, the first counts
        before = self.count()
        self.seen["forms"] += 1
        page = self.posts(path, pairs, visit.multipart, **by)
        if page.status == 422:
            assert self.count() == before
            sent.append(page.answers)
            page = self.posts(path, list(page.answers.items()), **by)
        assert self.count() == before + (page.status == 303)
        if page.status == 303:
            self.seen["accepted"] += 1
            confirmation = page.location.partition("?")[0]
            assert self.page("GET", confirmation).status == 200
            json.loads(self.answers("GET", f"{confirmation}/export".encode()).get_data())
        return sent

    def posts(self, path: str, pairs: list[tuple[str, str]], multipart: bool = False, **environment: str) -> Page:
        body, kind = hostile.encoded(pairs, multipart)
        return self.page("POST", path, body, CONTENT_TYPE=kind, **environment)

    def good_form(self, path: str) -> list[tuple[str, str]]:
        # As the second step of /stop is sent; the other forms know neither.
        confirmed = {"country": "GB", "confirmed": "442079460123"} if path == "/stop" else {}
        return list((self.opens(path) | GOOD | {"phone": "020 7946 0123"} | confirmed).items())

    def count(self) -> int:
        with self.app.extensions["ringback"].database.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(requests)).scalar_one())

    def requests(self) -> list[Any]:
        with self.app.extensions["ringback"].database.read() as connection:
            return list(connection.execute(sa.select(requests).order_by(requests.c.requested_at)))

    def check_store(self) -> list[Any]:
        """Everything that is in it."""
        rows = self.requests()
        for row in rows:
            check_erased(row) if row.erased_at else check_row(row, self.widget(row.widget))
        with self.app.extensions["ringback"].database.read() as connection:
            for event in connection.execute(sa.select(events)):
                assert EventKind(event.kind)
                assert event.detail in OPERATORS_READ
            for agreed in connection.execute(sa.select(consents)):
                assert Purpose(agreed.purpose)
                assert agreed.sentence in AGREED_TO
                check_page(agreed.page)
            for stop in connection.execute(sa.select(stops)):
                assert re.fullmatch(r"[0-9a-f]{64}", stop.number_hash)
        return rows

    def hands_over(self, rows: list[Any], how: str) -> None:
        """Each number that may be called is, once, and nothing else is sent."""
        self._hand_over_when_due(Mode.REFUSES if how == "refused first" else Mode.ANSWERS, late=how == "late")
        while self._first_due():
            self._hand_over_when_due(Mode.ANSWERS, late=how != "in time")
        to_call: dict[tuple[Any, ...], list[Any]] = {}
        for row in sorted(rows, key=lambda row: row.give_up_at):
            if row.state == State.WAITING and not row.held:
                to_call.setdefault((row.phone, row.widget, row.slot_starts_at), []).append(row)
        sent = [call for call in self.samespace.calls if call.serial > self.calls]
        self.calls += len(sent)
        assert len(sent) == len(to_call)
        for call in sent:
            told = set(call.attributes["reference"].split(" / "))
            (key,) = [key for key, asked in to_call.items() if {row.reference for row in asked} == told]
            together = to_call.pop(key)
            assert call.number == together[0].phone
            check_told(dict(call.body), together, self.widget(together[0].widget), how)

    def _hand_over_when_due(self, mode: Mode, late: bool) -> None:
        self.samespace.mode = mode
        self.clock.now = max(self.clock.now, self._first_due() or self.clock.now)
        if late:
            self.clock.passes(minutes=7)
        while claim := self.app.extensions["ringback"].outbox.claim("test"):
            self.app.extensions["ringback"].delivery.hand_over(claim)

    def _first_due(self) -> datetime | None:
        return min((row.next_attempt_at for row in self.requests() if row.state == State.WAITING), default=None)

    def clears(self) -> None:
        """So that what is in the store next was put there by the next input."""
        with self.app.extensions["ringback"].database.write() as connection:
            for table in reversed(metadata.sorted_tables):
                if table in (requests, stops, stop_beginnings) or _is_of_requests(table):
                    connection.execute(table.delete())
        self.heard.lines.clear()
        self.clock.now = self.start


def _is_of_requests(table: sa.Table) -> bool:
    return any(key.column.table is requests for key in table.foreign_keys)


@pytest.fixture
def site(make_app: Callable[..., Flask], clock: Clock, samespace: SandboxSamespace) -> Iterator[Site]:
    limits = NO_LIMITS | {"min_fill_seconds": 0}
    environment = {"trusted_proxies": 1}
    # Slowness is no matter here, however busy the machine is.
    patient = {"timeout_seconds": 60, "lease_seconds": 90}
    app = make_app(
        base_url=samespace.base_url, widgets=WIDGETS, limits=limits, delivery=patient, environment=environment
    )
    site = Site(app, clock, samespace)
    logging.getLogger().addHandler(site.heard)
    yield site
    logging.getLogger().removeHandler(site.heard)


# --- the tests ---


def inputs(short: int, long: int, rounds: int) -> Any:
    """So many in `make test`, the same on every machine; the long run looks further, each time elsewhere."""
    each = [pytest.param(long // rounds, marks=pytest.mark.long, id=f"round {n + 1}") for n in range(rounds)]
    return pytest.mark.parametrize("count", [pytest.param(short, id="short"), *each])


def tries(count: int) -> settings:
    return settings(
        max_examples=count,
        derandomize=count < 1_000,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )


@inputs(40, 40_000, rounds=20)
def test_whatever_a_form_says_what_is_stored_and_sent_obeys_the_rules(count: int, site: Site) -> None:
    forms = st.lists(hostile.visits, min_size=1, max_size=2)
    ways = st.sampled_from(["in time", "in time", "late", "refused first"])

    @tries(count)
    @given(forms, hostile.often(hostile.callable_numbers, hostile.numbers), ways)
    def asked(visits: list[Visit], number: str, how: str) -> None:
        site.clears()
        before: list[Any] = []
        sent: list[dict[str, str]] = []
        for visit in visits:
            sent += site.asks(visit, number)
            rows = site.check_store()
            for row in rows:
                if row not in before:
                    check_kept(row, sent[-1], site.widget(visit.widget))
            before = rows
        site.hands_over(rows, how)
        assert all(row.state == State.WITH_TEAM for row in site.check_store())
        assert not [quoted for fields in sent if (quoted := privacy.quoted(fields, site.heard.lines))]

    asked()
    assert site.seen["accepted"] > 0.3 * site.seen["forms"], site.seen


@inputs(160, 35_000, rounds=7)
def test_whatever_bytes_are_posted_nothing_breaks(count: int, site: Site) -> None:
    given_to = st.tuples(hostile.posted_to, st.sampled_from([True, True, False]))
    accepted: Counter[str] = Counter()

    @tries(count)
    @given(given_to, hostile.bodies, hostile.types, hostile.lengths, hostile.headers)
    def posted(to: tuple[str, bool], body: bytes, kind: str, length: str | None, headers: dict[str, str]) -> None:
        path, is_behind = to
        site.clears()
        if "{id}" in path:
            site.posts("/sales", site.good_form("/sales"))
            path = path.format(id=site.requests()[0].id)
        elif is_behind and "/requests/" not in path:  # a good form, and the bytes behind it
            good, kind = hostile.encoded(site.good_form(path))
            body = good + b"&" + body
        before = site.count()
        page = site.page("POST", path, body, CONTENT_TYPE=kind, CONTENT_LENGTH=length, **headers)
        rows = site.check_store()
        if len(rows) > before:
            assert page.status == 303
            assert len(body) <= BODY_BYTES
        if page.status == 303:
            accepted[to[0]] += 1
        assert not privacy.quoted(GOOD | {"phone": "020 7946 0123"}, site.heard.lines)
        site.hands_over(rows, "in time")

    posted()
    forms = {"/sales", "/support", "/", "/stop"}
    assert set(accepted) == forms | {f"/requests/{{id}}/{end}" for end in ("cancel", "erase", "time")}
    assert accepted.total() > 0.2 * count, accepted


@inputs(320, 25_000, rounds=5)
def test_whatever_address_is_asked_for_nothing_changes(count: int, site: Site) -> None:
    site.posts("/sales", site.good_form("/sales"))
    (made,) = site.check_store()

    @tries(count)
    @given(hostile.methods, hostile.paths, hostile.queries, hostile.headers)
    def asked(method: str, path: bytes, query: str, headers: dict[str, str]) -> None:
        response = site.answers(method, path.replace(b"{id}", made.id.encode()), QUERY_STRING=query, **headers)
        if response.mimetype == "text/html" and response.get_data() and response.status_code // 100 != 3:
            page = Page(response, repr(path))
            if b"csrf_token" in response.get_data():
                hidden = page.answers
                check_page(hidden.get("page", ""))
                for name in ("plan", "page_title"):
                    check_text(hidden.get(name, ""), ATTRIBUTE_LENGTH)
        assert site.requests() == [made]
        assert not privacy.quoted(GOOD | {"phone": "020 7946 0123"}, site.heard.lines)
        site.heard.lines.clear()

    asked()
