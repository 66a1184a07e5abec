"""`flask --app app api-keys …`: keys of other people's programs."""

import click

from ringback.accounts.api_keys import NAME_RULE, ApiKeys, is_name
from ringback.cli.operators import time_text
from ringback.cli.system_user import by_command_line
from ringback.config.settings import Settings


def api_key_commands(settings: Settings, keys: ApiKeys) -> click.Group:
    group = click.Group("api-keys", help="Look after the keys of other programs.")

    def known(widgets: tuple[str, ...]) -> list[str]:
        found = [(name, settings.widget(name)) for name in widgets]
        if missing := [name for name, widget in found if widget is None]:
            there = ", ".join(settings.widgets)
            raise click.ClickException(f"There is no widget {missing[0]}. There are: {there}.")
        return [widget.key for _, widget in found if widget]

    @group.command()
    @click.argument("name")
    @click.option("--widget", "widgets", multiple=True, metavar="W", help="One that it is for; else all.")
    def add(name: str, widgets: tuple[str, ...]) -> None:
        """Make a key, and print it: it is shown this once."""
        if not is_name(name):
            raise click.ClickException(NAME_RULE)
        key = keys.add(name, known(widgets), by=by_command_line())
        if key is None:
            raise click.ClickException(f"There is a key {name} already; remove it, or take another name.")
        click.echo(key)
        click.echo("Keep it where your secrets are: it is not shown again.", err=True)

    @group.command("list")
    def listed() -> None:
        """List keys, what each is for, and when it was used last."""
        for key in keys.listed():
            widgets = ", ".join(sorted(key.widgets)) if key.widgets is not None else "all widgets"
            used = f"last used {time_text(key.last_used_at)}" if key.last_used_at else "never used"
            click.echo(f"{key.name}  {widgets}  made {time_text(key.made_at)}  {used}")

    @group.command()
    @click.argument("name")
    def remove(name: str) -> None:
        """Have a key work no more, from now on."""
        if not keys.remove(name, by=by_command_line()):
            raise click.ClickException(f"There is no key {name}; nothing has changed.")
        click.echo(f"{name} works no more.")

    return group
