"""Accept, claim, settle: what is true of requests whatever happens, on both engines."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import FormUse, Outbox
from ringback.outbox.request import Answers, EventKind, Held, State
from ringback.store.database import Database
from ringback.store.failures import StoreError
from tests.conftest import WIDGET, Clock, make_settings

WITH_TEAM = Settlement(transitions.TAKEN)
UNKNOWN = Settlement(transitions.LOSE)


def answers(phone: str = "442079460123", widget: str = "sales", **said: str) -> Answers:
    return Answers(widget=widget, phone=phone, region="GB", **said)


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    database = Database(store_url)
    database.migrate("production")
    yield database
    database.close()


@pytest.fixture
def outbox(database: Database, store_url: str, clock: Clock) -> Outbox:
    settings = make_settings(
        store_url,
        limits={"per_number": "3 per hour", "per_widget": "500 per day"},
        widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}},
    )
    outbox = Outbox(database, settings, clock)
    outbox.teams.register()
    return outbox


@pytest.fixture
def attention(database: Database, store_url: str, clock: Clock) -> Operations:
    return Operations(database, make_settings(store_url), clock)


def state_of(outbox: Outbox, id: str) -> State:
    found = outbox.read(id)
    assert found
    return found[0].state


def test_requests_for_one_number_are_handed_over_together(outbox: Outbox) -> None:
    first, second = outbox.accept(answers(message="a")), outbox.accept(answers(message="b"))
    claim = outbox.claim("me")

    assert claim
    assert [request.answers.message for request in claim.requests] == ["a", "b"]
    assert outbox.claim("me") is None
    assert outbox.settle(claim, WITH_TEAM)
    assert state_of(outbox, first.id) is state_of(outbox, second.id) is State.WITH_TEAM


def test_requests_for_one_number_at_two_widgets_are_two_hand_overs_one_after_the_other(outbox: Outbox) -> None:
    outbox.accept(answers(message="a")), outbox.accept(answers(widget="help", message="b"))
    first = outbox.claim("me")

    assert first
    assert outbox.claim("me") is None, "the number is in the air"
    assert outbox.settle(first, WITH_TEAM)
    second = outbox.claim("me")
    assert second
    assert [[request.answers.message for request in claim.requests] for claim in (first, second)] == [["a"], ["b"]]
    assert [claim.widget for claim in (first, second)] == ["sales", "help"]


def test_a_cancelled_request_drops_out_of_the_hand_over_it_joined(outbox: Outbox) -> None:
    first, second = outbox.accept(answers(message="a")), outbox.accept(answers(message="b"))
    assert outbox.cancel(first.id)
    claim = outbox.claim("me")

    assert claim
    assert [request.id for request in claim.requests] == [second.id]
    assert not outbox.cancel(second.id), "it is on its way"


def test_what_comes_while_its_number_is_in_the_air_is_a_hand_over_of_its_own_afterwards(outbox: Outbox) -> None:
    """The agent has the words of the first by then, and would never read those of the second."""
    first = outbox.accept(answers(message="a"))
    claim = outbox.claim("me")
    late = outbox.accept(answers(message="b"))
    assert state_of(outbox, late.id) is State.WAITING
    assert outbox.claim("another") is None
    assert claim
    outbox.settle(claim, WITH_TEAM)

    assert [state_of(outbox, receipt.id) for receipt in (first, late)] == [State.WITH_TEAM, State.WAITING]
    own = outbox.claim("me")
    assert own
    assert [request.answers.message for request in own.requests] == ["b"]


@pytest.mark.parametrize("numbers", [("4930901820", "49309018201"), ("49309018201", "4930901820")])
def test_two_numbers_of_one_line_are_not_in_the_air_at_once(
    outbox: Outbox, clock: Clock, numbers: tuple[str, str]
) -> None:
    for number in (*numbers, "4930555666"):
        outbox.accept(Answers(widget="sales", phone=number, region="DE"))
        clock.passes(seconds=1)
    first, other = outbox.claim("me"), outbox.claim("me")
    assert first
    assert other
    assert [each.requests[0].answers.phone for each in (first, other)] == [numbers[0], "4930555666"]
    assert outbox.claim("me") is None
    outbox.settle(first, WITH_TEAM)
    second = outbox.claim("me")

    assert second
    assert second.requests[0].answers.phone == numbers[1]


def test_a_number_that_is_stopped_while_its_call_is_in_the_air_is_not_tried_again(
    outbox: Outbox, attention: Operations
) -> None:
    receipt = outbox.accept(answers())
    claim = outbox.claim("me")
    outbox.stop("442079460123")
    assert claim
    outbox.settle(claim, Settlement(transitions.RETURN))

    again = outbox.claim("me")
    assert again is None or again.is_held
    assert [request.reference for request in attention.listed(attention=True)] == [receipt.reference]


def test_what_waits_again_is_not_due_before_its_time(outbox: Outbox, clock: Clock) -> None:
    receipt = outbox.accept(answers())
    claim = outbox.claim("me")
    assert claim
    outbox.settle(claim, Settlement(transitions.RETURN, next_attempt_at=clock.now + timedelta(seconds=5)))
    clock.passes(seconds=4)
    assert outbox.claim("me") is None
    clock.passes(seconds=1)
    again = outbox.claim("me")
    assert again
    assert again.attempt == 2
    assert [request.id for request in again.requests] == [receipt.id]


def test_a_claim_that_ran_out_is_unknown_and_its_owner_can_settle_nothing(outbox: Outbox, clock: Clock) -> None:
    receipt = outbox.accept(answers())
    claim = outbox.claim("me")
    clock.passes(seconds=31)
    assert outbox.expire() == [receipt.reference]

    assert state_of(outbox, receipt.id) is State.UNKNOWN
    assert claim
    assert not outbox.settle(claim, WITH_TEAM)
    assert state_of(outbox, receipt.id) is State.UNKNOWN
    assert outbox.claim("me") is None, "it is never sent again by itself"


def test_what_is_too_late_is_given_up_and_never_rung(outbox: Outbox, clock: Clock) -> None:
    receipt = outbox.accept(answers())
    clock.passes(minutes=15 + 120)
    outbox.expire()

    assert state_of(outbox, receipt.id) is State.FAILED
    assert outbox.claim("me") is None


def test_the_oldest_promise_goes_first(outbox: Outbox, clock: Clock) -> None:
    outbox.accept(answers("442079460101"))
    clock.passes(seconds=1)
    outbox.accept(answers("442079460102"))

    claims = [outbox.claim("me"), outbox.claim("me")]
    assert [claim.requests[0].answers.phone for claim in claims if claim] == ["442079460101", "442079460102"]


def test_over_its_limit_a_number_is_held_and_looks_like_any_other(
    outbox: Outbox, attention: Operations, clock: Clock
) -> None:
    receipts = [outbox.accept(answers()) for _ in range(4)]
    held = attention.listed(attention=True)
    assert [(request.reference, request.held) for request in held] == [(receipts[3].reference, Held.NUMBER_LIMIT)]

    claim = outbox.claim("me")
    assert claim
    assert [request.reference for request in claim.requests] == [receipt.reference for receipt in receipts[:3]]
    assert outbox.claim("me") is None, "what is held goes along in all that shows"
    outbox.settle(claim, WITH_TEAM)
    stories = [outbox.read(receipt.id) for receipt in receipts]
    kinds = [[event.kind for event in found[1] if event.kind is not EventKind.HELD] for found in stories if found]
    assert kinds == [[EventKind.RECEIVED, EventKind.ATTEMPTED, EventKind.WITH_TEAM]] * 4


def test_a_held_request_is_handed_over_once_an_operator_releases_it(outbox: Outbox, attention: Operations) -> None:
    outbox.stop("442079460123")
    receipt = outbox.accept(answers())
    claim = outbox.claim("me")
    assert claim
    assert claim.is_held
    outbox.settle(claim, WITH_TEAM)

    assert attention.release(receipt.id)
    assert not attention.release(receipt.id)
    released = outbox.claim("me")
    assert released
    assert not released.is_held


def test_stopping_a_number_holds_what_waits_for_it_and_ends_by_itself(
    outbox: Outbox, attention: Operations, clock: Clock
) -> None:
    waiting = outbox.accept(answers())
    outbox.stop("442079460123")
    assert [request.reference for request in attention.listed(attention=True)] == [waiting.reference]

    clock.passes(days=31)
    outbox.accept(answers())
    assert len(attention.listed(attention=True)) == 1


def test_an_unknown_is_resolved_by_a_person(outbox: Outbox, attention: Operations) -> None:
    def unknown(phone: str) -> str:
        receipt = outbox.accept(answers(phone))
        claim = outbox.claim("me")
        assert claim
        outbox.settle(claim, UNKNOWN)
        return receipt.id

    rang, lost = unknown("442079460101"), unknown("442079460102")
    assert attention.resolve(rang, rang=True)
    assert attention.resolve(lost, rang=False)
    assert (state_of(outbox, rang), state_of(outbox, lost)) == (State.WITH_TEAM, State.WAITING)
    assert not attention.resolve(rang, rang=True)


def test_a_form_is_used_once(outbox: Outbox) -> None:
    first = outbox.accept(answers(), FormUse("form", "these answers"))
    again = outbox.accept(answers(), FormUse("form", "these answers"))
    other = outbox.accept(answers("442079460199"), FormUse("form", "other answers"))

    assert (again.id, again.stored_now, again.same_answers) == (first.id, False, True)
    assert (other.id, other.stored_now, other.same_answers) == (first.id, False, False)


def test_fifty_requests_for_one_number_at_once_are_one_hand_over(outbox: Outbox, attention: Operations) -> None:
    together = threading.Barrier(50)

    def ask() -> None:
        together.wait()
        outbox.accept(answers())

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(attention.listed(limit=100)) == 50
    assert len(attention.listed(attention=True)) == 47, "three an hour, the rest held"
    rung = [claim for claim in iter(lambda: outbox.claim("me"), None) if not claim.is_held]
    assert [len(claim.requests) for claim in rung] == [3]


def test_many_claimers_never_take_the_same_request(outbox: Outbox) -> None:
    for index in range(40):
        outbox.accept(answers(f"4420794601{index:02}"))
    taken: list[str] = []

    def take(owner: str) -> None:
        while claim := outbox.claim(owner):
            taken.extend(request.id for request in claim.requests)

    threads = [threading.Thread(target=take, args=[f"owner {index}"]) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40


def test_states_are_written_out_in_every_statement_that_runs_often(outbox: Outbox, database: Database) -> None:
    """Given with each run instead, they have SQLite plan the statement anew every time."""
    seen: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *run: seen.append(run[2]))
    outbox.accept(answers())
    claim = outbox.claim("me")

    assert claim
    assert outbox.settle(claim, WITH_TEAM)
    assert outbox.expire() == []
    asked = [found for statement in seen for found in re.findall(r"\.state = ([^\s)]+)", statement)]
    assert set(asked) == {"'waiting'", "'handing_over'", "'unknown'"}


def test_a_sandboxs_store_is_refused_in_production(database: Database) -> None:
    with pytest.raises(StoreError, match="this database belongs to production"):
        database.migrate("sandbox")


def test_the_migrations_make_the_tables_the_code_knows(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from ringback.store.tables import metadata

    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
