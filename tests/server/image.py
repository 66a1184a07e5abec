"""The image of deploy/Dockerfile, built by buildah on bases of Debian's packages, and started as containers are.

The bases stand in for the two that the Dockerfile names, which come from registries of images:
Debian by mmdebstrap, and Python of the packages that distroless unpacks for its `python3-debian13`.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.running import ROOT, Server, free_port

PROGRAMS = ("buildah", "mmdebstrap", "unshare")
NAME, DEBIAN, PYTHON = "localhost/ringback-tested", "localhost/ringback-debian", "localhost/ringback-python"
USER = 10001
# What https://github.com/GoogleContainerTools/distroless puts into python3-debian13, by its Bazel files.
IN_PYTHON = """
base-files netbase tzdata ca-certificates libc6 libssl3t64 libgcc-s1 libgomp1 libstdc++6 libbz2-1.0
libdb5.3t64 libexpat1 liblzma5 libsqlite3-0 libuuid1 libncursesw6 libtinfo6 zlib1g libcom-err2 libcrypt1
libgssapi-krb5-2 libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 libreadline8t64 libffi8 libzstd1
libpython3.13-minimal libpython3.13-stdlib python3.13-minimal
""".split()


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout.strip()


def build() -> int:
    """Make it, on bases that are made once; its size unpacked, in bytes."""
    if not run("buildah", "images", "--filter", f"reference={PYTHON}", "--quiet"):
        _make_bases()
    certificates = os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt")
    bases = [f"--build-arg=DEBIAN={DEBIAN}", f"--build-arg=PYTHON={PYTHON}"]
    ways = ["--isolation=chroot", "--pull-never", "--format=docker", f"--volume={certificates}:/opt/ca.crt:ro"]
    run("buildah", "bud", *ways, *bases, "--file=deploy/Dockerfile", f"--tag={NAME}", ".")
    (told,) = json.loads(run("buildah", "images", "--json", NAME))
    return int(float(told["size"].split()[0]) * {"MB": 1e6, "GB": 1e9}[told["size"].split()[1]])


def _make_bases() -> None:
    with TemporaryDirectory() as name:
        debian, python, packages = (Path(name) / part for part in ("debian", "python", "debian/packages"))
        wanted = "--include=binutils,ca-certificates,python3-venv"
        run("mmdebstrap", "--variant=minbase", wanted, "trixie", str(debian), "http://deb.debian.org/debian")
        shutil.copy("/etc/resolv.conf", debian / "etc/resolv.conf")
        packages.mkdir()
        run("chroot", str(debian), "apt-get", "update", "-qq")
        run("chroot", str(debian), "sh", "-c", f"cd /packages && apt-get download -qq {' '.join(IN_PYTHON)}")
        for link in ("bin", "lib", "sbin", "lib64"):
            (python / "usr" / link).mkdir(parents=True)
            (python / link).symlink_to(f"usr/{link}")
        for package in packages.glob("*.deb"):
            run("dpkg-deb", "-x", str(package), str(python))
        for left in ("doc", "man", "locale"):
            shutil.rmtree(python / "usr/share" / left, ignore_errors=True)
        (python / "usr/bin/python3").symlink_to("python3.13")
        (python / "usr/bin/python").symlink_to("python3.13")
        (python / "tmp").mkdir(mode=0o1777, exist_ok=True)
        shutil.rmtree(packages)
        _commit(debian, DEBIAN, "--env=PATH=/usr/sbin:/usr/bin:/sbin:/bin", "--env=PIP_CERT=/opt/ca.crt")
        _commit(python, PYTHON, '--entrypoint=["/usr/bin/python3.13"]')


def _commit(folder: Path, name: str, *settings: str) -> None:
    container = run("buildah", "from", "scratch")
    run("buildah", "add", "--quiet", container, str(folder), "/")
    run("buildah", "config", *settings, container)
    run("buildah", "commit", "--quiet", "--rm", container, name)


@contextmanager
def mounted() -> Iterator[Path]:
    """The files of the image."""
    container = run("buildah", "from", "--pull-never", NAME)
    try:
        yield Path(run("buildah", "mount", container))
    finally:
        run("buildah", "rm", container)


class Started:
    """The image as it is started: its own user, a root that is read-only, and a folder for the store.

    `sockets`: a folder of this machine that it sees as well, where PostgreSQL listens.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        configuration: str,
        database_url: str,
        sockets: str = "",
        **environment: str,
    ) -> None:
        for name in ("store", "config"):
            (folder / name).mkdir(exist_ok=True)
        (folder / "config/ringback.toml").write_text(configuration)
        folder.joinpath("config").chmod(0o755)
        os.chown(folder / "store", USER, USER)
        (root / "etc/ringback").mkdir(exist_ok=True)
        image = json.loads(run("buildah", "inspect", "--type=image", NAME))["Docker"]["config"]
        assert image["User"] == str(USER)
        self._root, self._folder, self._sockets = root, folder, sockets
        self._in, self._served = image["WorkingDir"], image["Cmd"]
        self.port = free_port()
        self.environment = dict(line.split("=", 1) for line in image["Env"]) | {
            "PORT": str(self.port),
            "SECRET_KEY": "a key for tests only, and long enough",
            "DATABASE_URL": database_url,
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            **environment,
        }

    def served(self, *command: str) -> Server:
        """What it starts by itself, or another command in its place."""
        inside = self._inside(list(command) or self._served)
        return Server(inside, self._folder, self.environment, self.port, ROOT)

    def run(self, *command: str, given: str = "") -> str:
        """What `docker compose exec` does."""
        done = subprocess.run(
            self._inside(list(command)), env=self.environment, input=given, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _inside(self, command: list[str]) -> list[str]:
        program = f"import os; os.chdir({self._in!r}); os.execvp({command[0]!r}, {command!r})"
        root, folder, sockets = self._root, self._folder, self._sockets
        # The socket alone: its folder is open to nobody but the user of PostgreSQL.
        there = root / "tmp/postgres/.s.PGSQL.5432"
        lent = f"mkdir {root}/tmp/postgres && touch {there} && mount --bind {sockets}/.s.PGSQL.5432 {there}"
        mounts = f"""
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount --bind {root} {root} && mount -o remount,bind,ro {root} && mount --bind /dev {root}/dev
mount -t tmpfs tmpfs {root}/tmp && mount --bind {folder}/store {root}/var/lib/ringback
mount --bind {folder}/config {root}/etc/ringback
{lent if sockets else ""}
export PATH="$1"; shift
exec /usr/sbin/chroot --userspec={USER}:{USER} --groups= {root} /usr/bin/python3 -c "$1"
"""
        path = self.environment["PATH"]
        return ["/usr/bin/unshare", "--mount", "/bin/sh", "-euc", mounts, "sh", path, program]
