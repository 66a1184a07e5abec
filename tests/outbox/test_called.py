"""That the team called: who may say so of which request, and what its visitor reads."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from ringback.outbox import transitions
from ringback.outbox.calls.call_matching import CallRecord
from ringback.outbox.calls.called import handed_over_together, mark_called
from ringback.outbox.calls.outcomes import Outcome, Outcomes, Source
from ringback.outbox.claims import Settlement
from ringback.outbox.operators.by_hand import ByHand
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, EventKind, State
from ringback.outbox.selection import Selection
from ringback.sandbox.samespace import SandboxSamespace
from ringback.services import services_of
from ringback.store.database import Database
from tests.conftest import WIDGET, Clock
from tests.outbox.asking import NUMBER, TAKEN, Ringback
from tests.visitor import Visitor


def called(ringback: Ringback, id: str, **later: float) -> list[str]:
    with ringback.database.write() as connection:
        now = ringback.clock()
        return mark_called(connection, [id], now + timedelta(**later), now, "a record")


def test_a_request_with_the_team_is_called_and_is_told_once(ringback: Ringback) -> None:
    receipt = ringback.asks()
    ringback.rings()
    ringback.clock.passes(minutes=7)

    assert called(ringback, receipt.id, minutes=-2) == [receipt.reference]
    assert called(ringback, receipt.id) == []

    found = ringback.outbox.read(receipt.id)
    assert found
    assert found[0].state is State.CALLED
    (event,) = [event for event in found[1] if event.kind is EventKind.CALLED]
    assert event.at == ringback.clock() - timedelta(minutes=2)


@pytest.mark.parametrize("state", [State.WAITING, State.UNKNOWN, State.FAILED])
def test_what_was_called_is_not_handed_over_any_more(opened: Callable[..., Ringback], state: State) -> None:
    ringback = opened(delivery={"on_unknown": "resend"})
    receipt = ringback.asks()
    if state is not State.WAITING:
        claim = ringback.takes()
        ends = {State.UNKNOWN: ringback.outbox.lost("no answer"), State.FAILED: Settlement(transitions.FAIL)}
        ringback.outbox.settle(claim, ends[state])

    assert called(ringback, receipt.id) == [receipt.reference]
    ringback.clock.passes(hours=1)
    ringback.outbox.expire()
    assert ringback.rings() == []
    assert ringback.state(receipt) is State.CALLED


def test_a_held_request_is_never_called(opened: Callable[..., Ringback]) -> None:
    ringback = opened(limits={"per_number": "1 per day"})
    ringback.asks()
    held = ringback.asks(widget="help")
    ringback.rings()

    assert called(ringback, held.id) == []
    assert ringback.state(held) is State.WITH_TEAM


def test_what_its_visitor_cancelled_stays_cancelled(ringback: Ringback) -> None:
    receipt = ringback.asks()
    ringback.outbox.cancel(receipt.id)
    assert called(ringback, receipt.id) == []


def test_nobody_is_called_before_they_asked_or_later_than_now(ringback: Ringback) -> None:
    """Samespace's clock may be wrong."""
    early, late = ringback.asks(), ringback.asks(phone="442079460555")
    ringback.rings()
    called(ringback, early.id, hours=-5)
    called(ringback, late.id, hours=5)
    for receipt in (early, late):
        found = ringback.outbox.read(receipt.id)
        assert found
        assert found[1][-1].at == ringback.clock()


def test_requests_that_joined_share_their_call_and_others_for_the_number_do_not(ringback: Ringback) -> None:
    first, joined = ringback.asks(name="Ann"), ringback.asks(name="Bob")
    elsewhere = ringback.asks(widget="help")
    ringback.rings()
    ringback.clock.passes(hours=2)
    later = ringback.asks()
    ringback.rings()

    with ringback.database.read() as connection:
        assert set(handed_over_together(connection, first.id)) == {first.id, joined.id}
        assert handed_over_together(connection, later.id) == [later.id]
        assert handed_over_together(connection, elsewhere.id) == [elsewhere.id]


# --- said while the call is in the air ---


@pytest.mark.parametrize("by_hand", [False, True], ids=["an agent", "an operator"])
@pytest.mark.parametrize("end", ["taken", "returned", "lost", "failed", "cut off"])
def test_what_is_said_while_the_call_is_in_the_air_counts_once_that_has_ended(
    opened: Callable[..., Ringback], end: str, by_hand: bool
) -> None:
    ringback = opened(delivery={"on_unknown": "resend"})
    receipt, joined = ringback.asks(), ringback.asks()
    claim = ringback.takes()
    ringback.clock.passes(seconds=12)
    said_at = ringback.clock()
    says(ringback, receipt.id, by_hand)
    assert ringback.state(receipt) is State.HANDING_OVER
    ringback.clock.passes(seconds=8)
    if end == "cut off":
        ringback.outbox.expire()
        ringback.clock.passes(minutes=2)
        ringback.outbox.expire()
    else:
        again = Settlement(transitions.RETURN, next_attempt_at=ringback.clock())
        ends = {"taken": TAKEN, "returned": again, "failed": Settlement(transitions.FAIL)}
        assert ringback.outbox.settle(claim, ends.get(end) or ringback.outbox.lost("no answer"))

    assert [ringback.state(receipt), ringback.state(joined)] == [State.CALLED] * 2
    found = ringback.outbox.read(receipt.id)
    assert found
    assert (found[1][-1].kind, found[1][-1].at) == (EventKind.CALLED, said_at)
    ringback.clock.passes(hours=1)
    ringback.outbox.expire()
    assert ringback.rings() == []


def test_who_was_held_and_called_by_hand_is_not_called_again(opened: Callable[..., Ringback]) -> None:
    ringback = opened(limits={"per_number": "1 per day"})
    ringback.asks()
    held = ringback.asks(widget="help")
    says(ringback, held.id, by_hand=True)
    ringback.clock.passes(minutes=5)

    assert not ringback.attention.release(held.id, "console:robin")
    assert len(ringback.rings()) == 1, "the other, which was not held"
    assert ringback.state(held) is State.CALLED


def says(ringback: Ringback, id: str, by_hand: bool) -> None:
    """Somebody says that a call was answered."""
    numbers = ringback.outbox.number_rules
    if by_hand:
        ByHand(ringback.database, ringback.outbox._settings, numbers, ringback.clock).outcome(
            id, "robin", Outcome.ANSWERED
        )
    else:
        assert Outcomes(ringback.database, numbers, ringback.clock).say(id, Outcome.ANSWERED, Source.AGENT)


# --- what its visitor reads ---


def with_the_team(app: Flask, widget: str = "sales") -> str:
    outbox = services_of(app).outbox
    id = outbox.accept(Answers(widget=widget, phone=NUMBER, region="GB")).id
    claim = outbox.claim("me")
    assert claim
    assert outbox.settle(claim, TAKEN)
    return id


def is_called(database: Database, clock: Clock, id: str, detail: str = "answered") -> None:
    with database.write() as connection:
        assert mark_called(connection, [id], clock(), clock(), detail)


def test_the_page_says_when_the_team_called_and_what_to_do_about_a_missed_call(
    app: Flask, visitor: Visitor, database: Database, clock: Clock
) -> None:
    id = with_the_team(app)
    clock.passes(minutes=7, seconds=31)
    is_called(database, clock, id)
    clock.passes(minutes=3)

    page = visitor.opens(f"/requests/{id}")
    assert page.headline == "The team called you"
    assert "The team called at 10:07 UTC. If you missed it, call us." in page.words
    assert "Ask for another call" in page.words
    assert "Cancel the request" not in page.words


def test_the_next_day_it_says_the_day(app: Flask, visitor: Visitor, database: Database, clock: Clock) -> None:
    id = with_the_team(app)
    is_called(database, clock, id)
    clock.passes(days=1)
    assert "The team called on Tuesday 24 November at 10:00 UTC." in visitor.opens(f"/requests/{id}").words


def test_a_team_without_a_number_of_its_own_is_asked_once_more(
    make_app: Callable[..., Flask], clock: Clock
) -> None:
    app = make_app(widgets={"sales": {name: WIDGET[name] for name in WIDGET if name != "phone"}})
    id = with_the_team(app)
    is_called(services_of(app).database, clock, id)
    assert "If you missed it, ask for another call." in Visitor(app).opens(f"/requests/{id}").words


def all_that_a_visitor_can_fetch(app: Flask, id: str) -> list[str]:
    """Without what differs for any two requests."""
    client, found = app.test_client(), services_of(app).outbox.read(id)
    assert found
    reference, seen = found[0].reference, []
    for address in ("", ".json", "/export", "/calendar.ics", "/erase", "/time"):
        body = client.get(f"/requests/{id}{address}").get_data(as_text=True)
        for drawn, same in ((id, "(id)"), (reference, "(reference)"), (reference[-4:], "(code)")):
            body = body.replace(drawn, same)
        seen.append(body.replace(found[0].answers.widget, "(widget)"))
    return seen


@pytest.mark.parametrize("by_record", [True, False], ids=["a record", "an agent"])
def test_nothing_that_a_visitor_can_fetch_tells_an_answered_call_from_an_unanswered_one(
    make_app: Callable[..., Flask], clock: Clock, by_record: bool
) -> None:
    app, seen = make_app(widgets={"sales": WIDGET, "help": WIDGET}), []
    for widget, is_answered in (("sales", True), ("help", False)):
        id = with_the_team(app, widget)
        if by_record:
            assert is_recorded(app, id, is_answered, is_certain=True)
        else:
            outcome = Outcome.ANSWERED if is_answered else Outcome.NO_ANSWER
            assert services_of(app).outcomes.say(id, outcome, Source.AGENT, note="we spoke" * is_answered)
        seen.append(all_that_a_visitor_can_fetch(app, id))
        assert "The team called at 10:00" in seen[-1][0]
    assert seen[0] == seen[1]


def test_nothing_that_a_visitor_can_fetch_shows_a_call_that_is_only_probable(app: Flask) -> None:
    id = with_the_team(app)
    before = all_that_a_visitor_can_fetch(app, id)
    assert is_recorded(app, id, True, is_certain=False) == []
    assert [call.is_certain for call in services_of(app).calls.seen(id)] == [False]
    assert all_that_a_visitor_can_fetch(app, id) == before


def is_recorded(app: Flask, id: str, is_answered: bool, is_certain: bool) -> list[str]:
    found, now = services_of(app).outbox.read(id), services_of(app).clock()
    assert found
    reference = frozenset({found[0].reference}) if is_certain else frozenset()
    record = CallRecord(f"of {id}", NUMBER, "Sales", now, True, is_answered, reference)
    return services_of(app).calls.keep([record]).called


def test_the_status_of_a_called_request_has_whole_minutes(
    app: Flask, visitor: Visitor, database: Database, clock: Clock
) -> None:
    id = with_the_team(app)
    clock.passes(minutes=7, seconds=31)
    is_called(database, clock, id)
    status = json.loads(app.test_client().get(f"/requests/{id}.json").data)
    assert status["state"] == "called"
    assert status["events"][-1] == {"at": "2026-11-24T10:07:00+00:00", "kind": "called"}


def test_the_page_says_how_to_know_the_caller_and_who_calls_late_is_asked_to_say_it(
    make_app: Callable[..., Flask], samespace: SandboxSamespace, clock: Clock
) -> None:
    app = make_app(base_url=samespace.base_url)
    id = services_of(app).outbox.accept(Answers(widget="sales", phone=NUMBER, region="GB")).id
    clock.passes(minutes=5)
    services_of(app).delivery.run_once()
    found = services_of(app).outbox.read(id)
    assert found
    code = found[0].reference[-4:]
    words = Visitor(app).opens(f"/requests/{id}").words
    assert "The caller can tell you your reference’s last four characters" in words
    assert code in words
    (call,) = samespace.calls
    assert code in call.attributes["note"]


def test_operators_ask_for_what_was_called(
    app: Flask, database: Database, clock: Clock, operations: Operations, outbox: Outbox
) -> None:
    id = with_the_team(app)
    is_called(database, clock, id)
    with_the_team(app)
    items = operations.page(False, selection=Selection(state="called")).items
    assert [item.id for item in items] == [id]


def test_the_calendar_file_of_a_called_request_says_so_and_replaces_the_one_before(
    make_app: Callable[..., Flask], clock: Clock
) -> None:
    hours = {"timezone": "Europe/London", "tue": ["09:00-17:00"]}
    app = make_app(widgets={"sales": WIDGET | {"hours": hours}})
    start = clock() + timedelta(hours=1)
    slot = {"slot_starts_at": start, "slot_ends_at": start + timedelta(minutes=30)}
    id = services_of(app).outbox.accept(Answers(widget="sales", phone=NUMBER, region="GB", **slot)).id
    client = app.test_client()
    assert b"SEQUENCE:0" in client.get(f"/requests/{id}/calendar.ics").data
    clock.passes(hours=1)
    is_called(services_of(app).database, clock, id)
    changed = client.get(f"/requests/{id}/calendar.ics").data
    assert b"SEQUENCE:1" in changed
    assert b"The team called you" in changed
    assert b"cancel" not in changed
