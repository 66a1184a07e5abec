"""Where the browser of the tests is; run as a program, it brings one when there is none.

A browser test that is skipped in silence is a test that does not exist, so a missing browser is a fault
with the command that mends it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MEND = "No Chromium was found. Mend it with: apt-get install chromium (or: .venv/bin/playwright install chromium)"
# Without these, Chromium looks for its maker's hosts at every start.
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
# Pixels of a picture to one of the page.
SHARP = 2.0


def find() -> str | None:
    """A Chromium that is there, else Playwright's own, else None."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def options() -> dict[str, Any]:
    """What to launch the browser with. Raises RuntimeError with the mend when there is none."""
    path = find()
    if path is None:
        raise RuntimeError(MEND)
    # Chromium refuses to run its sandbox as root, which is who a container's tests are.
    return {"executable_path": path, "args": QUIET + (["--no-sandbox"] if os.geteuid() == 0 else [])}


def sharp_options() -> dict[str, Any]:
    """As in the tests, but a frame shares its page's process: else it is drawn small and blown up."""
    chosen = options()
    return chosen | {"args": [*chosen["args"], "--disable-site-isolation-trials"]}


def open_page(browser: Browser, size: tuple[int, int], scale: float = SHARP) -> Page:
    """A page in English by day, `scale` pixels of a picture to one of its own."""
    width, height = size
    return browser.new_page(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme="light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/London",
    )


def install() -> None:
    """Playwright's own; where that cannot be fetched, as root, Debian's."""
    tried = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if tried.returncode == 0 and find():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False)


if __name__ == "__main__":
    if find() is None:
        install()
    sys.exit(None if find() else MEND)
