"""What Samespace's records show about a call that nobody can be certain of: for whoever has to decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ringback.console import words
from ringback.outbox.calls.calls import CallSeen
from ringback.outbox.request import CallbackRequest, Event, EventKind, State
from ringback.services import services


@dataclass(frozen=True)
class Evidence:
    """Calls that may be a request's, each in a sentence, and why nobody can be certain; or what else is known."""

    calls: Sequence[str]
    because: str
    nothing_found: str


def evidence(one: CallbackRequest, events: Sequence[Event], now: datetime) -> Evidence:
    """What is there about one request; all of it empty where nothing is to be shown."""
    if one.held or one.state in (State.CALLED, State.CANCELLED):
        return Evidence([], "", "")
    seen = [call for call in services().calls.seen(one.id) if not call.is_certain]
    if not seen:
        return Evidence([], "", _nothing_found(one, now))
    left_at = next((event.at for event in reversed(events) if event.kind is EventKind.ATTEMPTED), None)
    return Evidence([_sentence(one, call, left_at, now) for call in seen], _because(one), "")


def _sentence(one: CallbackRequest, call: CallSeen, left_at: datetime | None, now: datetime) -> str:
    zone = words.zone_of(one, services().settings)
    later = call.started_at - left_at if left_at and call.started_at >= left_at else None
    after = f", {_soon(later)} after the hand-over" if later is not None else ""
    answered = {True: "It was answered.", False: "Nobody answered.", None: "It goes on, or its end is not known."}
    return f"A call began at {words.moment(call.started_at, zone, now)}{after}. {answered[call.answered]}"


def _soon(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds} s" if seconds < 60 else words.span(length)


def _because(one: CallbackRequest) -> str:
    widget = services().settings.widget(one.answers.widget)
    team = f"the team {widget.team_name}" if widget else "its team"
    return (
        f"Probably this request's: the record is of the same number, went out from {team}, and is the first after "
        "the hand-over. Not certain: it does not name this request, so an agent may have called by hand."
    )


def _nothing_found(one: CallbackRequest, now: datetime) -> str:
    """Where call reports are read, and have no call that may be this one."""
    read_up_to = services().calls.state().read_up_to
    if one.state is not State.UNKNOWN or read_up_to is None:
        return ""
    at = words.moment(read_up_to, words.zone_of(one, services().settings), now)
    return (
        f"Samespace's records, read up to {at}, have no call that may be this one. That proves nothing: "
        "a record may come late, or not at all."
    )
