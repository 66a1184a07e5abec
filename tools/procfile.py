"""Follow docs/deploying.md, "A platform with a Procfile", in a bare clone, as such a platform does.

    python -m tools.procfile

The packages of requirements.txt are installed; `release` is run to its end, then `web` and `worker` are started by
their lines of the Procfile, with the variables that the page names and those that a platform gives (PORT, and the
addresses of its PostgreSQL and its Redis). Needs redis-server. What a real platform's router does beyond passing
the visitor's address on is not tried.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ringback.sandbox.samespace import SandboxSamespace
from tests.crash.stores import Postgres, Redis
from tests.running import ROOT, free_port
from tools.deployed import HERE, PAGE, asks, is_ready, told

SECTION = PAGE.split("## A platform with a Procfile")[1].split("\n## ")[0]


def cloned(folder: Path, base_url: str) -> None:
    """The repository, with the page's file in it."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    shown = re.findall(r"(?ms)^```toml\n(.*?)^```", PAGE)[0]
    written = shown.replace("[samespace]\n", f'[samespace]\nbase_url = "{base_url}"\n')
    (folder / "ringback.toml").write_text(written + 'company = "Example Ltd"\n')
    subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], check=True)
    installs = [str(folder / ".venv/bin/pip"), "install", "--quiet", "-r", "requirements.txt"]
    subprocess.run(installs, cwd=folder, env=os.environ | HERE, check=True)


def variables(database_url: str, redis_url: str) -> dict[str, str]:
    """What the page names, and nothing else."""
    given = {
        "RINGBACK_CONFIG": "ringback.toml",
        "SECRET_KEY": "a key for this run only, and long enough",
        "DATABASE_URL": database_url,
        "PUBLIC_URL": "https://callback.example.com",
        "TRUSTED_PROXIES": "1",
        "RATELIMIT_STORAGE_URI": redis_url,
        "RINGBACK_DELIVERY": "worker",
    }
    if unnamed := [name for name in given if f"`{name}" not in SECTION]:
        sys.exit(f"docs/deploying.md does not name {', '.join(unnamed)}")
    return given


class Platform:
    """Runs the lines of a Procfile in a clone."""

    def __init__(self, folder: Path, given: dict[str, str]) -> None:
        self._folder = folder
        path = f"{folder}/.venv/bin:/usr/bin:/bin"
        self._environment = {"PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8"} | given
        self._lines = dict(line.split(": ", 1) for line in (folder / "Procfile").read_text().splitlines())

    def run(self, name: str) -> None:
        subprocess.run(["sh", "-c", self._lines[name]], cwd=self._folder, env=self._environment, check=True)

    @contextmanager
    def started(self, name: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """Until it is told to end, which it has to do by itself."""
        command = ["sh", "-c", f"exec {self._lines[name]}"]
        process = subprocess.Popen(command, cwd=self._folder, env=self._environment | more)
        try:
            yield process
        finally:
            process.terminate()
            status = process.wait(40)
            told(f"{name} was told to end, and did: {status}")


def until(check: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            sys.exit(what)
        time.sleep(0.1)  # another process can only be asked


def main() -> None:
    with ExitStack() as stack:
        samespace = stack.enter_context(SandboxSamespace())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ringback-procfile-")))
        cloned(folder, samespace.base_url)
        told("a bare clone, with the packages of requirements.txt")
        database_url = stack.enter_context(Postgres()).url
        redis = Redis(folder)
        stack.callback(redis.kill)
        platform = Platform(folder, variables(database_url, redis.url))
        platform.run("release")
        told("release: the configuration was checked, and the tables are there")
        port = free_port()
        with platform.started("web", PORT=str(port)) as web, platform.started("worker"):
            until(lambda: is_ready(port) or web.poll() is not None, 90, "web does not get ready")
            told("web is ready")
            asks(port)
            until(lambda: samespace.calls, 60, "Samespace was not asked for the call")
        if [call.number for call in samespace.calls] != ["442079460123"]:
            sys.exit("Samespace was asked for another call, or more than once")
        told("the first call: Samespace was asked for it, once")


if __name__ == "__main__":
    main()
