"""Follow docs/deploying.md, "A Debian server", to the letter, in a folder that stands in for the server.

    python -m tools.deployed

Needs root and mmdebstrap. The page's commands are taken from the page and run in a fresh Debian by chroot, up to
a first call. What a folder cannot do is left out and told: systemd starts nothing in it, so systemd-analyze reads
the units, and what they start is started by their own lines as their own user; no proxy with a certificate stands
in front.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from ringback.sandbox.samespace import SandboxSamespace
from tests.running import ROOT, free_port

PAGE = (ROOT / "docs/deploying.md").read_text(encoding="utf-8")
SECTION = PAGE.split("## A Debian server")[1].split("\n## ")[0]
# Where this machine has its certificates and packages; a server has them by itself.
HERE = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "SSL_CERT_FILE"}


class Server:
    """A folder with a Debian in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def run(self, script: str, user: str = "root", **environment: str) -> str:
        """What a shell says there; a command that fails ends all of it."""
        done = subprocess.run(
            self.command(f"set -e\n{script}", user), env=_environment(environment), capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{script}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout + done.stderr

    def command(self, script: str, user: str) -> list[str]:
        return ["chroot", f"--userspec={user}:{user}", "--groups=", str(self.root), "/bin/sh", "-c", script]


def _environment(more: dict[str, str]) -> dict[str, str]:
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"} | HERE | more


def told(step: str) -> None:
    print(f"{time.strftime('%T')} {step}", flush=True)


def bare(root: Path, mirror: str = "http://deb.debian.org/debian") -> Server:
    """A Debian with nothing on it, and the release unpacked in /opt/ringback."""
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "trixie", str(root), mirror], check=True)
    server = Server(root)
    shutil.copy("/etc/resolv.conf", server.at("/etc/resolv.conf"))
    server.at("/etc/apt/apt.conf.d/answer").write_text('APT::Get::Assume-Yes "true";\n')  # nobody is asked here
    server.at("/opt/ringback").mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(server.at("/opt/ringback"))], input=archive, check=True)
    return server


def lend_what_this_machine_has(server: Server) -> None:
    """The certificates and the folder of packages that pip is told of here, at the same places."""
    for name, value in HERE.items():
        if value.startswith("/") and Path(value).is_file():
            server.at(value).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(value, server.at(value))
        elif name == "PIP_FIND_LINKS" and Path(value).is_dir():
            shutil.copytree(value, server.at(value), dirs_exist_ok=True)


def follow(server: Server, base_url: str, port: int) -> None:
    """The page's blocks, one after the other."""
    sets_up, enables, types = re.findall(r"(?ms)^```sh\n(.*?)^```", SECTION)
    server.run("apt-get update")
    first, rest = sets_up.split("\n", 1)
    server.run(first)
    lend_what_this_machine_has(server)
    server.run(rest)
    told("set up: packages, user, environment, folders, settings")
    shown = re.findall(r"(?ms)^```toml\n(.*?)^```", PAGE)[0]
    written = shown.replace("[samespace]\n", f'[samespace]\nbase_url = "{base_url}"\n')
    server.at("/etc/ringback/ringback.toml").write_text(written + 'company = "Example Ltd"\n')
    server.run("chown root:ringback /etc/ringback/ringback.toml; chmod 640 /etc/ringback/ringback.toml")
    with server.at("/etc/ringback/environment").open("a") as environment:
        environment.write(f"PORT={port}\n")  # the page's own may be taken on this machine
    copies = [line for line in enables.splitlines() if not line.startswith("systemctl")]
    server.run("mkdir -p /etc/systemd/system\n" + "\n".join(copies))
    units = sorted(str(unit) for unit in server.at("/etc/systemd/system").glob("ringback-*.service"))
    for unit in units:
        subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", unit], check=True, stdout=-3)
    told(f"{len(units)} units copied, and read by systemd-analyze; systemctl was left out")
    server.run("install -d -m 0700 -o ringback -g ringback /var/lib/ringback")  # StateDirectory= of the units
    with started(server, "ringback-web", port):
        told("ringback-web is ready, started by the line of its unit")
        asks(port)
        run_as_service(server, re.sub(r"(?s)^.*?WorkingDirectory=\S+ ", "", types).strip())
        told("check --live is well, typed as the page has it but for systemd-run")
        run_as_service(server, line_of(server, "ringback-backup"))
        (backup,) = server.at("/var/backups/ringback").iterdir()
        told(f"ringback-backup has made {backup.name}, of {backup.stat().st_size} bytes")


def line_of(server: Server, unit: str) -> str:
    """What a unit starts, as a shell reads it."""
    text = server.at(f"/etc/systemd/system/{unit}.service").read_text()
    (line,) = re.findall(r"(?m)^ExecStart=(.*)$", text)
    return str(line).replace("$$", "$").replace("%%", "%")


def as_service(line: str) -> str:
    """A line with the folder and the settings that the units give it."""
    return f"cd /opt/ringback\n{line}"


def settings_of(server: Server) -> dict[str, str]:
    lines = server.at("/etc/ringback/environment").read_text().split()
    given = dict(line.split("=", 1) for line in lines)
    return given | {"RINGBACK_CONFIG": "/etc/ringback/ringback.toml", "PYTHONDONTWRITEBYTECODE": "1"}


def run_as_service(server: Server, line: str) -> str:
    return server.run(as_service(line), "ringback", **settings_of(server))


@contextmanager
def started(server: Server, unit: str, port: int) -> Iterator[None]:
    """What a unit starts, until it is ready."""
    command = server.command(as_service(f"exec {line_of(server, unit)}"), "ringback")
    process = subprocess.Popen(command, env=_environment(settings_of(server)))
    try:
        until = time.monotonic() + 60
        while not is_ready(port):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"{unit} does not get ready: {shlex.join(command)}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(40)


def is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def asks(port: int) -> None:
    """A visitor, as the proxy of the page passes them on."""
    passed_on = {"Host": "callback.example.com", "X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
    asks_at(f"http://127.0.0.1:{port}/sales", headers=passed_on)


def asks_at(address: str, **ways: Any) -> None:
    """A visitor's request for a call, from the form to the answer that it was taken."""
    form = requests.get(address, timeout=10, **ways)
    (token,) = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', form.text)
    time.sleep(2.1)  # a quicker one is a machine's
    answers = {"csrf_token": token, "name": "Ann", "phone": "020 7946 0123"}
    sent = requests.post(address, answers, timeout=20, allow_redirects=False, **ways)
    if sent.status_code != 303:
        sys.exit(f"the form was answered {sent.status_code}")


def main() -> None:
    samespace = SandboxSamespace()
    samespace.start()
    try:
        with TemporaryDirectory(prefix="ringback-deployed-") as folder:
            root = Path(folder) / "server"
            server = bare(root)
            told("a bare Debian, and the release in /opt/ringback")
            follow(server, samespace.base_url, free_port())
        until = time.monotonic() + 20
        while not samespace.calls and time.monotonic() < until:
            time.sleep(0.1)
        if [call.number for call in samespace.calls] != ["442079460123"]:
            sys.exit("Samespace was not asked for the call")
        told("the first call: Samespace was asked for it, once")
    finally:
        samespace.stop()


if __name__ == "__main__":
    main()
