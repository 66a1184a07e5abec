"""Every command in the documentation is run: here, or by the test that is named, or it is said why not."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from flask import Flask

from ringback.outbox.request import Answers
from ringback.services import services_of

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
OURS = "flask --app app "

# By what a command begins with. These tests have to exist.
RUN_BY = {
    "DATABASE_URL=": "test_a_store_is_copied_to_postgresql_with_what_waits_and_does_not_start_again_itself",
    "curl --fail-with-body": "test_the_examples_ask_for_a_call",
    "flask --app app alerts test": "test_each_channel_is_sent_a_test_and_says_what_it_answered",
    "flask --app app breaker reset": "test_the_breaker_is_shown_and_reset",
    "flask --app app canary": "test_a_dead_mans_switch_hears_of_it_when_all_is_well_and_else_hears_nothing",
    "flask --app app check --live": "test_check_says_what_is_configured_and_rings_nobody",
    "flask --app app deliver": "test_each_request_reaches_samespace_exactly_once",
    "flask --app app samespace callback TEAM NUMBER": "test_a_call_by_hand_reaches_samespace",
    "flask --app app store": "test_of_twenty_handed_over_since_the_back_up_none_is_rung_twice_and_all_are_listed",
    "openapi-python-client": "test_a_typed_client_asks_follows_and_withdraws",
}
SERVER = "changes the machine: tools/deployed.py runs the page in a folder that stands in for one"
DOCKER = "asks a registry of images: the image is built and started by test_image.py, the compose file is read"
REGISTRY = "asks a registry of packages"
WHY_NOT = {
    ".venv/bin/pytest": "is how this very test is run",
    "make run": "is for a fresh machine; the sandbox itself is served in tests/server/test_journey.py",
    "make test": "is what runs this",
    "pip install": REGISTRY,
    "npx": REGISTRY,
    "export ": "only has values in it, each of which is in docs/configuration.md",
    "gunicorn app:app": "is what every test of a served site starts, by tests/running.py",
    "litestream restore": "needs storage of somebody's",
    "curl -s https://callback.acme.com/embed.js": "is what the install page shows, too, which is tested",
    "apt-get install python3-venv": SERVER,
    "useradd": SERVER,
    "python3 -m venv /opt/ringback": SERVER,
    "/opt/ringback/.venv/bin/pip": SERVER,
    "install -": SERVER,
    "cat > /etc/ringback/environment": SERVER,
    "cp /opt/ringback/deploy/systemd/": SERVER,
    "systemctl": SERVER,
    "cd ": "goes to a folder",
    "systemd-run": SERVER,
    "cp environment.example .env": DOCKER,
    "mkdir config": DOCKER,
    "docker compose": DOCKER,
}


def commands_in(text: str) -> Iterator[str]:
    """What is in blocks for a shell, in indented lines that call a program, and our own commands within a line."""
    blocks = re.findall(r"(?ms)^```(?:sh|bash|console)\n(.*?)^```", text)
    for block in blocks:
        block = re.sub(r"(?ms)<<(\w+)$.*?^\1$", "", block).replace("\\\n", " ")
        yield from (line.removeprefix("$ ") for line in block.splitlines())
    text = re.sub(r"(?ms)^ *```.*?^ *```", "", text)
    programs = r"(?:[A-Z_]+=\S+ +)?(?:flask|make|pip|litestream|curl|docker|npx|psql|\.venv/bin/\w+) "
    yield from re.findall(rf"(?m)^ {{4,}}({programs}.*)$", text)
    yield from re.findall(rf"`({OURS}[^`…]*)`", text)


def every_command() -> dict[str, str]:
    """Each command, and a page that has it."""
    found = {}
    for page in PAGES:
        for line in commands_in(page.read_text(encoding="utf-8")):
            if command := " ".join(re.sub(r"\s#\s.*", "", line).split()):
                found[command] = page.name
    return found


def is_told_of(command: str, table: dict[str, str]) -> bool:
    return any(command.startswith(beginning) for beginning in table)


def test_every_command_of_ours_that_is_shown_works(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    services_of(app).outbox.accept(Answers("sales", "442079460123", "GB", name="Ann"))
    shown = every_command()
    run = [each for each in shown if each.startswith(OURS) and not is_told_of(each, RUN_BY)]
    assert len(run) > 20
    wrong = {}
    for command in run:
        words = shlex.split(command.partition(" > ")[0].removeprefix(OURS))
        result = app.test_cli_runner().invoke(args=words, input="y\n")
        if result.exit_code:
            wrong[command] = (shown[command], result.output)
    assert wrong == {}


def test_every_other_command_is_run_by_a_test_or_it_is_said_why_not() -> None:
    shown = every_command()
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    untold = {each: page for each, page in shown.items() if not is_told_of(each, {OURS: ""} | RUN_BY | WHY_NOT)}
    assert untold == {}
    assert [test for test in RUN_BY.values() if f"def {test}(" not in tests] == []
    assert [each for each in RUN_BY | WHY_NOT if not any(command.startswith(each) for command in shown)] == []
