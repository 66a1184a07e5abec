"""`flask --app app samespace …`: Samespace's three interfaces by hand."""

import click

from ringback import phone
from ringback.cli.system_user import by_command_line
from ringback.handover.auth_token import LOCKED_OUT, LockedOutError
from ringback.handover.outcomes import (
    Accepted,
    Busy,
    Misconfigured,
    NewToken,
    NotLoggedIn,
    NotSent,
    Outcome,
    Refused,
    Unclear,
)
from ringback.handover.token_renewal import BusyError, NotKeptError
from ringback.services import Services


def samespace_commands(services: Services) -> click.Group:
    settings, samespace, audit = services.settings, services.samespace, services.audit
    auth_token, renewal = services.auth_token, services.token_renewal
    group = click.Group("samespace", help="Use Samespace's own interfaces. These calls are real.")
    regions = tuple(dict.fromkeys(code for widget in settings.widgets.values() for code in widget.called_regions))

    teams = {widget.team_name for widget in settings.widgets.values()}  # any other may be a slip, even a number

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
        called, given = digits(number), pairs(attributes)
        audit.note(by_command_line(), "callback", f"team {team}" if team in teams else "team")
        _tell(samespace.make_call(team, called, given), f"{team} has the call.")

    @group.command("click-to-call")
    @click.argument("username")
    @click.argument("number")
    @click.option("--caller-id", help="The number to show.")
    @click.option("--custom", multiple=True, help="name=value, for the agent to see.")
    def click_to_call(username: str, number: str, caller_id: str | None, custom: tuple[str, ...]) -> None:
        """Have an agent's own dock dial a number. USERNAME as in ann@acme, or ann alone."""
        full = username if "@" in username else f"{username}@{settings.samespace.space_id}"
        called, given = digits(number), pairs(custom)
        audit.note(by_command_line(), "call", "dock")
        outcome = samespace.click_to_call(full, called, caller_id, given or None)
        _tell(outcome, f"The dock of {full} dials.")

    @group.command("reset-token")
    @click.option("--given", is_flag=True, help="Begin with SAMESPACE_AUTH_TOKEN, whatever is in the store.")
    def reset_token(given: bool) -> None:
        """Have Samespace make a new auth token, and keep it in the store."""
        try:
            old = auth_token.given() if given else auth_token.current()
        except LockedOutError:
            lost = "If that key is lost, set SAMESPACE_AUTH_TOKEN and reset the token with --given."
            raise click.ClickException(f"{LOCKED_OUT} {lost}") from None
        if old is None:
            raise click.ClickException("There is no token yet: set SAMESPACE_AUTH_TOKEN.")
        audit.note(by_command_line(), "reset", "token")
        try:
            outcome = renewal.renew(old)
        except BusyError:
            raise click.ClickException("It is being renewed at this moment; nothing was done.") from None
        except NotKeptError as error:
            # It exists nowhere else, and the old one may be dead already.
            click.echo(f"The store did not take the new token. Keep it: {error.token}", err=True)
            raise click.ClickException("Set SAMESPACE_AUTH_TOKEN to it.") from None
        if isinstance(outcome, Unclear) and outcome.reply:
            click.echo(f"Samespace answered this, which may hold the new token: {outcome.reply}", err=True)
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
            raise click.ClickException(f"We cannot tell whether it was taken: {reason}.")
