"""How many posts one web process takes, and how long each waits, whatever Samespace does.

Sixteen visitors at a time. In every round each app has one turn, in a process, a store and with a Samespace of its
own, started for it; the figures are medians of the rounds, so that a machine with other work is unfair to none.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.running import Server
from tools.bench import served
from tools.bench.load import Crowd, Figures, send
from tools.bench.record import Bar, at_least, at_most, machine, record, table
from tools.bench.upstream import NEVER, Upstream

ROUNDS = 3
WARM_UP = 64
DELAYS = {"at once": 0.0, "50 ms": 0.05, "500 ms": 0.5, "never": NEVER}

Start = Callable[[Path, str], AbstractContextManager[Server]]


class Turn(NamedTuple):
    """One app with a Samespace that answers so late; `posts` is what it does in a few seconds."""

    app: str
    samespace: str
    posts: int
    start: Start


def ours(delivery: str) -> Start:
    @contextmanager
    def start(folder: Path, base_url: str) -> Iterator[Server]:
        with served.ringback(folder, served.environment(folder, base_url, delivery=delivery)) as server:
            yield server

    return start


def rival(name: str, worker: str = served.SAME_WORKER) -> Start:
    @contextmanager
    def start(folder: Path, base_url: str) -> Iterator[Server]:
        with served.rival(name, folder, served.environment(folder, base_url), worker) as server:
            yield server

    return start


APPS: dict[str, tuple[Start, dict[str, int]]] = {
    "an empty answer": (rival("empty"), {"at once": 2000}),
    "(a) checked, thrown away": (rival("thrown_away"), {"at once": 1000}),
    "(a) and a bare row on the disk": (rival("bare_row"), {"at once": 1000}),
    "Ringback that stores nothing": (rival("not_stored"), {"at once": 1000}),
    "ours, hand-over in its own process": (ours("worker"), dict.fromkeys(DELAYS, 800)),
    "ours, hand-over inline": (ours("inline"), dict.fromkeys(DELAYS, 800)),
    "(b) posts before it answers, same worker": (
        rival("naive"),
        {"at once": 600, "50 ms": 500, "500 ms": 160, "never": 32},
    ),
    "(b) the same on eight threads": (
        rival("naive", "gthread"),
        {"at once": 600, "50 ms": 400, "500 ms": 96, "never": 16},
    ),
    "(b) the same on gunicorn's default": (
        rival("naive", "sync"),
        {"at once": 600, "50 ms": 200, "500 ms": 32},
    ),
}
TURNS = [
    Turn(app, late, posts, start) for app, (start, by_delay) in APPS.items() for late, posts in by_delay.items()
]
OWN, INLINE = "ours, hand-over in its own process", "ours, hand-over inline"
LIMIT, NOT_STORED = "(a) checked, thrown away", "Ringback that stores nothing"
NAIVE = {
    "(b) posts before it answers, same worker": "same worker",
    "(b) the same on eight threads": "eight threads",
    "(b) the same on gunicorn's default": "gunicorn's default",
}


def take(turn: Turn) -> Figures:
    with (
        tempfile.TemporaryDirectory() as name,
        Upstream(DELAYS[turn.samespace]) as samespace,
        turn.start(Path(name), samespace.base_url) as server,
    ):
        if turn.samespace != "never":
            send(Crowd(server.port, WARM_UP))
        return send(Crowd(server.port, turn.posts, first=WARM_UP))


class Result(NamedTuple):
    """Medians of the rounds."""

    a_second: float
    p50: float
    p99: float
    used: float


def middle(figures: list[Figures]) -> Result:
    return Result(
        statistics.median(figure.a_second for figure in figures),
        statistics.median(figure.quantile(0.5) for figure in figures),
        statistics.median(figure.quantile(0.99) for figure in figures),
        statistics.median(figure.used for figure in figures),
    )


def measure() -> dict[tuple[str, str], Result]:
    taken: dict[tuple[str, str], list[Figures]] = {(turn.app, turn.samespace): [] for turn in TURNS}
    for first in range(ROUNDS):
        for turn in TURNS[first:] + TURNS[:first]:
            taken[turn.app, turn.samespace].append(take(turn))
    return {key: middle(figures) for key, figures in taken.items()}


def all_figures(results: dict[tuple[str, str], Result]) -> str:
    limit = results[LIMIT, "at once"].a_second
    rows = [
        (
            app,
            late,
            f"{result.a_second:.0f}",
            f"{result.a_second / limit:.2f}",
            f"{result.p50:.0f} ms",
            f"{result.p99:.0f} ms",
            f"{result.used:.0%}",
        )
        for (app, late), result in results.items()
    ]
    return table("app, Samespace answers, posts a second, of the limit, p50, p99, load's own processor", rows)


def bars(results: dict[tuple[str, str], Result]) -> list[Bar]:
    def ratio(app: str, late: str, other: str, other_late: str) -> float:
        return results[app, late].a_second / results[other, other_late].a_second

    own = results[OWN, "at once"]
    found = [
        at_least("accepts a second / the limit (a)", ratio(OWN, "at once", LIMIT, "at once"), 0.7),
        at_least("the same / Ringback that stores nothing", ratio(OWN, "at once", NOT_STORED, "at once"), 0.7),
    ]
    for naive, worker in NAIVE.items():
        found += [
            at_least(f"the same / (b) at 50 ms, {worker}", ratio(OWN, "50 ms", naive, "50 ms"), 3),
            at_least(f"the same / (b) at 500 ms, {worker}", ratio(OWN, "500 ms", naive, "500 ms"), 20),
            at_least(f"hand-over inline / (b) at 50 ms, {worker}", ratio(INLINE, "50 ms", naive, "50 ms"), 1.5),
        ]
    for app, how in ((OWN, "own process"), (INLINE, "inline")):
        hung = results[app, "never"].p99 / results[app, "at once"].p99
        found.append(at_most(f"p99 with Samespace hung / well, hand-over {how}", hung, 1.2))
    return [*found, at_most("p99 / p50 of a post under 16 clients", own.p99 / own.p50, 4)]


def main() -> list[Bar]:
    measured_on = machine()
    results = measure()
    record("accepting", f"{all_figures(results)}\n\n{measured_on}.")
    return bars(results)


if __name__ == "__main__":
    main()
