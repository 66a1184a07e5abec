"""Which record is of which request: certain by the reference, probable by number and team, or nobody's."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ringback.outbox.calls.call_matching import CalledFor, CallRecord, match

NINE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NUMBER, OTHER = "442079460123", "442079460199"


def asked(id: str = "a", **changed: object) -> CalledFor:
    request = CalledFor(id, f"RB-AAAA-AAA{id.upper()}", NUMBER, "Sales", NINE)
    return replace(request, **changed)  # type: ignore[arg-type]


def record(uuid: str = "1", **changed: object) -> CallRecord:
    call = CallRecord(uuid, NUMBER, "Sales", NINE + timedelta(minutes=5), True, True)
    return replace(call, **changed)  # type: ignore[arg-type]


def found(records: list[CallRecord], requests: list[CalledFor]) -> set[tuple[str, str, bool]]:
    return {(each.record.uuid, each.request_id, each.is_certain) for each in match(records, requests)}


def of(*requests: CalledFor) -> frozenset[str]:
    return frozenset(request.reference for request in requests)


def test_a_record_with_our_reference_is_certain_whatever_its_team_or_clock_says() -> None:
    early = record(references=of(asked()), team="Other", started_at=NINE - timedelta(hours=1))
    assert found([early], [asked()]) == {("1", "a", True)}


def test_without_it_number_team_and_time_make_it_probable() -> None:
    assert found([record()], [asked()]) == {("1", "a", False)}


@pytest.mark.parametrize(
    "changed",
    [
        {"number": OTHER},
        {"team": "Help"},
        {"is_outgoing": False},
        {"started_at": NINE - timedelta(seconds=1)},
        {"started_at": NINE - timedelta(days=1)},
        {"references": frozenset({"RB-ZZZZ-ZZZZ"})},
    ],
)
def test_what_is_of_another_number_team_time_or_request_or_came_in_is_nobodys(changed: dict[str, object]) -> None:
    assert found([record(**changed)], [asked()]) == set()


def test_an_incoming_call_is_not_ours_though_our_reference_is_in_it() -> None:
    assert found([record(is_outgoing=False, references=of(asked()))], [asked()]) == set()


def test_a_reference_that_somebody_else_was_called_with_is_not_believed() -> None:
    assert found([record(number=OTHER, references=of(asked()))], [asked()]) == set()


@pytest.mark.parametrize("number", ["", "2079460123", "00442079460123"[2:], "4420"])
def test_a_number_that_is_missing_cut_or_national_does_not_contradict_the_reference(number: str) -> None:
    assert found([record(number=number, references=of(asked()))], [asked()]) == {("1", "a", True)}


def test_a_request_that_was_not_handed_over_has_no_probable_call() -> None:
    assert found([record()], [asked(handed_over_at=None)]) == set()


def test_two_requests_of_one_number_at_two_teams_have_their_own_calls() -> None:
    sales, help_ = asked("a"), asked("b", team="Help", handed_over_at=NINE + timedelta(minutes=1))
    records = [record("1", team="Help"), record("2", team="Sales")]
    assert found(records, [sales, help_]) == {("1", "b", False), ("2", "a", False)}


def test_one_record_is_of_one_request_the_earliest_first() -> None:
    first, second = asked("a"), asked("b", handed_over_at=NINE + timedelta(minutes=3))
    late = record("2", started_at=NINE + timedelta(minutes=9))
    assert found([late, record("1")], [second, first]) == {("1", "a", False), ("2", "b", False)}
    assert found([record("1")], [second, first]) == {("1", "a", False)}


def test_requests_that_were_handed_over_together_share_their_call() -> None:
    assert found([record()], [asked("a"), asked("b")]) == {("1", "a", False), ("1", "b", False)}
    both = record(references=of(asked("a"), asked("b")))
    assert found([both], [asked("a"), asked("b")]) == {("1", "a", True), ("1", "b", True)}


def test_an_agents_own_call_is_evidence_only_while_no_record_is_certain() -> None:
    own = record("own", started_at=NINE + timedelta(minutes=1))
    ours = record("ours", references=of(asked()))
    assert found([own], [asked()]) == {("own", "a", False)}
    assert found([own, ours], [asked()]) == {("ours", "a", True)}


def test_the_order_and_the_repeats_of_records_change_nothing() -> None:
    requests = [asked("a"), asked("b", handed_over_at=NINE + timedelta(minutes=2)), asked("c", number=OTHER)]
    records = [record(str(n), started_at=NINE + timedelta(minutes=n)) for n in range(1, 6)]
    records += [record("7", references=of(asked("b"))), record("8", number=OTHER)]
    wanted, draw = found(records, requests), random.Random(7)
    for _ in range(20):
        shuffled = [*records, *draw.choices(records, k=3)]
        draw.shuffle(shuffled)
        assert found(shuffled, draw.sample(requests, len(requests))) == wanted
