"""Operators and the hand-over: nobody is called by two at once, and what can be undone can be undone."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from ringback.outbox.calls.outcomes import Outcome
from ringback.outbox.operators.by_hand import OF_A_CALL, ByHand, DialState, NotNowError
from ringback.outbox.operators.intended import Intended
from ringback.outbox.outbox import Receipt
from ringback.outbox.request import Answers, Held, State
from ringback.services import services_of
from ringback.store.console_tables import audit as audit_table
from ringback.store.console_tables import intended as intended_table
from ringback.store.console_tables import search_words
from ringback.web.request.status_text import public_events
from tests.outbox.asking import BACK, NUMBER, OTHER, TAKEN, Ringback, at_once


@pytest.fixture
def by_hand(ringback: Ringback) -> ByHand:
    outbox = ringback.outbox
    return ByHand(ringback.database, outbox._settings, outbox.number_rules, ringback.clock)


@pytest.fixture
def intended(ringback: Ringback) -> Intended:
    return Intended(ringback.database, ringback.outbox, ringback.attention, ringback.personal_data, ringback.clock)


def carried_out(intended: Intended) -> int:
    """To how many requests what is due was done: a busy machine does not do it all in one turn."""
    return sum(iter(intended.carry_out, 0))


# --- one at a time ---


def test_what_an_operator_has_claimed_is_not_handed_over_until_it_is_let_go(
    ringback: Ringback, by_hand: ByHand
) -> None:
    mine, at_another_widget, other = ringback.asks(), ringback.asks(widget="help"), ringback.asks(OTHER)
    by_hand.claim(mine.id, "robin")

    assert ringback.rings() == [(OTHER, [other.reference])]
    assert by_hand.let_go(mine.id, "robin")
    waited = [(NUMBER, [mine.reference]), (NUMBER, [at_another_widget.reference])]
    assert sorted(ringback.rings()) == sorted(waited)


def test_a_claim_that_nobody_lets_go_runs_out(ringback: Ringback, by_hand: ByHand) -> None:
    mine = ringback.asks()
    until = by_hand.claim(mine.id, "robin")
    ringback.clock.now = until
    assert ringback.rings() == [(NUMBER, [mine.reference])]


def test_of_two_operators_one_has_the_number(ringback: Ringback, by_hand: ByHand) -> None:
    first, second = ringback.asks(), ringback.asks(widget="help")
    by_hand.claim(first.id, "robin")
    by_hand.claim(first.id, "robin")

    for request in (first, second):
        with pytest.raises(NotNowError, match="Somebody else"):
            by_hand.claim(request.id, "ana")
        with pytest.raises(NotNowError, match="Somebody else"):
            by_hand.begin_dial(request.id, "ana", "once")
    assert not by_hand.let_go(first.id, "ana")


def test_what_is_being_handed_over_cannot_be_claimed_nor_called(ringback: Ringback, by_hand: ByHand) -> None:
    request, longer = ringback.asks("4930901820"), ringback.asks("493090182012", "help")
    ringback.takes()

    for each in (request, longer):
        with pytest.raises(NotNowError, match="at this moment"):
            by_hand.claim(each.id, "robin")


def test_of_an_operator_and_the_hand_over_at_once_one_calls(ringback: Ringback, by_hand: ByHand) -> None:
    for turn in range(20):
        request = ringback.asks(f"4420794{turn:05}")
        called: list[str] = []

        def operator(id: str = request.id, once: str = f"{turn}", called: list[str] = called) -> None:
            try:
                by_hand.begin_dial(id, "robin", once)
            except NotNowError:
                return
            called.append("operator")

        def hand_over(called: list[str] = called) -> None:
            if ringback.outbox.claim("me"):
                called.append("hand-over")

        at_once([operator, hand_over])
        assert len(called) == 1, called


# --- calls from a dock ---


def test_a_form_that_is_sent_twice_calls_once(ringback: Ringback, by_hand: ByHand) -> None:
    request = ringback.asks()
    first = by_hand.begin_dial(request.id, "robin", "the form")
    by_hand.end_dial(first, DialState.TAKEN, '{"success": true}', "call-1")
    again = by_hand.begin_dial(request.id, "robin", "the form")

    assert (first.is_new, again.is_new, again.state) == (True, False, DialState.TAKEN)
    with pytest.raises(NotNowError, match="moment ago"):
        by_hand.begin_dial(request.id, "robin", "in another window")


def test_what_the_dock_took_is_with_the_team_and_is_not_handed_over_later(
    ringback: Ringback, by_hand: ByHand
) -> None:
    request, joined = ringback.asks(), ringback.asks()
    by_hand.end_dial(by_hand.begin_dial(request.id, "robin", "a"), DialState.TAKEN, "yes", "call-1")

    assert [ringback.state(request), ringback.state(joined)] == [State.WITH_TEAM] * 2
    ringback.clock.passes(hours=1)
    assert ringback.rings() == []


def test_who_is_not_logged_in_keeps_nobody_waiting(ringback: Ringback, by_hand: ByHand) -> None:
    request = ringback.asks()
    by_hand.end_dial(by_hand.begin_dial(request.id, "robin", "a"), DialState.NOT_LOGGED_IN, "no")
    assert ringback.rings() == [(NUMBER, [request.reference])]


def test_who_asked_not_to_be_called_is_called_for_a_reason_only(ringback: Ringback, by_hand: ByHand) -> None:
    request = ringback.asks()
    ringback.outbox.stop(NUMBER)

    with pytest.raises(NotNowError, match="stopped or blocked"):
        by_hand.begin_dial(request.id, "robin", "a")
    dial = by_hand.begin_dial(request.id, "robin", "b", "they wrote and asked for it")
    by_hand.end_dial(dial, DialState.TAKEN, "yes")
    assert "they wrote and asked for it" in by_hand.done(request.id)[0].note


def test_a_reason_is_not_kept_where_nothing_was_to_be_overridden(ringback: Ringback, by_hand: ByHand) -> None:
    request = ringback.asks()
    by_hand.end_dial(by_hand.begin_dial(request.id, "robin", "a", "just so"), DialState.TAKEN, "yes")
    assert by_hand.done(request.id)[0].note == "yes"
    with ringback.database.read() as connection:
        assert connection.execute(sa.select(audit_table.c.act)).scalars().all() == ["call"]


# --- what was held, and is called by hand ---


def pages(ringback: Ringback, request: Receipt) -> list[str]:
    """What its visitor's page says happened."""
    found = ringback.outbox.read(request.id)
    assert found
    return [event.kind for event in public_events(found[1])]


def goes_as_far(ringback: Ringback, state: State) -> None:
    """What waits goes on until its page says so."""
    if state is not State.WAITING:
        claim = ringback.takes()
        if state is State.WITH_TEAM:
            assert ringback.outbox.settle(claim, TAKEN)


@pytest.mark.parametrize("state", [State.WAITING, State.HANDING_OVER, State.WITH_TEAM])
def test_what_was_held_and_is_called_from_a_dock_needs_nobody_any_more_and_its_page_never_told(
    ringback: Ringback, by_hand: ByHand, state: State
) -> None:
    ringback.attention.block(NUMBER)
    request = ringback.asks()
    goes_as_far(ringback, state)
    assert ringback.attention.attention().held == {Held.BLOCKED: 1}

    by_hand.end_dial(by_hand.begin_dial(request.id, "robin", "a", "they asked for it"), DialState.TAKEN, "yes")

    attended = ringback.attention.attention()
    assert (attended.held, attended.kinds, ringback.state(request)) == ({}, {}, State.WITH_TEAM)
    ringback.clock.passes(hours=1)
    assert ringback.rings() == []
    assert pages(ringback, request) == [
        *(["received"] if state is State.WAITING else ["received", "attempted"]),
        "with_team",
    ]


def test_a_hand_over_that_only_looks_so_does_not_take_back_that_somebody_called(
    ringback: Ringback, by_hand: ByHand
) -> None:
    ringback.attention.block(NUMBER)
    request = ringback.asks()
    claim = ringback.takes()
    by_hand.outcome(request.id, "robin", Outcome.ANSWERED)

    assert ringback.outbox.settle(claim, BACK) is None
    assert (ringback.state(request), ringback.rings()) == (State.CALLED, [])


@pytest.mark.parametrize("state", [State.WAITING, State.WITH_TEAM])
@pytest.mark.parametrize("outcome", OF_A_CALL)
def test_what_was_held_and_has_an_outcome_needs_nobody_any_more(
    ringback: Ringback, by_hand: ByHand, state: State, outcome: Outcome
) -> None:
    ringback.attention.block(NUMBER)
    request = ringback.asks()
    goes_as_far(ringback, state)
    by_hand.outcome(request.id, "robin", outcome)

    assert ringback.attention.attention().held == {}
    assert (ringback.state(request), ringback.rings()) == (State.CALLED, [])


def test_what_was_held_and_may_have_rung_stays_for_a_person_to_look_at(
    ringback: Ringback, by_hand: ByHand
) -> None:
    ringback.attention.block(NUMBER)
    request = ringback.asks()
    for once, state in (("a", DialState.NOT_LOGGED_IN), ("b", DialState.UNCLEAR)):
        by_hand.end_dial(by_hand.begin_dial(request.id, "robin", once, "they asked for it"), state, "?")
        assert ringback.held(request) == [Held.BLOCKED]


# --- what became of it ---


@pytest.mark.parametrize("outcome", OF_A_CALL)
def test_who_was_called_by_hand_is_called_by_nobody_else(
    ringback: Ringback, by_hand: ByHand, outcome: Outcome
) -> None:
    request = ringback.asks()
    by_hand.claim(request.id, "robin")
    by_hand.outcome(request.id, "robin", outcome, "said hello")

    assert ringback.rings() == []
    assert [(done.by, done.what, done.note) for done in by_hand.done(request.id)] == [
        ("robin", outcome, "said hello")
    ]


def test_notes_and_outcomes_are_in_the_export_and_are_erased_with_the_request(
    ringback: Ringback, by_hand: ByHand
) -> None:
    request = ringback.asks(name="Ann Smith", email="ann@example.com")
    by_hand.note(request.id, "robin", "wants blue")
    by_hand.outcome(request.id, "robin", Outcome.VOICEMAIL, "left word")
    found = ringback.personal_data.export(request.id, for_operators=True)
    assert found
    assert [(each["kind"], each["note"]) for each in found["by_hand"]] == [
        ("note", "wants blue"),
        ("outcome", "left word"),
    ]
    visitors = ringback.personal_data.export(request.id)
    assert visitors
    assert "by_hand" not in visitors

    ringback.personal_data.erase(request.id)
    assert by_hand.done(request.id) == []
    with ringback.database.read() as connection:
        assert connection.execute(sa.select(search_words)).all() == []


# --- undo ---


def test_an_act_that_can_be_undone_happens_when_ten_seconds_are_over(
    ringback: Ringback, intended: Intended
) -> None:
    cancelled, erased, other = ringback.asks(), ringback.asks(OTHER), ringback.asks("442079460155")
    assert intended.intend([cancelled.id], "cancel", "robin") == 1
    assert intended.intend([erased.id], "erase", "robin") == 1
    ringback.clock.passes(seconds=9)

    assert intended.carry_out() == 0
    assert [ringback.state(each) for each in (cancelled, erased)] == [State.WAITING] * 2
    assert ringback.rings() == [("442079460155", [other.reference])], "what is about to be cancelled was rung"

    ringback.clock.passes(seconds=1)
    assert carried_out(intended) == 2
    assert ringback.state(cancelled) is State.CANCELLED
    found = ringback.outbox.read(erased.id)
    assert found
    assert found[0].erased_at
    assert intended.of("robin") == []


def test_what_is_undone_in_time_goes_on_as_it_was(ringback: Ringback, intended: Intended) -> None:
    request = ringback.asks()
    intended.intend([request.id], "erase", "robin")
    [waiting] = intended.of("robin")

    assert (waiting.act, waiting.count, waiting.references) == ("erase", 1, (request.reference,))
    assert intended.undo(waiting.batch, "ana") == 0
    assert intended.undo(waiting.batch, "robin") == 1
    ringback.clock.passes(minutes=1)
    assert intended.carry_out() == 0
    assert ringback.rings() == [(NUMBER, [request.reference])]


def test_what_is_begun_can_not_be_undone(
    ringback: Ringback, intended: Intended, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ringback.asks()
    intended.intend([request.id], "cancel", "robin")
    [waiting] = intended.of("robin")
    ringback.clock.passes(seconds=10)

    def breaks(*_: Any, **__: Any) -> bool:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(ringback.outbox, "cancel", breaks)
        other = ringback.asks(OTHER)
        intended.intend([other.id], "cancel", "robin")
        ringback.clock.passes(seconds=10)
        assert intended.carry_out() == 0
    assert intended.undo(waiting.batch, "robin") == 0
    assert carried_out(intended) == 2
    assert [ringback.state(each) for each in (request, other)] == [State.CANCELLED] * 2


def test_an_act_that_fails_keeps_nothing_else_from_being_done(
    ringback: Ringback, intended: Intended, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [ringback.asks(), ringback.asks(OTHER)]
    for request, act in zip(requests, ("cancel", "block"), strict=True):
        intended.intend([request.id], act, "robin")
    ringback.clock.passes(seconds=10)

    def breaks(*_: Any, **__: Any) -> bool:
        raise RuntimeError

    monkeypatch.setattr(ringback.outbox, "cancel", breaks)
    assert carried_out(intended) == 1
    assert ringback.held(requests[1]) == [Held.BLOCKED]


def test_what_is_in_the_air_is_erased_once_it_has_come_down(ringback: Ringback, intended: Intended) -> None:
    request = ringback.asks()
    claim = ringback.takes()
    intended.intend([request.id], "erase", "robin")
    ringback.clock.passes(seconds=10)
    assert intended.carry_out() == 0

    ringback.outbox.settle(claim, TAKEN)
    assert carried_out(intended) == 1
    with ringback.database.read() as connection:
        assert connection.execute(sa.select(intended_table)).all() == []


def test_one_request_has_one_act_ahead_of_it(ringback: Ringback, intended: Intended, by_hand: ByHand) -> None:
    request, other = ringback.asks(), ringback.asks(OTHER)
    assert intended.intend([request.id], "cancel", "robin") == 1
    assert intended.intend([request.id, other.id], "retry", "ana") == 1
    with pytest.raises(NotNowError, match="Undo it first"):
        by_hand.claim(request.id, "robin")


@pytest.mark.parametrize("act", ["retry", "release", "resolve", "block", "cancel", "erase"])
def test_each_act_that_can_be_undone_is_done(ringback: Ringback, intended: Intended, act: str) -> None:
    request = ringback.asks()
    intended.intend([request.id], act, "robin", "yes")
    ringback.clock.passes(seconds=10)
    assert carried_out(intended) == 1


def test_the_hand_over_carries_out_what_is_due(make_app: Callable[..., Any], clock: Any) -> None:
    services = services_of(make_app())
    receipt = services.outbox.accept(Answers("sales", NUMBER, "GB"))
    services.intended.intend([receipt.id], "cancel", "robin")
    clock.passes(seconds=10)
    services.delivery.run_once()
    found = services.outbox.read(receipt.id)
    assert found
    assert found[0].state is State.CANCELLED
