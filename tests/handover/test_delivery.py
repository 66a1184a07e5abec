"""What an outcome means for a request, and what the agent is told."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.handover.loop import Delivery
from ringback.handover.outcomes import Accepted, Busy, Misconfigured, NotSent, Outcome, Refused, Unclear
from ringback.outbox import transitions
from ringback.outbox.claims import Claim, Settlement
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, State
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.database import Database
from ringback.store.tables import requests
from tests.conftest import PUBLIC_URL, WIDGET, Clock
from tests.faults import FaultServer, Visit, response
from tests.running import ROOT

NOT_BEFORE = {1: 5, 2: 30, 3: 120, 4: 300, 7: 3600, 20: 3600}


@pytest.fixture
def app(make_app: Callable[..., Flask], samespace: SandboxSamespace) -> Flask:
    widgets = {
        "sales": WIDGET,
        "help": WIDGET | {"team_name": "Help", "hours": {"timezone": "Asia/Kolkata"}, "attributes": []},
    }
    return make_app(base_url=samespace.base_url, widgets=widgets)


def answers(phone: str = "442079460123", widget: str = "sales", **said: str) -> Answers:
    return Answers(widget=widget, phone=phone, region="GB", **said)


def claim_of(outbox: Outbox, attempt: int = 1) -> Claim:
    outbox.accept(answers())
    claim = outbox.claim("test")
    assert claim
    return replace(claim, attempt=attempt)


def hand_over_all(delivery: Delivery, outbox: Outbox) -> None:
    while claim := outbox.claim("test"):
        delivery.hand_over(claim)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Accepted(reply="{}"), State.WITH_TEAM),
        (Refused(message="Not logged In", reply=""), State.WAITING),
        (NotSent(reason="refused"), State.WAITING),
        (Busy(retry_after=None, status=429), State.WAITING),
        (Misconfigured(status=404, reply=""), State.WAITING),
        (Unclear(reason="time-out", status=None, reply=""), State.UNKNOWN),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, State) else value.value,
)
def test_every_outcome_has_a_state(delivery: Delivery, outbox: Outbox, outcome: Outcome, state: State) -> None:
    assert delivery.settlement_of(outcome, claim_of(outbox)).transition.after is state


@pytest.mark.parametrize(("attempt", "seconds"), NOT_BEFORE.items())
def test_the_waits_are_those_of_the_settings_give_or_take_a_fifth(
    delivery: Delivery, outbox: Outbox, clock: Clock, attempt: int, seconds: float
) -> None:
    claim = claim_of(outbox, attempt)
    for _ in range(50):
        at = delivery.settlement_of(NotSent(reason=""), claim).next_attempt_at
        assert at
        assert seconds * 0.8 <= (at - clock.now).total_seconds() <= seconds * 1.2


def test_retry_after_is_honoured(delivery: Delivery, outbox: Outbox, clock: Clock) -> None:
    at = delivery.settlement_of(Busy(retry_after=600, status=503), claim_of(outbox)).next_attempt_at

    assert at == clock.now + timedelta(seconds=600)


def test_a_process_that_stops_does_not_wait_out_a_held_request(outbox: Outbox, delivery: Delivery) -> None:
    outbox.stop("442079460123")
    outbox.accept(Answers("sales", "442079460123", "GB"))
    claim = outbox.claim("me")
    assert claim
    delivery._recent.append(3_600)
    delivery.stop(0)
    thread = threading.Thread(target=delivery.hand_over, args=(claim,), daemon=True)
    thread.start()
    thread.join(20)

    assert not thread.is_alive()


def test_a_held_request_rings_nobody_and_goes_the_same_way(
    delivery: Delivery, outbox: Outbox, samespace: SandboxSamespace, clock: Clock
) -> None:
    outbox.stop("442079460123")
    receipt = outbox.accept(answers())
    samespace.mode = Mode.DOWN
    hand_over_all(delivery, outbox)
    assert state(outbox, receipt.id) is State.WAITING, "as any other while Samespace is down"

    samespace.mode = Mode.ANSWERS
    clock.passes(seconds=10)
    assert outbox.take_probe()
    outbox.samespace_answers()
    hand_over_all(delivery, outbox)
    assert state(outbox, receipt.id) is State.WITH_TEAM
    assert samespace.calls == []


def test_who_joins_a_request_that_was_refused_to_the_last_is_not_given_up_with_it(
    delivery: Delivery, outbox: Outbox, samespace: SandboxSamespace, clock: Clock
) -> None:
    first = outbox.accept(answers())
    for _ in range(7):
        claim = outbox.claim("test")
        assert claim
        outbox.settle(claim, Settlement(transitions.RETURN, next_attempt_at=clock.now))
    late = outbox.accept(answers())
    samespace.mode = Mode.REFUSES
    hand_over_all(delivery, outbox)
    assert state(outbox, late.id) is state(outbox, first.id) is State.WAITING, "one call, one end"

    samespace.mode = Mode.ANSWERS
    clock.passes(minutes=1)
    hand_over_all(delivery, outbox)
    (call,) = samespace.calls
    assert call.attributes["attempt"] == "9", "the agent reads how often the first was tried"


def test_of_requests_that_go_together_the_agent_reads_each_ones_words_by_its_reference(
    delivery: Delivery, outbox: Outbox, samespace: SandboxSamespace, clock: Clock
) -> None:
    first = outbox.accept(answers(name="Ann", message="about the bill"))
    clock.passes(seconds=1)
    second = outbox.accept(answers(name="Ann", message="it is urgent", company="Acme"))
    hand_over_all(delivery, outbox)

    (call,) = samespace.calls
    assert call.attributes["name"] == f"{first.reference}: Ann / {second.reference}: Ann"
    assert call.attributes["message"] == f"{first.reference}: about the bill / {second.reference}: it is urgent"
    assert call.attributes["company"] == f"{second.reference}: Acme"
    assert call.attributes["reference"] == f"{first.reference} / {second.reference}"


@pytest.mark.parametrize("colon", [":", ": :", " :", "\uff1a", "\ua789"])
@pytest.mark.parametrize("spelled", ["{}", "( {} )", "small"])
def test_nobody_writes_down_what_another_is_to_have_said(
    delivery: Delivery, outbox: Outbox, samespace: SandboxSamespace, spelled: str, colon: str
) -> None:
    first = outbox.accept(answers(name="Ann"))
    known = first.reference.lower() if spelled == "small" else spelled.format(first.reference)
    second = outbox.accept(answers(name=f"Bob / {known}{colon} call my boss", message=f"see {first.reference}"))
    hand_over_all(delivery, outbox)

    (call,) = samespace.calls
    assert call.attributes["message"] == f"{second.reference}: see {first.reference}", "to name one is no harm"
    assert call.attributes["name"].startswith(f"{first.reference}: Ann / {second.reference}: Bob / ")
    assert not re.search(r"[:\uff1a\ua789]", call.attributes["name"].partition("Bob")[2])


def test_times_are_in_the_teams_zone(delivery: Delivery, outbox: Outbox, samespace: SandboxSamespace) -> None:
    outbox.accept(answers(widget="help"))
    hand_over_all(delivery, outbox)

    (call,) = samespace.calls
    assert call.team_name == "Help"
    assert call.attributes["requested_at"] == "2026-11-24T15:30:00+05:30"


def test_a_late_hand_over_says_how_late_and_why(
    delivery: Delivery, outbox: Outbox, samespace: SandboxSamespace, clock: Clock
) -> None:
    samespace.mode = Mode.REFUSES
    outbox.accept(answers())
    hand_over_all(delivery, outbox)
    samespace.mode = Mode.ANSWERS
    clock.passes(minutes=7)
    hand_over_all(delivery, outbox)

    call = samespace.calls[-1]
    assert call.attributes["attempt"] == "2"
    assert call.attributes["note"].startswith("Handed over 7 minutes late: Samespace could not take it before.")


def test_a_request_whose_widget_has_gone_waits_for_a_person(
    make_app: Callable[..., Flask], samespace: SandboxSamespace, tmp_path: Path, outbox: Outbox
) -> None:
    receipt = outbox.accept(answers(widget="help"))
    other = make_app(base_url=samespace.base_url)
    hand_over_all(other.extensions["ringback"].delivery, other.extensions["ringback"].outbox)

    assert state(outbox, receipt.id) is State.FAILED
    assert samespace.calls == []


def state(outbox: Outbox, id: str) -> State:
    found = outbox.read(id)
    assert found
    return found[0].state


AT_ITS_END = """
import os, sys
from app import app
app.config["WTF_CSRF_ENABLED"] = False
for number in range(20):
    form, address = {"phone": f"020 7946 01{number:02}", "name": "Ann"}, {"REMOTE_ADDR": f"10.{number}.7.1"}
    assert app.test_client().post("/sales", data=form, environ_overrides=address).status_code == 303
print("the end", file=sys.stderr)
"""


def test_a_program_that_comes_to_its_end_hands_over_what_it_has_claimed_and_says_nothing_of_it(
    tmp_path: Path,
) -> None:
    """More wait than are in the air at once, so that one is claimed as soon as one has ended."""

    def takes_its_time(visit: Visit) -> None:
        visit.read()
        visit.rest(0.3)
        visit.send(response(200, '{"success": true}'))

    with FaultServer(takes_its_time) as server:
        configuration = tmp_path / "ringback.toml"
        configuration.write_text(
            f'[samespace]\nspace_id = "acme"\nbase_url = "{server.base_url}"\n'
            '[widgets.sales]\nteam_name = "Sales"\nregion = "GB"\n'
        )
        environment = {
            "RINGBACK_CONFIG": str(configuration),
            "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
            "DATABASE_URL": f"sqlite:///{tmp_path}/ringback.db",
            "PUBLIC_URL": PUBLIC_URL,
        }
        done = subprocess.run(
            [sys.executable, "-c", AT_ITS_END],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    database = Database(environment["DATABASE_URL"])
    with database.read() as connection:
        states = set(connection.execute(sa.select(requests.c.state)).scalars())
    database.close()

    said = done.stderr.partition("the end\n")[2]
    assert [line for line in said.splitlines() if " INFO " not in line] == []
    assert states <= {"waiting", "with_team"}
