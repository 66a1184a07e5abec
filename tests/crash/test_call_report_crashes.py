"""Killed at any moment while it reads call reports: no call is lost, and none is counted twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, State
from ringback.sandbox.call_log import CallEnd
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.call_tables import call_reading, calls, outcomes
from ringback.store.database import Database
from ringback.store.tables import events, requests
from tests.conftest import make_settings
from tests.outbox.asking import TAKEN

pytestmark = pytest.mark.xdist_group("crash")

READER = """
import sys
from pydantic import SecretStr
from ringback.factory import create_app
from ringback.services import services_of
from tests.conftest import make_settings

url, base = sys.argv[1:]
samespace = {"base_url": base, "space_id": "acme", "call_reports_seconds": 1}
settings = make_settings(url, samespace=samespace, environment={"samespace_api_key": SecretStr("a key")})
services = services_of(create_app(settings))
print("ready", flush=True)
while True:
    services.call_reports.run_once()
"""


@contextmanager
def reader(url: str, samespace: SandboxSamespace) -> Iterator[subprocess.Popen[bytes]]:
    """A process that reads, from when it begins until it has died."""
    arguments = [sys.executable, "-c", READER, url, samespace.base_url]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path.cwd())
    assert process.stdout
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


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
    ("store_url", "count", "kills"),
    [
        ("sqlite", 12, 3),
        pytest.param("sqlite", 600, 60, marks=pytest.mark.long),
        pytest.param("postgres", 600, 60, marks=pytest.mark.long),
    ],
    indirect=["store_url"],
)
def test_a_reading_that_is_killed_loses_and_doubles_nothing(
    store: Database, store_url: str, count: int, kills: int
) -> None:
    draw = random.Random(5)
    samespace = SandboxSamespace(keep=count)
    samespace.start()
    team = Team(store, store_url, samespace)
    found_at_kills = set()
    try:
        for _ in range(kills):
            team.calls(count // kills)
            with reader(store_url, samespace) as process:
                time.sleep(draw.uniform(0, 0.3))  # any moment, not one that is waited for
                os.kill(process.pid, signal.SIGKILL)
            found_at_kills.add(team.asked - how_many(store, requests, requests.c.state == State.CALLED))
            free(store)
        with reader(store_url, samespace) as process:
            until = time.monotonic() + 60
            while how_many(store, requests, requests.c.state == State.CALLED) < count:
                assert time.monotonic() < until, "every call is found"
                time.sleep(0.1)
            process.kill()
    finally:
        samespace.stop()
    assert how_many(store, calls) == count
    assert how_many(store, outcomes) == count
    assert how_many(store, events, events.c.kind == "called") == count
    print(f"open after each kill: {sorted(found_at_kills)}")


def free(store: Database) -> None:
    """What a killed process had taken would be free after its lease; no test waits for that."""
    with store.write() as connection:
        connection.execute(call_reading.update().values(owner=None, busy_until=None, next_at=None))


def how_many(store: Database, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    with store.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one()
