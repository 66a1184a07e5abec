"""One poisoned request silences nobody: when a team is paused, and when a request fails alone, on both engines."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.handover.loop import Delivery
from ringback.handover.outcomes import Accepted, Misconfigured, NotSent, Outcome, Refused
from ringback.opening_hours import Interval
from ringback.outbox.claims import Claim
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, EventKind, State
from ringback.store.database import Database
from ringback.store.tables import alerts, teams
from tests.conftest import WIDGET, Clock
from tests.faults import FaultServer, Visit, response
from tests.outbox.calls import ends, state, take

WAITS = [5.0, 30.0, 120.0]
NO = Misconfigured(422, "number is not allowed")
YES = Accepted("{}")


@pytest.fixture
def app(make_app: Callable[..., Flask], store_url: str) -> Flask:
    widgets = {"sales": WIDGET, "shop": WIDGET, "help": WIDGET | {"team_name": "Help"}}
    return make_app(store_url, widgets=widgets, delivery={"retry_seconds": WAITS})


Ask = Callable[..., str]


@pytest.fixture
def ask(outbox: Outbox, clock: Clock) -> Ask:
    """Ask for a number by a widget, a second after the last one."""

    def asks(index: int, widget: str = "sales") -> str:
        clock.passes(seconds=1)
        return outbox.accept(Answers(widget=widget, phone=f"44207946{index:04}", region="GB")).id

    return asks


def paused(outbox: Outbox) -> list[str]:
    return [team.name for team in outbox.teams.listed() if team.paused_at]


def told(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.select(alerts.c.kind).order_by(alerts.c.id)).scalars())


def test_one_number_that_is_turned_away_keeps_nobody_waiting_and_fails_alone(
    outbox: Outbox, ask: Ask, delivery: Delivery, database: Database
) -> None:
    poisoned, honest = ask(1), ask(2)
    assert ends(outbox, delivery, NO) == poisoned
    assert ends(outbox, delivery, YES) == honest, "the next one is tried at once"
    assert ends(outbox, delivery, NO) == poisoned, "once more: it may have been everybody's fault, and mended"

    assert state(outbox, poisoned) is State.FAILED
    assert paused(outbox) == []
    assert told(database) == ["failed"]
    found = outbox.read(poisoned)
    assert found
    assert (found[1][-1].kind, found[1][-1].detail) == (EventKind.FAILED, "answered 422: number is not allowed")


def test_the_same_number_however_often_pauses_nobody(
    outbox: Outbox, ask: Ask, delivery: Delivery, clock: Clock
) -> None:
    for widget in ("sales", "shop"):
        ask(1, widget)
        ends(outbox, delivery, NO)
        clock.passes(minutes=3)

    assert paused(outbox) == []
    ask(2, "shop")
    ends(outbox, delivery, NO)
    assert paused(outbox) == ["Sales"], "a second number, whichever widget of the team it came by"


def test_two_numbers_in_a_row_pause_their_team_over_processes_and_a_person_is_told(
    make_app: Callable[..., Flask],
    app: Flask,
    store_url: str,
    outbox: Outbox,
    ask: Ask,
    delivery: Delivery,
    database: Database,
) -> None:
    another = make_app(store_url, delivery={"retry_seconds": WAITS}).extensions["ringback"].outbox
    ask(1), ask(2), ask(3)
    ends(outbox, delivery, NO)
    ends(another, delivery, NO)

    assert paused(outbox) == ["Sales"]
    assert told(database) == ["paused"]
    assert outbox.claim("test") is None
    with database.read() as connection:
        rows = str(connection.execute(sa.select(teams)).all())
    assert "7946" not in rows, "a number is known again by its hash"


def test_two_that_are_turned_away_at_the_same_moment_see_each_other(
    outbox: Outbox, ask: Ask, delivery: Delivery
) -> None:
    for index in range(6):
        ask(index)
    claims = [take(outbox) for _ in range(6)]
    together = threading.Barrier(6)

    def end(claim: Claim) -> None:
        together.wait()
        outbox.settle(claim, delivery.settlement_of(NO, claim))

    workers = [threading.Thread(target=end, args=[claim]) for claim in claims]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert paused(outbox) == ["Sales"]
    assert outbox.claim("test") is None


@pytest.mark.parametrize("answer", [YES, Refused("Not logged In", "")], ids=["taken", "refused"])
def test_an_answer_in_between_breaks_the_row(
    outbox: Outbox, ask: Ask, delivery: Delivery, answer: Outcome
) -> None:
    first, _, third = ask(1), ask(2), ask(3)
    assert ends(outbox, delivery, NO) == first
    ends(outbox, delivery, answer)
    assert ends(outbox, delivery, NO) == first, "it is the oldest promise, and fails alone"
    assert ends(outbox, delivery, NO) == third

    assert paused(outbox) == []


def test_while_a_team_is_paused_each_try_takes_another_number(
    outbox: Outbox, ask: Ask, delivery: Delivery, clock: Clock
) -> None:
    ids = [ask(index) for index in range(4)]
    tried = []
    for _ in "12":
        tried.append(ends(outbox, delivery, NO))
        clock.passes(seconds=1)
    for _ in range(14):
        assert outbox.claim("test") is None
        clock.passes(minutes=5)
        tried.append(ends(outbox, delivery, NO))

    assert tried == [*ids, *ids, *ids, *ids]
    assert {state(outbox, id) for id in ids} == {State.WAITING}, "none fails for what is everybody's fault"
    late = ask(9)
    clock.passes(minutes=5)
    assert ends(outbox, delivery, NO) == ids[0], "who waited comes before who came last"
    assert ends(outbox, delivery, NO) == late, "and who was never tried does not wait for all of them"
    assert outbox.claim("test") is None


def test_two_poisoned_numbers_delay_a_team_by_five_minutes_once(
    outbox: Outbox, ask: Ask, delivery: Delivery, clock: Clock, database: Database
) -> None:
    poisoned = [ask(1), ask(2)]
    honest = [ask(3), ask(4)]
    for _ in "12":
        ends(outbox, delivery, NO)
    clock.passes(minutes=5)
    assert ends(outbox, delivery, YES) == honest[0]
    assert [ends(outbox, delivery, NO) for _ in "12"] == poisoned
    assert ends(outbox, delivery, YES) == honest[1]

    assert [state(outbox, id) for id in poisoned] == [State.FAILED] * 2
    assert paused(outbox) == []
    assert told(database) == ["paused", "failed", "failed"]


def test_what_was_turned_away_goes_out_once_the_configuration_is_mended(
    outbox: Outbox, ask: Ask, delivery: Delivery, clock: Clock
) -> None:
    ids = [ask(index) for index in range(5)]
    for _ in range(2):
        ends(outbox, delivery, NO)
    for _ in range(2):
        clock.passes(minutes=5)
        ends(outbox, delivery, NO)
    clock.passes(minutes=5)

    assert sorted(ends(outbox, delivery, YES) for _ in ids) == sorted(ids), "at once, when one was taken"
    assert {state(outbox, id) for id in ids} == {State.WITH_TEAM}


def test_an_operator_who_has_mended_it_lets_all_of_them_begin_anew(
    outbox: Outbox, ask: Ask, delivery: Delivery, operations: Operations
) -> None:
    ids = [ask(index) for index in range(3)]
    for _ in "12":
        ends(outbox, delivery, NO)
    assert outbox.teams.resume("Sales")
    assert not outbox.teams.resume("Sales")

    assert ends(outbox, delivery, NO) == ids[0], "in the old order"
    assert paused(outbox) == []
    assert [ends(outbox, delivery, YES) for _ in "123"] == [ids[1], ids[0], ids[2]]


def test_the_only_one_is_tried_by_its_schedule_and_in_the_end_a_person_is_told(
    outbox: Outbox, ask: Ask, delivery: Delivery, clock: Clock, database: Database
) -> None:
    id = ask(1)
    for wait in WAITS:
        ends(outbox, delivery, NO)
        assert state(outbox, id) is State.WAITING
        clock.passes(seconds=wait * 0.79)
        assert outbox.claim("test") is None
        clock.passes(seconds=wait * 0.42)
    ends(outbox, delivery, NO)

    assert state(outbox, id) is State.FAILED
    assert paused(outbox) == []
    assert told(database) == ["failed"]


def test_what_an_operator_retries_begins_anew(
    outbox: Outbox, ask: Ask, delivery: Delivery, operations: Operations, clock: Clock
) -> None:
    id = ask(1)
    ask(2)
    for outcome in (NO, YES, NO):
        ends(outbox, delivery, outcome)
    assert state(outbox, id) is State.FAILED
    assert operations.retry(id)
    assert ends(outbox, delivery, NO) == id
    assert state(outbox, id) is State.WAITING

    ask(3)
    assert ends(outbox, delivery, YES) != id
    assert ends(outbox, delivery, YES) == id


def test_whoever_was_not_reached_in_between_is_still_one_that_was_turned_away(
    outbox: Outbox, ask: Ask, delivery: Delivery, clock: Clock
) -> None:
    id, _ = ask(1), ask(2)
    ends(outbox, delivery, NO)
    ends(outbox, delivery, YES)
    assert ends(outbox, delivery, NotSent("no connection")) == id
    assert state(outbox, id) is State.WAITING
    clock.passes(seconds=60)
    outbox.samespace_answers()
    assert ends(outbox, delivery, NO) == id
    assert state(outbox, id) is State.FAILED


def test_a_time_that_is_chosen_meanwhile_is_kept(
    outbox: Outbox, ask: Ask, delivery: Delivery, clock: Clock
) -> None:
    booked, _ = ask(1), ask(2)
    ends(outbox, delivery, NO)
    start = clock.now + timedelta(hours=3)
    assert outbox.reschedule(booked, Interval(start, start + timedelta(minutes=30)))
    ends(outbox, delivery, YES)

    assert outbox.claim("test") is None
    clock.passes(hours=3)
    assert ends(outbox, delivery, YES) == booked


def test_another_team_is_not_concerned(outbox: Outbox, ask: Ask, delivery: Delivery) -> None:
    ask(1)
    ends(outbox, delivery, NO)
    ask(2, "help")
    ends(outbox, delivery, NO)

    assert paused(outbox) == []


@pytest.fixture
def picky() -> Iterator[FaultServer]:
    """A Samespace that turns one number away and takes every other."""

    def behave(visit: Visit) -> None:
        is_poisoned = b"442079460000" in visit.read()
        visit.send(response(422, "no such number") if is_poisoned else response(200, '{"success": true}'))

    with FaultServer(behave) as server:
        yield server


def test_a_poisoned_number_among_twenty_keeps_none_of_them_from_being_called(
    make_app: Callable[..., Flask], store_url: str, picky: FaultServer, clock: Clock
) -> None:
    app = make_app(store_url, picky.base_url)
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    ids = []
    for index in range(20):
        clock.passes(seconds=1)
        ids.append(outbox.accept(Answers(widget="sales", phone=f"44207946{index:04}", region="GB")).id)
    while claim := outbox.claim("test"):
        delivery.hand_over(claim)

    assert [state(outbox, id) for id in ids] == [State.FAILED] + [State.WITH_TEAM] * 19
    assert sum(b"442079460000" in request for request in picky.requests) == 2
    assert paused(outbox) == []
