"""From every released revision forward, with requests in it, on both engines."""

import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from ringback.outbox.operators.audit_list import AuditList
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import State
from ringback.store import revisions
from ringback.store.database import Database
from tests.conftest import Clock, make_settings
from tests.postgres import ask, database_of


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store without any table, unlike that of the other tests."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ringback.db"
        return
    server, name = request.getfixturevalue("postgres_server"), f"empty_{secrets.token_hex(8)}"
    ask(server, f"CREATE DATABASE {name}")
    yield database_of(server, name)
    ask(server, f"DROP DATABASE {name} WITH (FORCE)")


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", "ringback.store:migrations")
    return config


REVISIONS = [revision.revision for revision in ScriptDirectory.from_config(configuration()).walk_revisions()][::-1]


def test_the_files_are_named_by_their_revisions() -> None:
    assert revisions.newest() == REVISIONS[-1]
    assert [revision for revision in REVISIONS if not revisions.is_known(revision)] == []
    assert not revisions.is_known("0000")


def upgrade(database: Database, revision: str) -> None:
    with database.write() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def fill(database: Database, clock: Clock) -> list[str]:
    """A request in each state, as the first release stored them."""
    at = clock.now.replace(tzinfo=None) if database.is_sqlite else clock.now
    states = [state.value for state in State]
    with database.write() as connection:
        table = sa.Table("requests", sa.MetaData(), autoload_with=connection)
        for index, state in enumerate(states):
            row = dict.fromkeys(("name", "email", "company", "message", "page"), "")
            row |= dict.fromkeys(("requested_at", "due_at", "next_attempt_at", "changed_at"), at)
            row["give_up_at"] = at + timedelta(hours=2)
            row |= {"id": f"{index:032}", "reference": f"RB-TEST-000{index}", "state": state, "region": "GB"}
            row |= {"widget": "sales", "phone": f"44207946010{index}", "attributes": {}, "language": "en"}
            connection.execute(table.insert().values({name: row[name] for name in row if name in table.c}))
    return states


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_store_of_every_revision_comes_forward_with_its_requests(
    revision: str, store_url: str, clock: Clock
) -> None:
    database = Database(store_url)
    upgrade(database, revision)
    states = fill(database, clock)
    database.migrate("production")

    attention = Operations(database, make_settings(store_url), clock)
    assert sorted(request.state.value for request in attention.listed()) == sorted(states)
    outbox = Outbox(database, make_settings(store_url), clock)
    outbox.teams.register()
    claim = outbox.claim("test")
    assert claim
    assert claim.requests[0].requested_at == datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    database.close()


def test_what_was_done_before_is_read_by_widget(store_url: str, clock: Clock) -> None:
    database = Database(store_url)
    upgrade(database, "0015")
    fill(database, clock)
    with database.write() as connection:
        for about in ("RB-TEST-0001", "RB-TEST-NONE", "number"):
            done = sa.text("INSERT INTO audit (at, who, act, about) VALUES (:at, 'cli:root', 'do', :about)")
            connection.execute(done, {"at": clock.now.isoformat(sep=" "), "about": about})
    database.migrate("production")
    acts, _ = AuditList(database).page(widgets=["sales"])
    assert [act.about for act in acts] == ["RB-TEST-0001"]
    database.close()


def test_many_processes_may_start_at_once(store_url: str) -> None:
    databases = [Database(store_url) for _ in range(4)]
    faults: list[Exception] = []

    def start(database: Database) -> None:
        try:
            database.migrate("production")
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=start, args=[database]) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in databases:
        database.close()
    assert faults == []


def test_a_start_waits_for_the_process_that_brings_the_store_up_to_date_and_has_no_limit_itself(
    store_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Database(store_url), Database(store_url)
    if first.is_sqlite:
        monkeypatch.setattr("ringback.store.database.PATIENCE_SECONDS", 0.05)
    else:
        short = "BEGIN; SET LOCAL statement_timeout = 50; SET LOCAL lock_timeout = 50"
        monkeypatch.setattr("ringback.store.engines._BEGIN", short)
    monkeypatch.setattr("ringback.store.database._TOLD_AFTER_SECONDS", 0.1)
    monkeypatch.setattr("ringback.store.revisions.newest", lambda: "one that is still to come")
    faults: list[Exception] = []
    upgrade_for_real = revisions.upgrade

    def upgrade_slowly(connection: sa.Connection) -> None:
        if not first.is_sqlite:
            connection.execute(sa.text("SELECT pg_sleep(0.1)"))
        upgrade_for_real(connection)
        waits.start()
        while "another process has the store" not in caplog.text and waits.is_alive():
            waits.join(0.02)

    def start() -> None:
        monkeypatch.setattr("ringback.store.revisions.upgrade", upgrade_for_real)
        try:
            second.migrate("production")
        except Exception as fault:
            faults.append(fault)

    waits = threading.Thread(target=start)
    monkeypatch.setattr("ringback.store.revisions.upgrade", upgrade_slowly)
    first.migrate("production")
    waits.join()

    assert faults == []
    assert caplog.text.count("another process has the store") == 1
    first.close()
    second.close()
