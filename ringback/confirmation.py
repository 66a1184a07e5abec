"""What the confirmation page says: what is true, and no more.

A step is drawn as done only where an event says so, and nothing here says that a call was made: we
cannot know. A held request is described by the same words as any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from ringback.callback_request import OPERATORS_ONLY, CallbackRequest, Event, EventKind, State
from ringback.phone import PhoneNumber
from ringback.widget import Widget

FULL_NUMBER_FOR = timedelta(minutes=30)


@dataclass(frozen=True)
class Step:
    """One line of the timeline."""

    label: str
    time_text: str
    time_iso: str
    done: bool
    current: bool


@dataclass(frozen=True)
class Story:
    """The words of a page: `tone` is ok, busy, warn, bad or plain."""

    tone: str
    chip: str
    headline: str
    sentences: list[str]


def public_events(events: Sequence[Event]) -> list[Event]:
    """Without what only operators may know."""
    return [event for event in events if event.kind not in OPERATORS_ONLY]


def as_json(request: CallbackRequest, events: Sequence[Event], zone: tzinfo) -> dict[str, Any]:
    """The status as other programs read it: no personal data, times in ISO 8601 with offset."""

    def iso(at: datetime) -> str:
        return at.astimezone(zone).isoformat(timespec="seconds")

    return {
        "reference": request.reference,
        "state": request.state.value,
        "requested_at": iso(request.requested_at),
        "due_at": iso(request.due_at),
        "events": [{"at": iso(event.at), "kind": event.kind.value} for event in public_events(events)],
    }


def number_text(request: CallbackRequest, now: datetime) -> tuple[str, str]:
    """The number and a note on it: whole for half an hour, then only its end."""
    number = PhoneNumber.from_digits(request.answers.phone)
    if now - request.requested_at < FULL_NUMBER_FOR:
        return number.international, ""
    return number.masked, "Half an hour after the request, only its end is shown."


def story(request: CallbackRequest, events: Sequence[Event], widget: Widget, now: datetime) -> Story:
    """Headline and sentences for where the request stands now."""
    tried = any(event.kind is EventKind.ATTEMPTED for event in events)
    match request.state:
        case State.WAITING if tried:
            return Story(
                "warn",
                "Still waiting",
                "We have your request",
                [
                    f"We could not hand it to the team at {widget.company} yet. It is safe, and we keep trying.",
                    *_promise(request, widget, now),
                ],
            )
        case State.WAITING | State.HANDING_OVER:
            return Story(
                "busy",
                "Received",
                "We have your request",
                [f"We are handing it to the team at {widget.company} now.", *_promise(request, widget, now)],
            )
        case State.WITH_TEAM:
            return Story(
                "ok",
                "With the team",
                "The team has your request",
                [f"{widget.company} has it on the list of calls to make.", *_promise(request, widget, now)],
            )
        case State.UNKNOWN:
            return Story(
                "warn",
                "Being checked",
                "We have your request and are checking it",
                [
                    "We handed it over but got no clear answer, so a person has to look. You may still be called.",
                    _way_out(widget, "If you would rather not wait"),
                ],
            )
        case State.FAILED:
            return Story(
                "bad",
                "Not handed over",
                "We could not hand over your request",
                [
                    "It is on the list of requests that a person looks at.",
                    _way_out(widget, "To be sure of a call"),
                ],
            )
        case State.CANCELLED:
            return Story(
                "plain", "Cancelled", "Your request is cancelled", ["We will not hand it over to the team."]
            )


def _promise(request: CallbackRequest, widget: Widget, now: datetime) -> list[str]:
    """When we said we would call, for as long as it matters, and what to do if nobody does."""
    if request.promised_by is None:
        return []
    by = clock_text(request.promised_by, widget.timezone, now)
    if now <= request.promised_by:
        return [
            f"We usually call within {widget.promise_minutes} minutes.",
            _way_out(widget, f"If nobody has called by {by}"),
        ]
    return [f"We said by {by}, and that time has passed.", _way_out(widget, "If nobody has called")]


def _way_out(widget: Widget, when: str) -> str:
    return f"{when}, ring us." if widget.phone else f"{when}, ask for another call."


def timeline(request: CallbackRequest, events: Sequence[Event], zone: tzinfo, now: datetime) -> list[Step]:
    """What happened, oldest first, and the step that is still to come."""
    seen = public_events(events)
    shown = [event for event in seen if event.kind is not EventKind.ATTEMPTED]
    attempts = [event for event in seen if event.kind is EventKind.ATTEMPTED]
    if attempts and request.state is State.WAITING:
        shown.append(attempts[-1])
    steps = [
        Step(
            _label(event.kind, len(attempts)),
            clock_text(event.at, zone, now),
            event.at.isoformat(),
            True,
            False,
        )
        for event in sorted(shown, key=lambda event: event.at)
    ]
    if request.state in (State.WAITING, State.HANDING_OVER):
        steps.append(Step("With the team", "Not yet", "", False, True))
    return steps


def _label(kind: EventKind, attempts: int) -> str:
    if kind is EventKind.ATTEMPTED:
        return "Tried to hand it over" if attempts == 1 else f"Tried to hand it over, {attempts} times so far"
    return {
        EventKind.RECEIVED: "Request received",
        EventKind.WITH_TEAM: "With the team",
        EventKind.UNKNOWN: "Handed over, without a clear answer",
        EventKind.FAILED: "Could not be handed over",
        EventKind.CANCELLED: "Cancelled",
        EventKind.RESCHEDULED: "Time changed",
        EventKind.RESOLVED: "Checked by a person",
    }[kind]


def clock_text(at: datetime, zone: tzinfo, now: datetime) -> str:
    """`14:32 London time`; with the day when it is not today."""
    local = at.astimezone(zone)
    city = str(zone).rsplit("/", 1)[-1].replace("_", " ")
    zone_text = "UTC" if city.upper() == "UTC" else f"{city} time"
    day = "" if local.date() == now.astimezone(zone).date() else f"{local:%A} {local.day} {local:%B}, "
    return f"{day}{local:%H:%M} {zone_text}"
