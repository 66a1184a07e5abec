"""Where the browser of the tests is; run as a program, it brings one when there is none.

A browser test that is skipped in silence is a test that does not exist, so a missing browser is a fault
with the command that mends it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MEND = "No Chromium was found. Mend it with: apt-get install chromium (or: .venv/bin/playwright install chromium)"
# Without these, Chromium looks for its maker's hosts at every start.
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]


def find() -> str | None:
    """A Chromium that is there, else Playwright's own, else None."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def options() -> dict[str, object]:
    """What to launch the browser with. Raises RuntimeError with the mend when there is none."""
    path = find()
    if path is None:
        raise RuntimeError(MEND)
    # Chromium refuses to run its sandbox as root, which is who a container's tests are.
    return {"executable_path": path, "args": QUIET + (["--no-sandbox"] if os.geteuid() == 0 else [])}


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
