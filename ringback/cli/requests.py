"""`flask --app app requests …`: what is seen of requests, and each way to deal with those that need a person."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import click

from ringback.cli.operators import time_text
from ringback.cli.people import Number
from ringback.cli.request_lines import (
    NOTHING,
    as_object,
    beyond_line,
    by_kind,
    counted,
    event_line,
    group_line,
    request_line,
    trouble_line,
    trouble_object,
)
from ringback.cli.system_user import by_command_line
from ringback.clock import Clock
from ringback.config.settings import Settings
from ringback.config.widget import FIELDS
from ringback.outbox.audit import Audit
from ringback.outbox.operators.attention import Trouble
from ringback.outbox.operators.operations import Operations
from ringback.outbox.operators.request_list import Group, Page, Totals
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Held, which_only_look_so
from ringback.outbox.selection import STATES, Selection


def _readable(_context: click.Context, _parameter: click.Parameter, reference: str | None) -> str | None:
    """Refuses what no reference is written with, and what a store may be unable to look for."""
    if reference and not (reference.isascii() and reference.isprintable()):
        raise click.BadParameter("there is no such request")
    return reference.upper() if reference else reference


REFERENCE = click.argument("reference", callback=_readable)
YES = click.option("--yes", is_flag=True, help="Do not ask.")
_LINES = 100
_MOST = 1_000_000
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Since(click.ParamType[timedelta, Any]):
    """A time before now: 30m, 2h, 3d."""

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Refuse what has no unit: 30 of what?"""
        found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", str(value).strip(), re.ASCII)
        if not found:
            self.fail("should be a number of minutes, hours or days, like 30m, 2h or 3d")
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _known(settings: Settings) -> Any:
    """Refuses the key of a widget that is not there: an empty list would look like good news."""

    def read(_context: click.Context, _parameter: click.Parameter, key: str | None) -> str | None:
        if key is None:
            return None
        if (widget := settings.widget(key)) is None:
            raise click.BadParameter(f"there is no widget {key}; there are: {', '.join(settings.widgets)}")
        return widget.key

    return read


def request_commands(
    settings: Settings, operations: Operations, outbox: Outbox, audit: Audit, clock: Clock
) -> click.Group:
    """Look after requests."""
    group = click.Group("requests", help="Look after callback requests.")
    group.add_command(_list(settings, operations, clock))
    group.add_command(_show(operations, outbox, audit, clock))
    group.add_command(_retry(operations))
    group.add_command(_release(operations))
    group.add_command(_resolve(operations))
    return group


# --- seen ---


def _list(settings: Settings, operations: Operations, clock: Clock) -> click.Command:
    @click.command("list")
    @click.option("--attention", "only_attention", is_flag=True, help="Only what a person has to look at.")
    @click.option("--state", type=click.Choice(STATES), help="Only requests that stand there.")
    @click.option("--held", type=click.Choice([why.value for why in Held]), help="Only what is held for this.")
    @click.option("--widget", callback=_known(settings), help="Only those of one widget, such as sales.")
    @click.option("--phone", type=Number(), help='Only those for a number, such as "+44 20 7946 0000".')
    @click.option("--since", type=Since(), help="Only those asked for in the last 30m, 2h, 3d.")
    @click.option("--json", "as_json", is_flag=True, help="For programs: an array, of all if there is no --limit.")
    @click.option("--limit", type=click.IntRange(1, _MOST), help=f"How many lines at most; else {_LINES}.")
    @click.option("--after", metavar="REFERENCE", callback=_readable, help="Go on after the last one of a page.")
    @click.pass_context
    def listed(
        context: click.Context,
        only_attention: bool,
        state: str | None,
        held: str | None,
        widget: str | None,
        phone: str | None,
        since: timedelta | None,
        as_json: bool,
        limit: int | None,
        after: str | None,
    ) -> None:
        """List requests, the newest first; with --attention what needs a person, and what is held last."""
        selection = Selection(state, Held(held) if held else None, widget, phone, since)
        lines = limit if as_json else limit or _LINES
        try:
            page = operations.page(only_attention, lines, selection, after, only_attention and not as_json)
        except LookupError:
            raise click.BadParameter(f"there is no request {after}", param_hint="--after") from None
        # Beside requests, and on the first page: teams are in no state, and have no number.
        troubles = operations.troubles(widget) if only_attention and not (state or held or phone or after) else []
        if as_json:
            objects = [*map(trouble_object, troubles), *(as_object(item, clock()) for item in page.items)]
            click.echo(json.dumps(objects, ensure_ascii=False, indent=2))
        else:
            totals = operations.totals(only_attention, selection)
            for line in _told(page, totals, troubles, only_attention, selection != Selection(), clock()):
                click.echo(line)
        if page.beyond:
            click.echo(beyond_line(page, context.params), err=as_json)

    return listed


def _told(
    page: Page, totals: Totals, troubles: list[Trouble], only_attention: bool, is_part: bool, now: datetime
) -> Iterator[str]:
    """The list in words: what concerns many, the totals, and each."""
    yield from map(trouble_line, troubles)
    if totals.count:
        yield f"{counted(totals.count)}{' to look at' if only_attention else ''}: {by_kind(totals)}."
    elif not troubles:
        yield "There are no such requests." if is_part else NOTHING[only_attention]
    groups = [item for item in page.items if isinstance(item, Group)]
    for item in page.items:
        yield group_line(item, now) if isinstance(item, Group) else request_line(item, now)
    if any(group.count > 1 for group in groups):
        yield "Each request of a line: flask --app app requests list --held REASON --phone NUMBER"


def _show(operations: Operations, outbox: Outbox, audit: Audit, clock: Clock) -> click.Command:
    @click.command("show")
    @REFERENCE
    def show(reference: str) -> None:
        """Show one request with all that happened to it."""
        found = outbox.read(_id(operations, reference))
        if found:
            request, events = found
            click.echo(request_line(request, clock()))
            answers = request.answers
            for name in (*FIELDS, "page", "language"):
                if getattr(answers, name):
                    click.echo(f"  {name}: {getattr(answers, name)}")
            if answers.attributes:
                click.echo(f"  attributes: {json.dumps(dict(answers.attributes), ensure_ascii=False)}")
            only_look_so = which_only_look_so(event.kind for event in events)
            for event, looks in zip(events, only_look_so, strict=True):
                click.echo(f"  {time_text(event.at)} {event_line(event, looks)}")
            for act in reversed(audit.listed(about=reference)):
                click.echo(f"  {time_text(act.at)} {act.act} by {act.who}")

    return show


# --- done ---


def _retry(operations: Operations) -> click.Command:
    @click.command("retry")
    @click.argument("reference", required=False, callback=_readable)
    @click.option("--all", "everything", is_flag=True, help="All that failed, or waits and was due. No unknown.")
    @YES
    def retry(reference: str | None, everything: bool, yes: bool) -> None:
        """Hand over now what failed, is unknown, or waits.

        An unknown may have rung: ask the team for it first. --all leaves those alone, and times chosen for later.
        """
        if (reference is None) != everything:
            raise click.UsageError("Name one request, or say --all.")
        if reference:
            worked = operations.retry(_id(operations, reference), by_command_line())
            no = "does not wait, and is neither failed nor unknown; or it is held. Nothing has changed."
            _say(worked, reference, "will be handed over again.", no)
            return
        ids = operations.to_retry()
        _ask(len(ids), "that failed or wait", yes)
        click.echo(f"To be handed over again: {operations.retry_all(ids, by_command_line())}.")
        if unknown := operations.totals(True, Selection(state="unknown")).count:
            click.echo(
                f"Unknown, and left alone: {unknown}. Resolve or retry them one by one; they may have rung."
            )

    return retry


def _release(operations: Operations) -> click.Command:
    @click.command("release")
    @click.argument("reference", required=False, callback=_readable)
    @click.option("--held", type=click.Choice([why.value for why in Held]), help="All that is held for this.")
    @click.option("--phone", type=Number(), help='All that is held of a number, such as "+44 20 7946 0000".')
    @YES
    def release(reference: str | None, held: str | None, phone: str | None, yes: bool) -> None:
        """Hand over what was held: one request; or all that is held for a reason, of a number, or both.

        Who chose a time that is still to come is called at that time.
        """
        if (reference is None) == (held is None and phone is None):
            raise click.UsageError("Name one request, or say --held or --phone.")
        if reference:
            worked = operations.release(_id(operations, reference), by_command_line())
            no = "is not held, or is changing at this moment; nothing has changed."
            _say(worked, reference, "will be handed over.", no)
            return
        ids = operations.to_release(Selection(held=Held(held) if held else None, phone=phone))
        _ask(len(ids), "that are held", yes)
        released = operations.release_all(ids, by_command_line())
        click.echo(f"Released: {released}.")
        if left := len(ids) - released:
            click.echo(f"Changing at this moment, and left as they are: {left}. Try again in a minute.")

    return release


def _resolve(operations: Operations) -> click.Command:
    @click.command("resolve")
    @REFERENCE
    @click.option("--rang", is_flag=True, help="The team got it.")
    @click.option("--not-rung", is_flag=True, help="The team did not: it is handed over again.")
    def resolve(reference: str, rang: bool, not_rung: bool) -> None:
        """Say what became of an unknown request."""
        if rang == not_rung:
            raise click.UsageError("Say --rang or --not-rung.")
        worked = operations.resolve(_id(operations, reference), rang, by_command_line())
        yes = "is with the team." if rang else "will be handed over again."
        _say(worked, reference, yes, "is not unknown; nothing has changed.")

    return resolve


def _id(operations: Operations, reference: str) -> str:
    id = operations.find(reference)
    if id is None:
        raise click.ClickException(f"There is no request {reference}.")
    return id


def _say(worked: bool, reference: str, yes: str, no: str) -> None:
    if not worked:
        raise click.ClickException(f"{reference} {no}")
    click.echo(f"{reference} {yes}")


def _ask(count: int, which: str, yes: bool) -> None:
    """Make sure that many are meant: people are rung."""
    if count > 1 and not yes:
        click.confirm(f"Hand over {count} requests {which}?", abort=True)
