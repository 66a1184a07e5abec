"""When Samespace or a team takes calls again, whoever waited for it goes first, oldest promise first."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from ringback.handover.loop import Delivery
from ringback.handover.outcomes import Accepted, Busy, Misconfigured, NotSent, Outcome, Refused, Unclear
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, State
from tests.conftest import WIDGET, Clock
from tests.outbox.calls import ends, state, take
from tests.pairs import sqlite_first

YES = Accepted("{}")
DOWN = NotSent("connection refused")
NOBODY = Refused("Not logged in", "")
NO = Misconfigured(404, "no such team")
WAITS = [5.0, 30.0, 120.0, 300.0, 900.0]


@pytest.fixture
def app(make_app: Callable[..., Flask], store_url: str) -> Flask:
    widgets = {
        "sales": WIDGET,
        "shop": WIDGET,
        "help": WIDGET | {"team_name": "Help"},
        "slow": WIDGET | {"team_name": "Slow", "calls_per_minute": 2},
    }
    return make_app(store_url, widgets=widgets, delivery={"retry_seconds": WAITS, "give_up_minutes": 600})


Ask = Callable[..., str]


@pytest.fixture
def ask(outbox: Outbox, clock: Clock) -> Ask:
    """Ask for a number by a widget, a second after the last one."""

    def asks(index: int, widget: str = "sales", **said: object) -> str:
        clock.passes(seconds=1)
        return outbox.accept(Answers(widget=widget, phone=f"44207946{index:04}", region="GB", **said)).id  # type: ignore[arg-type]

    return asks


def every(outbox: Outbox, delivery: Delivery, outcome: Outcome) -> list[str]:
    """All that may go now ends so; whose they were, in order."""
    gone = []
    while claim := outbox.claim("test"):
        assert outbox.settle(claim, delivery.settlement_of(outcome, claim))
        gone.append(claim.requests[0].id)
    return gone


def answers(outbox: Outbox) -> bool:
    """A probe that is answered, if it is time for one."""
    is_asked = outbox.take_probe()
    if is_asked:
        outbox.samespace_answers()
    return is_asked


def minutes_of(outbox: Outbox, delivery: Delivery, clock: Clock, outcome: Outcome, minutes: float) -> None:
    """Whatever is tried for so long ends so; while Samespace is not reached, no probe is answered either."""
    for _ in range(int(minutes * 4)):
        clock.passes(seconds=15)
        outbox.take_probe()
        outbox.expire()
        every(outbox, delivery, outcome)


def seconds_to_settle(outbox: Outbox, delivery: Delivery, clock: Clock, ids: list[str]) -> tuple[float, list[str]]:
    """How long it takes until all of these are with their team, and the order in which calls were taken."""
    since, gone = clock.now, list[str]()
    while any(state(outbox, id) is not State.WITH_TEAM for id in ids):
        assert clock.now - since < timedelta(minutes=10), "it takes for ever"
        answers(outbox)
        gone += every(outbox, delivery, YES)
        if any(state(outbox, id) is not State.WITH_TEAM for id in ids):
            clock.passes(seconds=0.25)
    return (clock.now - since).total_seconds(), gone


@pytest.mark.parametrize("outcome", [DOWN, Busy(retry_after=None, status=429)])
@pytest.mark.parametrize("minutes", [2, 11])
def test_after_an_outage_everybody_who_waited_goes_within_seconds_and_before_a_newcomer(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask, outcome: Outcome, minutes: int
) -> None:
    waited = [ask(1), ask(2, "help"), ask(3)]
    minutes_of(outbox, delivery, clock, outcome, minutes)
    assert {state(outbox, id) for id in waited} == {State.WAITING}
    newcomer = ask(4)
    seconds, gone = seconds_to_settle(outbox, delivery, clock, [*waited, newcomer])

    assert gone == [*waited, newcomer]
    assert seconds <= 15


def test_while_samespace_is_not_reached_it_is_asked_without_anybody_being_tried(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    ask(1)
    ask(2)
    assert len(every(outbox, delivery, DOWN)) == 1
    clock.passes(minutes=1)
    assert every(outbox, delivery, DOWN) == []
    assert outbox.take_probe()


def test_what_was_in_the_air_when_it_began_waits_no_longer_than_the_others(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    first, second, third = ask(1), ask(2), ask(3)
    claims = [take(outbox), take(outbox)]
    for claim in claims:
        outbox.settle(claim, delivery.settlement_of(DOWN, claim))
    clock.passes(seconds=5)
    assert answers(outbox)

    assert every(outbox, delivery, YES) == [first, second, third]


def test_a_time_that_is_still_to_come_is_not_brought_forward(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    start = clock.now + timedelta(hours=2)
    later = ask(1, slot_starts_at=start, slot_ends_at=start + timedelta(minutes=30))
    now = ask(2)
    every(outbox, delivery, DOWN)
    clock.passes(seconds=6)
    assert answers(outbox)

    assert every(outbox, delivery, YES) == [now]
    assert state(outbox, later) is State.WAITING


def test_an_operator_who_closes_the_breaker_lets_everybody_go_at_once(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    waited = [ask(1), ask(2), ask(3)]
    minutes_of(outbox, delivery, clock, DOWN, 11)
    assert outbox.breaker.reset()

    assert every(outbox, delivery, YES) == waited


@sqlite_first
def test_after_an_outage_a_paced_team_gets_the_oldest_promise_first_at_its_pace(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    waited = [ask(index, "slow") for index in range(3)]
    minutes_of(outbox, delivery, clock, DOWN, 11)
    newcomer = ask(9, "slow")
    seconds, gone = seconds_to_settle(outbox, delivery, clock, [*waited, newcomer])

    assert gone == [*waited, newcomer]
    assert 90 <= seconds <= 106, "two a minute"


def test_what_takes_after_refusing_gets_everybody_who_waited_and_before_a_newcomer(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    waited = [ask(1), ask(2, "shop"), ask(3)]
    minutes_of(outbox, delivery, clock, NOBODY, 11)
    assert {state(outbox, id) for id in waited} == {State.WAITING}
    newcomer = ask(4)

    assert every(outbox, delivery, YES) == [*waited, newcomer]


def test_the_first_try_after_a_refusal_is_for_the_oldest_promise_whoever_it_is_due_for(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    """Someone else's turn comes first, a minute before its own."""
    oldest = ask(1)
    assert ends(outbox, delivery, NOBODY) == oldest
    clock.passes(seconds=6)
    assert ends(outbox, delivery, NOBODY) == oldest, "and now its own wait is half a minute"
    clock.passes(seconds=10)
    newcomer = ask(2)

    assert every(outbox, delivery, YES) == [oldest, newcomer]


def test_a_team_that_refuses_is_tried_with_one_request_at_a_time(
    outbox: Outbox, delivery: Delivery, ask: Ask
) -> None:
    first, _, other = ask(1), ask(2), ask(3, "help")
    ends(outbox, delivery, NOBODY)
    claim = take(outbox)

    assert take(outbox).requests[0].id == other, "another team's go on"
    assert outbox.claim("test") is None
    outbox.settle(claim, delivery.settlement_of(YES, claim))
    assert take(outbox).requests[0].id == first


def test_tries_for_others_turns_use_up_nobodys_patience(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    oldest = ask(1)
    ends(outbox, delivery, NOBODY)
    for index in range(2, 30):
        clock.passes(seconds=10)
        ask(index)
        every(outbox, delivery, NOBODY)

    assert state(outbox, oldest) is State.WAITING


def test_one_that_is_refused_by_itself_keeps_nobody_waiting(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    refused = ask(1)
    ends(outbox, delivery, NOBODY)
    for index in range(2, 6):
        clock.passes(seconds=20)
        honest = ask(index)
        while claim := outbox.claim("test"):
            is_poisoned = claim.requests[0].id == refused
            outbox.settle(claim, delivery.settlement_of(NOBODY if is_poisoned else YES, claim))
        assert state(outbox, honest) is State.WITH_TEAM


def test_a_team_that_refuses_is_tried_every_five_minutes_though_nobody_asks(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    waited = [ask(1), ask(2), ask(3)]
    minutes_of(outbox, delivery, clock, NOBODY, 12)
    clock.passes(seconds=301)

    assert every(outbox, delivery, YES) == waited


@pytest.mark.parametrize("is_held", [False, True])
@pytest.mark.parametrize("then", [NOBODY, NO, DOWN])
def test_a_team_that_refuses_is_not_tried_without_end(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask, is_held: bool, then: Outcome
) -> None:
    """Whatever it answers then, and though nobody is to be rung."""
    ids = [ask(1), ask(2)]
    minutes_of(outbox, delivery, clock, NOBODY, 12)
    if is_held:
        outbox.stop("442079460001")
        outbox.stop("442079460002")
    clock.passes(seconds=301)
    tried = 0
    while (claim := outbox.claim("test")) and tried < 10:
        tried += 1
        end = delivery._as_any_other(claim) if claim.is_held else delivery.settlement_of(then, claim)
        outbox.settle(claim, end)

    assert 1 <= tried <= 2 * len(ids)


@sqlite_first
def test_after_a_pause_whoever_was_turned_away_goes_before_a_newcomer(
    outbox: Outbox, delivery: Delivery, clock: Clock, ask: Ask
) -> None:
    waited = [ask(index, "slow") for index in range(3)]
    minutes_of(outbox, delivery, clock, NO, 16)
    assert [team.name for team in outbox.teams.listed() if team.paused_at] == ["Slow"]
    newcomer = ask(9, "slow")
    clock.passes(seconds=301)
    _, gone = seconds_to_settle(outbox, delivery, clock, [*waited, newcomer])

    assert set(gone[:3]) == set(waited)
    assert gone[1:3] == [id for id in waited if id in gone[1:3]], "behind the one that was tried, by their promise"


def test_what_an_operator_retries_asks_samespace_at_once_however_long_it_was_to_be_left_alone(
    outbox: Outbox, delivery: Delivery, operations: Operations, clock: Clock, ask: Ask
) -> None:
    ask(1)
    waits = ask(2)
    ends(outbox, delivery, Busy(retry_after=3000, status=503))
    clock.passes(seconds=60)
    outbox.take_probe()
    assert operations.retry(waits)

    assert answers(outbox)
    assert waits in every(outbox, delivery, YES)


def test_what_an_operator_retries_is_tried_at_once_at_a_paused_team(
    outbox: Outbox, delivery: Delivery, operations: Operations, clock: Clock, ask: Ask
) -> None:
    waited = [ask(1), ask(2), ask(3)]
    every(outbox, delivery, NO)
    clock.passes(seconds=1)
    assert outbox.claim("test") is None
    assert operations.retry(waited[2])

    assert set(every(outbox, delivery, YES)) == set(waited)


def test_all_that_wait_are_handed_over_now_by_one_command_and_never_an_unknown(
    outbox: Outbox, delivery: Delivery, operations: Operations, clock: Clock, ask: Ask
) -> None:
    lost = ask(1)
    ends(outbox, delivery, Unclear("time-out", None, ""))
    waited = [ask(2), ask(3, "help")]
    minutes_of(outbox, delivery, clock, DOWN, 11)
    assert operations.retry_all(operations.to_retry()) == 2

    assert answers(outbox)
    assert every(outbox, delivery, YES) == waited
    assert state(outbox, lost) is State.UNKNOWN
