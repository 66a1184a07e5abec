"""What an operator types about numbers, and what it says."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from ringback.outbox.request import Answers, Held
from ringback.phone.typed import number_or_range
from ringback.sandbox.samespace import SandboxSamespace
from tests.conftest import Clock

NUMBER = "442079460123"
WHOLE = 'should be a telephone number in full, with its country code, like "+44 20 7946 0000"'
RANGE = 'should be the beginning of a number with its country code and a star, like "+4470*"'


@pytest.fixture
def app(make_app: Callable[..., Flask], samespace: SandboxSamespace) -> Flask:
    return make_app(base_url=samespace.base_url)


def said(app: Flask, *command: str, status: int = 0) -> str:
    result = app.test_cli_runner().invoke(args=list(command))
    assert result.exit_code == status, result.output
    return result.output


def ask(app: Flask, phone: str = NUMBER) -> str:
    return app.extensions["ringback"].outbox.accept(Answers("sales", phone, "GB", name="Ann Example")).reference


def held(app: Flask) -> dict[str, Held | None]:
    return {request.reference: request.held for request in app.extensions["ringback"].operations.listed()}


def hand_over_all(app: Flask) -> None:
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    while claim := outbox.claim("test"):
        delivery.hand_over(claim)


@pytest.mark.parametrize(
    "written", ["+442079460123", "+44 20 7946 0123", "+44-20.7946 0123", "+44 (20) 7946 0123"]
)
def test_a_number_is_blocked_however_it_is_grouped(app: Flask, written: str) -> None:
    assert said(app, "numbers", "block", written) == "+442079460123 is blocked. Held of what waited: 0.\n"
    reference = ask(app)

    assert held(app) == {reference: Held.BLOCKED}


def test_blocking_says_how_many_that_waited_are_held(app: Flask) -> None:
    references = [ask(app), ask(app), ask(app, "442079460199")]

    assert said(app, "numbers", "block", "+442079460123").endswith("Held of what waited: 2.\n")
    assert held(app) == {references[0]: Held.BLOCKED, references[1]: Held.BLOCKED, references[2]: None}


@pytest.mark.parametrize("written", ["+4420*", "+44 20 *", "+44 (20)*", "+4*", "+390*", "+447911*"])
def test_a_range_is_blocked_by_its_beginning_and_a_star(app: Flask, written: str) -> None:
    digits = re.sub(r"[^0-9]", "", written)
    reference = ask(app, digits + NUMBER[len(digits) :])

    assert said(app, "numbers", "block", written) == f"+{digits}* is blocked. Held of what waited: 1.\n"
    assert held(app) == {reference: Held.BLOCKED}


def test_a_number_and_a_range_of_its_digits_are_two_blocks(app: Flask) -> None:
    said(app, "numbers", "block", "+442079460123")
    said(app, "numbers", "block", "+442079460123*")
    said(app, "numbers", "unblock", "+442079460123")

    assert said(app, "numbers", "list").splitlines()[0].startswith("+442079460123*  since ")
    assert list(held(app) | {ask(app): None})
    assert set(held(app).values()) == {Held.BLOCKED}


@pytest.mark.parametrize("command", ["block", "unblock"])
@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("020 7946 0123", WHOLE),
        ("00442079460123", WHOLE),
        ("442079460123", WHOLE),
        ("+44", WHOLE),
        ("+44 20 7946 0123 0123 0", WHOLE),
        ("+44 20 7946 O123", WHOLE),
        ("+44 20 7946 0123 ext. 5", WHOLE),
        ("+44 20 7946 0123 +44", WHOLE),
        ("+٤٤٢٠٧٩٤٦٠١٢٣", WHOLE),
        ("+0442079460123", WHOLE),
        ("", WHOLE),
        ("*", RANGE),
        ("+*", RANGE),
        ("4470*", RANGE),
        ("020*", RANGE),
        ("+0*", RANGE),
        ("+44*70*", RANGE),
        ("+44**", RANGE),
        ("+4412345678901234*", RANGE),
        ("+44x*", RANGE),
    ],
)
def test_what_is_no_number_is_refused_with_what_it_should_be(
    app: Flask, command: str, written: str, sentence: str
) -> None:
    output = said(app, "numbers", command, written, status=2)

    assert " ".join(output.split()).endswith(sentence)
    assert "No number is blocked." in said(app, "numbers", "list")


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("+52 1 55 1234 5678", "525512345678"),
        ("+52 044 55 1234 5678", "525512345678"),
        ("+33 692 12 34 56", "262692123456"),
        ("+33 (0)6 96 20 12 34", "596696201234"),
        ("+44 020 7946 0123", "442079460123"),
        ("+44 (0)20 7946 0123", "442079460123"),
        ("+49 (0) 30 901820", "4930901820"),
        ("+39 0549 886377", "3780549886377"),
        ("+61 0412 345 678", "61412345678"),
        ("+39212345678", "39212345678"),  # as lists show one that a visitor insisted on
        ("+44 909 879 0000", "449098790000"),  # the form refuses it; a block of it is no harm
    ],
)
def test_a_number_is_the_one_that_the_form_would_store(written: str, digits: str) -> None:
    assert number_or_range(written) == (digits, False)


def test_who_blocks_an_old_spelling_holds_the_requests_for_it(app: Flask) -> None:
    reference = ask(app, "525512345678")

    assert said(app, "numbers", "block", "+52 1 55 1234 5678").startswith("+525512345678 is blocked.")
    assert held(app) == {reference: Held.BLOCKED}


@pytest.mark.parametrize(
    ("written", "today"),
    [
        ("+39 2 1234 5678", "+39 02 1234 5678"),
        ("+57 1 234 5678", "+57 601 2345678"),
        ("+55 11 8765 4321", "+55 11 98765-4321"),
    ],
)
def test_a_number_of_an_old_plan_is_refused_with_what_it_is_today(app: Flask, written: str, today: str) -> None:
    output = " ".join(said(app, "numbers", "block", written, status=2).split())

    assert f'should be "{today}"' in output
    assert re.sub("[^+0-9]", "", written) in output


@pytest.mark.parametrize("written", ["+440*", "+44 (0)20*", "+521 55*", "+33692*"])
def test_a_range_that_no_stored_number_begins_with_is_refused(app: Flask, written: str) -> None:
    output = " ".join(said(app, "numbers", "block", written, status=2).split())

    assert "begins no number as it is stored" in output or RANGE in output
    assert "No number is blocked." in said(app, "numbers", "list")


def test_blocking_twice_and_unblocking_twice_say_so_and_change_nothing(app: Flask) -> None:
    assert "Error: +442079460123 is not blocked." in said(app, "numbers", "unblock", "+442079460123", status=1)
    said(app, "numbers", "block", "+442079460123")
    before = said(app, "numbers", "list")

    assert "Error: +442079460123 is blocked already." in said(
        app, "numbers", "block", "+44 20 7946 0123", status=1
    )
    assert "Error: +442079460123* is not blocked." in said(app, "numbers", "unblock", "+442079460123*", status=1)
    assert said(app, "numbers", "list") == before
    assert said(app, "numbers", "unblock", "+442079460123") == (
        "+442079460123 is not blocked any more. What is held stays held until you release it.\n"
    )
    assert "is not blocked." in said(app, "numbers", "unblock", "+442079460123", status=1)


def test_what_was_held_is_rung_once_an_operator_releases_it(app: Flask, samespace: SandboxSamespace) -> None:
    reference = ask(app)
    said(app, "numbers", "block", "+4420*")
    said(app, "numbers", "unblock", "+4420*")
    hand_over_all(app)
    assert samespace.calls == []
    assert reference in said(app, "requests", "list", "--attention")

    said(app, "requests", "release", reference)
    hand_over_all(app)
    assert [call.number for call in samespace.calls] == [NUMBER]


def test_the_list_says_what_is_blocked_since_when_and_how_many_are_stopped(app: Flask, clock: Clock) -> None:
    assert said(app, "numbers", "list") == "No number is blocked.\nNumbers that asked not to be called: 0.\n"
    said(app, "numbers", "block", "+442079460123")
    clock.passes(hours=1)
    said(app, "numbers", "block", "+4420*")
    outbox = app.extensions["ringback"].outbox
    for phone in ("442079460188", "442079460188", "442079460199"):
        outbox.stop(phone)

    assert said(app, "numbers", "list").splitlines() == [
        "+4420*  since 2026-11-24 11:00:00+00:00",
        "+442079460123  since 2026-11-24 10:00:00+00:00",
        "Numbers that asked not to be called: 2.",
    ]
    clock.passes(days=30)
    assert "asked not to be called: 0." in said(app, "numbers", "list")


def test_a_stop_is_ended_by_its_number_in_full(app: Flask) -> None:
    app.extensions["ringback"].outbox.stop(NUMBER)
    before = ask(app)
    assert said(app, "numbers", "unstop", "+44 20 7946 0123") == (
        "+442079460123 is not stopped any more. What is held stays held until you release it.\n"
    )
    after = ask(app)
    assert held(app) == {before: Held.STOPPED, after: None}

    assert said(app, "numbers", "unstop", "+442079460123", status=1) == "Error: +442079460123 is not stopped.\n"
    for typed in ("020 7946 0123", "442079460123", "+4420*"):
        assert WHOLE in said(app, "numbers", "unstop", typed, status=2)


def test_lists_of_requests_show_numbers_in_full_since_operators_ring_them(app: Flask) -> None:
    said(app, "numbers", "block", "+442079460123")
    references = [ask(app), ask(app, "442079460199")]
    everything, attention = said(app, "requests", "list"), said(app, "requests", "list", "--attention")

    assert "  held: blocked  sales  +44 20 7946 0123  " in attention
    assert references[1] not in attention
    for reference, number in zip(references, ("+44 20 7946 0123", "+44 20 7946 0199"), strict=True):
        assert any(line.startswith(reference) and number in line for line in everything.splitlines())
    assert "+44 20 7946 0123" in said(app, "requests", "show", references[0])


def test_no_command_about_numbers_logs_one(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    for command in ("block", "unblock", "list"):
        said(app, "numbers", command, *(["+442079460123"] if command != "list" else []))

    assert "7946" not in caplog.text
