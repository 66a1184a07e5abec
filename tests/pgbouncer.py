"""A real PgBouncer in transaction mode: each transaction may be another server's, as at Supabase, Neon and others.

Debian's package, unpacked into the environment's folder, where none is installed: so nobody has to be root for it.
Run as a program, it brings one when there is none.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from tests.running import START_SECONDS, free_port

FOLDER = Path(__file__).parent.parent / ".venv" / "pgbouncer"
NAME = "pgbouncer"
MEND = "No PgBouncer was found. Mend it with: apt-get install pgbouncer (or: brew install pgbouncer)"
# Few, so that clients soon meet each other's servers.
SERVERS = 3
SETTINGS = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {servers}
max_client_conn = 200
"""


def find() -> tuple[str, dict[str, str]] | None:
    """The program, and the environment that it needs."""
    if path := shutil.which(NAME, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        return path, {}
    if found := next(FOLDER.glob("usr/*bin/pgbouncer"), None):
        libraries = {str(file.parent) for file in FOLDER.rglob("*.so*")}
        return str(found), {"LD_LIBRARY_PATH": ":".join(sorted(libraries))}
    return None


def install() -> None:
    """Debian's package with the libraries that this machine lacks."""
    if not shutil.which("apt-get"):
        return
    if os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
    wanted = [NAME, *(library for library in _libraries() if not _is_installed(library))]
    FOLDER.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as name:
        # apt warns where its own user may not look; the files are there all the same.
        subprocess.run(["apt-get", "download", "-qq", *wanted], cwd=name, check=False, stderr=subprocess.DEVNULL)
        for package in Path(name).glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), f"{name}/root"], check=True)
        with suppress(OSError):  # another process was quicker, or nothing came
            (Path(name) / "root").rename(FOLDER)


def _libraries() -> list[str]:
    told = subprocess.run(["apt-cache", "depends", "-i", NAME], capture_output=True, text=True, check=False)
    names = [line.split(": ")[1].strip() for line in told.stdout.splitlines() if " Depends: " in line]
    return [name for name in names if name.startswith("lib")]


def _is_installed(package: str) -> bool:
    asked = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    return subprocess.run(asked, capture_output=True, check=False).stdout == b"installed"


class PgBouncer:
    """In front of the PostgreSQL of this address."""

    def __init__(self, server_url: str) -> None:
        self._server = sa.make_url(server_url)
        self._port = free_port()

    def __enter__(self) -> "PgBouncer":
        if find() is None:
            install()
        found = find()
        if found is None:
            raise RuntimeError(MEND)
        program, environment = found
        self._folder = tempfile.TemporaryDirectory(prefix="ringback-pgbouncer-")
        Path(self._folder.name).chmod(0o755)
        host = self._server.host or str(self._server.query["host"])
        settings = Path(self._folder.name) / "pgbouncer.ini"
        settings.write_text(
            SETTINGS.format(
                host=host,
                port=self._server.port or 5432,
                user=self._server.username or "postgres",
                listen_port=self._port,
                servers=SERVERS,
            )
        )
        # It does not run as root; whoever PostgreSQL runs as may open its socket.
        owner = pwd.getpwuid(Path(host).stat().st_uid).pw_name if host.startswith("/") else "nobody"
        as_user = ["-u", owner] if os.geteuid() == 0 else []
        with (Path(self._folder.name) / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, *as_user, str(settings)], env=os.environ | environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PgBouncer did not start:\n{self.log}")
            time.sleep(0.02)  # a port can only be asked
        return self

    def _is_up(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=2):
            return True
        return False

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._folder.cleanup()

    @property
    def log(self) -> str:
        return (Path(self._folder.name) / "log").read_text(errors="replace")

    def url_of(self, database_url: str) -> str:
        """The address of this database through the pooler."""
        url = sa.make_url(database_url).set(host="127.0.0.1", port=self._port, query={})
        return url.set(username=url.username or "postgres").render_as_string(hide_password=False)


if __name__ == "__main__":
    if find() is None:
        install()
    sys.exit(None if find() else MEND)
