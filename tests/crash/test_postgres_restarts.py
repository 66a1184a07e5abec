"""PostgreSQL breaks off again and again under load: what was confirmed is there, and all goes on by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ringback.outbox.request import State
from ringback.store import engines
from ringback.store.database import Database
from tests.crash.served import Crowd, environment, eventually, gunicorn, is_settled, states
from tests.crash.stores import Postgres, postgres_store
from tests.crash.storm import RingLog

pytestmark = pytest.mark.xdist_group("crash")


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[Postgres]:
    """One of its own, since others use the shared one."""
    with Postgres() as server:
        yield server


@pytest.mark.parametrize("restarts", [3, pytest.param(60, marks=pytest.mark.long)])
def test_a_store_that_breaks_off_confirms_nothing_falsely_and_loses_nothing(
    postgres: Postgres, tmp_path: Path, restarts: int
) -> None:
    url = postgres_store(postgres.url)
    with RingLog() as samespace, gunicorn(tmp_path, environment(tmp_path, samespace.base_url, url)) as server:
        with Crowd(server.url) as crowd:
            for _ in range(restarts):
                crowd.wait_for_more(10)
                samespace.wait_for_calls(sum(samespace.rings.values()) + 5, timeout=60)
                postgres.break_off()
                postgres.start_again()
            crowd.wait_for_more(10)
        eventually(lambda: is_settled(url))
        assert server.stop() == 0

    found = states(url)
    assert set(crowd.answers) <= {303, 503}, "told the truth: we have it, or try again"
    assert set(crowd.confirmed.values()) <= set(found)
    assert max(samespace.rings.values()) == 1
    rung = {number for number, state in found.values() if state is State.WITH_TEAM}
    assert rung <= set(samespace.rings)
    assert {state for _, state in found.values()} <= {State.WITH_TEAM, State.UNKNOWN}


def test_a_connection_that_was_closed_while_it_rested_is_replaced_unnoticed(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_store(postgres_server)
    store, other = Database(url), Database(url)
    monkeypatch.setattr(engines, "_RESTED_SECONDS", 0)
    process = sa.select(sa.func.pg_backend_pid())
    with store.read() as connection:
        first = connection.execute(process).scalar_one()

    with other.read() as connection:
        connection.execute(sa.select(sa.func.pg_terminate_backend(first, 5000)))
    with store.read() as connection:
        assert connection.execute(process).scalar_one() != first
    for each in (store, other):
        each.close()
