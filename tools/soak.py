"""Does anything grow? Visitors ask one after another, without a pause, and what serves them is weighed.

    .venv/bin/python -m tools.soak --requests 50000 --store postgres

Each visitor opens the form, sends it and reads the page of the request; each request is handed over. A hundred
times on the way memory, file handles, connections and threads of each process are noted. The last tenth is held
against the second, since the first warms up. It fails where memory grew by more than a twentieth, or anything else
by more than the visitors there are.
"""

import argparse
import http.client
import itertools
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from ringback.sandbox.samespace import SandboxSamespace
from tests.crash.served import eventually, gunicorn, is_settled
from tests.crash.stores import Postgres, postgres_store, sqlite_store
from tests.running import deliver, free_port

CONFIGURATION = """
[samespace]
space_id = "acme"
base_url = "{base_url}"
[limits]
per_address = "1000 per minute"
per_number = "1000 per minute"
per_widget = "1000000 per second"
min_fill_seconds = 0
[widgets.sales]
team_name = "Sales"
region = "GB"
"""
VISITORS = 6
SAMPLES = 100
MOST_GROWTH = 0.05
# Ofcom keeps these for drama: valid, and nobody's. A thousand each.
AREAS = "20 7946 0", *(f"{area} 496 0" for area in (113, 114, 116, 117, 118, 121, 131, 141, 151))
Weights = dict[str, float]


def weigh(pid: int) -> Weights:
    """What one process holds at this moment."""
    folder = Path(f"/proc/{pid}")
    (kilobytes,) = re.findall(r"Rss:\s+(\d+)", (folder / "smaps_rollup").read_text())
    links = [_target(link) for link in (folder / "fd").iterdir()]
    return {
        "memory, MB": int(kilobytes) / 1024,
        "handles": len(links),
        "connections": sum(link.startswith("socket:") for link in links),
        "threads": len(list((folder / "task").iterdir())),
    }


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # closed since it was listed
        return ""


def workers_of(master: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


class Visitors:
    """They ask until so many requests were confirmed, or the time is up."""

    def __init__(self, url: str, wanted: int, seconds: float) -> None:
        self.answers: Counter[int] = Counter()
        self._host = urlsplit(url).netloc
        self._wanted = wanted
        self._until = time.monotonic() + seconds
        numbers = itertools.cycle(f"{area}{n:03}" for n in range(1000) for area in AREAS)
        addresses = itertools.cycle(f"10.0.{n // 250}.{n % 250}" for n in range(5000))
        self._next = zip(numbers, addresses, strict=False)
        self._lock = threading.Lock()

    @property
    def confirmed(self) -> int:
        return self.answers[303]

    def run(self, note: "Notes") -> None:
        threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(VISITORS)]
        for thread in threads:
            thread.start()
        step = self._wanted / SAMPLES
        while any(thread.is_alive() for thread in threads):
            if self.confirmed >= step * (note.taken + 1):
                note.take(self.confirmed)
            time.sleep(0.02)

    def _ask_on(self) -> None:
        while self.confirmed < self._wanted and time.monotonic() < self._until:
            with self._lock:
                number, address = next(self._next)
            try:
                self._ask(number, address)
            except (OSError, http.client.HTTPException):
                self.answers[0] += 1

    def _ask(self, number: str, address: str) -> None:
        _, _, page = self._fetch("GET", "/sales", address)
        (token,) = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page) or [""]
        fields = {"name": "Ann Example", "phone": f"+44 {number}", "csrf_token": token}
        status, location, _ = self._fetch("POST", "/sales", address, fields)
        with self._lock:
            self.answers[status] += 1
        if location:
            self._fetch("GET", urlsplit(location).path, address)

    def _fetch(
        self, method: str, path: str, address: str, fields: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(self._host, timeout=30)
        headers = {"X-Forwarded-For": address, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, path, urlencode(fields or {}), headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location") or "", answer.read().decode()
        finally:
            connection.close()


class Notes:
    """What each process weighed along the way."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._began = time.monotonic()
        self._found: dict[str, list[Weights]] = {name: [] for name in pids}

    @property
    def taken(self) -> int:
        return len(next(iter(self._found.values())))

    def take(self, confirmed: int) -> None:
        for name, pid in self._pids.items():
            self._found[name].append(weigh(pid))
        if self.taken % 5 == 0:
            told = "; ".join(f"{name} {found[-1]}" for name, found in self._found.items())
            print(f"{confirmed} after {time.monotonic() - self._began:.0f} s: {told}", flush=True)

    def table(self) -> Iterator[tuple[str, str, float, float, bool]]:
        """Process, what, mean of the second tenth, mean of the last, whether that is flat."""
        tenth = self.taken // 10
        for name, found in self._found.items():
            for what in found[0]:
                second, last = (
                    statistics.fmean(weights[what] for weights in part)
                    for part in (found[tenth : 2 * tenth], found[-tenth:])
                )
                # Of handles and threads there are few, and one visitor more or less at that moment is no leak.
                room = second * MOST_GROWTH if what.startswith("memory") else max(second * MOST_GROWTH, VISITORS)
                yield name, what, second, last, last - second <= room


@contextmanager
def served(store: str) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Ringback as it is run: its address, its store's, and its processes by name."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringback-soak-")))
        samespace = SandboxSamespace()
        samespace.start()
        stack.callback(samespace.stop)
        url = postgres_store(stack.enter_context(Postgres()).url) if store == "postgres" else sqlite_store(folder)
        settings = _environment(folder, samespace.base_url, url)
        if store == "postgres":
            settings["RINGBACK_DELIVERY"] = "worker"
        server = stack.enter_context(gunicorn(folder, settings))
        pids = {"web": workers_of(server.pid)[0]}
        if store == "postgres":
            pids["deliver"] = stack.enter_context(deliver(folder, settings)).pid
        yield server.url, url, pids


def _environment(folder: Path, samespace_url: str, store_url: str) -> dict[str, str]:
    configuration = folder / "ringback.toml"
    configuration.write_text(CONFIGURATION.format(base_url=samespace_url))
    port = free_port()
    return {
        "RINGBACK_CONFIG": str(configuration),
        "SECRET_KEY": "a key for tests only, and long enough",
        "DATABASE_URL": store_url,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "TRUSTED_PROXIES": "1",  # so that each visitor has an address of their own
        "METRICS_TOKEN": "a-token-for-the-soak",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--minutes", type=float, default=120, help="stop here, however many were made")
    given = parser.parse_args()
    with served(given.store) as (address, store, pids):
        note, visitors = Notes(pids), Visitors(address, given.requests, given.minutes * 60)
        visitors.run(note)
        print(f"\n{visitors.confirmed} requests confirmed; answers to the form: {dict(visitors.answers)}")
        print("| process | | second tenth | last tenth | |\n| --- | --- | ---: | ---: | --- |")
        rows = list(note.table())
        for name, what, second, last, is_flat in rows:
            print(f"| {name} | {what} | {second:.1f} | {last:.1f} | {'flat' if is_flat else 'GROWS'} |")
        eventually(lambda: is_settled(store), seconds=3600)  # what was asked for is handed over, too
    sys.exit(not all(row[-1] for row in rows))


if __name__ == "__main__":
    main()
