"""A Debian server by docs/deploying.md, to the letter, with nothing known but the page."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.running import ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        os.getuid() != 0 or not shutil.which("mmdebstrap"), reason="not followed without root and mmdebstrap"
    ),
]


def test_who_follows_the_page_gets_from_nothing_to_the_first_call() -> None:
    follows = [sys.executable, "-m", "tools.deployed"]
    done = subprocess.run(follows, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the first call: Samespace was asked for it, once" in done.stdout
