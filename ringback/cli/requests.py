"""`flask --app app requests …`: what is seen of requests, and each way to deal with those that need a person."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import click

from ringback.cli.operators import time_text
from ringback.cli.people import Number
from ringback.clock import Clock
from ringback.config.settings import Settings
from ringback.outbox.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import CallbackRequest, Event, Held, which_only_look_so
from ringback.outbox.request_list import Group, Page, Totals, Trouble
from ringback.outbox.selection import HELD, STATES, Selection, is_late, true_state
from ringback.phone import PhoneNumber


def _readable(_context: click.Context, _parameter: click.Parameter, reference: str | None) -> str | None:
    """Refuses what no reference is written with, and what a store may be unable to look for."""
    if reference and not (reference.isascii() and reference.isprintable()):
        raise click.BadParameter("there is no request of that name")
    return reference.upper() if reference else reference


REFERENCE = click.argument("reference", callback=_readable)
YES = click.option("--yes", is_flag=True, help="Do not ask.")
_LINES = 100
_MOST = 1_000_000
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# Each object of `--json` has these; what does not apply is null.
_KEYS = ("kind", "reference", "state", "why", "late", "widget", "phone", "name")
_TIMES = ("requested_at", "due_at", "promised_by", "since")


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


def request_commands(settings: Settings, attention: Operations, outbox: Outbox, clock: Clock) -> click.Group:
    """Look after requests."""
    group = click.Group("requests", help="Look after callback requests.")
    group.add_command(_list(settings, attention, clock))
    group.add_command(_show(attention, outbox, clock))
    group.add_command(_retry(attention))
    group.add_command(_release(attention))
    group.add_command(_resolve(attention))
    return group


# --- seen ---


def _list(settings: Settings, attention: Operations, clock: Clock) -> click.Command:
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
            page = attention.page(only_attention, lines, selection, after, only_attention and not as_json)
        except LookupError:
            raise click.BadParameter(f"there is no request {after}", param_hint="--after") from None
        # Beside requests, and on the first page: teams are in no state, and have no number.
        troubles = attention.troubles(widget) if only_attention and not (state or held or phone or after) else []
        if as_json:
            objects = [*map(_trouble_json, troubles), *(_json(item, clock()) for item in page.items)]
            click.echo(json.dumps(objects, ensure_ascii=False, indent=2))
        else:
            totals = attention.totals(only_attention, selection)
            for line in _told(page, totals, troubles, only_attention, selection != Selection(), clock()):
                click.echo(line)
        if page.beyond:
            click.echo(_beyond(page, context.params), err=as_json)

    return listed


def _told(
    page: Page, totals: Totals, troubles: list[Trouble], only_attention: bool, is_part: bool, now: datetime
) -> Iterator[str]:
    """The list in words: what concerns many, the totals, and each."""
    yield from map(_trouble_line, troubles)
    if totals.count:
        yield f"{_count(totals.count)}{' to look at' if only_attention else ''}: {_by_kind(totals)}."
    elif not troubles:
        yield "There are no such requests." if is_part else _NOTHING[only_attention]
    groups = [item for item in page.items if isinstance(item, Group)]
    for item in page.items:
        yield _group_line(item, now) if isinstance(item, Group) else _line(item, now)
    if any(group.count > 1 for group in groups):
        yield "Each request of a line: flask --app app requests list --held REASON --phone NUMBER"


_NOTHING = {True: "Nothing needs a person.", False: "There are no requests."}


def _count(count: int, what: str = "request") -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _by_kind(totals: Totals) -> str:
    """`2 unknown, 5 held (3 number_limit, 2 stopped)`; in the order of a request's way, and what is held last."""
    order = ("unknown", "failed", "late", *STATES)
    kinds = sorted(totals.kinds.items(), key=lambda kind: (kind[0] == HELD, order.index(kind[0])))
    reasons = ", ".join(f"{count} {why}" for why, count in sorted(totals.held.items()))
    return ", ".join(f"{count} {kind}{f' ({reasons})' if kind == HELD else ''}" for kind, count in kinds)


def _beyond(page: Page, options: Mapping[str, Any]) -> str:
    """How many there are that were not shown, and the command that shows the next."""
    last = page.items[-1]
    request = last.latest if isinstance(last, Group) else last
    told = ["--attention"] if options["only_attention"] else []
    given = {name: options[name] for name in ("state", "held", "widget", "since", "limit")}
    # What follows a held one among what needs a person is held.
    if options["only_attention"] and true_state(request) == HELD and not given["held"]:
        given["state"] = HELD
    given["phone"] = f"+{options['phone']}" if options["phone"] else None
    for name, value in (given | {"after": request.reference}).items():
        if value is not None:
            told += [f"--{name}", _minutes(value) if isinstance(value, timedelta) else str(value)]
    told += ["--json"] if options["as_json"] else []
    return f"{_count(page.beyond, 'more request')}: flask --app app requests list {shlex.join(told)}"


def _minutes(since: timedelta) -> str:
    return f"{int(since.total_seconds() // 60)}m"


def _state(request: CallbackRequest, now: datetime) -> str:
    if true_state(request) == HELD and request.held:
        return f"held: {request.held.value}"
    return f"{request.state.value}{': late' if is_late(request, now) else ''}"


def _line(request: CallbackRequest, now: datetime) -> str:
    answers = request.answers
    number = PhoneNumber.from_digits(answers.phone).international
    parts = [request.reference, time_text(request.requested_at), _state(request, now), answers.widget, number]
    return "  ".join([*parts, answers.name] if answers.name else parts)


def _group_line(group: Group, now: datetime) -> str:
    """One line for a number, however often it was asked for."""
    if group.count == 1:
        return _line(group.latest, now)
    number = PhoneNumber.from_digits(group.latest.answers.phone).international
    between = f"{time_text(group.first_at)} to {time_text(group.last_at)}"
    times = f"{group.count} requests, {between}, the last {group.latest.reference}"
    return "  ".join([_state(group.latest, now), group.widget or "several widgets", number, times])


def _trouble_line(trouble: Trouble) -> str:
    since = f" since {time_text(trouble.since)}" if trouble.since else ""
    if trouble.team is None:
        return f"Samespace is not reached{since}: what is due waits, and goes by itself once it answers."
    why = f": {trouble.why}" if trouble.why else ""
    return (
        f"Team {trouble.team} is paused{since}{why}. Once that is mended: "
        f"flask --app app teams resume {shlex.quote(trouble.team)}"
    )


def _json(item: CallbackRequest | Group, now: datetime) -> dict[str, Any]:
    request = item.latest if isinstance(item, Group) else item
    is_held = true_state(request) == HELD
    return dict.fromkeys((*_KEYS, *_TIMES)) | {
        "kind": "request",
        "reference": request.reference,
        "state": true_state(request),
        "why": request.held.value if request.held and is_held else None,
        "late": is_late(request, now),
        "widget": request.answers.widget,
        "phone": f"+{request.answers.phone}",
        "name": request.answers.name,
        "requested_at": request.requested_at.isoformat(),
        "due_at": request.due_at.isoformat(),
        "promised_by": request.promised_by.isoformat() if request.promised_by else None,
    }


def _trouble_json(trouble: Trouble) -> dict[str, Any]:
    """The same keys, so that nobody who reads requests stumbles over a team."""
    return dict.fromkeys((*_KEYS, *_TIMES)) | {
        "kind": "team" if trouble.team else "samespace",
        "state": "paused" if trouble.team else "not_reached",
        "why": trouble.why,
        "name": trouble.team,
        "since": trouble.since.isoformat() if trouble.since else None,
    }


def _show(attention: Operations, outbox: Outbox, clock: Clock) -> click.Command:
    @click.command("show")
    @REFERENCE
    def show(reference: str) -> None:
        """Show one request with all that happened to it."""
        found = outbox.read(_id(attention, reference))
        if found:
            request, events = found
            click.echo(_line(request, clock()))
            answers = request.answers
            for name in ("name", "email", "company", "message", "page", "language"):
                if getattr(answers, name):
                    click.echo(f"  {name}: {getattr(answers, name)}")
            if answers.attributes:
                click.echo(f"  attributes: {json.dumps(dict(answers.attributes), ensure_ascii=False)}")
            only_look_so = which_only_look_so(event.kind for event in events)
            for event, looks in zip(events, only_look_so, strict=True):
                click.echo(f"  {time_text(event.at)} {_happened(event, looks)}")

    return show


def _happened(event: Event, only_looks_so: bool) -> str:
    """What happened, in the words of states; not as if it had, where only the visitor's page says so."""
    if only_looks_so:
        why = f" ({event.detail})" if event.detail else ""
        return f"nobody was called; its visitor sees: {event.kind.value}{why}"
    return f"{event.kind.value}{f': {event.detail}' if event.detail else ''}"


# --- done ---


def _retry(attention: Operations) -> click.Command:
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
            worked = attention.retry(_id(attention, reference))
            no = "does not wait, and is neither failed nor unknown; or it is held. Nothing has changed."
            _say(worked, reference, "will be handed over again.", no)
            return
        ids = attention.to_retry()
        _ask(len(ids), "that failed or wait", yes)
        click.echo(f"To be handed over again: {attention.retry_all(ids)}.")
        if unknown := attention.totals(True, Selection(state="unknown")).count:
            click.echo(
                f"Unknown, and left alone: {unknown}. Resolve or retry them one by one; they may have rung."
            )

    return retry


def _release(attention: Operations) -> click.Command:
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
            worked = attention.release(_id(attention, reference))
            no = "is not held, or is changing at this moment; nothing has changed."
            _say(worked, reference, "will be handed over.", no)
            return
        ids = attention.to_release(Selection(held=Held(held) if held else None, phone=phone))
        _ask(len(ids), "that are held", yes)
        released = attention.release_all(ids)
        click.echo(f"Released: {released}.")
        if left := len(ids) - released:
            click.echo(f"Changing at this moment, and left as they are: {left}. Try again in a minute.")

    return release


def _resolve(attention: Operations) -> click.Command:
    @click.command("resolve")
    @REFERENCE
    @click.option("--rang", is_flag=True, help="The team got it.")
    @click.option("--not-rung", is_flag=True, help="The team did not: it is handed over again.")
    def resolve(reference: str, rang: bool, not_rung: bool) -> None:
        """Say what became of an unknown request."""
        if rang == not_rung:
            raise click.UsageError("Say --rang or --not-rung.")
        worked = attention.resolve(_id(attention, reference), rang)
        yes = "is with the team." if rang else "will be handed over again."
        _say(worked, reference, yes, "is not unknown; nothing has changed.")

    return resolve


def _id(attention: Operations, reference: str) -> str:
    id = attention.find(reference)
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
