"""Ringback as it is run, and visitors who keep asking by HTTP whatever happens to it."""

import http.client
import itertools
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa

from ringback.outbox.request import State
from ringback.store.database import Database
from ringback.store.tables import requests
from tests.crash.victim import UNDER_WAY
from tests.running import ROOT, Server, free_port

CONFIGURATION = """
[samespace]
space_id = "acme"
base_url = "{base_url}"
[limits]
per_address = "1000 per minute"
per_widget = "1000000 per second"
min_fill_seconds = 0
[delivery]
timeout_seconds = {timeout_seconds}
lease_seconds = {lease_seconds}
retry_seconds = [0.3, 0.5, 1]
[widgets.sales]
team_name = "Sales"
region = "GB"
"""
# Ofcom keeps these for drama: valid, and nobody's. A thousand each.
AREAS = "20 7946 0", *(f"{area} 496 0" for area in (113, 114, 116, 117, 118, 121, 131, 141, 151))
VISITORS = 4


def environment(
    folder: Path,
    samespace_url: str,
    store_url: str,
    delivery: str = "inline",
    timeout_seconds: float = 2,
    lease_seconds: float = 4,
) -> dict[str, str]:
    """What a process of Ringback needs to know; the configuration is written to `folder`."""
    configuration = folder / "ringback.toml"
    values = {"timeout_seconds": timeout_seconds, "lease_seconds": lease_seconds}
    configuration.write_text(CONFIGURATION.format(base_url=samespace_url, **values))
    port = free_port()
    return {
        "RINGBACK_CONFIG": str(configuration),
        "RINGBACK_DELIVERY": delivery,
        "SECRET_KEY": "a key for tests only, and long enough",
        "DATABASE_URL": store_url,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "TRUSTED_PROXIES": "1",  # so that each visitor has an address of their own
    }


@contextmanager
def gunicorn(folder: Path, settings: dict[str, str]) -> Iterator[Server]:
    """The web process, started, which hands over too."""
    command = [sys.executable, "-m", "gunicorn", "app:app"]
    server = Server(command, folder, settings, int(settings["PORT"]), cwd=ROOT).start()
    try:
        yield server
    finally:
        server.stop()


def states(store_url: str) -> dict[str, tuple[str, State]]:
    """The number and the state of each request in the store, by its id."""
    rows = _read(store_url, sa.select(requests.c.id, requests.c.phone, requests.c.state))
    return {row.id: (row.phone, State(row.state)) for row in rows}


def is_settled(store_url: str) -> bool:
    """Whether nothing waits or is being handed over."""
    return not _read(store_url, sa.select(requests.c.id).where(requests.c.state.in_(UNDER_WAY)).limit(1))


def _read(store_url: str, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
    database = Database(store_url)
    with database.read() as connection:
        rows = connection.execute(query).all()
    database.close()
    return rows


def eventually(check: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something that happens in another process, which can only be asked."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)  # it tells nobody


class Crowd:
    """Visitors who ask one after another, each with a number of their own.

    Who gets no answer, or one that says to try again, sends the same form again. `confirmed` has the ids of
    those who were told "we have your request", by number; `answers` counts what the form was answered with.
    """

    def __init__(self, url: str) -> None:
        self.confirmed: dict[str, str] = {}
        self.answers: Counter[int] = Counter()
        self._host = urlsplit(url).netloc
        self._numbers = (f"{area}{n:03}" for area in AREAS for n in range(1000))
        self._addresses = (f"10.0.{n // 250}.{n % 250}" for n in itertools.count())
        self._lock = threading.Lock()
        self._going = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(VISITORS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, count: int) -> None:
        """Until so many more have been confirmed than now."""
        enough = len(self.confirmed) + count
        eventually(lambda: len(self.confirmed) >= enough)

    def _ask_on(self) -> None:
        while not self._going.is_set():
            with self._lock:
                number, address = next(self._numbers), next(self._addresses)
            if form := self._until(partial(self._open, address)):
                self._until(partial(self._send, number, form, address))

    def _until(self, attempt: Callable[[], str]) -> str:
        while not self._going.is_set():
            try:
                if found := attempt():
                    return found
            except (OSError, http.client.HTTPException):
                pass  # nobody answers: the server or its store is being started again
            self._going.wait(0.05)
        return ""

    def _open(self, address: str) -> str:
        status, _, page = self._fetch("GET", address)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        return token[1] if token and status == 200 else ""

    def _send(self, number: str, token: str, address: str) -> str:
        fields = {"name": "Ann Example", "phone": f"+44 {number}", "csrf_token": token}
        status, location, _ = self._fetch("POST", address, fields)
        with self._lock:
            self.answers[status] += 1
            if status == 303:
                self.confirmed[f"44{number.replace(' ', '')}"] = location.rsplit("/", 1)[1]
        return location

    def _fetch(self, method: str, address: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(self._host, timeout=30)
        headers = {"X-Forwarded-For": address, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, "/sales", urlencode(fields or {}), headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location") or "", answer.read().decode()
        finally:
            connection.close()
