"""Who may import whom is a table in pyproject.toml, held by `make check`; here is what it cannot say."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "ringback"
# The last two know nothing of settings there: systemd's own variables, and what pg_dump is to find.
SEES_THE_ENVIRONMENT = {"app.py", "gunicorn.conf.py", "ringback/cli/__init__.py", "ringback/store/backup.py"}


def test_only_the_entrances_see_the_environment() -> None:
    readers = {file for file in [*ROOT.glob("*.py"), *PACKAGE.rglob("*.py")] if "environ" in names_of_os(file)}

    assert {str(file.relative_to(ROOT)) for file in readers} == SEES_THE_ENVIRONMENT


def test_only_the_store_knows_which_engine_it_is() -> None:
    """Elsewhere the question is what the store does, such as `has_one_writer`."""
    knowing = ("is_sqlite", ".dialect", "pg_advisory", "LOCK TABLE")
    others = [file for file in PACKAGE.rglob("*.py") if "store" not in file.relative_to(PACKAGE).parts]

    assert [
        file.name for file in others if any(word in file.read_text(encoding="utf-8") for word in knowing)
    ] == []


def test_keyed_hashes_are_made_in_one_place() -> None:
    makers = [
        file.name for file in PACKAGE.rglob("*.py") if re.search(r"hmac\.(?!compare)", file.read_text("utf-8"))
    ]

    assert makers == ["keyed_hash.py"]


def names_of_os(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
    }
