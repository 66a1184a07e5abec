"""`flask --app app alerts …`: whether those who are to be told are reached."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ringback.alerts.sender import Alerts


def alert_commands(alerts: "Alerts") -> click.Group:
    group = click.Group("alerts", help="Look after alerts: who is told when something needs a person.")

    @group.command()
    def test() -> None:
        """Send a test to every channel, and say what each answered."""
        answers = alerts.test()
        if not answers:
            raise click.ClickException("Nobody is told of anything: set email or webhook in [alerts].")
        for channel, (is_taken, answer) in answers.items():
            click.echo(f"{channel}: {answer}", err=not is_taken)
        if not all(is_taken for is_taken, _ in answers.values()):
            raise click.ClickException("Not every channel took it.")

    return group
