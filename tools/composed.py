"""Follow docs/deploying.md, "Docker Compose", to the letter, without Docker: from nothing to a first call.

    python -m tools.composed

Needs root, buildah, mmdebstrap, caddy and redis-server. The page's commands are run as they stand, but for
`docker compose`: what it would do by deploy/compose.yaml is done by namespaces of this machine. The image is built
of the Dockerfile by buildah. Every service is started with the settings of the file and nothing else, when what it
depends on is as far as the file says, and seen to be healthy by the check of the file.

What stands in for something else:
- the images of PostgreSQL, Redis and Caddy are programs of this machine, on a copy of its root;
- services have a file system, a user and an address of their own, but one network and one list of processes;
- names are found in /etc/hosts; the public one ends in .localhost, for which Caddy makes the certificate itself.
Not tried: `restart`, `ports` other than as they are, and a certificate from an authority.
"""

import errno
import os
import re
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
import yaml

from ringback.sandbox.samespace import SandboxSamespace
from tests.running import ROOT
from tests.server import image
from tools.containers import Service
from tools.deployed import PAGE, asks_at, told
from tools.procfile import until

SECTION = PAGE.split("## Docker Compose")[1].split("\n## ")[0]
HOST = "callback.localhost"
NETWORK = "172.30.0."
# User, capabilities, whether a program may give more of them, and what writing to the root meets.
SHOWS_RIGHTS = """
import os, re
print(os.getuid(), *re.findall("(?:CapEff|NoNewPrivs):.(.*)", open("/proc/self/status").read()))
try:
    open("/app/new", "w")
except OSError as error:
    print(error.errno)
"""
NO_RIGHTS = ["10001", "0" * 16, "1", str(errno.EROFS)]


def filled(part: Any, given: dict[str, str]) -> Any:
    """With the variables of .env in place."""

    def of(found: re.Match[str]) -> str:
        name, way, rest = found.groups()
        if way == "?" and not given.get(name):
            sys.exit(f"{name}: {rest}")
        return given.get(name) or rest or ""

    if isinstance(part, dict):
        return {key: filled(value, given) for key, value in part.items()}
    if isinstance(part, list):
        return [filled(value, given) for value in part]
    return re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", of, part) if isinstance(part, str) else part


@contextmanager
def up(deploy: Path, folder: Path, root: Path) -> Iterator[dict[str, Service]]:
    """`docker compose up`, and in the end its opposite."""
    lines = [line for line in (deploy / ".env").read_text().splitlines() if line and not line.startswith("#")]
    given = dict(line.split("=", 1) for line in lines)
    said = filled(yaml.safe_load((deploy / "compose.yaml").read_text())["services"], given)
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{NETWORK}1 {given['RINGBACK_HOST']}\n")
    with (folder / "hosts").open("a") as hosts:
        for number, name in enumerate(["", *said], 1):
            subprocess.run(["ip", "address", "add", f"{NETWORK}{number}/32", "dev", "lo"], check=True)
            hosts.write(f"{NETWORK}{number} {name}\n" if name else "")
    subprocess.run(["mount", "--bind", str(folder / "hosts"), "/etc/hosts"], check=True)
    waits = {name: service.get("depends_on", {}) for name, service in said.items()}
    services: dict[str, Service] = {}
    with ExitStack() as stack:
        for name in TopologicalSorter(waits).static_order():
            for other, how in waits[name].items():
                services[other].is_as_far_as(how["condition"])
            services[name] = Service(name, said[name], root, folder, deploy)
            services[name].start()
            stack.callback(services[name].stop)
            told(f"{name} is started")
        yield services


def unpacked(folder: Path, base_url: str) -> list[str]:
    """The release, with what the page has its reader write; the page's lines that are left."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    (block,) = re.findall(r"(?ms)^```sh\n(.*?)^```", SECTION)
    before, after = block.split("docker compose up -d --build\n")
    shown = re.findall(r"(?ms)^```toml\n(.*?)^```", PAGE)[0]
    written = shown.replace("[samespace]\n", f'[samespace]\nbase_url = "{base_url}"\n')
    typed, typing = f"editor() {{ cat > $1; }}\n{before}", f'{written}company = "Example Ltd"\n'
    subprocess.run(["sh", "-euc", typed], cwd=folder, input=typing, text=True, check=True)
    fill_in(folder / "deploy/.env")
    return after.splitlines()


def fill_in(settings: Path) -> None:
    """The copy of environment.example, whose own command makes the key."""
    text = settings.read_text()
    (makes_key,) = re.findall(r"(?m)^# (python3 -c .*)\nSECRET_KEY=$", text)
    key = subprocess.run(makes_key, shell=True, check=True, capture_output=True, text=True).stdout.strip()
    for line, given in (
        ("RINGBACK_HOST=callback.example.com\n", f"RINGBACK_HOST={HOST}\n"),
        ("SECRET_KEY=\n", f"SECRET_KEY={key}\n"),
        ("POSTGRES_PASSWORD=\n", f"POSTGRES_PASSWORD={secrets.token_hex(16)}\n"),
    ):
        text = text.replace(line, given)
    settings.write_text(text)


def reaches(address: str, authority: Path) -> bool:
    try:
        return requests.get(address, verify=str(authority), timeout=5).status_code == 200
    except (requests.RequestException, OSError):
        return False


def executes(services: dict[str, Service], line: str, **more: str) -> None:
    name, *command = shlex.split(line.removeprefix("docker compose exec "))
    done = services[name].run(command, 60, **more)
    if done.returncode:
        sys.exit(f"{line}\n{done.stdout}{done.stderr}")
    told(f"{line}: well")


def follow(root: Path, folder: Path, samespace: SandboxSamespace) -> None:
    release = folder / "release"
    release.mkdir()
    lines = unpacked(release, samespace.base_url)
    told("a release, with .env and config/ringback.toml written as the page says")
    with up(release / "deploy", folder, root) as services:
        authority = folder / "volumes/caddy/caddy/pki/authorities/local/root.crt"
        until(lambda: reaches(f"http://{HOST}/readyz", authority), 60, "nobody answers through the proxy")
        told(f"http://{HOST} leads to https://{HOST}, which answers through the proxy")
        if (found := services["web"].run(["python", "-c", SHOWS_RIGHTS]).stdout.split()) != NO_RIGHTS:
            sys.exit(f"web may do more than the file gives it: {found}")
        told("web runs as a user without rights, who cannot get any, on a root that it cannot write to")
        for line in lines:
            executes(services, line)
        asks_at(f"https://{HOST}/sales", verify=str(authority))
        until(lambda: samespace.calls, 60, "Samespace was not asked for the call")
        (release / "deploy/config/authority.crt").write_bytes(authority.read_bytes())
        (canary,) = re.findall(r"`(docker compose exec web flask [^`]*canary)`", SECTION)
        executes(services, canary, REQUESTS_CA_BUNDLE="/etc/ringback/authority.crt")
    if [call.number for call in samespace.calls] != ["442079460123"]:
        sys.exit("Samespace was asked for another call, or more than once")
    told("the first call: Samespace was asked for it, once")


def in_a_network_of_its_own(root: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with SandboxSamespace() as samespace, TemporaryDirectory(prefix="ringback-composed-") as folder:
        follow(Path(root), Path(folder), samespace)


def main() -> None:
    """Build; and all the rest in a process whose network and mounts end with it."""
    told(f"the image is built: {image.build() / 1e6:.0f} MB")
    with image.mounted() as root:
        rest = f"from tools import composed; composed.in_a_network_of_its_own({str(root)!r})"
        given = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(["unshare", "--net", "--mount", sys.executable, "-c", rest], cwd=ROOT, env=given)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
