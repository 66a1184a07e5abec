"""What `audit list` says of what was typed."""

import json
import os
import pwd
from collections.abc import Callable

import pytest
from flask import Flask

from ringback.sandbox.samespace import SandboxSamespace
from tests.cli.test_cli_people import NUMBER, ask, said

ME = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"


@pytest.fixture
def app(make_app: Callable[..., Flask], samespace: SandboxSamespace) -> Flask:
    return make_app(base_url=samespace.base_url)


def written(app: Flask) -> list[tuple[str, str, str]]:
    """Who did what about what, the oldest first."""
    acts = json.loads(said(app, "audit", "list", "--json"))
    return [(act["who"], act["act"], act["about"]) for act in reversed(acts)]


def test_every_command_that_changes_something_is_told_with_the_system_user_and_no_number(app: Flask) -> None:
    reference = ask(app)
    said(app, "requests", "retry", reference)
    said(app, "numbers", "block", f"+{NUMBER}")
    said(app, "requests", "release", reference)
    said(app, "numbers", "unblock", f"+{NUMBER}")
    said(app, "widgets", "pause", "sales", "Back on Monday.")
    said(app, "widgets", "resume", "sales")
    said(app, "requests", "export", "--phone", f"+{NUMBER}")
    said(app, "requests", "erase", "--phone", f"+{NUMBER}")
    said(app, "samespace", "callback", "Sales", f"+{NUMBER}")
    said(app, "samespace", "callback", NUMBER, f"+{NUMBER}")

    assert written(app) == [
        (ME, "retry", reference),
        (ME, "block", "number"),
        (ME, "release", reference),
        (ME, "unblock", "number"),
        (ME, "pause", "widget sales"),
        (ME, "resume", "widget sales"),
        (ME, "export", reference),
        (ME, "erase", reference),
        (ME, "callback", "team Sales"),
        (ME, "callback", "team"),
    ]


def test_the_list_has_a_line_for_each_act_and_can_ask_for_one_thing(app: Flask) -> None:
    assert said(app, "audit", "list") == "Nothing was done.\n"
    references = [ask(app), ask(app, "442079460199")]
    for reference in references:
        said(app, "requests", "retry", reference)

    lines = said(app, "audit", "list").splitlines()
    assert [line.split("  ")[1:] for line in lines] == [[ME, "retry", reference] for reference in references[::-1]]
    assert said(app, "audit", "list", "--about", references[0]) == f"{lines[1]}\n"
    assert said(app, "audit", "list", "--limit", "1") == f"{lines[0]}\n"
    assert said(app, "audit", "list", "--about", "RB-TEST-0001") == "Nothing was done to it.\n"


def test_show_says_who_did_something_about_a_request(app: Flask) -> None:
    reference = ask(app)
    said(app, "requests", "retry", reference)

    assert f" retry by {ME}" in said(app, "requests", "show", reference)
