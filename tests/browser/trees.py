"""What a screen reader is told of each state: `python -m tests.browser.trees` writes it down anew (`make trees`).

The trees are files, so that a change to them is read by whoever reads the change of the page.
"""

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import open_page, sharp_options
from tests.browser.states import STATES, Stage, places, reach

FOLDER = Path(__file__).parent / "trees"
# What is never the same twice.
_CHANGING = [
    (r"RB-[0-9A-Z]{4}-[0-9A-Z]{4}", "RB-…"),
    (r"last four characters: [0-9A-Z]{4}", "last four characters: …"),
    (r"http://127\.0\.0\.1:\d+", "…"),
    (r"[0-9a-f]{32}", "…"),
    (r"\b\d\d:\d\d (UTC|London time)", "hh:mm UTC"),  # whichever the browser is in
    (r"020 7946 0\d{3}", "020 7946 0…"),
    (r"\+44 20 7946 0[1-9]\d\d", "+44 20 7946 0…"),
    (r", \d+ times so far", ""),
    (r'(?m)^ *- option "\w{3} \d+ \w{3}, .*\n', ""),  # times, which are others every day
    (r"\w{3} \d+ \w{3}, \d\d:\d\d–\d\d:\d\d", "day, hh:mm–hh:mm"),
]


def tree_of(page: Page) -> str:
    """The page as it is told, with what changes from time to time taken out."""
    tree = page.locator("body").aria_snapshot()
    for pattern, instead in _CHANGING:
        tree = re.sub(pattern, instead, tree)
    return tree + "\n"


def written_tree(name: str) -> str:
    """What is on file for a state."""
    file = FOLDER / f"{name}.yml"
    return file.read_text(encoding="utf-8") if file.exists() else "(none: make trees)"


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, places(Path(folder)) as served:
        browser = playwright.chromium.launch(**sharp_options())
        for state in STATES:
            if state.around or state.name == "dialog":
                continue
            page = open_page(browser, (390, 844), scale=1)
            reach(state, Stage(page, served))
            (FOLDER / f"{state.name}.yml").write_text(tree_of(page), encoding="utf-8")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
