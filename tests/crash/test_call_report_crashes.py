"""Killed at any moment while it reads call reports: no call is lost, and none is counted twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import copy

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


def reader(url: str, samespace: SandboxSamespace) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-c", READER, url, samespace.base_url]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path.cwd())


@pytest.fixture
def store(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    copy(sqlite_template, tmp_path / "ringback.db")
    database = Database(f"sqlite:///{tmp_path}/ringback.db")
    yield database
    database.close()


@pytest.mark.parametrize(("count", "kills"), [(6, 2), pytest.param(300, 60, marks=pytest.mark.long)])
def test_a_reading_that_is_killed_loses_and_doubles_nothing(
    store: Database, tmp_path: Path, count: int, kills: int
) -> None:
    url, draw = f"sqlite:///{tmp_path}/ringback.db", random.Random(5)
    samespace = SandboxSamespace(keep=count)
    samespace.start()
    limits = {"per_number": "9999 per day", "per_widget": "9999 per day"}
    outbox = Outbox(store, make_settings(url, limits=limits))
    outbox.teams.register()
    for index in range(count):
        receipt = outbox.accept(Answers(widget="sales", phone=f"4420{70_000_000 + index * 1013}", region="GB"))
        claim = outbox.claim("me")
        assert claim
        outbox.settle(claim, TAKEN)
        body = {"number": claim.requests[0].answers.phone, "team_name": "Sales", "space_id": "acme"}
        samespace.record(body | {"attributes": {"reference": receipt.reference}})
        samespace.ends(index + 1, CallEnd.ANSWERED)
    try:
        for _ in range(kills):
            process = reader(url, samespace)
            assert process.stdout
            process.stdout.readline()
            time.sleep(draw.uniform(0, 0.2))  # any moment, not one that is waited for
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()
            free(store)
        process = reader(url, samespace)
        try:
            until = time.monotonic() + 60
            while how_many(store, requests, requests.c.state == State.CALLED) < count:
                assert time.monotonic() < until, "every call is found"
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
            assert process.stdout
            process.stdout.close()
    finally:
        samespace.stop()
    assert how_many(store, calls) == count
    assert how_many(store, outcomes) == count
    assert how_many(store, events, events.c.kind == "called") == count


def free(store: Database) -> None:
    """What a killed process had taken would be free after its lease; no test waits for that."""
    with store.write() as connection:
        connection.execute(call_reading.update().values(owner=None, busy_until=None, next_at=None))


def how_many(store: Database, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    with store.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one()
