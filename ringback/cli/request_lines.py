"""How a request, a group of them and a trouble are written for operators, as a line and for `--json`."""

import shlex
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ringback.cli.operators import time_text
from ringback.outbox.calls.not_called import NOT_CALLED
from ringback.outbox.operators.attention import NOBODY, PAUSED, REFUSES, SAMESPACE, Trouble
from ringback.outbox.operators.request_list import Group, Page, Totals
from ringback.outbox.request import CallbackRequest, Event
from ringback.outbox.selection import HELD, STATES, is_late, is_not_called, true_state
from ringback.phone import PhoneNumber

# Each object of `--json` has these; what does not apply is null.
KEYS = ("kind", "reference", "state", "why", "late", "widget", "phone", "name")
TIMES = ("requested_at", "due_at", "promised_by", "since")
_STATES_OF_TROUBLE = {SAMESPACE: "not_reached", PAUSED: "paused", REFUSES: "refusing", NOBODY: "not_running"}
NOTHING = {True: "Nothing needs a person.", False: "There are no requests."}


def counted(count: int, what: str = "request") -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def by_kind(totals: Totals) -> str:
    """`2 unknown, 5 held (3 number_limit, 2 stopped)`; in the order of a request's way, and what is held last."""
    order = ("unknown", "failed", "late", "not_called", *STATES)
    kinds = sorted(totals.kinds.items(), key=lambda kind: (kind[0] == HELD, order.index(kind[0])))
    reasons = ", ".join(f"{count} {why}" for why, count in sorted(totals.held.items()))
    return ", ".join(f"{count} {kind}{f' ({reasons})' if kind == HELD else ''}" for kind, count in kinds)


def beyond_line(page: Page, options: Mapping[str, Any]) -> str:
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
            told += [f"--{name}", minutes_text(value) if isinstance(value, timedelta) else str(value)]
    told += ["--json"] if options["as_json"] else []
    return f"{counted(page.beyond, 'more request')}: flask --app app requests list {shlex.join(told)}"


def minutes_text(since: timedelta) -> str:
    return f"{int(since.total_seconds() // 60)}m"


def state_words(request: CallbackRequest, now: datetime) -> str:
    if true_state(request) == HELD and request.held:
        return f"held: {request.held.value}"
    why = ": late" if is_late(request, now) else ": not called" if is_not_called(request) else ""
    return f"{request.state.value}{why}"


def request_line(request: CallbackRequest, now: datetime) -> str:
    answers = request.answers
    number = PhoneNumber.from_digits(answers.phone).international
    parts = [request.reference, time_text(request.requested_at), state_words(request, now), answers.widget, number]
    return "  ".join([*parts, answers.name] if answers.name else parts)


def group_line(group: Group, now: datetime) -> str:
    """One line for a number, however often it was asked for."""
    if group.count == 1:
        return request_line(group.latest, now)
    number = PhoneNumber.from_digits(group.latest.answers.phone).international
    between = f"{time_text(group.first_at)} to {time_text(group.last_at)}"
    times = f"{group.count} requests, {between}, the last {group.latest.reference}"
    return "  ".join([state_words(group.latest, now), group.widget or "several widgets", number, times])


def trouble_line(trouble: Trouble) -> str:
    since = f" since {time_text(trouble.since)}" if trouble.since else ""
    if trouble.kind == NOBODY:
        return (
            f"Nobody hands over{since}: no process that does is running. Nothing is lost; start one: "
            "the web process, or with RINGBACK_DELIVERY=worker `flask --app app deliver`."
        )
    if trouble.kind == SAMESPACE:
        return f"Samespace is not reached{since}: what is due waits, and goes by itself once it answers."
    why = f": {trouble.why}" if trouble.why else ""
    if trouble.kind == REFUSES:
        return f"Team {trouble.team} refuses{since}{why}. What is due waits, and goes by itself once it takes one."
    return (
        f"Team {trouble.team} is paused{since}{why}. Once that is mended: "
        f"flask --app app teams resume {shlex.quote(trouble.team or '')}"
    )


def as_object(item: CallbackRequest | Group, now: datetime) -> dict[str, Any]:
    request = item.latest if isinstance(item, Group) else item
    why = request.held.value if request.held and true_state(request) == HELD else None
    return dict.fromkeys((*KEYS, *TIMES)) | {
        "kind": "request",
        "reference": request.reference,
        "state": true_state(request),
        "why": NOT_CALLED if is_not_called(request) else why,
        "late": is_late(request, now),
        "widget": request.answers.widget,
        "phone": f"+{request.answers.phone}",
        "name": request.answers.name,
        "requested_at": request.requested_at.isoformat(),
        "due_at": request.due_at.isoformat(),
        "promised_by": request.promised_by.isoformat() if request.promised_by else None,
    }


def trouble_object(trouble: Trouble) -> dict[str, Any]:
    """The same keys, so that nobody who reads requests stumbles over a team."""
    return dict.fromkeys((*KEYS, *TIMES)) | {
        "kind": "team" if trouble.team else trouble.kind,
        "state": _STATES_OF_TROUBLE[trouble.kind],
        "why": trouble.why,
        "name": trouble.team,
        "since": trouble.since.isoformat() if trouble.since else None,
    }


def event_line(event: Event, only_looks_so: bool) -> str:
    """What happened, in the words of states; not as if it had, where only the visitor's page says so."""
    if only_looks_so:
        why = f" ({event.detail})" if event.detail else ""
        return f"nobody was called; its visitor sees: {event.kind.value}{why}"
    return f"{event.kind.value}{f': {event.detail}' if event.detail else ''}"
