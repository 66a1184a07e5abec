"""`flask --app app numbers …`, and the `requests` commands that are about a person: export, erase, purge."""

import json
from typing import Any

import click

from ringback.cli.system_user import by_command_line
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import PersonalData
from ringback.outbox.purge_loop import PurgeLoop
from ringback.phone import typed


class Number(click.ParamType[str, Any]):
    """A telephone number in full, with its country code, as its digits."""

    name = "number"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take any grouping; refuse what has no plus."""
        try:
            return typed.number(value)
        except ValueError as error:
            self.fail(str(error))


class NumberOrRange(click.ParamType[tuple[str, bool], Any]):
    """The digits of a number and False, or those that a range begins with and True."""

    name = "number"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, bool]:
        """A range ends with a star."""
        try:
            return typed.number_or_range(value if isinstance(value, str) else "")
        except ValueError as error:
            self.fail(str(error))


def number_commands(operations: Operations, outbox: Outbox) -> click.Group:
    """Block numbers and ranges, and end what people asked for at /stop."""
    group = click.Group("numbers", help="Look after numbers that are not to be called.")
    argument = click.argument("number", type=NumberOrRange())

    @group.command()
    @argument
    def block(number: tuple[str, bool]) -> None:
        """Hold every request for a number, or for a range such as "+4470*"."""
        held = operations.block(*number, by=by_command_line())
        if held is None:
            raise click.ClickException(f"{_written(*number)} is blocked already.")
        click.echo(f"{_written(*number)} is blocked. Held of what waited: {held}.")

    @group.command()
    @argument
    def unblock(number: tuple[str, bool]) -> None:
        """Take a block away."""
        if not operations.unblock(*number, by=by_command_line()):
            raise click.ClickException(f"{_written(*number)} is not blocked.")
        click.echo(f"{_written(*number)} is not blocked any more. What is held stays held until you release it.")

    @group.command()
    @click.argument("number", type=Number())
    def unstop(number: str) -> None:
        """End a stop: somebody stopped a number at /stop that is not theirs, or wants calls again."""
        if not outbox.unstop(number, by_command_line()):
            raise click.ClickException(f"+{number} is not stopped.")
        click.echo(f"+{number} is not stopped any more. What is held stays held until you release it.")

    @group.command("list")
    def listed() -> None:
        """List what is blocked, and how many numbers asked not to be called."""
        blocked = operations.blocked()
        for digits, is_range, at in blocked:
            click.echo(f"{_written(digits, is_range)}  since {at.isoformat(sep=' ', timespec='seconds')}")
        if not blocked:
            click.echo("No number is blocked.")
        click.echo(f"Numbers that asked not to be called: {operations.stopped()}.")

    return group


def add_data_commands(group: click.Group, personal_data: PersonalData, purge_loop: PurgeLoop) -> None:
    """What the law gives people, by their number."""
    phone = click.option("--phone", type=Number(), required=True, help='Such as "+44 20 7946 0000".')

    @group.command()
    @phone
    def export(phone: str) -> None:
        """Write all that is kept about a number, as JSON."""
        click.echo(json.dumps(personal_data.export_number(phone, by_command_line()), ensure_ascii=False, indent=2))

    @group.command()
    @phone
    def erase(phone: str) -> None:
        """Delete all that is kept about a number. What waits is withdrawn."""
        erased, left = personal_data.erase_number(phone, by_command_line())
        click.echo(f"Erased: {erased}.")
        if left:
            raise click.ClickException(f"Changing at this moment: {left}. Try again in a minute.")

    @group.command()
    def purge() -> None:
        """Erase what is older than retention_days. It also happens by itself, every hour."""
        done = purge_loop.run_once()
        if done is None:
            raise click.ClickException("The store did not answer; nothing is lost, try again.")
        if done.clock_leapt:
            raise click.ClickException(
                "The clock has leapt; nothing is erased until it has run steadily for an hour."
            )
        click.echo(f"Erased: {done.erased}. Left without personal data: {done.left}.")


def _written(digits: str, is_range: bool) -> str:
    return f"+{digits}{'*' if is_range else ''}"
