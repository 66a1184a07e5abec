"""`flask --app app breaker …`: whether requests are handed over at all, and how to make them."""

from datetime import datetime

import click

from ringback.cli.system_user import by_command_line
from ringback.clock import Clock
from ringback.outbox.pacing.breaker import Breaker, BreakerStatus


def breaker_commands(breaker: Breaker, clock: Clock) -> click.Group:
    group = click.Group("breaker", help="Look after the breaker: whether Samespace is called at all.")

    @group.command()
    def show() -> None:
        """Say whether Samespace is called, and what is waited for."""
        for line in _lines(breaker.status(clock())):
            click.echo(line)

    @group.command()
    def reset() -> None:
        """Close the breaker: everything that is due is handed over at once."""
        if not breaker.reset(by_command_line()):
            raise click.ClickException("The breaker is closed already; nothing has changed.")
        click.echo("The breaker is closed: requests are handed over.")

    return group


def _lines(breaker: BreakerStatus) -> list[str]:
    if breaker.state == "closed":
        return ["closed: requests are handed over"]
    since = f" since {_time(breaker.opened_at)}" if breaker.opened_at else ""
    lines = [
        f"{breaker.state}{since}; calls that Samespace gave no clear answer to, or no time: {breaker.failures}"
    ]
    if breaker.state == "open":
        lines.append(f"  Samespace is asked whether it is back: {_when(breaker.probe_at)}")
        lines.append(f"  once it answers, one request tries: {_when(breaker.trial_at)}")
    else:
        lines.append("  Samespace answers again, and one request at a time tries")
    return lines


def _when(at: datetime | None) -> str:
    return f"at {_time(at)}" if at else "now"


def _time(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")
