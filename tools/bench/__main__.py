"""`make bench`: every part, or the one that is named. Each prints its tables and puts them into the document.

After them stands what was asked of the figures, and whether they were so.
"""

import sys

from tools.bench import accepting, at_rest, console, form_page, growth, hand_over, host_page
from tools.bench.record import bar_table, record

PARTS = {
    "host-page": host_page.main,
    "form-page": form_page.main,
    "accepting": accepting.main,
    "hand-over": hand_over.main,
    "growth": growth.main,
    "console": console.main,
    "at-rest": at_rest.main,
}


def main(only: str) -> None:
    if only and only not in PARTS:
        sys.exit(f"There is no {only}; the parts are {', '.join(PARTS)}.")
    for name, part in PARTS.items():
        if only in ("", name) and (bars := part()):
            record(f"bars of {name}", bar_table(bars))


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
