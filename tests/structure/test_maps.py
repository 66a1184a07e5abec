"""The maps tell the truth: each module, file, command and test that is named somewhere is there.

Read are the pages of the documentation, and every docstring and comment of the code, the tests and the tools.
"""

import ast
import importlib
import importlib.util
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from ringback.factory import create_app
from tests.conftest import make_settings

ROOT = Path(__file__).parent.parent.parent
CODE = [ROOT / "app.py", ROOT / "gunicorn.conf.py"]
CODE += [file for folder in ("ringback", "tests", "tools") for file in sorted((ROOT / folder).rglob("*.py"))]
# What was is told of in the change log by the names that it had.
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")} - {ROOT / "CHANGELOG.md"})
FOLDERS = "ringback|tests|tools|docs|static|templates|translations"
MADE_LATER = ("tests/output", "translations/nl.po")  # by `make sheets`; by whoever adds Dutch


pytestmark = pytest.mark.xdist_group("maps")  # each file is read once


def told(file: Path) -> str:
    """What a file tells its reader: a page as it is, of code the docstrings and the comments."""
    return read(file)[0]


@cache
def read(file: Path) -> tuple[str, str]:
    """What a file tells its reader, and what is left of it: the code with its strings."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        return text, ""
    found, lines = [], text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            found.append(token.string)
            lines[token.start[0] - 1] = lines[token.start[0] - 1][: token.start[1]]
    for node in documented(ast.parse(text)):
        found.append(ast.get_docstring(node) or "")
        first = node.body[0]
        lines[first.lineno - 1 : first.end_lineno] = [""] * ((first.end_lineno or 0) - first.lineno + 1)
    return "\n".join(found), "\n".join(lines)


def documented(tree: ast.Module) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """What has a docstring: modules, classes and functions, which are statements among statements."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        left += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
        is_told_of = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if is_told_of and ast.get_docstring(node):
            yield node


def named(pattern: str) -> Iterator[tuple[str, str]]:
    """Where it is told, and what is named."""
    for file in (*CODE, *PAGES):
        for name in re.findall(pattern, told(file)):
            yield str(file.relative_to(ROOT)), name


def test_each_file_that_is_named_is_there() -> None:
    paths = rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]*\w(?:/|\.\w+)|(?:{FOLDERS})/[\w/-]*\w)(?![\w*{{<])"
    missing = [
        (where, path)
        for where, path in named(paths)
        if not path.startswith(MADE_LATER) and not (ROOT / path).exists()
    ]

    assert missing == []


def test_each_link_leads_somewhere() -> None:
    missing = [
        (page.name, link)
        for page in PAGES
        for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", told(page))
        if not (page.parent / link).exists()
    ]

    assert missing == []


def test_each_python_file_that_is_named_without_its_folder_is_somewhere() -> None:
    there = {file.name for file in CODE}

    assert [(where, name) for where, name in named(r"(?<![\w./-])(\w+\.py)\b") if name not in there] == []


def test_each_module_that_is_named_is_there() -> None:
    dotted = r"(?<![\w./-])((?:ringback|tests|tools)(?:\.\w+)+)(?!\.?\w|\()"
    others = {f"ringback.{end}" for end in ("toml", "sock", "db", "css", "attention", "test")}

    assert [(where, name) for where, name in named(dotted) if name not in others and not is_there(name)] == []


@cache
def is_there(name: str) -> bool:
    """Whether it is a module, or what stands in one."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        module, _, rest = name.rpartition(".")
        return hasattr(importlib.import_module(module), rest)


def test_each_test_that_is_named_is_there() -> None:
    tests = {name for file in CODE for name in re.findall(r"(?m)^def (test_\w+)", read(file)[1])}
    files = {file.stem for file in CODE}

    assert [(where, name) for where, name in named(r"`(test_\w+)`") if name not in tests | files] == []


def test_each_target_of_make_that_is_named_is_there() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    in_code, in_block = r"`make ([a-z-]+)[^`]*`", r"(?m)^(?:    |\$ )make ([a-z-]+)"

    for pattern in (in_code, in_block):
        assert [(where, name) for where, name in named(pattern) if name not in targets] == []


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, click.Command]]:
    app = create_app(make_settings(f"sqlite:///{tmp_path_factory.mktemp('store')}/ringback.db"))
    yield app.cli.commands
    app.extensions["ringback"].database.close()


def test_each_command_that_is_named_is_there(commands: dict[str, click.Command]) -> None:
    missing = []
    for where, line in named(r"flask --app app ([a-z][a-z-]*(?: [a-z][a-z-]*)?)"):
        name, _, sub = line.partition(" ")
        command = commands.get(name)
        if command is None or (sub and isinstance(command, click.Group) and sub not in command.commands):
            missing.append((where, line))

    assert missing == []


def test_what_the_package_says_of_itself_names_only_what_is_there() -> None:
    import ringback

    names = re.findall(r"`(.+?)`", ringback.__doc__ or "")

    assert len(names) > 5
    assert [name for name in names if not (name.startswith("ringback.") and is_there(name))] == []


def test_each_word_in_a_docstring_that_is_set_as_code_is_a_word_of_the_code() -> None:
    words = {word for file in CODE for word in re.findall(r"\w+", read(file)[1])}
    words |= {file.parent.name if file.stem == "__init__" else file.stem for file in CODE}
    words |= {"pool_pre_ping"}  # SQLAlchemy's, and told of because it is not used

    missing = [
        (str(file.relative_to(ROOT)), name)
        for file in CODE
        for name in re.findall(r"`([a-z_]\w*)`", told(file))
        if name not in words
    ]

    assert missing == []


def test_a_measured_figure_is_written_in_one_place() -> None:
    tables = [
        (page.name, head)
        for page in PAGES
        for head in re.findall(r"(?m)^(\|.*)\n\| ?-", told(page))
        if page.name != "benchmarks.md" and re.search(r"p50|p99|a second|gzip| ms\b", head)
    ]
    prose = re.sub(r"(?s)<!-- ([a-z -]+) -->.*?<!-- end of \1 -->", "", told(ROOT / "docs/benchmarks.md"))

    assert tables == []
    assert re.findall(r"(?<![\d.])0\.\d\d\b(?!\.)", prose) == [], "ratios are in the tables, which are made anew"
