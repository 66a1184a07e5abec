"""Ringback as it is served for real: a process of its own, on a port of its own, that can be killed."""

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests import privacy

ROOT = Path(__file__).parent.parent
START_SECONDS = 30


# Below what the system gives to connections going out: one of those may take a port before its server does.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on, on any address of this machine."""
    for port in random.sample(PORTS, 100):
        with socket.socket(socket.AF_INET6) as probe, suppress(OSError):
            probe.bind(("::", port))
            return port
    raise RuntimeError("no port is free")


class Server:
    """One served Ringback. `log` is everything it ever printed."""

    def __init__(
        self, command: list[str], folder: Path, environment: dict[str, str], port: int, cwd: Path
    ) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._cwd = cwd
        self._log = folder / "server.log"
        privacy.writes(self._log)
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self._environment = inherited | {"PORT": str(port)} | environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that a kill reaches the workers too
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log}")
            time.sleep(0.05)  # a port can only be asked
        return self

    def _is_up(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        """As the power goes: no process of it gets another instruction."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """As a deploy does. The exit status."""
        assert self._process
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(40)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""


CONFIGURATION = """
[samespace]
space_id = "acme"
base_url = "{base_url}"
[limits]
per_address = "1000 per minute"
per_widget = "100000 per day"
min_fill_seconds = 0
[delivery]
timeout_seconds = 2
lease_seconds = 4
retry_seconds = [0.3, 0.5, 1]
[widgets.sales]
team_name = "Sales"
company = "Acme Ltd"
privacy_url = "https://www.acme.test/privacy"
region = "GB"
fields = ["name", "email", "company", "message"]
attributes = ["plan", "campaign", "page_title"]
phone = "+44 20 7946 0000"
caller_id = "+44 20 7946 0000"
promise_minutes = 15
"""


def production(folder: Path, base_url: str, database_url: str = "", **environment: str) -> Server:
    """`gunicorn app:app` with a configuration."""
    configuration = folder / "ringback.toml"
    configuration.write_text(CONFIGURATION.format(base_url=base_url))
    port = free_port()
    settings = {
        "RINGBACK_CONFIG": str(configuration),
        "SECRET_KEY": "a key for tests only, and long enough",
        "DATABASE_URL": database_url or f"sqlite:///{folder}/ringback.db",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    } | environment
    command = [sys.executable, "-m", "gunicorn", "app:app"]
    return Server(command, folder, settings, port, cwd=ROOT)


def sandbox(folder: Path) -> Server:
    """`python app.py` without a configuration."""
    return Server([sys.executable, str(ROOT / "app.py")], folder, {}, free_port(), cwd=folder)


@contextmanager
def deliver(folder: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that only hands over."""
    command = [sys.executable, "-m", "flask", "--app", "app", "deliver"]
    with (folder / "deliver.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
