"""Imports go one way. A new arrow is a decision, made here."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "ringback"
OUTSIDE = {
    "flask",
    "flask_wtf",
    "flask_limiter",
    "wtforms",
    "werkzeug",
    "sqlalchemy",
    "alembic",
    "requests",
    "urllib3",
}

# What each module may import of ours. What is not named here may be imported by nobody.
MAY_IMPORT: dict[str, set[str]] = {
    "phone": set(),
    "callback_request": set(),
    "clock": set(),
    "brand": set(),
    "languages": set(),
    "assets": set(),
    "own_file": set(),
    "widget": {"languages", "own_file"},
    "settings": {"widget"},
    "opening_hours": {"widget"},
    "consent": {"languages", "widget"},
    "clean": set(),
    "bounds": set(),
    "cross_site": set(),
    "form_token": set(),
    "dates": {"languages", "widget"},
    "availability": {"dates", "languages", "opening_hours", "widget"},
    "schedule": {"callback_request", "database", "opening_hours", "tables", "widget"},
    "form": {
        "callback_request",
        "clean",
        "consent",
        "form_token",
        "languages",
        "opening_hours",
        "phone",
        "widget",
    },
    "tables": set(),
    "database": {"private_file", "shared_flush", "tables"},
    "private_file": set(),
    "shared_flush": set(),
    "transitions": {"callback_request", "tables"},
    "windows": {"clock", "tables"},
    "brake": {"callback_request", "settings", "tables", "windows"},
    "quoting": {"callback_request"},
    "wrong_clock": {"clock", "settings"},
    "turned_away": {"callback_request", "tables"},
    "gate": {"clock", "database", "settings", "tables", "turned_away", "widget", "wrong_clock"},
    "numbers": {"callback_request", "phone", "settings", "tables", "windows"},
    "due": {"callback_request", "tables"},
    "outbox": {
        *("brake", "callback_request", "clock", "consent", "database", "due", "gate", "numbers", "opening_hours"),
        *("quoting", "schedule", "settings", "tables", "transitions", "turned_away"),
        "wrong_clock",
    },
    "attention": {"callback_request", "database", "numbers", "outbox", "settings", "tables", "transitions"},
    "personal_data": {
        *("brake", "callback_request", "clock", "database", "numbers", "outbox", "quoting", "settings", "tables"),
        "transitions",
        "wrong_clock",
    },
    "housekeeping": {"personal_data"},
    "line": set(),
    "samespace": {"line"},
    "agent_note": {"callback_request", "widget"},
    "delivery": {
        "agent_note",
        "database",
        "gate",
        "outbox",
        "samespace",
        "settings",
        "transitions",
        "wrong_clock",
    },
    "promise": {"availability", "callback_request", "dates", "languages", "widget"},
    "confirmation": {"callback_request", "clock", "languages", "opening_hours", "phone", "promise"},
    "calendar_file": {"callback_request", "clock", "languages", "widget"},
    "parts": {"form_token", "outbox", "personal_data", "settings"},
    "counts": set(),
    "limits": {"callback_request", "counts", "parts", "settings"},
    "embedding": {"brand", "settings", "widget"},
    "errors": {"database", "languages"},
    "health": {"database", "tables"},
    "logs": set(),
    "proxies": set(),
    "connections": {"proxies"},
    "server": {"connections"},
    "own_file_page": {"own_file", "settings"},
    "page": {"brand", "cross_site", "embedding", "languages", "parts", "widget"},
    "form_page": {
        *(
            "availability",
            "consent",
            "database",
            "dates",
            "errors",
            "form",
            "languages",
            "limits",
            "opening_hours",
        ),
        *("outbox", "page", "parts", "schedule", "widget"),
    },
    "request_page": {
        *("callback_request", "clock", "confirmation", "dates", "errors", "languages", "limits", "opening_hours"),
        *("page", "parts", "personal_data", "promise", "widget"),
    },
    "time_page": {
        *("availability", "calendar_file", "callback_request", "dates", "errors", "form", "languages", "limits"),
        *("opening_hours", "page", "parts", "request_page", "schedule", "widget"),
    },
    "stop_page": {"errors", "form", "languages", "limits", "page", "parts", "request_page"},
    "alert_message": set(),
    "alert_channels": {"alert_message", "line", "settings"},
    "alerts": {
        *("alert_channels", "alert_message", "clock", "database", "line", "outbox", "settings", "tables"),
        "wrong_clock",
    },
    "auth_token": {"database", "settings", "tables"},
}
# The list of parts knows them all, and commands use what they command; the sandbox is known to app.py alone.
ASSEMBLE = {"factory", "__init__"}
KNOWS_NOTHING_OUTSIDE = {
    *(
        "phone",
        "callback_request",
        "clock",
        "brand",
        "clean",
        "consent",
        "widget",
        "agent_note",
        "promise",
        "confirmation",
    ),
    *("calendar_file", "dates", "languages", "own_file"),
}
SEES_THE_ENVIRONMENT = {"app.py", "gunicorn.conf.py"}


def imports(file: Path) -> set[str]:
    """Every module a file imports, dotted."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names} | {node.module}
    return found


def ours(file: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(file) if name.startswith("ringback.")}


MODULES = sorted(file.stem for file in PACKAGE.glob("*.py") if file.stem not in ASSEMBLE)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_the_table_says(module: str) -> None:
    assert ours(PACKAGE / f"{module}.py") <= MAY_IMPORT[module]


def test_the_table_names_no_module_that_has_gone() -> None:
    assert set(MAY_IMPORT) == set(MODULES)


@pytest.mark.parametrize("module", sorted(KNOWS_NOTHING_OUTSIDE))
def test_the_rules_of_the_field_know_no_framework(module: str) -> None:
    assert not {name.split(".")[0] for name in imports(PACKAGE / f"{module}.py")} & OUTSIDE


def test_nobody_but_app_knows_the_sandbox() -> None:
    for file in PACKAGE.glob("*.py"):
        assert "sandbox" not in ours(file), file.name


def test_only_the_entrances_see_the_environment() -> None:
    readers = {file for file in [*ROOT.glob("*.py"), *PACKAGE.rglob("*.py")] if "environ" in _names_of_os(file)}
    assert {file.name for file in readers} == SEES_THE_ENVIRONMENT


def _names_of_os(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
    }
