"""What is kept of call records, and who is called by them: those of the batch, and nobody else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ringback.outbox.calls import call_store, outcomes
from ringback.outbox.calls.call_matching import CallRecord, match
from ringback.outbox.calls.called import handed_over_together
from ringback.outbox.calls.outcomes import Outcome, Outcomes, Source
from ringback.outbox.outbox import Receipt
from ringback.outbox.request import State
from ringback.store.call_tables import calls
from ringback.store.call_tables import outcomes as outcome_lines
from ringback.store.tables import requests
from tests.conftest import WIDGET, make_settings
from tests.outbox.asking import BACK, NUMBER, OTHER, WIDGETS, Ringback, at_once

SETTINGS = make_settings("sqlite:///x", widgets=WIDGETS)


def record(uuid: str, ringback: Ringback, *of: Receipt, number: str = NUMBER, **later: float) -> CallRecord:
    references = frozenset(receipt.reference for receipt in of)
    return CallRecord(uuid, number, "Sales", ringback.clock() + timedelta(**later), True, True, references)


def keep(ringback: Ringback, *records: CallRecord) -> list[str]:
    with ringback.database.write() as connection:
        return call_store.keep(connection, SETTINGS, records, ringback.clock()).called


def lines(ringback: Ringback) -> set[tuple[str, str, bool]]:
    with ringback.database.read() as connection:
        return {(row.uuid, row.request_id, row.is_certain) for row in connection.execute(calls.select())}


def test_who_joined_after_a_call_was_not_called_by_it(ringback: Ringback) -> None:
    first = ringback.asks()
    ringback.outbox.settle(ringback.takes(), BACK)  # turned away, and called all the same
    call = record("1", ringback, first, seconds=5)
    ringback.clock.passes(minutes=10)
    joined = ringback.asks(name="Bob")
    ringback.rings()

    assert keep(ringback, call) == [first.reference]
    assert ringback.state(joined) is State.WITH_TEAM


def test_a_call_that_names_one_of_those_who_were_handed_over_together_is_of_all(ringback: Ringback) -> None:
    """As a call from an operator's dock does."""
    first, joined = ringback.asks(name="Ann"), ringback.asks(name="Bob")
    ringback.rings()
    ringback.clock.passes(minutes=5)
    assert set(keep(ringback, record("1", ringback, joined))) == {first.reference, joined.reference}


def test_a_call_from_before_it_was_released_is_not_taken_for_that_of_a_held_request(
    opened: Callable[..., Ringback],
) -> None:
    ringback = opened(limits={"per_number": "1 per day"}, widgets=WIDGETS | {"help": WIDGET})
    ringback.asks("442079460555", "sales")
    ringback.asks()
    held = ringback.asks(widget="help")  # of the same team, by its name
    ringback.rings()
    ringback.clock.passes(minutes=5)
    early = [record(each, ringback) for each in ("1", "2", "3")]
    ringback.clock.passes(minutes=5)
    ringback.attention.release(held.id, "console:robin")
    ringback.rings()
    with ringback.database.write() as connection:
        settings = make_settings("sqlite:///x", widgets={"sales": WIDGET, "help": WIDGET})
        call_store.keep(connection, settings, early, ringback.clock())
    assert held.id not in {request_id for _, request_id, _ in lines(ringback)}


def test_a_call_of_a_time_to_come_is_nobodys_but_by_its_reference(ringback: Ringback) -> None:
    maybe, sure = ringback.asks(), ringback.asks(OTHER)
    ringback.rings()
    late = record("1", ringback, hours=1)
    assert keep(ringback, late, record("2", ringback, sure, number=OTHER, hours=1)) == [sure.reference]
    assert lines(ringback) == {("2", sure.id, True)}
    found = ringback.outbox.read(sure.id)
    assert found
    assert found[1][-1].at == ringback.clock()
    assert ringback.state(maybe) is State.WITH_TEAM


def test_of_several_that_read_the_same_records_at_once_each_is_kept_once(ringback: Ringback) -> None:
    receipts = [ringback.asks(f"4420794600{index:02}") for index in range(5)]
    ringback.rings()
    records = [record(receipt.id, ringback, receipt, number="") for receipt in receipts]
    found: list[str] = []
    at_once([lambda: found.extend(keep(ringback, *records))] * 4)
    assert sorted(found) == sorted(receipt.reference for receipt in receipts)
    assert len(lines(ringback)) == 5
    with ringback.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(outcome_lines)).scalar() == 5


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_what_is_erased_while_its_call_is_read_keeps_nothing_of_it(
    ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = ringback.asks()
    ringback.rings()

    def erased_meanwhile(*given: Any) -> Any:
        ringback.personal_data.erase(receipt.id)
        return match(*given)

    monkeypatch.setattr(call_store, "match", erased_meanwhile)
    assert keep(ringback, record("1", ringback, receipt)) == []
    assert lines(ringback) == set()


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_a_note_about_what_is_erased_at_that_moment_is_not_kept(
    ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = ringback.asks()
    ringback.rings()
    said = Outcomes(ringback.database, ringback.outbox.number_rules, ringback.clock)

    def erased_meanwhile(connection: sa.Connection, id: str) -> list[str]:
        found = handed_over_together(connection, id)
        ringback.personal_data.erase(receipt.id)
        return found

    monkeypatch.setattr(outcomes, "handed_over_together", erased_meanwhile)
    assert not said.say(receipt.id, Outcome.ANSWERED, Source.AGENT, note="her name is Ann")
    assert said.said(receipt.id) == []


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_page_of_records_costs_the_same_however_many_requests_wait_for_their_calls(ringback: Ringback) -> None:
    first, second = ringback.asks(), ringback.asks(OTHER)
    ringback.rings()
    few = steps(ringback, record("1", ringback, first))
    others_wait(ringback, first, 2_000)
    assert steps(ringback, record("2", ringback, second, number=OTHER)) < few * 1.5


def steps(ringback: Ringback, *records: CallRecord) -> int:
    """How many hundreds of steps SQLite takes to keep them."""
    taken = 0

    def step() -> None:
        nonlocal taken
        taken += 1

    with ringback.database.write() as connection:
        sqlite = connection.connection.driver_connection
        assert sqlite
        sqlite.set_progress_handler(step, 100)
        assert call_store.keep(connection, SETTINGS, records, ringback.clock()).called
        sqlite.set_progress_handler(None, 0)
    return taken


def others_wait(ringback: Ringback, like: Receipt, count: int) -> None:
    """Requests that were handed over, each with a call that may be its, and as many that were called."""
    with ringback.database.write() as connection:
        row = connection.execute(requests.select().where(requests.c.id == like.id)).one()._asdict()
        rows = [
            row
            | {"id": f"other{n}", "reference": f"RB-{n}", "phone": f"4420{n:08}", "form_id": None, "state": state}
            for n, state in enumerate(["with_team", "called"] * count)
        ]
        connection.execute(requests.insert(), rows)
        mine = {"started_at": ringback.clock(), "read_at": ringback.clock(), "answered": True}
        seen = [
            mine | {"uuid": each["id"], "request_id": each["id"], "is_certain": each["state"] == "called"}
            for each in rows
        ]
        connection.execute(calls.insert(), seen)
