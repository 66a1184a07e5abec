"""Machines to break: three network namespaces on a bridge, with PostgreSQL and Redis on one of them.

The visitors and Samespace are where the test runs, at `HERE`. Needs to be root.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests import privacy
from tests.crash.clusters import POSTGRES_USER, as_postgres
from tests.running import ROOT

BRIDGE = "ringback0"
HERE = "10.77.0.1"
STORE, ONE, TWO = "ringback-store", "ringback-one", "ringback-two"
ADDRESSES = {STORE: "10.77.0.10", ONE: "10.77.0.11", TWO: "10.77.0.12"}
WEB_PORT, POSTGRES_PORT, REDIS_PORT = 8000, 5432, 6379
START_SECONDS = 60


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Machines:
    """Three of them, and what runs there. Everything is gone when it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self._postgres_folder = Path(tempfile.mkdtemp(prefix="ringback-machines-"))

    def __enter__(self) -> Self:
        self._tear_down()
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("addr", "add", f"{HERE}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for place, (name, address) in enumerate(ADDRESSES.items()):
            ip("netns", "add", name)
            ip("link", "add", _cable(place), "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", _cable(place), "master", BRIDGE, "up")
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        with suppress(subprocess.CalledProcessError):
            self._pg_ctl("-m", "immediate", "stop")
        self._tear_down()
        shutil.rmtree(self._postgres_folder, ignore_errors=True)

    def _tear_down(self) -> None:
        for name in ADDRESSES:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        for cable in (BRIDGE, *map(_cable, range(len(ADDRESSES)))):
            subprocess.run(["ip", "link", "del", cable], check=False, capture_output=True)

    def run(
        self, machine: str, command: list[str], environment: Mapping[str, str], log: str
    ) -> subprocess.Popen[bytes]:
        """Start something there, until the end."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        privacy.writes(self._folder / log)
        with (self._folder / log).open("ab") as file:
            process = subprocess.Popen(
                ["ip", "netns", "exec", machine, *command],
                cwd=ROOT,
                env=inherited | dict(environment),
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def python(
        self, machine: str, *command: str, environment: Mapping[str, str], log: str
    ) -> subprocess.Popen[bytes]:
        return self.run(machine, [sys.executable, "-m", *command], environment, log)

    def cut_off(self, machine: str) -> None:
        """Pull its cable: nothing comes through, and nobody is told."""
        ip("link", "set", _cable(list(ADDRESSES).index(machine)), "down")

    def plug_in(self, machine: str) -> None:
        ip("link", "set", _cable(list(ADDRESSES).index(machine)), "up")

    def start_redis(self) -> str:
        here = ["--bind", ADDRESSES[STORE], "--port", str(REDIS_PORT), "--protected-mode", "no", "--save", ""]
        self.run(STORE, ["redis-server", *here, "--dir", str(self._folder)], {}, "redis.log")
        wait_for(ADDRESSES[STORE], REDIS_PORT)
        return f"redis://{ADDRESSES[STORE]}:{REDIS_PORT}/0"

    def swallow_redis(self, is_swallowed: bool) -> None:
        """Whether what is sent to it vanishes, without an answer."""
        rule = ["INPUT", "-p", "tcp", "--dport", str(REDIS_PORT), "-j", "DROP"]
        what = ["iptables", "-A" if is_swallowed else "-D", *rule]
        subprocess.run(["ip", "netns", "exec", STORE, *what], check=True, capture_output=True)

    def start_postgres(self) -> str:
        shutil.chown(self._postgres_folder, POSTGRES_USER)
        made = ["-A", "trust", "-U", "postgres", "-D", str(self._data)]
        self._as_postgres("initdb", *made)
        with (self._data / "pg_hba.conf").open("a") as access:
            access.write("host all all 10.77.0.0/24 trust\n")
        self.start_postgres_again()
        return f"postgresql://postgres@{ADDRESSES[STORE]}:{POSTGRES_PORT}/postgres"

    def break_off_postgres(self) -> None:
        """As a power cut would."""
        self._pg_ctl("-m", "immediate", "stop")

    def start_postgres_again(self) -> None:
        options = f"-h {ADDRESSES[STORE]} -p {POSTGRES_PORT} -k {self._postgres_folder}"
        self._pg_ctl("-l", str(self._postgres_folder / "log"), "-o", options, "start")

    @property
    def _data(self) -> Path:
        return self._postgres_folder / "data"

    def _pg_ctl(self, *arguments: str) -> None:
        self._as_postgres("pg_ctl", "-w", "-t", "60", "-D", str(self._data), *arguments)

    def _as_postgres(self, program: str, *arguments: str) -> None:
        as_postgres(self._postgres_folder, program, *arguments, inside=("ip", "netns", "exec", STORE))


def _cable(place: int) -> str:
    return f"ringback-m{place}"


def wait_for(address: str, port: int) -> None:
    """Until somebody listens there."""
    until = time.monotonic() + START_SECONDS
    while True:
        with suppress(OSError), socket.create_connection((address, port), timeout=2):
            return
        assert time.monotonic() < until, f"nobody listens at {address}:{port}"
        time.sleep(0.1)  # a port can only be asked
