"""`flask --app app operators …`: who has an account for the console."""

import sys

import click

from ringback.accounts.operator import Role
from ringback.accounts.people import Account, AccountError, People
from ringback.cli.operators import time_text
from ringback.cli.system_user import by_command_line
from ringback.config.settings import Settings

_ROLES = click.Choice([role.name.lower() for role in Role])


def account_commands(settings: Settings, people: People) -> click.Group:
    group = click.Group("operators", help="Look after who has an account for the console.")
    by_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")

    def known(key: str) -> str:
        widget = settings.widget(key)
        if widget is None:
            raise click.ClickException(f"There is no widget {key}. There are: {', '.join(settings.widgets)}.")
        return widget.key

    @group.command()
    @click.argument("name")
    @click.option("--role", type=_ROLES, default="operator", show_default=True)
    @click.option("--widget", "widgets", multiple=True, help="May see this one; repeat it for more. Default: all.")
    @by_stdin
    def add(name: str, role: str, widgets: tuple[str, ...], password_stdin: bool) -> None:
        """Make an account. Prints a link that sets its password, unless that is given."""
        bound = [known(key) for key in widgets] or None
        try:
            key = people.add(name, Role[role.upper()], bound, _password(password_stdin), by=by_command_line())
        except AccountError as error:
            raise click.ClickException(str(error)) from None
        _tell(settings, f"{name} has an account.", key)

    @group.command("list")
    def listed() -> None:
        """List who has an account, what they may do, and how they sign in."""
        accounts = people.listed()
        for account in accounts:
            click.echo(_line(account))
        if not accounts:
            click.echo("Nobody has an account. Make the first with: operators add NAME --role admin")

    @group.command()
    @click.argument("name")
    def remove(name: str) -> None:
        """Take an account away, and sign its person out."""
        try:
            people.remove(name, by=by_command_line())
        except AccountError as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"{name} has no account any more, and is signed out.")

    @group.command()
    @click.argument("name")
    @by_stdin
    def reset(name: str, password_stdin: bool) -> None:
        """Take away password, second factor and passkeys, and sign the person out. Prints a link as `add` does."""
        try:
            key = people.reset(name, _password(password_stdin), by=by_command_line())
        except AccountError as error:
            raise click.ClickException(str(error)) from None
        _tell(settings, f"{name} is signed out, and signs in anew.", key)

    return group


def _password(is_given: bool) -> str:
    """What stands on standard input, up to its line's end; nothing without the option."""
    if not is_given:
        return ""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.ClickException("There is no password on standard input; nothing has changed.")
    return password


def _tell(settings: Settings, done: str, key: str | None) -> None:
    click.echo(done)
    if key:
        click.echo("This link sets the password, once, within a day:")
        click.echo(f"{settings.console_pages}/password/{key}")


def _line(account: Account) -> str:
    who = account.operator
    widgets = "all widgets" if who.widgets is None else ", ".join(sorted(who.widgets)) or "no widgets"
    ways = ["password"] if account.has_password else []
    ways += ["second factor"] if account.has_second_factor else []
    ways += [f"passkeys: {account.passkeys}"] if account.passkeys else []
    ways += [f"link until {time_text(account.link_until)}"] if account.link_until else []
    return f"{who.name}  {who.role.name.lower()}  {widgets}  {'; '.join(ways) or 'no way in'}"
