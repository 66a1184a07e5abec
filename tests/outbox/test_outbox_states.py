"""Whatever happens in whatever order, on a clock of its own: what the outbox promises holds.

The model keeps what the world would see: which numbers rang. A request may ring once; again only when
Samespace clearly did not take it, or a person, or `on_unknown`, said so.
"""

import itertools
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from ringback.opening_hours import Interval
from ringback.outbox import transitions
from ringback.outbox.claims import Claim, Settlement
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.pacing.breaker import UpstreamSignal
from ringback.outbox.request import Answers, EventKind, State
from ringback.outbox.transitions import Transition
from ringback.store.database import Database
from ringback.store.tables import requests
from tests.conftest import WIDGET, Clock, make_settings

ARROWS = {(arrow.before, arrow.after) for arrow in vars(transitions).values() if isinstance(arrow, Transition)}
NUMBERS = [f"44207946010{index}" for index in range(4)]


class Requests(RuleBasedStateMachine):
    """The steps a store can see."""

    claims = Bundle("claims")
    on_unknown = "hold"
    template = Path()  # a store with nothing in its tables, to be copied

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        shutil.copy(self.template, self.folder.name)
        url = f"sqlite:///{self.folder.name}/{self.template.name}"
        configured = make_settings(
            url,
            limits={"per_number": "3 per hour"},
            delivery={"retry_seconds": [5, 30], "on_unknown": self.on_unknown},
            widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help", "calls_per_minute": 30}},
        )
        self.clock = Clock()
        self.database = Database(url)
        self.outbox = Outbox(self.database, configured, self.clock)
        self.outbox.teams.register()
        self.attention = Operations(self.database, configured, self.clock)
        self.states: dict[str, State] = {}
        self.may_ring: dict[str, int] = {}  # how often a request may still ring
        self.rung: set[tuple[str, str]] = set()
        self.turns = itertools.count()

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @rule(number=st.sampled_from(NUMBERS), widget=st.sampled_from(["sales", "help"]))
    def ask(self, number: str, widget: str) -> None:
        receipt = self.outbox.accept(Answers(widget=widget, phone=number, region="GB"))
        self.may_ring[receipt.id] = 2 if self.on_unknown == "resend" else 1

    @rule(target=claims, owner=st.sampled_from(["one", "another"]))
    def claim(self, owner: str) -> object:
        claim = self.outbox.claim(f"{owner}-{next(self.turns)}")  # a name of its own, as the hand-over's are
        if claim is None:
            return multiple()
        asked = {(each.answers.phone, each.answers.widget, each.answers.slot_starts_at) for each in claim.requests}
        assert len(asked) == 1, "nobody joins over numbers, widgets or times"
        return claim

    @rule(claim=claims)
    def rings(self, claim: Claim) -> None:
        """Samespace takes it. Whether anybody will hear of that is another question."""
        call = (claim.requests[0].id, claim.owner)
        if claim.is_held or call in self.rung or not self._is_fresh(claim):
            return
        self.rung.add(call)
        for request in claim.requests:
            self.may_ring[request.id] -= 1
            assert self.may_ring[request.id] >= 0, "somebody was rung twice"

    @rule(claim=claims)
    def taken(self, claim: Claim) -> None:
        if self._is_fresh(claim):
            self.rings(claim)
            self.outbox.settle(claim, Settlement(transitions.TAKEN, sign=UpstreamSignal.SOUND))

    @rule(claim=claims, wait=st.sampled_from([5, 30]))
    def not_taken(self, claim: Claim, wait: int) -> None:
        if self._is_fresh(claim) and (claim.requests[0].id, claim.owner) not in self.rung:
            later = self.clock.now + timedelta(seconds=wait)
            self.outbox.settle(claim, Settlement(transitions.RETURN, "refused", UpstreamSignal.SOUND, later))

    @rule(claim=claims)
    def turned_away(self, claim: Claim) -> None:
        """It waits again, or fails by itself; either way it has not rung."""
        is_rung = (claim.requests[0].id, claim.owner) in self.rung
        if self._is_fresh(claim) and not is_rung and not claim.is_held:
            later = self.clock.now + timedelta(seconds=5)
            self.outbox.settle(claim, Settlement(transitions.RETURN, "422", UpstreamSignal.MISCONFIGURED, later))

    @rule(claim=claims)
    def no_telling(self, claim: Claim) -> None:
        if self._is_fresh(claim) and not claim.is_held:
            self.outbox.settle(claim, self.outbox.lost("time-out", claim))

    @rule(claim=claims)
    def settled_by_a_zombie(self, claim: Claim) -> None:
        """A second settlement, or one after the lease, changes nothing."""
        if not self._is_fresh(claim):
            assert not self.outbox.settle(claim, Settlement(transitions.TAKEN))

    def _is_fresh(self, claim: Claim) -> bool:
        return self._owners().get(claim.requests[0].id) == claim.owner

    def _owners(self) -> dict[str, str]:
        """By what claim each request is in the air: not every claim counts as an attempt."""
        query = sa.select(requests.c.id, requests.c.owner).where(requests.c.state == State.HANDING_OVER)
        with self.database.read() as connection:
            return {row.id: row.owner for row in connection.execute(query)}

    @rule(seconds=st.sampled_from([1, 10, 31, 600, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.clock.passes(seconds=seconds)

    @rule()
    def expire(self) -> None:
        self.outbox.expire()

    @rule()
    def samespace_is_back(self) -> None:
        self.outbox.samespace_answers()

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if self.may_ring:
            id = data.draw(st.sampled_from(list(self.may_ring)))
            if self.outbox.cancel(id):
                self.may_ring[id] = 0

    @rule(data=st.data(), minutes=st.sampled_from([0, 5, 60]))
    def reschedule(self, data: st.DataObject, minutes: int) -> None:
        if self.may_ring:
            start = self.clock.now + timedelta(minutes=minutes)
            slot = Interval(start, start + timedelta(minutes=30)) if minutes else None
            id = data.draw(st.sampled_from(list(self.may_ring)))
            before = self.outbox.read(id)
            if self.outbox.reschedule(id, slot) and slot:
                after = self.outbox.read(id)
                assert before
                assert after
                assert after[0].due_at == slot.start
                if before[0].due_at != slot.start:  # else the same form again, whatever became of it since
                    assert before[0].state is after[0].state is State.WAITING
                    assert after[0].next_attempt_at == slot.start

    @rule(number=st.sampled_from(NUMBERS))
    def stop(self, number: str) -> None:
        self.outbox.stop(number)

    @rule(data=st.data(), act=st.sampled_from(["release", "retry", "rang", "not rung"]))
    def operator(self, data: st.DataObject, act: str) -> None:
        if not self.may_ring:
            return
        id = data.draw(st.sampled_from(list(self.may_ring)))
        again = {"retry": self.attention.retry, "not rung": lambda id: self.attention.resolve(id, rang=False)}
        if act in again:
            self.may_ring[id] += again[act](id)
        elif act == "release":
            self.attention.release(id)
        else:
            self.attention.resolve(id, rang=True)

    @invariant()
    def nothing_is_lost_and_every_change_is_an_arrow(self) -> None:
        listed = {request.id: request for request in self.attention.listed(limit=1000)}
        assert set(listed) == set(self.may_ring)
        for id, request in listed.items():
            before = self.states.get(id, State.WAITING)
            assert request.state is before or self._leads(before, request.state)
            self.states[id] = request.state

    @staticmethod
    def _leads(before: State, after: State) -> bool:
        """Along one arrow, or two where one step takes both (cut off and then given up)."""
        return (before, after) in ARROWS or any(
            (before, middle) in ARROWS and (middle, after) in ARROWS for middle in State
        )

    @invariant()
    def one_number_is_in_the_air_once(self) -> None:
        flying = [
            request
            for request in self.attention.listed(limit=1000)
            if request.state is State.HANDING_OVER and request.held is None
        ]
        owners = self._owners()
        claims = {(request.answers.phone, owners[request.id]) for request in flying}
        assert len(claims) == len({request.answers.phone for request in flying})

    @invariant()
    def the_history_tells_the_state(self) -> None:
        telling = {
            State.WITH_TEAM: {EventKind.WITH_TEAM, EventKind.RESOLVED},
            State.UNKNOWN: {EventKind.UNKNOWN},
            State.FAILED: {EventKind.FAILED},
            State.CANCELLED: {EventKind.CANCELLED},
            State.HANDING_OVER: {EventKind.ATTEMPTED},
        }
        for id in self.may_ring:
            found = self.outbox.read(id)
            assert found
            request, events = found
            kinds = [event.kind for event in events if event.kind is not EventKind.HELD]
            assert kinds[0] is EventKind.RECEIVED
            if request.state in telling:
                assert kinds[-1] in telling[request.state]


class RequestsThatAreResent(Requests):
    """The same, where an unknown is sent once more by itself."""

    on_unknown = "resend"


@pytest.mark.parametrize("machine", [Requests, RequestsThatAreResent])
def test_what_the_outbox_promises_holds_in_any_order(
    machine: type[Requests], request: pytest.FixtureRequest, sqlite_template: Path
) -> None:
    Requests.template = sqlite_template
    many = "not long" not in request.config.getoption("markexpr")
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=400 if many else 5,
            derandomize=not many,  # the short run is the same everywhere; the long one looks further
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
