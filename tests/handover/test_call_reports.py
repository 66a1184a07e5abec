"""Reading call reports: every page, in spite of whatever the other side does, and what follows from it."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ringback.handover import call_reports
from ringback.handover.call_records import ReportPage, read_page
from ringback.handover.call_reports import CallReportLoop, CallReports, ReportError
from ringback.outbox.calls.calls import Calls, Window
from ringback.outbox.calls.not_called import NotCalled
from ringback.outbox.numbers.number_rules import NumberRules
from ringback.outbox.operators.by_hand import ByHand, DialState
from ringback.outbox.request import State
from ringback.store.call_tables import call_reading, calls, outcomes
from ringback.store.database import Database
from tests import faults
from tests.conftest import WIDGET, Clock, make_settings
from tests.faults import FaultServer, response
from tests.outbox.asking import NUMBER, OTHER, TAKEN, Ringback


class Reports(CallReports):
    """Samespace's records, as a list that a test writes."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.asked: list[tuple[Window, int]] = []
        self.fault: Exception | None = None

    def page(self, window: Window, skip: int, limit: int = 2) -> ReportPage:
        self.asked.append((window, skip))
        if self.fault:
            raise self.fault
        inside = [each for each in self.records if window.start <= _at(each) <= window.end]
        return read_page(json.dumps({"total": len(inside), "data": inside[skip : skip + limit]}).encode())


def _at(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(record["start_time"])


def record(uuid: str, at: datetime, number: str = NUMBER, **more: Any) -> dict[str, Any]:
    written = at.isoformat()
    made: dict[str, Any] = {
        "uuid": uuid,
        "direction": "out",
        "type": "team",
        "callee": number,
        "team_name": "Sales",
    }
    return made | {"start_time": written, "answer_time": written, "end_time": written, "status": "answered"} | more


class Reader:
    """Ringback with call reports to read."""

    def __init__(self, ringback: Ringback, url: str) -> None:
        self.ringback = ringback
        self.clock = ringback.clock
        self.settings = make_settings(url, widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}})
        self.reports = Reports()
        self.calls = Calls(ringback.database, self.settings, self.clock)
        self.loop = self.another()

    def another(self) -> CallReportLoop:
        """One more process."""
        not_called = NotCalled(self.ringback.database, self.settings, self.clock)
        return CallReportLoop(self.calls, not_called, self.settings, self.reports)

    def reads(self) -> bool:
        """A minute later."""
        self.clock.passes(minutes=1)
        return self.loop.run_once()

    def rows(self, table: sa.Table) -> list[Any]:
        with self.ringback.database.read() as connection:
            return list(connection.execute(sa.select(table)))


@pytest.fixture
def opened(store_url: str, clock: Clock) -> Iterator[Callable[..., Ringback]]:
    database = Database(store_url)
    yield lambda **given: Ringback(database, store_url, clock, **given)
    database.close()


@pytest.fixture
def reader(opened: Callable[..., Ringback], store_url: str) -> Reader:
    return Reader(opened(), store_url)


def test_a_request_whose_reference_came_back_is_called_and_its_page_shows_when(reader: Reader) -> None:
    receipt = reader.ringback.asks()
    reader.ringback.rings()
    started = reader.clock() + timedelta(seconds=30)
    reader.reports.records = [record("1", started, custom_data={"reference": receipt.reference})]

    assert reader.reads()
    assert reader.ringback.state(receipt) is State.CALLED
    found = reader.ringback.outbox.read(receipt.id)
    assert found
    assert found[1][-1].at == started
    assert [(each.answered, each.is_certain) for each in reader.calls.seen(receipt.id)] == [(True, True)]
    (said,) = reader.rows(outcomes)
    assert (said.source, said.outcome) == ("record", "answered")


def test_an_unknown_is_settled_by_a_certain_record_and_not_by_a_probable_one(reader: Reader) -> None:
    sure, maybe = reader.ringback.asks(), reader.ringback.asks(OTHER)
    for claim in [reader.ringback.takes() for _ in range(2)]:
        reader.ringback.outbox.settle(claim, reader.ringback.outbox.lost("no answer"))
    at = reader.clock() + timedelta(seconds=5)
    reader.reports.records = [
        record("1", at, custom_data=json.dumps({"reference": sure.reference}), answer_time=None, status="failed"),
        record("2", at, OTHER),
    ]
    assert reader.reads()
    assert reader.ringback.state(sure) is State.CALLED
    assert reader.ringback.state(maybe) is State.UNKNOWN
    assert [(each.answered, each.is_certain) for each in reader.calls.seen(maybe.id)] == [(True, False)]
    assert reader.ringback.rings() == []


def test_every_page_is_read_and_each_record_kept_once(reader: Reader) -> None:
    receipts = [reader.ringback.asks(f"44207946{n:04}") for n in range(7)]
    reader.ringback.rings()
    at = reader.clock() + timedelta(seconds=1)
    reader.reports.records = [
        record(f"{n}", at, f"44207946{n:04}", custom_data={"reference": each.reference})
        for n, each in enumerate(receipts)
    ]
    reader.reports.records += reader.reports.records[:3]
    assert reader.reads()
    assert {reader.ringback.state(each) for each in receipts} == {State.CALLED}
    assert len(reader.rows(calls)) == 7


def test_the_window_reaches_from_the_oldest_open_request_to_a_moment_ago_and_a_month_at_most(
    reader: Reader,
) -> None:
    began = reader.clock()
    receipt = reader.ringback.asks()
    reader.ringback.rings()
    reader.clock.passes(hours=5)
    reader.loop.run_once()
    (window, skip) = reader.reports.asked[0]
    assert window.start <= began
    assert reader.clock() - timedelta(minutes=1) <= window.end < reader.clock()
    assert skip == 0
    reader.clock.passes(days=60)
    reader.ringback.asks(OTHER)
    reader.ringback.rings()
    reader.reads()
    (window, _) = reader.reports.asked[-1]
    assert window.end - window.start <= timedelta(days=28)
    assert reader.ringback.state(receipt) is State.WITH_TEAM


def test_where_nothing_waits_for_a_call_nothing_is_asked(reader: Reader) -> None:
    reader.ringback.asks()
    assert reader.reads()
    assert reader.reports.asked == []


def test_of_several_processes_one_reads_and_another_goes_on_when_it_dies(reader: Reader) -> None:
    reader.ringback.asks()
    reader.ringback.rings()
    reader.clock.passes(minutes=1)
    assert reader.calls.take_turn("killed while it reads", 50)
    assert not reader.another().run_once()
    reader.clock.passes(minutes=1)
    assert reader.another().run_once()
    assert not reader.another().run_once(), "a minute has not passed"


def test_what_is_of_no_request_is_not_kept(reader: Reader) -> None:
    reader.ringback.asks()
    reader.ringback.rings()
    at = reader.clock()
    reader.reports.records = [
        record("other", at, "33123456789"),
        record("in", at, direction="in", caller=NUMBER),
        record("yesterday", at - timedelta(days=1)),
        record("help", at, team_name="Help"),
    ]
    reader.reads()
    assert reader.rows(calls) == []


def test_a_call_that_goes_on_is_called_and_its_end_is_known_later(reader: Reader) -> None:
    receipt = reader.ringback.asks()
    reader.ringback.rings()
    at, mine = reader.clock(), {"custom_data": {"reference": receipt.reference}}
    reader.reports.records = [record("1", at, answer_time=None, end_time=None, status="ringing", **mine)]
    reader.reads()
    assert reader.ringback.state(receipt) is State.CALLED
    assert reader.rows(outcomes) == []
    reader.reports.records = [record("1", at, **mine)]
    reader.reads()
    assert [said.outcome for said in reader.rows(outcomes)] == ["answered"]
    assert [each.answered for each in reader.calls.seen(receipt.id)] == [True]


def test_a_record_that_is_read_before_the_hand_over_has_ended_counts_once_it_has(reader: Reader) -> None:
    earlier = reader.ringback.asks(OTHER)  # so that there is something to read for
    reader.ringback.rings()
    receipt = reader.ringback.asks()
    claim = reader.ringback.takes()
    mine = {"custom_data": {"reference": receipt.reference}}
    reader.reports.records = [record("1", reader.clock(), **mine)]
    reader.reads()
    assert reader.ringback.state(receipt) is State.HANDING_OVER
    reader.ringback.outbox.settle(claim, TAKEN)
    reader.reports.records = []
    reader.reports.records = [record("2", reader.clock(), OTHER)]
    reader.reads()
    assert reader.ringback.state(receipt) is State.CALLED
    assert reader.ringback.state(earlier) is State.WITH_TEAM


def test_a_held_request_stays_with_the_team_whatever_a_record_says(
    opened: Callable[..., Ringback], store_url: str
) -> None:
    reader = Reader(opened(limits={"per_number": "1 per day"}), store_url)
    reader.ringback.asks()
    held = reader.ringback.asks(widget="help")
    reader.ringback.rings()
    reader.reports.records = [record("1", reader.clock(), custom_data={"reference": held.reference})]
    reader.reads()
    assert reader.ringback.state(held) is State.WITH_TEAM
    assert reader.rows(calls) == []


def test_what_is_kept_of_calls_goes_with_the_request(reader: Reader) -> None:
    receipt = reader.ringback.asks()
    reader.ringback.rings()
    reader.reports.records = [record("1", reader.clock(), custom_data={"reference": receipt.reference})]
    reader.reads()
    assert reader.ringback.personal_data.export(receipt.id, for_operators=True)["calls"]  # type: ignore[index]
    assert "calls" not in (reader.ringback.personal_data.export(receipt.id) or {})
    reader.ringback.personal_data.erase(receipt.id)
    assert reader.rows(calls) == reader.rows(outcomes) == []


@pytest.mark.parametrize("comes_back", [True, False], ids=["the reference", "the number alone"])
def test_after_the_first_calls_the_log_says_once_which_of_the_two_ways_they_are_found(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, comes_back: bool
) -> None:
    """A call from a dock says nothing about it: its reference comes back in any case."""
    monkeypatch.setattr("ringback.outbox.calls.calls.ENOUGH_CALLS", 3)
    caplog.set_level("INFO", "ringback.call_reports")
    for index in range(4):
        number = f"4420794600{index:02}"
        receipt = reader.ringback.asks(number)
        if index == 0:
            by_hand = ByHand(reader.ringback.database, reader.settings, NumberRules(reader.settings), reader.clock)
            by_hand.end_dial(by_hand.begin_dial(receipt.id, "robin", "once"), DialState.TAKEN, "")
        reader.ringback.rings()
        mine = {"reference": receipt.reference} if comes_back or index == 0 else {}
        reader.reports.records.append(record(f"{index}", reader.clock(), number, custom_data=mine))
        assert reader.reads()
        assert ("call reports: Samespace" in caplog.text) == (index == 3)
    reader.reads()
    said = [each.getMessage() for each in caplog.records if "Samespace" in each.getMessage()]
    assert said == [f"call reports: {reader.calls.ways()}"]
    assert (
        "gives the reference back: 3 of 3" if comes_back else "does not give the reference back: 0 of 3"
    ) in said[0]


# --- when they cannot be read ---


def test_a_failure_that_lasts_is_told_once_and_again_after_it_was_well(reader: Reader) -> None:
    reader.ringback.asks()
    reader.ringback.rings()
    for _ in range(2):
        reader.reports.fault = ReportError("answered 401: check SAMESPACE_API_KEY")
        for minute in range(30):
            assert not reader.reads()
            if minute < 10:
                assert not reader.ringback.told("call_reports")[1:]
        assert reader.calls.state().failing_why == "answered 401: check SAMESPACE_API_KEY"
        reader.reports.fault = None
        assert reader.reads()
        assert reader.calls.state().failing_since is None
    assert reader.ringback.told("call_reports") == ["call reports"] * 2


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (faults.answer(response(401, "{}")), "SAMESPACE_API_KEY"),
        (faults.answer(response(429, "{}")), "call_reports_seconds"),
        (faults.answer(response(500, "<h1>secret</h1>")), "answered 500"),
        (faults.answer(response(200, '{"result": "secret"}')), "shape"),
        (faults.answer(response(200, "secret")), "not JSON"),
    ],
)
def test_each_way_to_fail_is_said_in_plain_words_that_quote_nothing(behaviour: faults.Behaviour, why: str) -> None:
    with FaultServer(behaviour) as server:
        reports = CallReports(server.base_url, "the key", 10)
        now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        with pytest.raises(ReportError, match=why) as fault:
            reports.page(Window(now - timedelta(hours=1), now), 0)
    assert "secret" not in str(fault.value)


@pytest.mark.parametrize("said", [0, 1, "3", None])
def test_a_total_that_is_too_low_hides_nothing(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, said: object
) -> None:
    monkeypatch.setattr(call_reports, "PAGE_RECORDS", 2)
    receipt = reader.ringback.asks()
    reader.ringback.rings()
    at = reader.clock()
    rows = [record(f"{n}", at, "33123456789") for n in range(4)]
    rows.append(record("mine", at, custom_data={"reference": receipt.reference}))

    def page(_window: Window, skip: int, *_: object) -> ReportPage:
        return read_page(json.dumps({"total": said, "data": rows[skip : skip + 2]}).encode())

    reader.reports.page = page  # type: ignore[method-assign]
    assert reader.reads()
    assert reader.ringback.state(receipt) is State.CALLED


def test_pages_that_never_end_are_read_no_further_than_they_bring_something(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a Samespace that ignores `skip`, and counts what it never shows."""
    monkeypatch.setattr(call_reports, "PAGE_RECORDS", 2)
    reader.ringback.asks()
    reader.ringback.rings()
    same = json.dumps({"total": 1_000_000, "data": [record(each, reader.clock()) for each in "12"]}).encode()
    asked = []

    def page(*given: object) -> ReportPage:
        asked.append(given)
        return read_page(same)

    reader.reports.page = page  # type: ignore[method-assign]
    assert reader.reads()
    assert len(asked) <= 20


def test_what_goes_wrong_in_ringback_itself_is_told_as_well_where_it_lasts(reader: Reader) -> None:
    reader.ringback.asks()
    reader.ringback.rings()
    reader.reports.fault = ZeroDivisionError("a secret")
    for _ in range(17):
        with pytest.raises(ZeroDivisionError):
            reader.reads()
    assert reader.calls.state().failing_why == "an error in Ringback: ZeroDivisionError"
    assert reader.ringback.told("call_reports") == ["call reports"]


# --- handed over, and nobody called ---


def test_what_nobody_called_is_told_once(reader: Reader) -> None:
    receipt = reader.ringback.asks()
    called = reader.ringback.asks(OTHER)
    reader.ringback.rings()
    reader.reports.records = [record("1", reader.clock(), OTHER, custom_data={"reference": called.reference})]
    for _ in range(59):
        reader.reads()
    assert reader.ringback.told("not_called") == []
    for _ in range(30):
        reader.reads()
    assert reader.ringback.told("not_called") == [receipt.reference]


def test_a_clock_that_leaps_ahead_for_a_moment_says_of_nobody_that_they_were_not_called(reader: Reader) -> None:
    receipt = reader.ringback.asks()
    reader.ringback.rings()
    reader.reads()
    reader.clock.passes(hours=20)
    for _ in range(3):
        reader.reads()
    reader.clock.passes(hours=-20)
    for _ in range(10):
        reader.reads()
    assert reader.ringback.told("not_called") == []
    for _ in range(90):
        reader.reads()
    assert reader.ringback.told("not_called") == [receipt.reference]


def test_a_clock_that_leapt_and_ran_steadily_for_an_hour_is_believed_of_who_was_not_called(reader: Reader) -> None:
    """Until it goes back: then nobody is on the list whom only that clock took for forgotten."""
    receipt = reader.ringback.asks()
    reader.ringback.rings()
    reader.reads()
    reader.clock.passes(hours=20)
    for _ in range(60):
        reader.reads()
    assert reader.ringback.told("not_called") == []
    reader.reads()
    assert reader.ringback.told("not_called") == [receipt.reference]
    assert reader.ringback.attention.totals().kinds == {"not_called": 1}

    reader.clock.passes(hours=-21)
    assert reader.reads()
    assert reader.ringback.attention.totals().kinds == {}


def test_a_first_look_with_a_clock_that_is_ahead_says_of_nobody_that_they_were_not_called(reader: Reader) -> None:
    receipt = reader.ringback.asks()
    reader.ringback.rings()
    reader.clock.passes(hours=20)
    for _ in range(60):
        reader.reads()
    assert reader.ringback.told("not_called") == []
    reader.reads()
    reader.reads()
    assert reader.ringback.told("not_called") == [receipt.reference]


def test_a_probable_call_is_enough_not_to_be_told(reader: Reader) -> None:
    reader.ringback.asks()
    reader.ringback.rings()
    reader.reports.records = [record("1", reader.clock() + timedelta(minutes=3))]
    for _ in range(90):
        reader.reads()
    assert reader.ringback.told("not_called") == []


def test_while_call_reports_cannot_be_read_nobody_is_said_not_to_be_called(reader: Reader) -> None:
    reader.ringback.asks()
    reader.ringback.rings()
    reader.reads()
    reader.reports.fault = ReportError("no answer")
    for _ in range(120):
        reader.reads()
    assert reader.ringback.told("not_called") == []


def test_a_report_that_hangs_delays_no_hand_over(reader: Reader) -> None:
    reader.ringback.asks()
    reader.ringback.rings()
    asked, let_go = threading.Event(), threading.Event()

    def hang(*_: object) -> ReportPage:
        asked.set()
        let_go.wait(60)
        raise ReportError("no whole answer")

    reader.reports.page = hang  # type: ignore[method-assign]
    reader.clock.passes(minutes=1)
    reader.loop.start()
    assert asked.wait(60)
    later = reader.ringback.asks(OTHER)
    assert [references for _, references in reader.ringback.rings()] == [[later.reference]]
    reader.loop.stop(0)
    let_go.set()
    reader.loop.stop(60)


def test_a_window_of_many_pages_is_read_whole_once_an_hour_and_its_last_day_in_between(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_reports, "MANY_PAGES", 2)
    reader.ringback.asks()
    reader.ringback.rings()
    began = reader.clock()
    reader.reports.records = [record(str(n), began, "33123456789") for n in range(9)]
    reader.clock.passes(days=3)
    depths = []
    for _ in range(62):
        reader.reads()
        window, _skip = reader.reports.asked[-1]
        depths.append(window.start <= began)
    assert depths == [True] + [False] * 59 + [True] + [False]


def test_a_store_without_the_line_that_processes_share_gets_it(reader: Reader) -> None:
    with reader.ringback.database.write() as connection:
        connection.execute(call_reading.delete())
    assert not reader.reads()
    reader.calls.begin()
    reader.calls.begin()
    assert reader.reads()
