"""Accepting and handing over beside a short and a long past: neither is to notice it.

Both stores are filled first. Then they take turns, with one server for each of them, so that what else the machine
does in a round is the same for both.
"""

import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tools.bench import served, stored
from tools.bench.hand_over import drain
from tools.bench.load import Crowd, send
from tools.bench.record import Bar, at_least, machine, record, table
from tools.bench.upstream import Upstream

PASTS = (1_000, 1_000_000)
ROUNDS = 5
POSTS = 500
BACKLOG = 500


def accepts(urls: dict[int, str], folder: Path) -> dict[int, float]:
    """Posts a second, by the length of the past."""
    taken: dict[int, list[float]] = {past: [] for past in urls}
    with ExitStack() as stack:
        samespace = stack.enter_context(Upstream())
        servers = {}
        for past, url in urls.items():
            settings = served.environment(folder / str(past), samespace.base_url, url, delivery="worker")
            # Without the process that hands over: what waits is taken by the other half of the measurement.
            servers[past] = stack.enter_context(served.web(folder / str(past), settings))
            send(Crowd(servers[past].port, 64))
        for turn in range(ROUNDS):
            for past in sorted(urls, reverse=bool(turn % 2)):
                stored.read_through(urls[past])
                figures = send(Crowd(servers[past].port, POSTS, first=64 + turn * POSTS))
                taken[past].append(figures.a_second)
    return {past: statistics.median(rates) for past, rates in taken.items()}


def hand_overs(urls: dict[int, str], folder: Path) -> dict[int, float]:
    """Hand-overs a second of one process, by the length of the past."""
    taken: dict[int, list[float]] = {past: [] for past in urls}
    for turn in range(ROUNDS):
        for past in sorted(urls, reverse=bool(turn % 2)):
            stored.read_through(urls[past])
            taken[past].append(drain(urls[past], folder / str(past), 1, BACKLOG, delay_seconds=0))
    return {past: statistics.median(rates) for past, rates in taken.items()}


def main() -> list[Bar]:
    measured_on = machine()
    shown: list[tuple[object, ...]] = []
    bars: list[Bar] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        stores: dict[str, dict[int, str]] = {"SQLite": {}, "PostgreSQL": {}}
        new_stores = stack.enter_context(stored.engines(Path(name)))
        for past in PASTS:
            for engine, url in new_stores().items():
                stored.with_past(url, past)
                stores[engine][past] = url
        for engine, urls in stores.items():
            for what, measure in (("hand-overs", hand_overs), ("accepts", accepts)):
                rates = measure(urls, Path(name) / engine / what)
                ratio = rates[PASTS[-1]] / rates[PASTS[0]]
                shown.append(
                    (f"{what} a second, {engine}", *(f"{rates[past]:.0f}" for past in PASTS), f"{ratio:.2f}")
                )
                bars.append(
                    at_least(
                        f"{what} a second with {PASTS[-1]:,} stored / with {PASTS[0]:,}, {engine}", ratio, 0.9
                    )
                )
    columns = ", ".join(["stored", *map(str, PASTS), "ratio"])
    record("growth", f"{table(columns, shown)}\n\n{measured_on}.")
    return bars


if __name__ == "__main__":
    main()
