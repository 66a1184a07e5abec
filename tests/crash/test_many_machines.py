"""Four web processes and two that hand over, on two machines, while what they share is taken from them.

PostgreSQL and Redis are on a third. Redis falls silent, PostgreSQL breaks off, a machine is cut off and returns.
Who was told "we have your request" is rung once, or on the list of those of whom nobody can tell; and nobody gets
more requests through than one address may, whichever process answers.
"""

import http.client
import itertools
import os
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ringback.outbox.request import State
from tests.crash.machines import ADDRESSES, HERE, ONE, TWO, WEB_PORT, Machines, wait_for
from tests.crash.served import eventually, is_settled, states
from tests.crash.storm import RingLog

HOST = "callback.acme.test"
CONFIGURATION = """
[samespace]
space_id = "acme"
base_url = "{base_url}"
[limits]
per_address = "10 per hour"
per_widget = "1000000 per second"
min_fill_seconds = 0
[delivery]
timeout_seconds = 2
lease_seconds = 6
retry_seconds = [0.3, 0.5, 1]
[widgets.sales]
team_name = "Sales"
region = "GB"
"""
ONCE, OFTEN, TRIES, ALLOWED = (
    1000,
    100,
    13,
    10,
)  # visitors who ask once; who ask often, how often, how often they may
AREAS = "20 7946 0", *(f"{area} 496 0" for area in (113, 114, 116, 117, 118, 121, 131, 141, 151))
VISITORS = 10
AVOIDED_SECONDS = 10

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("crash"),
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, ("ip", "iptables", "redis-server"))),
        reason="network namespaces are root's, and need iproute2, iptables and redis-server",
    ),
]


class Visitors:
    """They ask one of the machines, and the other one where it gives no answer, until they have one."""

    def __init__(self) -> None:
        self.confirmed: dict[str, str] = {}
        self.accepted_from: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self.done = 0
        self._lock = threading.Lock()
        self._avoided_until: Counter[str] = Counter()
        self._machine = itertools.cycle((ADDRESSES[ONE], ADDRESSES[TWO]))

    def ask(self, number: str, address: str) -> None:
        token = self._until(lambda machine: self._open(machine, address))
        status = self._until(lambda machine: self._send(machine, number, token, address))
        with self._lock:
            self.done += 1
            if status == "303":
                self.accepted_from[address] += 1

    def _until(self, attempt: Callable[[str], str]) -> str:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            machine = self._balanced()
            try:
                if found := attempt(machine):
                    return found
            except (OSError, http.client.HTTPException):
                with self._lock:
                    self.answers[0] += 1
                    self._avoided_until[machine] = time.monotonic() + AVOIDED_SECONDS
            time.sleep(0.1)
        raise AssertionError("nobody answered for two minutes")

    def _balanced(self) -> str:
        """The next machine that has not just failed to answer: as a balancer would."""
        with self._lock:
            now = time.monotonic()
            turn = [next(self._machine) for _ in "123"]
            return next((each for each in turn if self._avoided_until[each] < now), turn[0])

    def _open(self, machine: str, address: str) -> str:
        _, _, page = self._fetch(machine, "GET", address)
        return (re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page) or [""])[0]

    def _send(self, machine: str, number: str, token: str, address: str) -> str:
        fields = {"name": "Ann Example", "phone": f"+44 {number}", "csrf_token": token}
        status, location, _ = self._fetch(machine, "POST", address, fields)
        with self._lock:
            self.answers[status] += 1
            if status == 303:
                self.confirmed[f"44{number.replace(' ', '')}"] = location.rsplit("/", 1)[1]
        return str(status) if status in (303, 429) else ""

    def _fetch(
        self, machine: str, method: str, address: str, fields: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(machine, WEB_PORT, timeout=5)
        headers = {"Host": HOST, "X-Forwarded-For": address, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, "/sales", urlencode(fields or {}), headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location") or "", answer.read().decode()
        finally:
            connection.close()


def environment(folder: Path, samespace_url: str, store_url: str, redis_url: str) -> dict[str, str]:
    configuration = folder / "ringback.toml"
    configuration.write_text(CONFIGURATION.format(base_url=samespace_url))
    return {
        "RINGBACK_CONFIG": str(configuration),
        "RINGBACK_DELIVERY": "worker",
        "SECRET_KEY": "a key for tests only, and long enough",
        "DATABASE_URL": store_url,
        "RATELIMIT_STORAGE_URI": redis_url,
        "PUBLIC_URL": f"https://{HOST}",
        "TRUSTED_PROXIES": "1",
        "PORT": str(WEB_PORT),
        "WEB_CONCURRENCY": "2",
    }


def askers() -> Iterator[tuple[str, str]]:
    """Number and address: those who ask once, and among them those who ask too often, evenly all the time."""
    numbers = (f"{area}{n:03}" for n in range(1000) for area in AREAS)
    often = [f"10.2.{n // 250}.{n % 250}" for _ in range(TRIES) for n in range(OFTEN)]
    once = iter([f"10.1.{n // 250}.{n % 250}" for n in range(ONCE)])
    for place, address in enumerate(often):
        yield next(numbers), address
        if place * ONCE // len(often) < (place + 1) * ONCE // len(often):
            yield next(numbers), next(once)


@pytest.fixture
def samespace(monkeypatch: pytest.MonkeyPatch) -> RingLog:
    """Where the machines reach it; started once there is an address."""
    monkeypatch.setattr("ringback.sandbox.samespace.LOCALHOST", HERE)
    return RingLog()


def break_things(machines: Machines, visitors: Visitors, all_of_them: int) -> None:
    """One after another, each in its tenth of the way."""

    def at(part: float) -> None:
        eventually(lambda: visitors.done >= all_of_them * part, seconds=600)

    at(0.15)
    machines.swallow_redis(True)
    at(0.35)
    machines.break_off_postgres()
    machines.start_postgres_again()
    at(0.5)
    machines.cut_off(TWO)
    at(0.65)
    machines.plug_in(TWO)
    at(0.75)
    machines.swallow_redis(False)


def test_each_is_rung_once_and_counted_once_whatever_is_taken_from_the_machines(
    tmp_path: Path, samespace: RingLog
) -> None:
    visitors, asked = Visitors(), list(askers())
    with Machines(tmp_path) as machines, samespace:
        store = machines.start_postgres()
        settings = environment(tmp_path, samespace.base_url, store, machines.start_redis())
        for machine in (ONE, TWO):
            machines.python(machine, "gunicorn", "app:app", environment=settings, log=f"{machine}-web.log")
            wait_for(ADDRESSES[machine], WEB_PORT)
            command = ("flask", "--app", "app", "deliver")
            machines.python(machine, *command, environment=settings, log=f"{machine}-deliver.log")
        with ThreadPoolExecutor(VISITORS) as crowd:
            ends = [crowd.submit(visitors.ask, *each) for each in asked]
            break_things(machines, visitors, len(asked))
            for end in ends:
                end.result()
        eventually(lambda: is_settled(store))
        found = states(store)

    rings = samespace.rings
    unknown = {number for number, state in found.values() if state is State.UNKNOWN}
    from_often = sum(n for address, n in visitors.accepted_from.items() if address.startswith("10.2."))
    print(f"{len(asked)} asked, {dict(visitors.answers)} answered, {len(visitors.confirmed)} confirmed, ", end="")
    print(f"{len(rings)} rung, at most {max(rings.values())} times, {len(unknown)} unknown, ", end="")
    print(f"{from_often} of {OFTEN * ALLOWED} that were allowed to those who ask too often")
    assert set(visitors.confirmed.values()) <= set(found), "nothing that was confirmed is lost"
    assert max(rings.values()) == 1
    assert {state for _, state in found.values()} <= {State.WITH_TEAM, State.UNKNOWN}
    assert {number for number, state in found.values() if state is State.WITH_TEAM} <= set(rings)
    assert abs(from_often - OFTEN * ALLOWED) <= OFTEN * ALLOWED * 0.05
