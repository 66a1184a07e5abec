"""`flask --app app requests …`, `teams …` and `widgets …`: looking after what needs a person."""

import json
from datetime import datetime

import click

from ringback import opening_hours
from ringback.attention import Attention
from ringback.callback_request import CallbackRequest
from ringback.gate import Gate
from ringback.outbox import Clock, Outbox
from ringback.phone import PhoneNumber
from ringback.schedule import Pause, Schedule
from ringback.settings import Settings
from ringback.widget import Widget

REFERENCE = click.argument("reference")


def request_commands(attention: Attention, outbox: Outbox) -> click.Group:
    group = click.Group("requests", help="Look after callback requests.")

    def id_of(reference: str) -> str:
        id = attention.find(reference.upper())
        if id is None:
            raise click.ClickException(f"There is no request {reference}.")
        return id

    def done(worked: bool, reference: str, yes: str, no: str) -> None:
        if not worked:
            raise click.ClickException(f"{reference} {no}")
        click.echo(f"{reference} {yes}")

    @group.command("list")
    @click.option("--attention", "only_attention", is_flag=True, help="Only those a person has to look at.")
    def listed(only_attention: bool) -> None:
        """List requests, the newest first."""
        found = attention.listed(only_attention)
        for request in found:
            click.echo(_line(request))
        if not found:
            click.echo("Nothing needs a person." if only_attention else "There are no requests.")

    @group.command()
    @REFERENCE
    def show(reference: str) -> None:
        """Show one request with all that happened to it."""
        found = outbox.read(id_of(reference))
        if found:
            request, events = found
            click.echo(_line(request))
            answers = request.answers
            for name in ("name", "email", "company", "message", "page", "language"):
                if getattr(answers, name):
                    click.echo(f"  {name}: {getattr(answers, name)}")
            if answers.attributes:
                click.echo(f"  attributes: {json.dumps(dict(answers.attributes), ensure_ascii=False)}")
            for event in events:
                click.echo(f"  {_time(event.at)} {event.kind.value}{f': {event.detail}' if event.detail else ''}")

    @group.command()
    @REFERENCE
    def retry(reference: str) -> None:
        """Hand over again what failed or is unknown."""
        worked = attention.retry(id_of(reference))
        done(
            worked,
            reference,
            "will be handed over again.",
            "is neither failed nor unknown; nothing has changed.",
        )

    @group.command()
    @REFERENCE
    def release(reference: str) -> None:
        """Hand over a request that was held."""
        done(
            attention.release(id_of(reference)),
            reference,
            "will be handed over.",
            "is not held; nothing has changed.",
        )

    @group.command()
    @REFERENCE
    @click.option("--rang/--not-rung", required=True, help="Did the team get it?")
    def resolve(reference: str, rang: bool) -> None:
        """Say what became of an unknown request."""
        worked = attention.resolve(id_of(reference), rang)
        yes = "is with the team." if rang else "will be handed over again."
        done(worked, reference, yes, "is not unknown; nothing has changed.")

    return group


def team_commands(gate: Gate) -> click.Group:
    group = click.Group("teams", help="Look after teams.")

    @group.command("list")
    def listed() -> None:
        """List teams, and why one is paused."""
        for team in gate.teams():
            paused = f"paused since {_time(team.paused_at)}: {team.paused_why}" if team.paused_at else "open"
            click.echo(f"{team.name}  {paused}")

    @group.command()
    @click.argument("name")
    def resume(name: str) -> None:
        """Hand over to a team again, once its configuration is mended."""
        if not gate.resume(name):
            raise click.ClickException(f"{name} is not paused; nothing has changed.")
        click.echo(f"{name} is called again.")

    return group


def widget_commands(settings: Settings, schedule: Schedule, clock: Clock) -> click.Group:
    group = click.Group("widgets", help="Look after widgets: when they are open, and pauses.")

    def known(key: str) -> str:
        if settings.widget(key) is None:
            raise click.ClickException(f"There is no widget {key}. There are: {', '.join(settings.widgets)}.")
        return key

    @group.command("list")
    def listed() -> None:
        """List widgets, whether they are open, and which are paused."""
        pauses, now = schedule.pauses(), clock()
        for key, widget in settings.widgets.items():
            click.echo(f"{key}  {_hours(widget, now)}{_pause(pauses[key]) if key in pauses else ''}")

    @group.command()
    @click.argument("key")
    @click.argument("words", nargs=-1)
    def pause(key: str, words: tuple[str, ...]) -> None:
        """Take no requests by a widget until it is resumed. WORDS are what visitors read, such as
        "We are moving house, and back on Monday."."""
        schedule.pause(known(key), " ".join(" ".join(words).split()), clock())
        click.echo(f"{key} takes no requests. What it has taken is handed over as before.")

    @group.command()
    @click.argument("key")
    def resume(key: str) -> None:
        """Take requests by a widget again."""
        if not schedule.resume(key):
            raise click.ClickException(f"{known(key)} is not paused; nothing has changed.")
        click.echo(f"{key} takes requests again.")

    return group


def _hours(widget: Widget, now: datetime) -> str:
    """`open until …`, `closed, opens …`, on the team's clock."""
    if not opening_hours.names_times(widget.hours):
        return "always open"
    closing, opening = opening_hours.closes_at(widget.hours, now), opening_hours.next_opening(widget.hours, now)
    if opening is None:
        return "closed, and does not open within a year"
    if opening > now:
        return f"closed, opens {_time(opening.astimezone(widget.timezone))}"
    return f"open until {_time(closing.astimezone(widget.timezone))}" if closing else "open, and does not close"


def _pause(pause: Pause) -> str:
    return f"; paused since {_time(pause.paused_at)}{f': {pause.words}' if pause.words else ''}"


def _line(request: CallbackRequest) -> str:
    number = PhoneNumber.from_digits(request.answers.phone).masked
    held = f" (held: {request.held.value})" if request.held else ""
    when, state = _time(request.requested_at), f"{request.state.value}{held}"
    return f"{request.reference}  {when}  {state}  {request.answers.widget}  {number}"


def _time(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")
