"""Docker Compose by docs/deploying.md, to the letter but for Docker itself, from nothing to the first call."""

import shutil
import subprocess
import sys

import pytest

from tests.running import ROOT
from tests.server import image

NEEDS = (*image.PROGRAMS, "caddy", "redis-server")

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("image"),
    pytest.mark.skipif(
        not all(shutil.which(program, path="/usr/sbin:/usr/bin") for program in NEEDS),
        reason="not followed without root, and apt-get install buildah mmdebstrap caddy redis-server",
    ),
]


def test_who_follows_the_page_gets_from_nothing_to_the_first_call_through_the_proxy() -> None:
    follows = [sys.executable, "-m", "tools.composed"]
    done = subprocess.run(follows, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the first call: Samespace was asked for it, once" in done.stdout
    order = ["postgres is healthy", "web is started", "web is healthy", "proxy is started", "web was told to end"]
    assert sorted(order, key=done.stdout.index) == order
