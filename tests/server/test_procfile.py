"""A platform with a Procfile by docs/deploying.md, to the letter, from a bare clone."""

import shutil
import subprocess
import sys

import pytest

from tests.running import ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="not followed without redis-server"),
]


def test_who_follows_the_page_gets_from_a_bare_clone_to_the_first_call() -> None:
    follows = [sys.executable, "-m", "tools.procfile"]
    done = subprocess.run(follows, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the first call: Samespace was asked for it, once" in done.stdout
