"""How long after the commit the team has a request, and how fast a backlog is gone.

Everything is real: gunicorn, HTTP posts, the store, a Samespace in a process of its own that notes when it has
read a call. The delay is from the moment a request was stored to that one.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ringback.store.tables import requests
from tests.crash.served import eventually
from tests.crash.victim import UNDER_WAY
from tests.running import deliver
from tools.bench import served, stored
from tools.bench.load import Crowd, send
from tools.bench.record import Bar, at_least, at_most, machine, record, table
from tools.bench.upstream import Upstream

RATES = {1: 20, 10: 150, 50: 1000, 200: 1600}  # a second: how many
BACKLOG = 10_000
PROCESSES = (1, 2, 4)
DRAIN_DELAY = 0.05
PATIENCE_SECONDS = 900  # of a busy machine
_UNDER_WAY: Any = sa.select(requests.c.id, requests.c.state).where(requests.c.state.in_(UNDER_WAY))


def delays(engine: str, url: str, folder: Path) -> list[tuple[Any, ...]]:
    """One row for each rate: engine, rate, how many, p50, p99 and the longest, in ms."""
    found: list[tuple[Any, ...]] = []
    with Upstream() as samespace:
        settings = served.environment(folder, samespace.base_url, url)
        with served.ringback(folder, settings) as server:
            send(Crowd(server.port, 32))
            done = 32
            for rate, posts in RATES.items():
                before = len(samespace.wait_for(done, PATIENCE_SECONDS))
                send(Crowd(server.port, posts, a_second=rate, first=done))
                done += posts
                rung = dict(samespace.wait_for(done, PATIENCE_SECONDS)[before:])
                took = sorted(_delays(url, rung))
                found.append(
                    (engine, rate, len(took), took[len(took) // 2], took[len(took) * 99 // 100], took[-1])
                )
    return found


def _delays(url: str, rung: dict[str, float]) -> list[float]:
    query: Any = sa.select(requests.c.phone, requests.c.requested_at)
    asked: list[Any] = stored.rows(url, query)
    return [(rung[phone] - at.timestamp()) * 1000 for phone, at in asked if phone in rung]


def drain(url: str, folder: Path, processes: int, count: int, delay_seconds: float = DRAIN_DELAY) -> float:
    """Hand-overs a second of a backlog, from the first to the last."""
    with Upstream(delay_seconds) as samespace, ExitStack() as stack:
        settings = served.environment(folder, samespace.base_url, url, delivery="worker")
        stored.with_waiting(url, count)
        for _ in range(processes):
            stack.enter_context(deliver(folder, settings))
        calls = samespace.wait_for(count, PATIENCE_SECONDS)
        # From when all are up: a tenth has gone by then.
        rung = [at for _, at in calls[count // 10 :]]
        eventually(lambda: not stored.rows(url, _UNDER_WAY))  # else they would be unknown to the next drain
    return (len(rung) - 1) / (rung[-1] - rung[0])


def main() -> list[Bar]:
    measured_on = machine()
    late: list[tuple[Any, ...]] = []
    drained: dict[tuple[str, int], float] = {}
    with tempfile.TemporaryDirectory() as name, stored.engines(Path(name)) as new_stores:
        urls = new_stores()
        for engine, url in urls.items():
            late += delays(engine, url, Path(name) / engine)
        for processes in PROCESSES:
            for engine, url in urls.items():
                drained[engine, processes] = drain(url, Path(name) / engine, processes, BACKLOG)
    shown = [(*row[:3], *(f"{figure:.0f} ms" for figure in row[3:])) for row in late]
    rates = [
        (engine, processes, f"{rate:.0f}", f"{rate / drained[engine, 1]:.2f}")
        for (engine, processes), rate in sorted(drained.items(), reverse=True)
    ]
    tables = [
        table("engine, a second, requests, p50, p99, longest", shown),
        table("engine, processes, hand-overs a second, of one process", sorted(rates)),
    ]
    record("hand-over", "\n\n".join([*tables, f"{measured_on}."]))
    at_fifty = [
        at_most(f"hand-over delay at 50 a second, p99, {row[0]}", row[4], 500, " ms")
        for row in late
        if row[1] == 50
    ]
    four = drained["PostgreSQL", 4] / drained["PostgreSQL", 1]
    return [*at_fifty, at_least("drain rate with 4 processes / with 1, PostgreSQL, Samespace at 50 ms", four, 2.5)]


if __name__ == "__main__":
    main()
