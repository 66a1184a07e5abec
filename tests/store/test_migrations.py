"""From every released revision forward, with requests in it, on both engines."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from ringback.outbox.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import State
from ringback.store.database import Database
from tests.conftest import Clock, make_settings


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", "ringback.store:migrations")
    return config


REVISIONS = [revision.revision for revision in ScriptDirectory.from_config(configuration()).walk_revisions()][::-1]


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
