"""The long run: `python -m tests.crash` kills processes a thousand times on each engine and prints the table."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.crash.stores import Postgres, postgres_store, sqlite_store
from tests.crash.storm import Storm, Verdict
from tests.crash.victim import Fault

ENGINES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
HEADS = "engine", "kills", "at a named point", "accepted", "lost", "doubled", "unknown", "of them rung", "minutes"


def main() -> int:
    """Run, print, and end with 1 if anything was lost, doubled or surprising."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="on each engine (default: 1000)")
    parser.add_argument("--engine", choices=ENGINES, help="only this one")
    parser.add_argument("--fault", type=Fault, choices=list(Fault), help="a deliberate mistake, to see it found")
    chosen = parser.parse_args()
    print(_row(*HEADS), _row(*["---"] * len(HEADS)), sep="\n", flush=True)
    bad = False
    for engine in [chosen.engine] if chosen.engine else ENGINES:
        began = time.monotonic()
        verdict = _run(engine, chosen.kills, chosen.fault)
        minutes = f"{(time.monotonic() - began) / 60:.1f}"
        print(_row(ENGINES[engine], *_figures(verdict), minutes), *verdict.surprises, sep="\n", flush=True)
        bad |= bool(verdict.lost or verdict.doubled or verdict.surprises)
    return int(bad)


def _run(engine: str, kills: int, fault: Fault | None) -> Verdict:
    with _store(engine) as (url, folder), Storm(url, folder, fault) as storm:
        storm.rage(kills)
        storm.calm_down()
        return storm.verdict()


@contextmanager
def _store(engine: str) -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory(prefix="ringback-crash-") as name:
        folder = Path(name)
        if engine == "sqlite":
            yield sqlite_store(folder), folder
            return
        with Postgres() as server:
            yield postgres_store(server.url), folder


def _figures(verdict: Verdict) -> list[int]:
    lists = len(verdict.lost), len(verdict.doubled), len(verdict.unknown)
    return [verdict.kills, verdict.kills_at_points, verdict.accepted, *lists, verdict.unknown_rung]


def _row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


if __name__ == "__main__":
    sys.exit(main())
