"""What systemd is told: that the hand-over is ready, that it lives, and that it ends."""

import socket
from pathlib import Path

import pytest

from ringback.sandbox.samespace import SandboxSamespace
from ringback.server.notify import READY, notify, seconds_between_signs
from tests.running import CONFIGURATION, deliver


def test_the_hand_over_says_that_it_is_ready_that_it_lives_and_that_it_ends(
    tmp_path: Path, samespace: SandboxSamespace
) -> None:
    (tmp_path / "ringback.toml").write_text(CONFIGURATION.format(base_url=samespace.base_url))
    settings = {
        "RINGBACK_CONFIG": f"{tmp_path}/ringback.toml",
        "SECRET_KEY": "a key for tests only, and long enough",
        "DATABASE_URL": f"sqlite:///{tmp_path}/ringback.db",
        "PUBLIC_URL": "https://callback.acme.test",
        "RINGBACK_DELIVERY": "worker",
        "NOTIFY_SOCKET": f"{tmp_path}/notify",
        "WATCHDOG_USEC": "200000",
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"{tmp_path}/notify")
        systemd.settimeout(30)
        with deliver(tmp_path, settings) as process:
            told = [systemd.recv(100) for _ in "123"]
            process.terminate()
            while told[-1] == b"WATCHDOG=1":
                told.append(systemd.recv(100))
            assert process.wait(30) == 0

    assert told[:3] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    assert told[-1] == b"STOPPING=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nowhere/notify"}, {"WATCHDOG_USEC": "soon"}])
def test_without_systemd_nothing_is_told(environ: dict[str, str]) -> None:
    notify(environ, READY)

    assert seconds_between_signs(environ) is None
