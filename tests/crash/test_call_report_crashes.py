"""Killed at any moment while it reads call reports: no call is lost, and none is counted twice."""

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, State
from ringback.sandbox import call_log
from ringback.sandbox.call_log import CallEnd
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.call_tables import call_reading, calls, outcomes
from ringback.store.database import Database
from ringback.store.tables import events, requests
from tests.conftest import make_settings
from tests.outbox.asking import TAKEN

pytestmark = pytest.mark.xdist_group("crash")

# Forks for each reading, so that nothing is imported again. Its clock is ahead: what began just now is read.
READER = """
import os, signal, sys
from datetime import timedelta
import sqlalchemy as sa
from pydantic import SecretStr
from ringback.clock import utc_now
from ringback.factory import create_app
from ringback.services import services_of
from tests.conftest import make_settings

def read(url, base, last):
    samespace = {"base_url": base, "space_id": "acme", "call_reports_seconds": 1}
    settings = make_settings(url, samespace=samespace, environment={"samespace_api_key": SecretStr("a key")})
    services = services_of(create_app(settings, lambda: utc_now() + timedelta(seconds=5)))
    moments = 0

    def moment(*_):
        nonlocal moments
        moments += 1
        if moments == last:
            os.kill(os.getpid(), signal.SIGKILL)

    for each in ("begin", "before_cursor_execute", "after_cursor_execute", "commit", "checkin"):
        sa.event.listen(services.database.engine, each, moment)
    os._exit(not services.call_reports.run_once())

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        read(*sys.argv[1:], int(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Reader:
    """A process that reads, once each time it is told to, and is killed at that moment of the reading."""

    def __init__(self, url: str, samespace: SandboxSamespace) -> None:
        arguments = [sys.executable, "-c", READER, url, samespace.base_url]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            arguments, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, cwd=Path.cwd()
        )

    def reads(self, until: int) -> int:
        """How it ended."""
        assert self._process.stdin
        assert self._process.stdout
        print(until, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


class Team:
    """Somebody asks, the team is given the call, and has called by the time that it is asked about."""

    def __init__(self, store: Database, url: str, samespace: SandboxSamespace) -> None:
        limits = {"per_number": "9999 per day", "per_widget": "9999 per day"}
        self.outbox = Outbox(store, make_settings(url, limits=limits))
        self.outbox.teams.register()
        self.samespace = samespace
        self.asked = 0

    def calls(self, count: int) -> None:
        for _ in range(count):
            self.asked += 1
            phone = f"4420{70_000_000 + self.asked * 1013}"
            receipt = self.outbox.accept(Answers(widget="sales", phone=phone, region="GB"))
            claim = self.outbox.claim("me")
            assert claim
            self.outbox.settle(claim, TAKEN)
            body = {"number": claim.requests[0].answers.phone, "team_name": "Sales", "space_id": "acme"}
            self.samespace.record(body | {"attributes": {"reference": receipt.reference}})
            self.samespace.ends(self.asked, CallEnd.ANSWERED)


@pytest.fixture
def store(store_url: str) -> Iterator[Database]:
    database = Database(store_url)
    yield database
    database.close()


@pytest.mark.parametrize(
    ("store_url", "step"),
    [
        ("sqlite", 20),
        pytest.param("sqlite", 1, marks=pytest.mark.long),
        pytest.param("postgres", 1, marks=pytest.mark.long),
    ],
    indirect=["store_url"],
)
def test_a_reading_that_is_killed_loses_and_doubles_nothing(
    store: Database, store_url: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after each statement and commit: every moment that can leave anything behind."""
    monkeypatch.setattr(call_log, "APPEARS_AFTER", timedelta())
    samespace = SandboxSamespace(keep=5_000)
    samespace.start()
    team, reader = Team(store, store_url, samespace), Reader(store_url, samespace)
    kills, found_by_killed = 0, 0
    try:
        for moment in itertools.count(1, step):
            is_called = requests.c.state == State.CALLED
            if how_many(store, requests, is_called) == team.asked:
                team.calls(3)
            before = how_many(store, requests, is_called)
            free(store)
            end = reader.reads(until=moment)
            if end == 0:
                break
            assert end == -signal.SIGKILL
            kills += 1
            found_by_killed += how_many(store, requests, is_called) > before
    finally:
        reader.close()
        samespace.stop()
    assert kills >= 100 // step
    assert found_by_killed, "some were killed after what they kept"
    assert how_many(store, requests, requests.c.state == State.CALLED) == team.asked
    assert how_many(store, calls) == team.asked
    assert how_many(store, outcomes) == team.asked
    assert how_many(store, events, events.c.kind == "called") == team.asked


def free(store: Database) -> None:
    """What a killed process had taken would be free after its lease; no test waits for that."""
    with store.write() as connection:
        connection.execute(call_reading.update().values(owner=None, busy_until=None, next_at=None))


def how_many(store: Database, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    with store.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one()
