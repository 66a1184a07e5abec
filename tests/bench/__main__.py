"""`make bench`: every part, or the one that is named. Each prints its tables and puts them into the document.

At the end stands what was asked of the figures, and whether they were so.
"""

import sys

from tests.bench import accepting, at_rest, form_page, growth, hand_over, host_page
from tests.bench.record import Bar, bar_table, machine, record

PARTS = {
    "host-page": host_page.main,
    "form-page": form_page.main,
    "accepting": accepting.main,
    "hand-over": hand_over.main,
    "growth": growth.main,
    "at-rest": at_rest.main,
}


def main(only: str) -> None:
    if only and only not in PARTS:
        sys.exit(f"There is no {only}; the parts are {', '.join(PARTS)}.")
    measured_on = machine()
    bars: list[Bar] = []
    for name, part in PARTS.items():
        if not only or name == only:
            bars += part()
    if only:
        sys.stdout.write(bar_table(bars) + "\n")  # the table in the document is that of whole runs
    else:
        record("bars", f"{bar_table(bars)}\n\n{measured_on}.")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
