"""What an operator sees of requests when there are many, and each way to deal with them."""

import json
import re
import shlex
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.handover.outcomes import Misconfigured, Unclear
from ringback.opening_hours import Interval
from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Receipt
from ringback.outbox.pacing.breaker import UpstreamSignal
from ringback.outbox.request import Answers, Held, State, new_id, new_reference
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.tables import requests
from tests.conftest import WIDGET, Clock

WIDGETS = {"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}}
PESTERED, STOPPED, FLOODED = "442079460101", "442079460102", "442079460103"
MANY = {PESTERED: (Held.NUMBER_LIMIT, 28), STOPPED: (Held.STOPPED, 5), FLOODED: (Held.WIDGET_LIMIT, 600)}


class Desk:
    """One company's requests, and what its operators type."""

    def __init__(self, app: Flask, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        self.outbox = app.extensions["ringback"].outbox
        self.delivery = app.extensions["ringback"].delivery
        self.attention: Operations = app.extensions["ringback"].operations
        self.database = app.extensions["ringback"].database

    def types(self, *command: str, status: int = 0, answer: str = "") -> str:
        result = self.app.test_cli_runner().invoke(args=["requests", *command], input=answer)
        assert result.exit_code == status, result.output
        return result.output

    def lines(self, *options: str) -> list[str]:
        return self.types("list", *options).splitlines()

    def objects(self, *options: str) -> list[dict[str, Any]]:
        result = self.app.test_cli_runner().invoke(args=["requests", "list", "--json", *options])
        assert result.exit_code == 0, result.output
        found: list[dict[str, Any]] = json.loads(result.stdout)
        return found

    def asks(self, phone: str, name: str = "", widget: str = "sales", **answers: Any) -> Receipt:
        receipt: Receipt = self.outbox.accept(Answers(widget, phone, "GB", name=name, **answers))
        return receipt

    def is_held(self, phone: str, why: Held, count: int = 1, **answers: Any) -> list[str]:
        """As if the rules of numbers had held them, one a second; their references."""
        references = []
        for _ in range(count):
            self.clock.passes(seconds=1)
            receipt = self.asks(phone, **answers)
            self.changes(receipt, held=why)
            references.append(receipt.reference)
        return references

    def copies(self, phone: str, count: int) -> None:
        """More like the only one for a number, one a second."""
        with self.database.write() as connection:
            query = sa.select(requests).where(requests.c.phone == phone)
            row = dict(connection.execute(query).one()._mapping)
            rows = []
            for _ in range(count):
                self.clock.passes(seconds=1)
                own = {"id": new_id(), "reference": new_reference(), "requested_at": self.clock.now}
                rows.append(row | own)
            connection.execute(requests.insert(), rows)

    def changes(self, receipt: Receipt, **values: Any) -> None:
        with self.database.write() as connection:
            connection.execute(requests.update().where(requests.c.id == receipt.id).values(values))

    def ends(self, phone: str, name: str, state: State, widget: str = "sales") -> str:
        receipt = self.asks(phone, name, widget)
        self.changes(receipt, state=state)
        return receipt.reference

    def states(self) -> dict[str, tuple[State, Held | None]]:
        return {request.reference: (request.state, request.held) for request in self.attention.listed(limit=None)}

    def rings(self) -> list[str]:
        """Hand over what is due, and say which numbers were rung."""
        rung = []
        while claim := self.outbox.claim("test"):
            rung += [] if claim.is_held else [claim.requests[0].answers.phone]
            self.outbox.settle(claim, Settlement(transitions.TAKEN, sign=UpstreamSignal.SOUND))
        return sorted(rung)


MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk(make_app: Callable[..., Flask], clock: Clock, samespace: SandboxSamespace) -> MakeDesk:
    def make(database_url: str = "") -> Desk:
        limits = {"min_fill_seconds": 0, "per_number": "10000 per day", "per_widget": "10000 per day"}
        return Desk(make_app(database_url, base_url=samespace.base_url, widgets=WIDGETS, limits=limits), clock)

    return make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()


@pytest.fixture
def flooded(make_desk: MakeDesk, store_url: str) -> Desk:
    """633 held requests of three numbers, on each engine."""
    desk = make_desk(store_url)
    for phone, (why, count) in MANY.items():
        desk.is_held(phone, why, name="Nobody")
        desk.copies(phone, count - 1)
    return desk


REAL = [f"44207946020{place}" for place in range(5)]


@pytest.fixture
def customers(flooded: Desk) -> list[str]:
    """Five real customers among them, asked for before most of the flood: the newest first."""
    found = [
        flooded.ends(phone, f"Customer {place}", State.FAILED if place % 2 else State.UNKNOWN)
        for place, phone in enumerate(REAL)
    ]
    long_ago = flooded.clock.now - timedelta(minutes=8)
    with flooded.database.write() as connection:
        for place, reference in enumerate(found):
            mine = requests.c.reference == reference
            at = long_ago - timedelta(minutes=place)
            connection.execute(requests.update().where(mine).values(requested_at=at))
    return found


# --- a long list ---


def test_real_customers_come_first_however_many_are_held(flooded: Desk, customers: list[str]) -> None:
    totals, *lines = flooded.lines("--attention")

    assert totals == (
        "638 requests to look at: 3 unknown, 2 failed, 633 held (28 number_limit, 5 stopped, 600 widget_limit)."
    )
    assert [line.split("  ")[0] for line in lines[:5]] == customers
    assert [line.split("  ")[0] for line in lines[5:8]] == [
        "held: widget_limit",
        "held: stopped",
        "held: number_limit",
    ]
    assert "28 requests, 2026-11-24 10:00:01+00:00 to 2026-11-24 10:00:28+00:00, the last RB-" in lines[7]
    assert lines[8:] == ["Each request of a line: flask --app app requests list --held REASON --phone NUMBER"]


@pytest.mark.parametrize("limit", [1, 3, 5, 6, 7])
def test_what_is_beyond_the_limit_is_counted_and_reached(flooded: Desk, customers: list[str], limit: int) -> None:
    """Whoever follows the command at the end of each page sees every line once."""
    seen: list[str] = []
    left = 638
    command = ["list", "--attention", "--limit", str(limit)]
    while command:
        shown, beyond = page_of(flooded.types(*command))
        seen += shown
        left -= sum(int(found[1]) if (found := re.search(r"(\d+) requests, ", line)) else 1 for line in shown)
        assert (int(beyond.split()[0]) if beyond else 0) == left
        command = shlex.split(beyond.partition("flask --app app requests ")[2])

    assert left == 0
    assert [line.split("  ")[0] for line in seen[:5]] == customers
    assert len(seen) == 8


def page_of(output: str) -> tuple[list[str], str]:
    """The lines of requests, and the line that tells of those beyond."""
    _, *lines = output.splitlines()
    beyond = [line for line in lines if " more request" in line]
    return [line for line in lines if line not in beyond and not line.startswith("Each ")], "".join(beyond)


@pytest.mark.parametrize("options", [[], ["--held", "widget_limit"], ["--attention", "--state", "held", "--json"]])
def test_every_page_of_a_list_follows_the_one_before(flooded: Desk, options: list[str]) -> None:
    """Those of one moment, too."""
    with flooded.database.write() as connection:
        connection.execute(requests.update().values(requested_at=flooded.clock.now))
    there = flooded.objects(*(option for option in options if option != "--json"))
    command, seen = ["list", "--limit", "90", *options], []
    while command:
        result = flooded.app.test_cli_runner().invoke(args=["requests", *command])
        seen += re.findall(r"RB-\w{4}-\w{4}(?!\S| *$)|(?<=\"reference\": \")RB-\w{4}-\w{4}", result.stdout)
        command = shlex.split(result.output.partition("flask --app app requests ")[2])
        assert len(seen) <= len(there)

    assert len(seen) == len(set(seen)) == len(there)
    assert seen == [request["reference"] for request in there]


def test_each_request_of_a_group_is_reached_by_what_its_line_says(flooded: Desk) -> None:
    found = flooded.objects("--held", "number_limit", "--phone", "+44 20 7946 0101")

    assert len(found) == 28
    assert {(each["why"], each["phone"]) for each in found} == {("number_limit", f"+{PESTERED}")}
    assert flooded.lines("--held", "stopped", "--phone", "+44 20 7946 0101") == ["There are no such requests."]


def test_a_number_that_is_held_at_two_widgets_is_one_line(desk: Desk) -> None:
    desk.is_held(PESTERED, Held.NUMBER_LIMIT)
    (last,) = desk.is_held(PESTERED, Held.NUMBER_LIMIT, widget="help")
    (one,) = desk.is_held(STOPPED, Held.STOPPED, name="Ann", widget="help")

    _, alone, group, _ = desk.lines("--attention")
    assert alone == f"{one}  2026-11-24 10:00:03+00:00  held: stopped  help  +44 20 7946 0102  Ann"
    assert group.startswith("held: number_limit  several widgets  +44 20 7946 0101  2 requests, ")
    assert group.endswith(f", the last {last}")


# --- what is true ---


@pytest.mark.parametrize("state", [state for state in State if state is not State.CANCELLED])
def test_operators_are_shown_that_a_request_is_held_whatever_its_visitor_sees(desk: Desk, state: State) -> None:
    receipt = desk.asks(STOPPED, "Ann")
    desk.changes(receipt, state=state, held=Held.STOPPED)

    assert [(each["state"], each["why"]) for each in desk.objects()] == [("held", "stopped")]
    for command in (["list"], ["list", "--attention"], ["show", receipt.reference]):
        assert "  held: stopped  sales  +44 20 7946 0102" in desk.types(*command)
    assert desk.objects("--state", state.value) == []
    assert [each["reference"] for each in desk.objects("--state", "held")] == [receipt.reference]


@pytest.mark.parametrize(
    ("state", "shown", "why"),
    [(State.WITH_TEAM, "with_team: not called", "not_called"), (State.CALLED, "called", None)],
)
def test_operators_are_shown_which_requests_nobody_called(
    desk: Desk, state: State, shown: str, why: str | None
) -> None:
    receipt = desk.asks(STOPPED, "Ann")
    desk.changes(receipt, state=state, not_called_at=desk.clock.now)

    assert f"  {shown}  sales  " in desk.types("list")
    assert f"  {shown}  sales  " in desk.types("show", receipt.reference)
    assert [(each["state"], each["why"]) for each in desk.objects()] == [(state.value, why)]


def test_what_only_looks_as_if_it_had_happened_is_shown_as_that(desk: Desk) -> None:
    desk.outbox.stop(STOPPED)
    receipt = desk.asks(STOPPED, "Ann")
    desk.delivery.hand_over(desk.outbox.claim("test"))

    def history() -> list[str]:
        shown = desk.types("show", receipt.reference).splitlines()
        return [line.partition("+00:00 ")[2] for line in shown if line.startswith("  2026")]

    held = [
        "received",
        "held: stopped",
        "nobody was called; its visitor sees: attempted",
        "nobody was called; its visitor sees: with_team (held, on the attention list)",
    ]
    assert history() == held
    (told,) = json.loads(desk.types("export", "--phone", f"+{STOPPED}"))
    assert (told["state"], told["held"]) == ("held", "stopped")
    assert [event.get("shown_only", False) for event in told["events"]] == [False, False, True, True]

    desk.types("release", receipt.reference)
    desk.outbox.unstop(STOPPED)
    desk.delivery.hand_over(desk.outbox.claim("test"))
    assert history()[:6] == [*held, "released: by an operator", "attempted"]
    assert history()[6].startswith("with_team: accepted: ")


def test_no_log_says_that_what_is_held_was_attempted_or_is_with_the_team(
    desk: Desk, samespace: SandboxSamespace, caplog: pytest.LogCaptureFixture
) -> None:
    desk.outbox.stop(STOPPED)
    reference = desk.asks(STOPPED).reference
    samespace.mode = Mode.DOWN
    desk.delivery.hand_over(desk.outbox.claim("test"))
    samespace.mode = Mode.ANSWERS
    desk.clock.passes(seconds=7)
    assert desk.outbox.take_probe()
    desk.outbox.samespace_answers()
    desk.delivery.hand_over(desk.outbox.claim("test"))

    told = [record.getMessage() for record in caplog.records if reference in record.getMessage()]
    assert told == [f"request {reference}: held, nobody was called"] * 2


def test_a_held_request_that_was_cut_off_is_nothing_to_look_at(desk: Desk) -> None:
    """Its visitor sees unknown from then on; nobody can have been called."""
    desk.outbox.stop(STOPPED)
    desk.asks(STOPPED)
    rung = desk.asks("442079460109").reference
    assert desk.outbox.claim("test")
    assert desk.outbox.claim("test")
    desk.clock.passes(minutes=5)

    assert desk.outbox.expire() == [rung]


def test_what_was_held_and_is_withdrawn_is_cancelled(desk: Desk) -> None:
    receipt = desk.asks(STOPPED)
    desk.changes(receipt, state=State.CANCELLED, held=Held.STOPPED)

    assert [(each["state"], each["why"]) for each in desk.objects("--state", "cancelled")] == [("cancelled", None)]
    assert desk.objects("--state", "held") == desk.objects("--attention") == []
    assert desk.types("list", "--attention") == "Nothing needs a person.\n"


def test_what_waits_past_its_promise_is_late_and_not_what_is_in_time_or_held(desk: Desk) -> None:
    late = desk.asks(REAL[0], "Ann")
    desk.is_held(STOPPED, Held.STOPPED)
    desk.clock.passes(minutes=16)
    in_time = desk.asks(REAL[1], "Bob")
    desk.outbox.heartbeat.beat()

    totals, line, *_ = desk.lines("--attention")
    assert totals == "2 requests to look at: 1 late, 1 held (1 stopped)."
    assert line == f"{late.reference}  2026-11-24 10:00:00+00:00  waiting: late  sales  +44 20 7946 0200  Ann"
    assert {each["reference"]: each["late"] for each in desk.objects("--state", "waiting")} == {
        late.reference: True,
        in_time.reference: False,
    }


def test_a_paused_team_and_samespace_not_reached_are_told_of_beside_requests(desk: Desk) -> None:
    for number in REAL[2:4]:
        desk.asks(number, widget="help")
        claim = desk.outbox.claim("test")
        desk.outbox.settle(claim, desk.delivery.settlement_of(Misconfigured(404, "no such team"), claim))
    desk.clock.passes(minutes=1)
    desk.asks(REAL[1], "Ann")
    claim = desk.outbox.claim("test")
    desk.outbox.settle(claim, desk.delivery.settlement_of(Unclear("time-out", None, ""), claim))
    desk.outbox.heartbeat.beat()

    samespace, team, totals, line = desk.lines("--attention")
    assert samespace == (
        "Samespace is not reached since 2026-11-24 10:01:00+00:00: "
        "what is due waits, and goes by itself once it answers."
    )
    assert team == (
        "Team Help is paused since 2026-11-24 10:00:00+00:00: answered 404: no such team. "
        "Once that is mended: flask --app app teams resume Help"
    )
    assert totals == "1 request to look at: 1 unknown."
    assert "Ann" in line
    assert "Team Help" not in desk.types("list", "--attention", "--widget", "sales")
    assert "Team Help" not in desk.types("list")
    kinds = [(each["kind"], each["state"], each["name"], each["since"]) for each in desk.objects("--attention")]
    assert kinds == [
        ("samespace", "not_reached", None, "2026-11-24T10:01:00+00:00"),
        ("team", "paused", "Help", "2026-11-24T10:00:00+00:00"),
        ("request", "unknown", "Ann", None),
    ]


def test_samespace_is_told_of_since_the_first_call_that_failed_and_no_more_once_it_takes_one(desk: Desk) -> None:
    def fares(end: Settlement) -> None:
        desk.asks(REAL[0])
        assert desk.outbox.settle(desk.outbox.claim("test"), end)

    unclear = Settlement(transitions.LOSE, "time-out", UpstreamSignal.UNCLEAR)
    fares(unclear)
    desk.clock.passes(minutes=5)
    desk.outbox.samespace_answers()
    fares(unclear)
    assert desk.lines("--attention")[0].startswith("Samespace is not reached since 2026-11-24 10:00:00+00:00")

    desk.clock.passes(minutes=5)
    desk.outbox.samespace_answers()
    fares(Settlement(transitions.TAKEN, sign=UpstreamSignal.SOUND))
    assert "Samespace" not in desk.types("list", "--attention")
    fares(unclear)
    assert desk.lines("--attention")[0].startswith("Samespace is not reached since 2026-11-24 10:10:00+00:00")


# --- what is asked for ---


def test_json_is_an_array_of_objects_with_all_that_a_program_wants(desk: Desk) -> None:
    assert desk.objects() == desk.objects("--attention") == []
    start = desk.clock.now + timedelta(hours=4)
    end = start + timedelta(minutes=30)
    receipt = desk.asks("442079460000", "Zoë", slot_starts_at=start, slot_ends_at=end)

    assert desk.objects() == [
        {
            "kind": "request",
            "reference": receipt.reference,
            "state": "waiting",
            "why": None,
            "late": False,
            "widget": "sales",
            "phone": "+442079460000",
            "name": "Zoë",
            "requested_at": "2026-11-24T10:00:00+00:00",
            "due_at": "2026-11-24T14:00:00+00:00",
            "promised_by": "2026-11-24T14:30:00+00:00",
            "since": None,
        }
    ]


def test_json_has_every_request_unless_a_limit_is_given_and_then_says_how_many_more(flooded: Desk) -> None:
    assert len(flooded.objects("--attention")) == 633
    result = flooded.app.test_cli_runner().invoke(args=["requests", "list", "--json", "--limit", "2"])
    first = json.loads(result.stdout)

    assert len(first) == 2
    assert result.stderr == (
        f"631 more requests: flask --app app requests list --limit 2 --after {first[-1]['reference']} --json\n"
    )


@pytest.mark.parametrize(
    ("since", "passed", "is_in"),
    [
        ("30m", {"minutes": 29}, True),
        ("30m", {"minutes": 30}, False),
        ("2h", {"minutes": 119}, True),
        ("2h", {"hours": 2}, False),
        ("3d", {"hours": 71}, True),
        ("3d", {"days": 3}, False),
    ],
)
def test_since_reads_minutes_hours_and_days(desk: Desk, since: str, passed: dict[str, int], is_in: bool) -> None:
    desk.asks(REAL[0])
    desk.clock.passes(**passed)

    assert len(desk.objects("--since", since)) == is_in
    assert desk.lines("--since", since)[0] == ("1 request: 1 waiting." if is_in else "There are no such requests.")


@pytest.mark.parametrize("since", ["30", "h", "2 h", "-2h", "0h", "2w", "٢h", "1e3d", "999999d", "1h30m", ""])
def test_a_time_without_a_unit_is_refused_with_what_it_should_be(desk: Desk, since: str) -> None:
    output = desk.types("list", "--since", since, status=2)

    assert "like 30m, 2h or 3d" in " ".join(output.split())


def test_a_list_is_narrowed_by_state_widget_and_number(desk: Desk) -> None:
    waiting = desk.asks(REAL[0]).reference
    failed = desk.ends(REAL[1], "", State.FAILED)
    helped = desk.ends(REAL[1], "", State.WITH_TEAM, widget="help")
    (held,) = desk.is_held(REAL[1], Held.SUSPECTED)

    def found(*options: str) -> set[str]:
        return {each["reference"] for each in desk.objects(*options)}

    assert found() == {waiting, failed, helped, held}
    for state, references in (
        ("waiting", {waiting}),
        ("failed", {failed}),
        ("with_team", {helped}),
        ("held", {held}),
        ("called", set()),
        ("unknown", set()),
        ("cancelled", set()),
        ("handing_over", set()),
    ):
        assert found("--state", state) == references
    assert found("--widget", "help") == {helped}
    assert found("--phone", "+442079460201") == {failed, helped, held}
    assert found("--attention") == {failed, held}
    assert found("--attention", "--state", "failed") == {failed}
    assert desk.lines("--state", "failed")[0] == "1 request: 1 failed."
    assert desk.lines()[0] == "4 requests: 1 failed, 1 waiting, 1 with_team, 1 held (1 suspected)."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--widget", "shop"], "there is no widget shop; there are: sales, help"),
        (["--after", "RB-0000-0000"], "there is no request RB-0000-0000"),
        (["--state", "late"], "is not one of"),
        (["--phone", "020 7946 0000"], "should be a telephone number in full, with its country code"),
        (["--limit", "0"], "0 is not in the range"),
        (["--limit", "-1"], "-1 is not in the range"),
        (["--limit", "99999999999999999999"], "99999999999999999999 is not in the range"),
        (["--limit", "nan"], "'nan' is not a valid integer"),
        (["--limit", ""], "'' is not a valid integer"),
        (["--after", "\udcff"], "there is no such request"),
    ],
)
def test_what_cannot_be_asked_for_is_said_so(desk: Desk, options: list[str], sentence: str) -> None:
    assert sentence in " ".join(desk.types("list", *options, status=2).split())


# --- released and retried ---


@pytest.mark.parametrize(
    ("options", "phones"),
    [
        (["--held", "widget_limit"], [FLOODED]),
        (["--held", "stopped"], [STOPPED]),
        (["--phone", "+44 20 7946 0101"], [PESTERED]),
        (["--held", "number_limit", "--phone", "+44 20 7946 0101"], [PESTERED]),
        (["--held", "stopped", "--phone", "+44 20 7946 0101"], []),
    ],
)
def test_a_release_rings_exactly_what_was_named(flooded: Desk, options: list[str], phones: list[str]) -> None:
    count = sum(MANY[phone][1] for phone in phones)
    before = flooded.states()

    assert flooded.types("release", *options, "--yes") == f"Released: {count}.\n"
    changed = [reference for reference, state in flooded.states().items() if state != before[reference]]
    assert len(changed) == count
    assert flooded.rings() == phones


def test_releasing_many_is_asked_about_first(desk: Desk) -> None:
    desk.is_held(STOPPED, Held.STOPPED, 3)

    assert "Hand over 3 requests that are held?" in desk.types("release", "--held", "stopped", status=1)
    desk.types("release", "--held", "stopped", answer="n\n", status=1)
    assert desk.rings() == []
    assert desk.types("release", "--held", "stopped", answer="y\n").endswith("Released: 3.\n")
    assert desk.rings() == [STOPPED]
    desk.is_held(PESTERED, Held.NUMBER_LIMIT)
    assert desk.types("release", "--phone", f"+{PESTERED}") == "Released: 1.\n"


@pytest.mark.parametrize("state", [State.WAITING, State.WITH_TEAM, State.FAILED, State.UNKNOWN])
def test_what_is_held_is_released_wherever_its_visitor_sees_it(
    make_desk: MakeDesk, store_url: str, state: State
) -> None:
    desk = make_desk(store_url)
    receipt = desk.asks(STOPPED)
    desk.changes(receipt, state=state, held=Held.STOPPED)

    assert desk.types("release", receipt.reference.lower())
    assert desk.rings() == [STOPPED]


def test_what_is_released_is_called_at_the_time_that_was_chosen(desk: Desk) -> None:
    start = desk.clock.now + timedelta(days=1)
    slot = Interval(start, start + timedelta(minutes=30))
    receipt = desk.asks(STOPPED, slot_starts_at=slot.start, slot_ends_at=slot.end)
    desk.changes(receipt, held=Held.STOPPED)
    desk.types("release", receipt.reference)
    desk.clock.passes(hours=23)
    assert desk.rings() == []
    desk.outbox.expire()

    desk.clock.passes(hours=1)
    assert desk.rings() == [STOPPED]


def test_what_is_on_its_way_is_not_released_and_counted_as_left(desk: Desk) -> None:
    first, second = desk.is_held(STOPPED, Held.STOPPED, 2)
    with desk.database.write() as connection:
        mine = requests.c.reference == first
        connection.execute(requests.update().where(mine).values(state=State.HANDING_OVER))

    output = desk.types("release", "--held", "stopped", "--yes")
    assert output == "Released: 1.\nChanging at this moment, and left as they are: 1. Try again in a minute.\n"
    assert desk.states() == {first: (State.HANDING_OVER, Held.STOPPED), second: (State.WAITING, None)}


@pytest.mark.parametrize("options", [[], ["--rang", "--not-rung"], ["--not-rung", "--rang"]])
def test_a_resolve_says_one_thing_or_nothing_changes(desk: Desk, options: list[str]) -> None:
    reference = desk.ends(REAL[0], "Ann", State.UNKNOWN)

    assert "Say --rang or --not-rung." in desk.types("resolve", reference, *options, status=2)
    assert desk.states() == {reference: (State.UNKNOWN, None)}


def test_neither_retry_nor_resolve_moves_what_is_held(desk: Desk) -> None:
    receipt = desk.asks(STOPPED)
    desk.changes(receipt, state=State.UNKNOWN, held=Held.STOPPED)

    desk.types("retry", receipt.reference, status=1)
    for how in ("--rang", "--not-rung"):
        assert "is not unknown" in desk.types("resolve", receipt.reference, how, status=1)
    assert desk.states() == {receipt.reference: (State.UNKNOWN, Held.STOPPED)}


@pytest.mark.parametrize("state", [State.FAILED, State.UNKNOWN])
def test_what_failed_or_is_unknown_is_handed_over_again(desk: Desk, state: State) -> None:
    reference = desk.ends(REAL[0], "Ann", state)

    assert desk.types("retry", reference) == f"{reference} will be handed over again.\n"
    assert desk.rings() == [REAL[0]]
    assert "neither failed nor unknown" in desk.types("retry", reference, status=1)


def test_what_waits_to_be_tried_again_is_tried_now(desk: Desk) -> None:
    receipt = desk.asks(REAL[0])
    later = desk.clock.now + timedelta(minutes=30)
    desk.outbox.settle(
        desk.outbox.claim("test"), Settlement(transitions.RETURN, "not now", UpstreamSignal.REFUSED, later)
    )
    assert desk.rings() == []

    desk.types("retry", receipt.reference)
    assert desk.rings() == [REAL[0]]


def test_all_are_retried_but_unknown_held_and_those_who_chose_a_later_time(
    make_desk: MakeDesk, store_url: str
) -> None:
    desk = make_desk(store_url)
    start = desk.clock.now + timedelta(days=1)
    booked = desk.asks(REAL[3], slot_starts_at=start, slot_ends_at=start + timedelta(minutes=30))
    waiting = desk.asks(REAL[0])
    desk.changes(waiting, next_attempt_at=desk.clock.now + timedelta(hours=1))
    desk.ends(REAL[1], "", State.FAILED)
    desk.ends(REAL[2], "", State.UNKNOWN)
    desk.ends(REAL[4], "", State.WITH_TEAM)
    held = desk.asks(STOPPED)
    desk.changes(held, held=Held.STOPPED, state=State.FAILED)

    assert "Hand over 2 requests that failed or wait?" in desk.types("retry", "--all", status=1)
    assert desk.types("retry", "--all", "--yes").splitlines() == [
        "To be handed over again: 2.",
        "Unknown, and left alone: 1. Resolve or retry them one by one; they may have rung.",
    ]
    assert desk.rings() == REAL[:2]
    assert desk.states()[booked.reference] == (State.WAITING, None)


@pytest.mark.parametrize(
    "command",
    [
        ["retry"],
        ["retry", "RB-0000-0000", "--all"],
        ["release"],
        ["release", "RB-0000-0000", "--held", "stopped"],
        ["release", "RB-0000-0000", "--phone", "+442079460000"],
    ],
)
def test_one_is_named_or_many_are_and_never_both(desk: Desk, command: list[str]) -> None:
    assert "Name one request, or say --" in desk.types(*command, status=2)


# --- what it costs ---


def test_looking_for_what_needs_a_person_reads_no_history(make_desk: MakeDesk, store_url: str) -> None:
    """However long that is: each statement finds what it wants by an index made for it."""
    desk = make_desk(store_url)
    fill(desk, 20_000)
    desk.is_held(PESTERED, Held.NUMBER_LIMIT, 3)
    desk.ends(REAL[0], "Ann", State.FAILED)

    statements: list[tuple[Any, Any]] = []
    with noting(desk.database.engine, statements):
        desk.types("list", "--attention", "--limit", "2")
        desk.types("list", "--attention", "--state", "held", "--limit", "1", "--json")
        desk.types("release", "--held", "number_limit", "--yes")
    seen = [
        (sql, values) for sql, values in statements if sql.startswith(("SELECT", "WITH")) and "requests" in sql
    ]
    assert len(seen) >= 7
    for sql, values in seen:
        assert reads_little(desk, sql, values), sql


def fill(desk: Desk, count: int) -> None:
    """A long history of requests that the team has had."""
    desk.ends("442079460999", "", State.WITH_TEAM)
    desk.copies("442079460999", count)
    with desk.database.write() as connection:
        if not desk.database.is_sqlite:
            connection.execute(sa.text("ANALYZE requests"))


class noting:  # noqa: N801
    """While it lasts, what the store is asked."""

    def __init__(self, engine: sa.Engine, statements: list[tuple[Any, Any]]) -> None:
        self._engine = engine
        self._statements = statements

    def __enter__(self) -> None:
        sa.event.listen(self._engine, "before_cursor_execute", self._note)

    def __exit__(self, *_: object) -> None:
        sa.event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        self._statements.append((statement, values))


def reads_little(desk: Desk, sql: str, values: Any) -> bool:
    """Whether no table of requests is read from one end to the other."""
    explain = "EXPLAIN QUERY PLAN " if desk.database.is_sqlite else "EXPLAIN "
    with desk.database.read() as connection:
        plan = [str(row[-1]) for row in connection.exec_driver_sql(explain + sql, values)]
    plan = [step for step in plan if "requests_held_by_time" not in step]  # what is held, and nothing else
    return not any(step.startswith("SCAN requests") or "Seq Scan on requests" in step for step in plan)
