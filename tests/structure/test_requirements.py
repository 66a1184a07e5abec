"""Pinned means pinned: every package that runs is named exactly, those that come along too."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent


def lines(name: str) -> list[Requirement]:
    """The packages that a file names, for this Python."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = [Requirement(line) for line in re.findall(r"(?m)^([a-zA-Z][^#\n]*)", text)]
    return [each for each in found if each.marker is None or each.marker.evaluate()]


def pins(name: str) -> dict[str, str]:
    """What a file says of each package, as `==1.2.3`."""
    return {canonicalize_name(each.name): str(each.specifier) for each in lines(name)}


def needed(chosen: list[Requirement]) -> set[str]:
    """These and everything that comes along with them here, as installed."""
    found: set[str] = set()
    left = [(canonicalize_name(each.name), frozenset(each.extras)) for each in chosen]
    while left:
        name, extras = left.pop()
        found.add(name)
        for text in metadata.requires(name) or ():
            each = Requirement(text)
            wanted = [{"extra": extra} for extra in extras or {""}]
            if each.marker is None or any(each.marker.evaluate(extra) for extra in wanted):
                other = canonicalize_name(each.name)
                if other not in found:
                    left.append((other, frozenset(each.extras)))
    return found


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_named_with_one_exact_version(name: str) -> None:
    assert [said for said in pins(name).items() if not re.fullmatch(r"==[0-9][^*,]*", said[1])] == []


def test_what_comes_along_with_what_we_chose_is_pinned_too() -> None:
    assert needed(lines("requirements.in")) - set(pins("requirements.txt")) == set()


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = {name: f"=={metadata.version(name)}" for name in pins("requirements.txt")}

    assert installed == pins("requirements.txt")


def test_the_lock_of_the_image_names_the_same_versions_each_with_its_hashes() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"(?m)^([a-z0-9._-]+)==(\S+)", text))
    several = re.findall(r"(?m)^([a-z0-9._-]+)==(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"))

    assert locked == dict(several)
    assert all("--hash=sha256:" in each for each in re.split(r"(?m)^(?=[a-z])", text)[1:])
