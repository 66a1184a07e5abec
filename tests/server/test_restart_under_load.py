"""A server that is started anew under load, as after a change of its configuration: nobody notices."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from ringback.sandbox.samespace import SandboxSamespace
from tests.crash.served import Crowd, environment, eventually, gunicorn, is_settled
from tests.running import Server

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("crash")]
RESTARTS = 3


class Watched(Crowd):
    """What they were answered, what failed, and how long the longest answer took."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.said: Counter[str] = Counter()
        self.longest = 0.0

    def _fetch(self, method: str, address: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        began, said = time.monotonic(), "nothing"
        try:
            answer = super()._fetch(method, address, fields)
            said = str(answer[0])
            return answer
        finally:
            with self._lock:
                self.said[f"{method} {said}"] += 1
                self.longest = max(self.longest, time.monotonic() - began)


def starts_anew(server: Server) -> float:
    """How many seconds that took."""
    began = time.monotonic()
    booted, gone = server.log.count("Booting worker"), server.log.count("Worker exiting")
    os.kill(server.pid, signal.SIGHUP)
    eventually(lambda: server.log.count("Booting worker") > booted and server.log.count("Worker exiting") > gone)
    return time.monotonic() - began


def test_nobody_is_turned_away_while_the_workers_are_started_anew(
    tmp_path: Path, samespace: SandboxSamespace
) -> None:
    url = f"sqlite:///{tmp_path}/ringback.db"
    with gunicorn(
        tmp_path, environment(tmp_path, samespace.base_url, url, timeout_seconds=10, lease_seconds=30)
    ) as server:
        restarts = []
        with Watched(server.url) as visitors:
            for _ in range(RESTARTS):
                visitors.wait_for_more(10)
                restarts.append(starts_anew(server))
        eventually(lambda: is_settled(url))

    took = ", ".join(f"{seconds:.1f} s" for seconds in restarts)
    print(f"restarts took {took}; answers {dict(visitors.said)}; the longest {visitors.longest:.1f} s")
    assert set(visitors.said) == {"GET 200", "POST 303"}
    numbers = Counter(call.number for call in samespace.calls)
    assert max(numbers.values()) == 1
