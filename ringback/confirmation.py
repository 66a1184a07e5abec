"""What the confirmation page says: what is true, and no more.

A step is drawn as done only where an event says so, and nothing here says that a call was made: we
cannot know. A held request is described by the same words as any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from ringback import opening_hours
from ringback.callback_request import OPERATORS_ONLY, CallbackRequest, Event, EventKind, State
from ringback.phone import PhoneNumber
from ringback.promise import Promise

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


def story(events: Sequence[Event], promise: Promise) -> Story:
    """Headline and sentences for where the request stands now."""
    company = promise.widget.company
    match promise.request.state:
        case State.WAITING | State.HANDING_OVER:
            return _before(events, promise)
        case State.WITH_TEAM:
            sentences = [f"{company} has it on the list of calls to make.", *promise.sentences()]
            return Story("ok", "With the team", "The team has your request", sentences)
        case State.UNKNOWN:
            sentences = [
                "We handed it over but got no clear answer, so a person has to look. You may still be called.",
                *_if_missed(promise),
                promise.way_out("If you would rather not wait,"),
            ]
            return Story("warn", "Being checked", "We have your request and are checking it", sentences)
        case State.FAILED:
            sentences = [
                "It is on the list of requests that a person looks at.",
                *_if_missed(promise),
                promise.way_out("To be sure of a call,"),
            ]
            return Story("bad", "Not handed over", "We could not hand over your request", sentences)
        case State.CANCELLED:
            sentences = ["We will not hand it over to the team."]
            return Story("plain", "Cancelled", "Your request is cancelled", sentences)


def _before(events: Sequence[Event], promise: Promise) -> Story:
    """What waits, or is being handed over this moment."""
    is_tried = promise.request.state is State.WAITING and _is_tried(events)
    sentences = [*_what_happens(is_tried, promise), *promise.sentences()]
    if promise.is_missed:
        return Story("warn", "Running late", "Your call is late", sentences)
    if is_tried:
        return Story("warn", "Still waiting", "We have your request", sentences)
    return Story("busy", "Received", "We have your request", sentences)


def _is_tried(events: Sequence[Event]) -> bool:
    """Whether it was tried to hand it over, for the time that is asked for now."""
    kinds = [event.kind for event in events if event.kind in (EventKind.ATTEMPTED, EventKind.RESCHEDULED)]
    return kinds[-1:] == [EventKind.ATTEMPTED]


def _what_happens(is_tried: bool, promise: Promise) -> list[str]:
    company, ends_at = promise.widget.company, promise.request.answers.slot_ends_at
    if promise.is_ahead:
        return []
    opening = opening_hours.next_opening(promise.widget.hours, promise.now)
    is_in_its_slot = ends_at is not None and ends_at > promise.now
    if opening and opening > promise.now and promise.request.state is State.WAITING and not is_in_its_slot:
        return [f"{company} is closed now. The team gets it when we open, {promise.opening(opening)}."]
    if is_tried:
        return [f"We could not hand it to the team at {company} yet. It is safe, and we keep trying."]
    return [f"We are handing it to the team at {company} now."]


def _if_missed(promise: Promise) -> list[str]:
    return promise.sentences()[:1] if promise.is_missed else []


def timeline(events: Sequence[Event], promise: Promise) -> list[Step]:
    """What happened, oldest first, and the step that is still to come."""
    seen, state = public_events(events), promise.request.state
    shown = [event for event in seen if event.kind is not EventKind.ATTEMPTED]
    attempts = [event for event in seen if event.kind is EventKind.ATTEMPTED]
    if attempts and state is State.WAITING:
        shown.append(attempts[-1])
    steps = [
        Step(_label(event.kind, len(attempts)), promise.moment(event.at), event.at.isoformat(), True, False)
        for event in sorted(shown, key=lambda event: event.at)
    ]
    if state in (State.WAITING, State.HANDING_OVER):
        due = promise.request.due_at
        when = (promise.moment(due), due.isoformat()) if promise.is_ahead else ("Not yet", "")
        steps.append(Step("With the team", *when, False, True))
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
