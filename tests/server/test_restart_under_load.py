"""A server that is started anew under load, as after a change of its configuration: nobody notices."""

import http.client
import os
import re
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ringback.sandbox.samespace import SandboxSamespace
from tests.crash.served import AREAS, environment, eventually, gunicorn, is_settled
from tests.running import Server

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("crash")]
VISITORS, RESTARTS = 4, 3


class Visitors:
    """They ask without a pause; what each was answered, what failed, and how long the longest answer took."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answers: Counter[str] = Counter()
        self.longest = 0.0
        self._numbers = (f"{area}{n:03}" for area in AREAS for n in range(1000))
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(VISITORS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self) -> None:
        while not self._over.is_set():
            with self._lock:
                number = next(self._numbers)
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self._fetch("GET"))
            if token:
                self._fetch("POST", {"phone": f"+44 {number}", "csrf_token": token[1]})

    def _fetch(self, method: str, fields: dict[str, str] | None = None) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=90)
        began, page = time.monotonic(), ""
        try:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request(method, "/sales", urlencode(fields or {}), kind)
            answer = connection.getresponse()
            said, page = f"{method} {answer.status}", answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            said = f"{method} {type(error).__name__}"
        finally:
            connection.close()
        with self._lock:
            self.answers[said] += 1
            self.longest = max(self.longest, time.monotonic() - began)
        return page


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
        visitors = Visitors(server.port)
        visitors.start()
        restarts = []
        for _ in range(RESTARTS):
            before = visitors.answers["POST 303"]
            eventually(lambda before=before: visitors.answers["POST 303"] > before + 10)
            restarts.append(starts_anew(server))
        visitors.stop()
        eventually(lambda: is_settled(url))

    took = ", ".join(f"{seconds:.1f} s" for seconds in restarts)
    print(f"restarts took {took}; answers {dict(visitors.answers)}; the longest {visitors.longest:.1f} s")
    assert set(visitors.answers) == {"GET 200", "POST 303"}
    numbers = Counter(call.number for call in samespace.calls)
    assert max(numbers.values()) == 1
