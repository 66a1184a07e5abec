"""One id in the logs of several processes, from the visitor's HTTP request to the hand-over of the call."""

import json
from pathlib import Path

import pytest

from tests.crash.served import eventually, is_settled
from tests.crash.storm import RingLog
from tests.running import deliver, production
from tests.server.test_telemetry import ask

pytestmark = pytest.mark.long


def events(log: str) -> dict[str, str]:
    """By reference, the id of the line that says what became of a request; of each the last."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    told = [(line["message"].split(), line.get("request_id", "")) for line in lines]
    return {words[1]: id for words, id in told if words[0] == "request" and words[1].startswith("RB-")}


def test_two_web_processes_and_two_that_hand_over_log_under_one_id(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    store = f"sqlite:///{tmp_path}/ringback.db"
    settings = {"LOG_FORMAT": "json", "RINGBACK_DELIVERY": "worker", "TRUSTED_PROXIES": "1"}
    with RingLog() as samespace:
        for folder in folders:
            folder.mkdir()
        servers = [production(folder, samespace.base_url, store, **settings) for folder in folders]
        try:
            for server in servers:
                server.start()
            with deliver(folders[0], servers[0]._environment), deliver(folders[1], servers[1]._environment):
                for place in range(40):
                    trace = f"00-{place:016x}a3ce929d0e0e4736-00f067aa0ba902b7-01"
                    assert ask(servers[place % 2], f"44207946{place:04}", trace) == 303
                eventually(lambda: is_settled(store))
        finally:
            for server in servers:
                server.stop()

    received = events(servers[0].log) | events(servers[1].log)
    handed_over = [events((folder / "deliver.log").read_text()) for folder in folders]
    assert len(received) == 40
    assert set(received.values()) == {f"{place:016x}" for place in range(40)}
    assert handed_over[0] | handed_over[1] == received
    assert all(handed_over), "both took some"
