"""`flask --app app teams …` and `widgets …`: looking after what calls go to, and come from."""

from datetime import datetime, timedelta

import click

from ringback import opening_hours
from ringback.cli.system_user import by_command_line
from ringback.clock import Clock
from ringback.config.settings import Settings
from ringback.config.widget import Widget
from ringback.i18n.local_time import instant_of
from ringback.outbox.pacing.teams import Team, Teams
from ringback.outbox.slots import Pause, Slots

_DAYS_OF_A_YEAR = 366


def team_commands(teams: Teams) -> click.Group:
    group = click.Group("teams", help="Look after teams.")

    @group.command("list")
    def listed() -> None:
        """List teams, and why one is paused, or refuses."""
        for team in teams.listed():
            click.echo(f"{team.name}  {_team(team)}")

    @group.command()
    @click.argument("name")
    def resume(name: str) -> None:
        """Hand over to a team again, once its configuration is mended."""
        names = [team.name for team in teams.listed()]
        if name not in names:
            raise click.ClickException(f"There is no team {name}. There are: {', '.join(names)}.")
        if not teams.resume(name, by_command_line()):
            raise click.ClickException(f"{name} is not paused; nothing has changed.")
        click.echo(f"{name} is called again.")

    return group


def _team(team: Team) -> str:
    if team.paused_at:
        return f"paused since {time_text(team.paused_at)}: {team.paused_why}"
    if team.refuses_since:
        return f"refuses since {time_text(team.refuses_since)}: {team.refused_why}"
    return "open"


def widget_commands(settings: Settings, slots: Slots, clock: Clock) -> click.Group:
    group = click.Group("widgets", help="Look after widgets: when they are open, and pauses.")

    def known(key: str) -> str:
        widget = settings.widget(key)
        if widget is None:
            raise click.ClickException(f"There is no widget {key}. There are: {', '.join(settings.widgets)}.")
        return widget.key

    @group.command("list")
    def listed() -> None:
        """List widgets, whether they are open, and which are paused."""
        now = clock()
        pauses = slots.pauses()
        for key, widget in settings.widgets.items():
            click.echo(f"{key}  {_hours(widget, now)}{_pause(pauses[key], widget) if key in pauses else ''}")

    @group.command()
    @click.argument("key", required=False)
    def days(key: str | None) -> None:
        """List the closed days of the next twelve months: holidays, and those of your own."""
        now = clock()
        for each in [known(key)] if key else settings.widgets:
            widget = settings.widgets[each]
            first = now.astimezone(widget.team_zone).date()
            closed = opening_hours.closed_days(widget.hours, first, _DAYS_OF_A_YEAR)
            click.echo(f"{each}  {len(closed)} closed days until {first + timedelta(days=_DAYS_OF_A_YEAR)}")
            for day, why in closed:
                click.echo(f"  {day:%a %Y-%m-%d}  {why}")

    @group.command()
    @click.argument("key")
    @click.argument("words", nargs=-1)
    @click.option("--until", help='When it ends by itself, on the team\'s clock: "2026-11-30 09:00".')
    def pause(key: str, words: tuple[str, ...], until: str | None) -> None:
        """Take no requests by a widget until it is resumed. WORDS are what visitors read, such as
        "We are moving house, and back on Monday."."""
        key = known(key)
        ends_at = _end(until, settings.widgets[key], clock()) if until else None
        text = " ".join(" ".join(words).split())
        if not text.isprintable():
            raise click.ClickException("These words are not all text that can be shown; nothing has changed.")
        slots.pause(key, text, clock(), by_command_line(), ends_at)
        click.echo(f"{key} takes no requests. What it has taken is handed over as before.")

    @group.command()
    @click.argument("key")
    def resume(key: str) -> None:
        """Take requests by a widget again."""
        if not slots.resume(known(key), by_command_line()):
            raise click.ClickException(f"{key} is not paused; nothing has changed.")
        click.echo(f"{key} takes requests again.")

    return group


def _end(until: str, widget: Widget, now: datetime) -> datetime:
    try:
        ends_at = instant_of(until, widget.team_zone)
    except ValueError:
        raise click.ClickException(f'{until} should be a time such as "2026-11-30 09:00".') from None
    if ends_at <= now:
        raise click.ClickException(f"{until} is over already; nothing has changed.")
    return ends_at


def _hours(widget: Widget, now: datetime) -> str:
    """`open until …`, `closed, opens …`, on the team's clock."""
    if not opening_hours.names_times(widget.hours):
        return "always open"
    closing, opening = opening_hours.closes_at(widget.hours, now), opening_hours.next_opening(widget.hours, now)
    if opening is None:
        return "closed, and does not open within a year"
    if opening > now:
        return f"closed, opens {_on_its_clock(opening, widget)}"
    return f"open until {_on_its_clock(closing, widget)}" if closing else "open, and does not close"


def _on_its_clock(at: datetime, widget: Widget) -> str:
    """As the team's clock shows it, with the zone by name: an offset alone is looked up by nobody."""
    return f"{time_text(at.astimezone(widget.team_zone))} ({widget.team_zone})"


def _pause(pause: Pause, widget: Widget) -> str:
    until = f", until {_on_its_clock(pause.ends_at, widget)}" if pause.ends_at else ""
    words = f": {pause.words}" if pause.words else ""
    return f"; paused since {_on_its_clock(pause.paused_at, widget)}{until}{words}"


def time_text(at: datetime) -> str:
    """As operators read times: to the second, with their offset."""
    return at.isoformat(sep=" ", timespec="seconds")
