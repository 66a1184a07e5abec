"""Where the figures go: to whoever asked for them, and into docs/benchmarks.md, in the place of the last ones."""

import os
import platform
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "benchmarks.md"


def machine() -> str:
    """When and on what: taken before a part begins, so that the load is that of others."""
    now = datetime.now(UTC)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Measured on {now.day} {now:%B %Y}: {os.cpu_count()} cores, {memory:.0f} GiB of memory, "
        f"{platform.system()} on {platform.machine()}, Python {platform.python_version()}; "
        f"load before it began {os.getloadavg()[0]:.1f}"
    )


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
