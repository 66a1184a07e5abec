"""`flask --app app audit …`: who did what."""

import json
from typing import Any

import click

from ringback.cli.operators import time_text
from ringback.outbox.audit import Act, Audit

_LINES = 100
_MOST = 1_000_000


def audit_commands(audit: Audit) -> click.Group:
    group = click.Group("audit", help="See who did what: each act of an operator.")

    @group.command("list")
    @click.option("--about", help="Only what was done to this: a reference, or as it stands in the last column.")
    @click.option("--json", "as_json", is_flag=True, help="For programs: an array.")
    @click.option(
        "--limit", type=click.IntRange(1, _MOST), default=_LINES, help=f"How many at most; else {_LINES}."
    )
    def listed(about: str | None, as_json: bool, limit: int) -> None:
        """List acts, the newest first: when, who, what, and about what."""
        acts = audit.listed(limit, about=about)
        if as_json:
            click.echo(json.dumps([_as_object(act) for act in acts], indent=2))
            return
        for act in acts:
            click.echo(act_line(act))
        if not acts:
            click.echo("Nothing was done." if about is None else "Nothing was done to it.")

    return group


def act_line(act: Act) -> str:
    return "  ".join([time_text(act.at), act.who, act.act, act.about])


def _as_object(act: Act) -> dict[str, Any]:
    return {"at": act.at.isoformat(), "who": act.who, "act": act.act, "about": act.about}
