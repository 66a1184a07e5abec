"""What an operator types: `flask --app app …`.

Requests are named by their reference, never by the id in their link.
"""

import json
import signal
from datetime import datetime

import click
from flask import Flask

from ringback import phone
from ringback.attention import Attention
from ringback.auth_token import AuthToken
from ringback.callback_request import CallbackRequest
from ringback.delivery import Delivery
from ringback.errors import STORE_ERRORS
from ringback.gate import Gate
from ringback.outbox import Outbox
from ringback.phone import PhoneNumber
from ringback.samespace import (
    Accepted,
    Busy,
    Misconfigured,
    NewToken,
    NotLoggedIn,
    NotSent,
    Outcome,
    Refused,
    Samespace,
    Unclear,
)
from ringback.settings import Settings

REFERENCE = click.argument("reference")


def init_app(
    app: Flask,
    settings: Settings,
    outbox: Outbox,
    attention: Attention,
    delivery: Delivery,
    samespace: Samespace,
    auth_token: AuthToken,
) -> None:
    """Add the commands."""
    app.cli.add_command(_deliver(delivery))
    app.cli.add_command(_check(settings, samespace))
    app.cli.add_command(_requests(attention, outbox))
    app.cli.add_command(_teams(outbox.gate))
    app.cli.add_command(_samespace(settings, samespace, auth_token))


def _deliver(delivery: Delivery) -> click.Command:
    @click.command("deliver")
    def deliver() -> None:
        """Hand requests over to Samespace until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: delivery.stop(0))
        delivery.run()

    return deliver


def _check(settings: Settings, samespace: Samespace) -> click.Command:
    @click.command("check")
    @click.option("--live", is_flag=True, help="Also try the way to Samespace. Rings nobody.")
    def check(live: bool) -> None:
        """Say what is configured. Faults stop every command before this one runs."""
        click.echo("The configuration is complete." if not settings.sandbox else "This is the sandbox.")
        for widget in settings.widgets.values():
            click.echo(f"  /{widget.key}: team {widget.team_name}, numbers in {', '.join(widget.called_regions)}")
            for advice in _advice(widget.privacy_url, widget.origins):
                click.echo(f"    {advice}")
        if live:
            if not samespace.probe():
                raise click.ClickException(f"{settings.samespace.url} does not answer.")
            click.echo(f"{settings.samespace.url} answers.")

    return check


def _advice(privacy_url: str | None, origins: tuple[str, ...]) -> list[str]:
    advice = []
    if not privacy_url:
        advice.append("privacy_url is not set: visitors see no link to your privacy notice.")
    if not origins:
        advice.append("origins is not set: no web site may show this form in a dialog, only link to it.")
    return advice


def _requests(attention: Attention, outbox: Outbox) -> click.Group:
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


def _teams(gate: Gate) -> click.Group:
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


def _samespace(settings: Settings, samespace: Samespace, auth_token: AuthToken) -> click.Group:
    group = click.Group("samespace", help="Use Samespace's own interfaces. These calls are real.")
    regions = tuple(dict.fromkeys(code for widget in settings.widgets.values() for code in widget.called_regions))

    def digits(number: str) -> str:
        try:
            return phone.read(number, regions[0], regions).digits
        except phone.PhoneError as error:
            raise click.ClickException(f"That number is not called: {error.reason.value}.") from None

    def pairs(texts: tuple[str, ...]) -> dict[str, str]:
        if wrong := [text for text in texts if "=" not in text]:
            raise click.ClickException(f"{wrong[0]} should be name=value.")
        return dict(text.split("=", 1) for text in texts)

    @group.command()
    @click.argument("team")
    @click.argument("number")
    @click.option("--attribute", "attributes", multiple=True, help="name=value, for the agent to see.")
    def callback(team: str, number: str, attributes: tuple[str, ...]) -> None:
        """Have a team call a number, past the outbox and its limits."""
        _tell(samespace.make_call(team, digits(number), pairs(attributes)), f"{team} has the call.")

    @group.command("click-to-call")
    @click.argument("username")
    @click.argument("number")
    @click.option("--caller-id", help="The number to show.")
    @click.option("--custom", multiple=True, help="name=value, for the agent to see.")
    def click_to_call(username: str, number: str, caller_id: str | None, custom: tuple[str, ...]) -> None:
        """Have an agent's own dock dial a number. USERNAME as in ann@acme, or ann alone."""
        full = username if "@" in username else f"{username}@{settings.samespace.space_id}"
        outcome = samespace.click_to_call(full, digits(number), caller_id, pairs(custom) or None)
        _tell(outcome, f"The dock of {full} dials.")

    @group.command("reset-token")
    def reset_token() -> None:
        """Have Samespace make a new auth token, and keep it in the store."""
        old = auth_token.current()
        if old is None:
            raise click.ClickException("There is no token yet: set SAMESPACE_AUTH_TOKEN.")
        outcome = samespace.reset_token(old)
        if isinstance(outcome, NewToken):
            try:
                auth_token.replace(old, outcome.token)
            except STORE_ERRORS:
                # It exists nowhere else, and the old one may be dead already.
                click.echo(f"The store did not take the new token. Keep it: {outcome.token}", err=True)
                raise click.ClickException("Set SAMESPACE_AUTH_TOKEN to it.") from None
        _tell(outcome, "The new token is in the store; the one before is kept beside it.")

    return group


def _tell(outcome: Outcome | NotLoggedIn | NewToken, done: str) -> None:
    """Say how a call ended; anything but a plain yes is a failure of the command."""
    match outcome:
        case Accepted() | NewToken():
            click.echo(done)
        case Refused(message=message) | NotLoggedIn(message=message):
            raise click.ClickException(f"Samespace refused: {message}")
        case NotSent(reason=reason):
            raise click.ClickException(f"Nothing was sent: {reason}.")
        case Busy(status=status) | Misconfigured(status=status):
            raise click.ClickException(f"Samespace answered {status}; nothing was done.")
        case Unclear(reason=reason):
            raise click.ClickException(f"There is no telling whether it was taken: {reason}.")


def _line(request: CallbackRequest) -> str:
    number = PhoneNumber.from_digits(request.answers.phone).masked
    held = f" (held: {request.held.value})" if request.held else ""
    when, state = _time(request.requested_at), f"{request.state.value}{held}"
    return f"{request.reference}  {when}  {state}  {request.answers.widget}  {number}"


def _time(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")
