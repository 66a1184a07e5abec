"""Where the figures go: to whoever asked for them, and into docs/benchmarks.md, in the place of the last ones."""

import os
import platform
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "benchmarks.md"


class Bar(NamedTuple):
    """What a figure has to be, and what it was."""

    what: str
    bar: str
    measured: str
    is_met: bool


def at_least(what: str, measured: float, bar: float) -> Bar:
    return Bar(what, f"≥ {bar:g}", _shown(measured), measured >= bar)


def at_most(what: str, measured: float, bar: float, unit: str = "") -> Bar:
    return Bar(what, f"≤ {bar:,g}{unit}", f"{_shown(measured)}{unit}", measured <= bar)


def _shown(measured: float) -> str:
    return f"{measured:,.0f}" if measured >= 1000 else f"{measured:.3g}"


def machine() -> str:
    """When and on what: taken before a part begins, so that the load is that of others."""
    now = datetime.now(UTC)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Measured on {now.day} {now:%B %Y}: {os.cpu_count()} cores, {memory:.0f} GiB of memory, "
        f"{platform.system()} on {platform.machine()}, Python {platform.python_version()}; "
        f"load before it began {os.getloadavg()[0]:.1f}"
    )


def table(columns: str, rows: Iterable[Iterable[object]]) -> str:
    """Markdown; `columns` parted by commas, the first of words and the others of figures."""
    names = columns.split(", ")
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def bar_table(bars: Iterable[Bar]) -> str:
    rows = [(bar.what, bar.bar, bar.measured, "yes" if bar.is_met else "**no**") for bar in bars]
    return table("figure, bar, measured, met", rows)


def record(name: str, markdown: str) -> None:
    """Print it, and write it between the two comments with its name. Raises ValueError when they are not there."""
    sys.stdout.write(markdown + "\n\n")
    sys.stdout.flush()
    text = DOCUMENT.read_text(encoding="utf-8")
    place = re.compile(f"(<!-- {name} -->\n).*(<!-- end of {name} -->)", re.DOTALL)
    text, found = place.subn(lambda match: f"{match[1]}\n{markdown}\n\n{match[2]}", text)
    if not found:
        raise ValueError(f"{DOCUMENT.name} has no place for {name}")
    DOCUMENT.write_text(text, encoding="utf-8")
