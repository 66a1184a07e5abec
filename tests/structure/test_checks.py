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


def test_no_settings_are_made_past_their_validation() -> None:
    """Nor is anything else of pydantic's: what is checked at the start is what is used."""
    code = [ROOT / "app.py", ROOT / "gunicorn.conf.py"]
    code += [file for folder in ("ringback", "tests", "tools") for file in (ROOT / folder).rglob("*.py")]
    past = re.compile(r"\.(model_)?construct\(")

    assert [str(file.relative_to(ROOT)) for file in code if past.search(file.read_text(encoding="utf-8"))] == []


def test_no_module_is_longer_than_can_be_read_at_once() -> None:
    code = [ROOT / "app.py", ROOT / "gunicorn.conf.py", *(ROOT / "ringback").rglob("*.py")]
    lines = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in code}

    assert {file: count for file, count in lines.items() if count > 300} == {}
