"""Starts processes of Ringback, kills them, lets one survive, and says what became of every request."""

import itertools
import multiprocessing
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from ringback.outbox.request import State
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.database import Database
from ringback.store.tables import alerts, requests
from tests.crash.victim import ENDLESS, PASSED_ONCE, Fault, Life, Point, live

LANES = 2  # processes that are alive at a time
# From the first instruction of a process on, so that its start is hit too.
_LONGEST_LIFE_SECONDS = 0.5
# A victim that was to die at a point it never came to.
_PATIENCE_SECONDS = 1.0
_MOST_PASSES = 8
_FIRST_NUMBER = 44_000_000_000  # no number begins like this, so nobody could ever be rung
_NUMBERS_FOR_ONE = 10_000

# A fork of a process that has imported everything starts in milliseconds, without threads or connections.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["__main__", "tests.crash.victim"])


class RingLog(SandboxSamespace):
    """A Samespace that answers after a while, at random, and keeps how often each number was rung."""

    def __init__(self, slowest_seconds: float = 0.04) -> None:
        super().__init__()
        self._slowest_seconds = slowest_seconds
        self._lock = threading.Lock()
        self.rings: Counter[str] = Counter()

    def record(self, body: Mapping[str, Any]) -> None:
        """The telephone rings; the answer comes later."""
        super().record(body)
        with self._lock:
            self.rings[body["number"]] += 1
        time.sleep(random.uniform(0, self._slowest_seconds))  # so that kills fall between the ring and the answer


@dataclass(frozen=True)
class Verdict:
    """What became of the requests of one store. Lists are of references, `doubled` of numbers.

    `kills_at_points`: how many of the kills were at a named point, the others at any instant. `lost`:
    accepted and not there, or not rung and nobody told. `unknown_rung`: how many of the unknown had rung.
    `surprises`: what should not have been, in words.
    """

    kills: int
    kills_at_points: int
    accepted: int
    lost: list[str]
    doubled: list[str]
    unknown: list[str]
    unknown_rung: int
    surprises: list[str]


@dataclass
class _Victim:
    process: BaseProcess
    told: Connection
    kill_at: float

    def is_due(self) -> bool:
        return self.kill_at <= time.monotonic()


class Storm:
    """One store, processes that are killed on it, and a Samespace that survives them."""

    def __init__(self, store_url: str, folder: Path, fault: Fault | None = None) -> None:
        self.samespace = RingLog()
        self.accepted: list[str] = []
        self._store_url = store_url
        self._fault = fault
        self._log = folder / "processes.log"
        self._ends: Counter[int | None] = Counter()
        self._killed_from_outside = 0
        self._first_numbers = itertools.count(_FIRST_NUMBER, _NUMBERS_FOR_ONE)
        self._alive: list[_Victim] = []

    def __enter__(self) -> Self:
        self.samespace.start()
        return self

    def __exit__(self, *_: object) -> None:
        for victim in self._alive:
            victim.process.kill()
        self.wait()
        self.samespace.stop()

    def start(self, kill_after: float = float("inf"), **life: Any) -> None:
        """Let a process live, for so many seconds at most; `life` as in `Life`."""
        told, tells = _processes.Pipe(duplex=False)
        given = {"fault": self._fault, "first_number": next(self._first_numbers)} | life
        whole = Life(self._store_url, self.samespace.base_url, str(self._log), **given)
        process = _processes.Process(target=live, args=(whole, tells), daemon=True)
        process.start()
        tells.close()
        self._alive.append(_Victim(process, told, time.monotonic() + kill_after))

    def wait(self, until_left: int = 0) -> None:
        """Hear what the processes tell, kill those whose time has come, until so few are left."""
        while len(self._alive) > until_left:
            next_kill = min(victim.kill_at for victim in self._alive)
            timeout = None if next_kill == float("inf") else max(next_kill - time.monotonic(), 0)
            ready = wait([victim.told for victim in self._alive], timeout)
            for victim in [victim for victim in self._alive if victim.told in ready]:
                self._hear(victim)
            for victim in filter(_Victim.is_due, self._alive):
                victim.process.kill()
                victim.kill_at = float("inf")
                self._killed_from_outside += 1

    def _hear(self, victim: _Victim) -> None:
        try:
            reference, _number = victim.told.recv()
            self.accepted.append(reference)
        except EOFError:
            self._alive.remove(victim)
            victim.told.close()
            victim.process.join()
            self._ends[victim.process.exitcode] += 1
            victim.process.close()

    def rage(self, kills: int) -> None:
        """Kill processes under load, half of them at a named point and half at any instant."""
        for _ in range(kills):
            if random.random() < 0.5:
                self.start(random.uniform(0, _LONGEST_LIFE_SECONDS), requests=ENDLESS)
            else:
                point = random.choice(list(Point))
                nth = 1 if point in PASSED_ONCE else random.randint(1, _MOST_PASSES)
                self.start(_PATIENCE_SECONDS, requests=ENDLESS, point=point, nth=nth)
            self.wait(until_left=LANES - 1)
        self.wait()

    def calm_down(self) -> None:
        """Let one process take a new request, hand over what is left and end by itself."""
        self.start(requests=1)
        self.wait()

    def verdict(self) -> Verdict:
        """Check what the store, the visitors and Samespace say."""
        stored = self.stored()
        rings = self.samespace.rings
        unknown = [reference for reference, (_, state) in stored.items() if state is State.UNKNOWN]
        lost = [reference for reference in self.accepted if reference not in stored]
        for reference, (number, state) in stored.items():
            if state is not State.UNKNOWN and not (state is State.WITH_TEAM and rings[number]):
                lost.append(reference)
        return Verdict(
            kills=self._ends[-signal.SIGKILL],
            kills_at_points=self._ends[-signal.SIGKILL] - self._killed_from_outside,
            accepted=len(self.accepted),
            lost=lost,
            doubled=[number for number, times in rings.items() if times > 1],
            unknown=unknown,
            unknown_rung=sum(rings[stored[reference][0]] > 0 for reference in unknown),
            surprises=self._surprises(unknown),
        )

    def stored(self) -> dict[str, tuple[str, State]]:
        """The number and the state of each request in the store, by its reference."""
        query = sa.select(requests.c.reference, requests.c.phone, requests.c.state)
        return {row.reference: (row.phone, State(row.state)) for row in self._read(query)}

    def _surprises(self, unknown: Collection[str]) -> list[str]:
        expected = 0, -signal.SIGKILL
        found = [f"{n} processes ended with {end}" for end, n in self._ends.items() if end not in expected]
        told = self._read(sa.select(alerts.c.about).where(alerts.c.kind == "unknown"))
        reported = {row.about for row in told}
        found += [f"{reference} is unknown and nobody was told" for reference in set(unknown) - reported]
        stored = {number for number, _ in self.stored().values()}
        found += [f"{number} was rung for nobody" for number in set(self.samespace.rings) - stored]
        if self._store_url.startswith("sqlite"):
            found += [line for (line,) in self._read(sa.text("PRAGMA integrity_check")) if line != "ok"]
        return found

    def _read(self, query: sa.Executable) -> list[sa.Row[Any]]:
        database = Database(self._store_url)
        with database.read() as connection:
            rows = list(connection.execute(query))
        database.close()
        return rows
