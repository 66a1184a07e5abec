"""No two transactions wait for each other, where rows are locked one by one.

Whoever may wait for several requests takes them in the order of their ids; claims and the clock wait for none.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from ringback.outbox import transitions
from ringback.outbox.calls.not_called import NotCalled
from ringback.outbox.claims import Claim, Settlement
from ringback.outbox.numbers.number_rules import NumberRules
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox, Receipt
from ringback.outbox.pacing.breaker import UpstreamSignal
from ringback.outbox.personal_data import PersonalData
from ringback.outbox.request import Answers, State
from ringback.store.call_tables import call_reading
from ringback.store.database import Database
from ringback.store.tables import breaker, requests, teams
from tests.conftest import WIDGET, Clock, make_settings

NUMBER = "442079460123"
WIDGETS = {
    "sales": WIDGET,
    "mornings": WIDGET | {"hours": {"timezone": "Europe/London", "tue": ["09:00-12:00"]}},
}


class Ringback:
    """The parts that change requests, on one PostgreSQL."""

    def __init__(self, database: Database, url: str, clock: Clock) -> None:
        self.settings = settings = make_settings(
            url, widgets=WIDGETS, limits={"per_number": "50 per hour"}, delivery={"on_unknown": "resend"}
        )
        self.database = database
        self.clock = clock
        self.outbox = Outbox(database, settings, clock)
        self.outbox.teams.register()
        self.operations = Operations(database, settings, clock)
        self.personal_data = PersonalData(database, settings, NumberRules(settings), clock)

    def asks(self, number: str = NUMBER, widget: str = "sales") -> Receipt:
        return self.outbox.accept(Answers(widget=widget, phone=number, region="GB"))

    def takes(self) -> Claim:
        claim = self.outbox.claim("me")
        assert claim, "something may go"
        return claim

    def state(self, receipt: Receipt) -> State:
        found = self.outbox.read(receipt.id)
        assert found
        return found[0].state

    def is_free(self, receipt: Receipt) -> bool:
        """Whether nobody has its row."""
        mine = sa.select(requests.c.id).where(requests.c.id == receipt.id)
        with self.database.read() as connection:
            return connection.execute(mine.with_for_update(skip_locked=True)).first() is not None

    @contextmanager
    def somebody_has(self, *receipts: Receipt) -> Iterator[None]:
        """Another transaction holds their rows meanwhile."""
        mine = requests.c.id.in_([receipt.id for receipt in receipts])
        with self.database.read() as connection:
            connection.execute(sa.select(requests.c.id).where(mine).with_for_update())
            yield

    def wait_for_a_wait(self) -> None:
        """Until a transaction waits for a lock."""
        waiting = sa.text("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1")
        until = time.monotonic() + 5
        while time.monotonic() < until:
            with self.database.read() as connection:
                if connection.execute(waiting).first():
                    return
        raise TimeoutError


@pytest.fixture
def ringback(postgres_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ringback]:
    """Whoever asks later comes first in the order of ids, and last in every other."""
    ids = itertools.count(999, -1)
    monkeypatch.setattr("ringback.outbox.outbox.new_id", lambda: f"{next(ids):032}")
    database = Database(postgres_url)
    database.migrate("production")
    yield Ringback(database, postgres_url, clock)
    database.close()


def test_a_claim_waits_for_no_request_that_somebody_else_has(ringback: Ringback) -> None:
    """It has the first already: whoever has the other, and wants the first, would wait for it in turn."""
    first, other = ringback.asks(), ringback.asks()
    with ringback.somebody_has(other):
        claim = ringback.takes()

    assert [request.id for request in claim.requests] == [first.id]
    assert ringback.state(other) is State.WAITING


def test_the_clock_waits_for_no_request_that_somebody_else_has(ringback: Ringback) -> None:
    """What it passes over it ends, puts off or sends once more when it comes by again."""
    unknown, cut_off = ringback.asks("442079460001"), ringback.asks("442079460002")
    claim, _ = ringback.takes(), ringback.takes()
    ringback.outbox.settle(claim, ringback.outbox.lost("no answer"))
    late, put_off = ringback.asks("442079460003"), ringback.asks("442079460004", "mornings")
    ringback.clock.passes(hours=3)

    for receipt in (unknown, cut_off, late, put_off):
        with ringback.somebody_has(receipt):
            ringback.outbox.expire()

    found = ringback.outbox.read(unknown.id)
    assert found
    assert found[0].resent
    assert ringback.state(cut_off) is State.UNKNOWN
    assert ringback.state(late) is State.FAILED
    assert ringback.state(put_off) is State.WAITING


@pytest.mark.parametrize("act", ["block", "stop", "retry", "erase"])
def test_whoever_changes_several_requests_takes_them_in_the_order_of_their_ids(
    ringback: Ringback, act: str
) -> None:
    earlier, last = ringback.asks(), ringback.asks()
    acts: dict[str, Callable[[], object]] = {
        "block": lambda: ringback.operations.block("44", is_range=True),
        "stop": lambda: ringback.outbox.stop(NUMBER),
        "retry": lambda: ringback.operations.retry_all([earlier.id, last.id]),
        "erase": lambda: ringback.personal_data.erase_number(NUMBER),
    }
    acting = threading.Thread(target=acts[act])
    with ringback.somebody_has(last):  # the first by its id
        acting.start()
        ringback.wait_for_a_wait()
        is_free = ringback.is_free(earlier)
    acting.join()

    assert is_free


def test_whoever_notes_that_nobody_called_takes_requests_in_the_order_of_their_ids(ringback: Ringback) -> None:
    earlier, last = ringback.asks(), ringback.asks()
    assert ringback.outbox.settle(ringback.takes(), Settlement(transitions.TAKEN))
    ringback.clock.passes(hours=1)
    not_called = NotCalled(ringback.database, ringback.settings, ringback.clock)
    for _ in range(61):  # its clock runs steadily
        not_called.tell()
        ringback.clock.passes(minutes=1)
    with ringback.database.write() as connection:
        connection.execute(call_reading.update().values(read_up_to=ringback.clock()))
    telling = threading.Thread(target=not_called.tell)
    with ringback.somebody_has(last):  # the first by its id
        telling.start()
        ringback.wait_for_a_wait()
        is_free = ringback.is_free(earlier)
    telling.join()

    assert is_free


def test_the_end_of_a_call_has_no_team_while_it_waits_for_the_breaker(ringback: Ringback) -> None:
    """A claim has the breaker first and then the team: the other way round each would wait for the other."""
    ringback.asks(), ringback.asks("442079460001")
    claim, other = ringback.takes(), ringback.takes()
    ringback.outbox.settle(other, ringback.outbox.lost("no answer"))
    ringback.clock.passes(seconds=10)
    ringback.outbox.samespace_answers()
    refused = Settlement(transitions.FAIL, "422", UpstreamSignal.MISCONFIGURED)
    ending = threading.Thread(target=ringback.outbox.settle, args=[claim, refused])
    with ringback.database.read() as connection:
        assert connection.execute(sa.select(breaker.c.state).with_for_update()).scalar_one() == "trying"
        ending.start()
        ringback.wait_for_a_wait()
        with ringback.database.read() as another:
            team = another.execute(sa.select(teams.c.name).with_for_update(skip_locked=True)).all()
    ending.join()

    assert team
