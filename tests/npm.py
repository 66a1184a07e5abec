"""The JavaScript packages that tests and benchmarks put beside Ringback: React, Vue, the scripts of its peers.

npm fetches them into the environment's folder, once, and what came is checked against the hash written here. None
is part of the product. Run as a program, it fetches what the tests need.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent / ".venv" / "npm"
MEND = "npm was not found. Mend it with: apt-get install npm (or install Node.js)"


class Package(NamedTuple):
    """One release of a package, and the SHA-512 of its file in Base64, as npm itself writes it."""

    version: str
    sha512: str


FOR_TESTS = {
    # Turns the JSX of a recipe into what a browser runs, so that the very text of the guide is tried.
    "@babel/standalone": Package(
        "7.29.13",
        "N8oXikyXZJfWWQoO26w+KLheK1P4itiJx15C29FNWpYsxYhbie2EyfZDvxZfBL+Gx+hInpGI0CO7y/pSh6hHkg==",
    ),
    # What redraws a page by changing what is there into what is to be.
    "@hotwired/turbo": Package(
        "8.0.23",
        "GZ7cijxEZ6Ig71u7rD6LHaRv/wcE/hNsc+nEfiWOkLNqUgLOwo5MNGWOy5ZV9ZUDSiQx1no7YxjTNnT4O6//cQ==",
    ),
    "htmx.org": Package(
        "2.0.11",
        "Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
    ),
    "idiomorph": Package(
        "0.8.0",
        "R47JBL+6jHDQvcnbppIUtXXcxi5h6+wuCEEZXnRhUltsgzPFKzThL5PuHppP9ypJuy+7WawcY1TsSBD/iQbMhw==",
    ),
    "morphdom": Package(
        "2.7.8",
        "D/fR4xgGUyVRbdMGU6Nejea1RFzYxYtyurG4Fbv2Fi/daKlWKuXGLOdXtl+3eIwL110cI2hz1ZojGICjjFLgTg==",
    ),
    "react": Package(
        "18.3.1",
        "wS+hAgJShR0KhEvPJArfuPVN1+Hz1t0Y6n5jLrGQbkb4urgPE/0Rve+1kMB1v/oWgHgm4WIcV+i7F2pTVj+2iQ==",
    ),
    "react-dom": Package(
        "18.3.1",
        "5m4nQKp+rZRb09LNH59GM4BxTh9251/ylbKIbpe7TpGxfJ+9kv6BLkLBXIjjspbgbnIBNqlI23tRnTWT0snUIw==",
    ),
    "vue": Package(
        "3.5.45",
        "3cvsib8m9c0vB24+MDKsgcW4+Da4xaBl9Z/5Tbm2pmSIsRPxcil4cdXjXlVsmJ2g64XJo5h+IRd7rsdGT9pZaw==",
    ),
}
FOR_BENCH = {
    "@calcom/embed-core": Package(
        "1.5.3",
        "GeId9gaByJ5EWiPmuvelZOvFWPOTWkcWZr5vGTCbIUTX125oE5yn0n8lDF1MJk5Xj1WO+/dk9jKIE08Ad9ytiQ==",
    ),
    "@calcom/embed-snippet": Package(
        "1.3.3",
        "pqqKaeLB8R6BvyegcpI9gAyY6Xyx1bKYfWvIGOvIbTpguWyM1BBBVcT9DCeGe8Zw7Ujp5K56ci7isRUrT2Uadg==",
    ),
    "@formbricks/js": Package(
        "5.1.0",
        "a0aqIumi8nlMr4c7pgUj1HxReHrpKNqUOomBu/7MCAIRmthBkICTIDZ5yXKaL0TMagKBPFC1uVhdu8vd4F4QMQ==",
    ),
    "@typeform/embed": Package(
        "6.1.1",
        "VDd1w61otCEJZ1iCeuusgI73MZfL01tldmGcULuhc3vIDSd9P3zZDMAQpy4I+stt6P8r0j3aQXmPYjP4NQ3QWQ==",
    ),
}
PACKAGES = FOR_TESTS | FOR_BENCH


def folder(name: str) -> Path:
    """Where the files of a package are. Fetches it first where it is not there yet."""
    place = FOLDER / f"{name.replace('/', '+')}@{PACKAGES[name].version}"
    if not place.exists():
        _fetch(name, place)
    return place


def _fetch(name: str, place: Path) -> None:
    package = PACKAGES[name]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as name_of_parent:
        parent = Path(name_of_parent)
        command = [_npm(), "pack", "--silent", f"{name}@{package.version}"]
        subprocess.run(command, cwd=parent, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (archive,) = parent.glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != package.sha512:
            raise RuntimeError(f"{name} {package.version} is not the file it was: its SHA-512 is {digest}")
        with tarfile.open(archive) as files:
            files.extractall(parent, filter="data")
        try:
            (parent / "package").rename(place)
        except OSError:
            if not place.exists():  # else another process was quicker
                raise


def _npm() -> str:
    if path := shutil.which("npm"):
        return path
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "npm"], check=False)
    if path := shutil.which("npm"):
        return path
    raise RuntimeError(MEND)


if __name__ == "__main__":
    try:
        for name in FOR_TESTS:
            folder(name)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
