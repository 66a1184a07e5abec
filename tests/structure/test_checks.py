"""What is checked at a commit is what `make check` checks."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_a_commit_is_checked_as_make_check_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"(?m)^check:.*\n((?:\t.*\n)+)", makefile)

    commands = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]
    assert re.findall(r"(?m)^ +entry: (.*)$", hooks) == commands
