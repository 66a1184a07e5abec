"""Records however they are written: times, numbers and our reference are found, and nothing is guessed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ringback.handover.call_records import ShapeError, read_page, read_record, read_time, references_in

AT = datetime(2021, 1, 5, 6, 37, 36, 936000, tzinfo=UTC)
REFERENCE, OTHERS = "RB-7F3K-92QD", "RB-AAAA-BBBB"
# As the vendor's page prints one.
RECORD: dict[str, Any] = {
    "uuid": "6f0f0ed6-4f1e-11eb-8f5c-0b9e6d9a4c1a",
    "channel": "voice",
    "direction": "out",
    "type": "team",
    "user_display_name": "Agent Example",
    "caller": "18005550100",
    "callee": "14156369898",
    "team_name": "Sales",
    "start_time": "2021-01-05T06:37:36.936Z",
    "answer_time": "2021-01-05T06:37:44.936Z",
    "end_time": "2021-01-05T06:38:36.936Z",
    "status": "answered",
    "custom_data": {"reference": REFERENCE},
}


@pytest.mark.parametrize(
    "written",
    [
        "2021-01-05T06:37:36.936Z",
        "2021-01-05T07:37:36.936+01:00",
        "2021-01-05 06:37:36.936",
        'ISODate("2021-01-05T06:37:36.936Z")',
        {"$date": "2021-01-05T06:37:36.936Z"},
        {"$date": 1609828656936},
        {"$date": {"$numberLong": "1609828656936"}},
        1609828656.936,
        "1609828656936",
    ],
)
def test_a_time_is_read_however_it_is_written(written: object) -> None:
    assert read_time(written) == AT


@pytest.mark.parametrize("written", [None, "", "null", "soon", True, {}, {"$date": None}, [], "9" * 400, 10**40])
def test_what_is_no_time_is_none(written: object) -> None:
    assert read_time(written) is None


@pytest.mark.parametrize(
    "custom_data",
    [
        {"reference": REFERENCE},
        {"reference": REFERENCE.lower()},
        json.dumps({"reference": REFERENCE}),
        json.dumps(json.dumps({"reference": REFERENCE})),
        {"attributes": {"reference": REFERENCE}},
        {"attributes": json.dumps({"reference": REFERENCE, "message": OTHERS})},
        [{"name": "message", "value": OTHERS}, {"name": "reference", "value": REFERENCE}],
        {"custom": [{"key": "reference", "value": REFERENCE}]},
        {"reference": REFERENCE, "message": f"as in {OTHERS}"},
        {"message": json.dumps({"reference": OTHERS}), "reference": REFERENCE},
        f"reference={REFERENCE}",
        '{"reference": "' + REFERENCE + '", "mess',
        {"dial_id": {"ref": f"x {REFERENCE}"}},
    ],
)
def test_our_reference_is_found_wherever_it_stands(custom_data: object) -> None:
    assert references_in(custom_data) == {REFERENCE}


def test_requests_that_joined_are_all_found() -> None:
    assert references_in({"reference": f"{REFERENCE} / {OTHERS}"}) == {REFERENCE, OTHERS}


@pytest.mark.parametrize(
    "custom_data", [None, "", 7, {}, [], {"message": OTHERS}, {"name": OTHERS}, "RB-0000-1111"]
)
def test_what_a_visitor_typed_is_no_reference_of_theirs(custom_data: object) -> None:
    assert references_in(custom_data) == frozenset()


def test_a_record_as_the_vendor_prints_it_is_read() -> None:
    record = read_record(RECORD)
    assert record
    assert (record.number, record.team, record.started_at) == ("14156369898", "Sales", AT)
    assert record.is_outgoing
    assert record.answered is True
    assert record.references == {REFERENCE}


@pytest.mark.parametrize(
    ("changed", "answered"),
    [
        ({"answer_time": None, "status": "failed"}, False),
        ({"answer_time": "null", "status": "failed"}, False),
        ({"answer_time": "", "status": None}, False),
        ({"answer_time": None, "end_time": None, "status": "ringing"}, None),
        ({"answer_time": {"$date": "2021-01-05T06:37:44Z"}, "end_time": None, "status": ""}, True),
    ],
)
def test_whether_somebody_answered_is_read_or_left_open(changed: dict[str, Any], answered: bool | None) -> None:
    record = read_record(RECORD | changed)
    assert record
    assert record.answered is answered


@pytest.mark.parametrize("callee", [14156369898, 14156369898.0, "+1 415 636 9898", "0014156369898"])
def test_a_number_is_its_digits(callee: object) -> None:
    record = read_record(RECORD | {"callee": callee})
    assert record
    assert record.number == "14156369898"


def test_digits_that_are_masked_are_none() -> None:
    record = read_record(RECORD | {"callee": "14156XXX898"})
    assert record
    assert record.number == ""


@pytest.mark.parametrize("row", [None, 7, [], {}, RECORD | {"uuid": None}, RECORD | {"start_time": "soon"}])
def test_a_record_without_a_name_or_a_beginning_is_left_out(row: object) -> None:
    assert read_record(row) is None


@pytest.mark.parametrize(
    ("answer", "total"),
    [
        ({"total": 1, "data": [RECORD]}, 1),
        ({"total": "1", "data": [RECORD]}, 1),
        ({"data": [RECORD]}, None),
        ({"success": "true", "data": {"total": 1, "data": [RECORD]}}, 1),
        ([RECORD], None),
        (RECORD, 1),
    ],
)
def test_an_answer_is_read_in_each_shape_it_may_have(answer: object, total: int | None) -> None:
    page = read_page(json.dumps(answer).encode())
    assert (page.total, page.length, len(page.records)) == (total, 1, 1)


def test_what_cannot_be_read_is_counted() -> None:
    page = read_page(json.dumps({"total": 3, "data": [RECORD, {}, None]}).encode())
    assert (page.length, page.unreadable) == (3, 2)


@pytest.mark.parametrize("body", [b"", b"<html>", b"7", b'{"data": 7}', b'{"message": "no"}', b"[" * 100_000])
def test_another_shape_is_said_to_be_one_and_not_quoted(body: bytes) -> None:
    with pytest.raises(ShapeError) as fault:
        read_page(body)
    assert "<" not in str(fault.value)


@pytest.mark.parametrize("uuid", ["a\x00b", "a\ud800", "\u202e" * 9, "x" * 5_000, "a b"])
def test_a_uuid_that_a_store_might_not_take_is_replaced_by_one_of_its_own(uuid: str) -> None:
    found, again, other = (
        read_record({"uuid": each, "start_time": "2026-11-24T10:00:00Z"}) for each in (uuid, uuid, uuid + "y")
    )
    assert found
    assert again
    assert other
    assert len(found.uuid) == 64
    assert found.uuid.isascii()
    assert found.uuid == again.uuid != other.uuid


def test_fields_of_any_size_are_read_at_once() -> None:
    huge = "Date(" + " " * 2_000_000 + "x"
    row = {"uuid": "1", "start_time": "2026-11-24T10:00:00Z", "answer_time": huge, "callee": "4" * 2_000_000}
    found = read_record(row | {"team_name": 10**300, "custom_data": {"reference": huge, "more": [huge] * 9}})
    assert found
    assert (found.answered, found.number, found.team, found.references) == (None, "", "", frozenset())


def test_a_record_that_names_very_many_requests_names_none() -> None:
    letters = "23456789"
    many = " ".join(f"RB-{a}{b}{c}2-2222" for a in letters for b in letters for c in letters)
    assert references_in({"reference": many}) == frozenset()
    assert len(references_in({"reference": many[: 60 * 13]})) == 60


@pytest.mark.parametrize("as_text", [False, True])
def test_an_attribute_that_a_stranger_made_look_like_ours_names_nobody(as_text: bool) -> None:
    sent = {"plan": json.dumps({"reference": OTHERS}), "reference": REFERENCE}
    assert references_in({"attributes": json.dumps(sent) if as_text else sent}) == {REFERENCE}
