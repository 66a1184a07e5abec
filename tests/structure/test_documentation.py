"""The documentation tells the truth: every setting is in it, and what it shows can be run."""

import os
import re
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import responses

from ringback.config import environment as variables
from ringback.config.loading import load
from ringback.config.settings import Configuration
from ringback.config.telling import WebhookSettings
from ringback.config.widget import Hours, Texts, Widget
from ringback.factory import create_app
from ringback.services import services_of
from tests.config.test_settings import ENVIRONMENT, loaded

ROOT = Path(__file__).parent.parent.parent
CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
EMBEDDING = (ROOT / "docs/embedding.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "docs/security.md").read_text(encoding="utf-8")
ACCESSIBILITY = (ROOT / "docs/accessibility.md").read_text(encoding="utf-8")
TESTING = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def toml_in(text: str) -> str:
    found = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("text", [CONFIGURATION, README], ids=["configuration", "README"])
def test_the_files_shown_can_be_used(text: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, toml_in(text)).widget("sales")


def test_the_test_of_a_site_that_is_shown_passes_and_prints_nothing_at_its_end(tmp_path: Path) -> None:
    shown, _ = re.findall(r"(?s)```python\n(.*?)```", TESTING)
    (tmp_path / "ringback.toml").write_text(toml_in(README))
    (tmp_path / "test_site.py").write_text(shown)
    # As strict as it can be, and with nothing caught that is printed.
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "--capture=no", "-p", "no:cacheprovider"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert done.stderr == ""


def test_in_a_test_of_a_site_the_time_passes_as_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, later = re.findall(r"(?s)```python\n(.*?)```", TESTING)
    (environment,) = re.findall(r"(?s)(environment = {.*?})\n", shown)
    until_night, in_the_morning = later.split("# … post the form, then:")
    hours = '[widgets.sales.hours]\ntimezone = "Europe/London"\n'
    hours += "".join(f'{day} = ["09:00-17:30"]\n' for day in ("mon", "tue", "wed", "thu", "fri"))
    (tmp_path / "ringback.toml").write_text(toml_in(README) + hours)
    monkeypatch.chdir(tmp_path)
    names = {"tmp_path": tmp_path, "load": load, "create_app": create_app}

    with responses.RequestsMock() as samespace:
        samespace.post("https://in1.samespace.com/apiv1/team/make_call", json={"success": True})
        exec(textwrap.dedent(environment) + "\n" + until_night, names)
        app: Any = names["app"]
        app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
        form = {"name": "Ann Example", "phone": "020 7946 0123"}
        assert app.test_client().post("/sales", data=form).status_code == 303
        assert len(samespace.calls) == 0
        exec(in_the_morning, names)
        assert len(samespace.calls) == 1
    services_of(app).database.close()


def test_every_variable_is_documented() -> None:
    rows = set(re.findall(r"^\| `([A-Z_]+)` \|", CONFIGURATION, re.MULTILINE))

    assert rows == {variable for variable, _, _ in variables.VARIABLES} | {"RINGBACK_CONFIG"}
    assert set(ENVIRONMENT) <= rows


def test_every_key_is_documented() -> None:
    shown = toml_in(CONFIGURATION)
    several = {"widgets", "webhooks"}
    tables = [model.annotation for name, model in Configuration.model_fields.items() if name not in several]
    tables.append(WebhookSettings)
    keys = {key for table in [*tables, Widget, Hours] for key in table.model_fields} - {"key", "texts"}

    assert [key for key in keys if not re.search(rf"^(# )?(\[.*)?{key}( =|\])", shown, re.MULTILINE)] == [
        day for day in keys if day in ("wed", "thu", "sat", "sun")
    ]
    for text in Texts.model_fields:
        assert text in shown


def test_the_defaults_shown_are_the_defaults(tmp_path: Path) -> None:
    shown = loaded(tmp_path, toml_in(CONFIGURATION))
    least = loaded(
        tmp_path, '[samespace]\ncluster_id="in1"\nspace_id="a"\n[widgets.x]\nteam_name="X"\nregion="GB"\n'
    )

    for table in ("limits", "delivery", "privacy"):
        assert getattr(shown, table) == getattr(least, table)
    assert shown.widgets["sales"].brand == least.widgets["x"].brand


def test_the_guide_for_site_owners_is_where_they_look_for_it() -> None:
    (section,) = re.findall(r"^## Put it on your site\n(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\((.*?)\)", section) + [
        f"docs/{link}" for link in re.findall(r"\]\((.*?)\)", EMBEDDING)
    ]

    assert "docs/embedding.md" in links
    assert "docs/../static/embed.d.ts" in links
    assert [link for link in links if not (ROOT / link).exists()] == []


def rows_under(heading: str, text: str) -> list[str]:
    """The rows of every table whose first column is called so."""
    return "".join(re.findall(rf"^\| {heading} \|.*\n\| -.*\n((?:\|.*\n)+)", text, re.MULTILINE)).splitlines()


@pytest.mark.parametrize(
    ("heading", "text", "count"),
    [("problem", EMBEDDING, 15), ("threat", SECURITY, 93)],
    ids=["embedding", "security"],
)
def test_each_row_names_tests_that_exist(heading: str, text: str, count: int) -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    rows = rows_under(heading, text)

    assert len(rows) == count
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.split("|")[3])
        assert named, row
        assert [name for name in named if f"\ndef {name}(" not in tests] == []


# Of levels A and AA, by https://www.w3.org/TR/WCAG22/; 4.1.1 is no longer one.
CRITERIA = """
1.1.1 1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.3.1 1.3.2 1.3.3 1.3.4 1.3.5 1.4.1 1.4.2 1.4.3 1.4.4 1.4.5 1.4.10 1.4.11
1.4.12 1.4.13 2.1.1 2.1.2 2.1.4 2.2.1 2.2.2 2.3.1
2.4.1 2.4.2 2.4.3 2.4.4 2.4.5 2.4.6 2.4.7 2.4.11 2.5.1 2.5.2 2.5.3
2.5.4 2.5.7 2.5.8 3.1.1 3.1.2 3.2.1 3.2.2 3.2.3 3.2.4 3.2.6 3.3.1 3.3.2 3.3.3 3.3.4 3.3.7 3.3.8 4.1.2 4.1.3
""".split()


def test_each_criterion_names_tests_that_exist_or_says_why_it_does_not_apply() -> None:
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows_under("criterion", ACCESSIBILITY)]

    assert [criterion.split()[0] for criterion, *_ in rows] == CRITERIA
    assert len(CRITERIA) == 55
    for criterion, how, tests in rows:
        named = re.findall(r"`(test_\w+)`", tests)
        assert bool(named) != how.startswith("does not apply: "), criterion
        assert [name for name in named if name not in names_of_tests()] == []
    for name in re.findall(r"`(test_\w+)`", ACCESSIBILITY):
        assert name in names_of_tests()


@cache
def names_of_tests() -> set[str]:
    """The names of all tests."""
    files = (ROOT / "tests").rglob("test_*.py")
    return set(re.findall(r"^def (test_\w+)\(", "".join(file.read_text(encoding="utf-8") for file in files), re.M))
