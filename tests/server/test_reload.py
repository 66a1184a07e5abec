"""A configuration that is changed while the site runs: taken when it is whole, and told of when it is not."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Server, production
from tests.server.test_journey import eventually, fetch


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = production(tmp_path, "http://127.0.0.1:9").start()
    yield server
    server.stop()


def workers_booted(server: Server) -> int:
    return server.log.count("Booting worker")


def hang_up(server: Server) -> None:
    """Have it read its configuration anew, and wait until a new worker answers alone."""
    booted, gone = workers_booted(server), server.log.count("Worker exiting")
    os.kill(server.pid, signal.SIGHUP)
    eventually(lambda: workers_booted(server) > booted and server.log.count("Worker exiting") > gone)


def company(server: Server) -> str:
    status, _, page = fetch(f"{server.url}/sales")
    assert status == 200
    return "Acme Ltd" if "Acme Ltd" in page else "Umbrella" if "Umbrella" in page else page


def test_a_typo_at_a_reload_changes_nothing_and_is_told(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "ringback.toml"
    right = file.read_text().replace("Acme Ltd", "Umbrella")
    for typo in ('region = "Great Britain"', "region = GB", ""):
        line = right.splitlines().index('region = "GB"') + 1 if "= " in typo else 0
        file.write_text(right.replace('region = "GB"', typo))
        began = len(server.log)
        hang_up(server)

        assert company(server) == "Acme Ltd"
        told = server.log[began:]
        assert f"{file}: line {line}: " in told or not line
        assert f"{file}: " in told
        assert "one from before stays in force" in told
    file.write_text(right)
    hang_up(server)
    assert company(server) == "Umbrella"


@pytest.mark.long
def test_a_worker_that_takes_another_s_place_does_not_stumble_over_what_is_being_typed(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "ringback.toml").write_text("[samespace")
    booted = workers_booted(server)
    (worker,) = map(int, Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split())
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: workers_booted(server) > booted)

    assert company(server) == "Acme Ltd"


@pytest.mark.long
def test_a_worker_that_finds_no_store_is_started_again_until_there_is_one(server: Server, tmp_path: Path) -> None:
    store, away = tmp_path / "ringback.db", tmp_path / "away"
    store.rename(away)
    store.mkdir()
    (worker,) = map(int, Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split())
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: "DATABASE_URL: " in server.log)
    store.rmdir()
    away.rename(store)
    booted = workers_booted(server)
    eventually(lambda: workers_booted(server) > booted)

    assert company(server) == "Acme Ltd"
