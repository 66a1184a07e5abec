"""What the sandbox's Samespace tells of calls, and what Ringback makes of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from pydantic import SecretStr

from ringback.handover.call_reports import CallReports, ReportError
from ringback.outbox.calls.calls import Window
from ringback.outbox.request import Answers, State
from ringback.sandbox import call_log
from ringback.sandbox.call_log import CallEnd
from ringback.sandbox.samespace import SandboxSamespace
from ringback.services import services_of
from tests.conftest import Clock


@pytest.fixture
def now(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Records are there at once, and the clock of Ringback is the one that the sandbox goes by."""
    monkeypatch.setattr(call_log, "APPEARS_AFTER", timedelta())
    clock.now = datetime.now(UTC) - timedelta(seconds=30)
    return clock


@pytest.mark.parametrize(
    ("end", "state"), [("answered", "called"), ("no_answer", "called"), ("not_yet", "with_team")]
)
def test_what_is_said_on_the_dock_is_read_as_a_call_report(
    make_app: Callable[..., Flask], samespace: SandboxSamespace, now: Clock, end: str, state: str
) -> None:
    key = {"samespace_api_key": SecretStr("a key")}
    app = make_app(base_url=samespace.base_url, environment=key)
    id = services_of(app).outbox.accept(Answers(widget="sales", phone="442079460123", region="GB")).id
    services_of(app).delivery.run_once()
    assert samespace.ends(1, CallEnd(end))
    now.passes(minutes=1)

    assert services_of(app).call_reports.run_once()
    found = services_of(app).outbox.read(id)
    assert found
    assert found[0].state is State(state)


def test_it_answers_to_a_key_only_and_for_a_month_at_most(samespace: SandboxSamespace) -> None:
    now = datetime.now(UTC)
    samespace_reports = CallReports(samespace.base_url, "a key", 10)
    assert samespace_reports.page(Window(now - timedelta(days=28), now), 0).total == 0
    with pytest.raises(ReportError):
        samespace_reports.page(Window(now - timedelta(days=40), now), 0)


def test_there_is_no_record_of_a_call_that_is_not_there(samespace: SandboxSamespace) -> None:
    assert not samespace.ends(7, CallEnd.ANSWERED)
