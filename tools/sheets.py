"""Draw every state in every look, for a person to look at: `make sheets`, or `python -m tools.sheets form`.

One sheet for each state, in tests/output/sheets, and a page that shows them all. Nothing compares them: whether a
page looks right is for somebody to say, and a difference of pixels says nothing.
"""

import base64
import html
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import open_page, sharp_options
from tests.browser.states import STATES, Places, Stage, State, places, reach
from tests.running import ROOT

FOLDER = ROOT / "tests" / "output" / "sheets"
HEIGHT = 844
# The source, the longest words, the other direction, another script.
LANGUAGES = ["en", "de", "ar", "ja"]


@dataclass(frozen=True)
class Look:
    """One way to see a page: how wide, and what the visitor's device asks for."""

    name: str
    width: int
    media: dict[str, Any]


LIGHT: dict[str, Any] = {"color_scheme": "light", "forced_colors": "none", "contrast": "no-preference"}
LOOKS = [
    Look("390 light", 390, LIGHT),
    Look("390 dark", 390, LIGHT | {"color_scheme": "dark"}),
    Look("320 forced colours", 320, LIGHT | {"forced_colors": "active"}),
    Look("320 more contrast", 320, LIGHT | {"contrast": "more"}),
    Look("print", 700, LIGHT | {"media": "print"}),
    Look("1280 light", 1280, LIGHT),
    Look("1280 dark", 1280, LIGHT | {"color_scheme": "dark"}),
]


def main(wanted: list[str]) -> None:
    """Draw those whose names begin like one of `wanted`; without any, all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    chosen = [state for state in STATES if not wanted or state.name.startswith(tuple(wanted))]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, places(Path(folder)) as served:
        browser = playwright.chromium.launch(**sharp_options())
        sheets = [draw(browser, served, state, tag) for state in chosen for tag in _languages_of(state)]
        browser.close()
    index = FOLDER / "index.html"
    index.write_text("<!doctype html><title>Sheets</title>" + "\n".join(map(_shown, sheets)), encoding="utf-8")
    print(f"{index.relative_to(ROOT)}  {len(sheets)} sheets")


def _languages_of(state: State) -> list[str]:
    return LANGUAGES[:1] if state.around else LANGUAGES


def _shown(sheet: Path) -> str:
    return f'<h1>{sheet.stem}</h1><img src="{sheet.name}" alt="" style="max-width:100%">'


def draw(browser: Browser, served: Places, state: State, language: str) -> Path:
    """The sheet of one state."""
    page = open_page(browser, (390, HEIGHT), scale=1)
    reach(state, Stage(page, served, language))
    cells = "".join(_cell(page, look) for look in LOOKS)
    page.close()
    sheet = FOLDER / f"{state.name}.{language}.png"
    board = open_page(browser, (2 * 1280 + 48, HEIGHT), scale=1)  # two rows: the narrow looks, the wide ones
    board.set_content(
        f"<body style='display:flex;flex-wrap:wrap;gap:16px;margin:8px;background:#999;font:1rem arial'>{cells}"
    )
    board.screenshot(path=sheet, full_page=True)
    board.close()
    print(f"{sheet.relative_to(ROOT)}  {sheet.stat().st_size // 1024} KB")
    return sheet


def _cell(page: Page, look: Look) -> str:
    page.set_viewport_size({"width": look.width, "height": HEIGHT})
    page.emulate_media(**{"media": "screen"} | look.media)
    picture = base64.b64encode(page.screenshot(full_page=True)).decode()
    name = html.escape(look.name)
    return f"<figure style='margin:0;flex:none'>{name}<br><img src='data:image/png;base64,{picture}'></figure>"


if __name__ == "__main__":
    main(sys.argv[1:])
