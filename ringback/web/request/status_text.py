"""What the confirmation page says: what is true, and no more.

A step is shown as done only where an event says so. That the team called is said once a record or a person says
so; never whether it was answered: whoever entered somebody else's number must not learn that they picked up.
A held request is described in the same words as any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from ringback import opening_hours
from ringback.clock import whole_minute
from ringback.i18n import languages
from ringback.i18n.languages import gettext as _
from ringback.i18n.languages import ngettext
from ringback.outbox.request import OPERATORS_ONLY, SPOKEN, CallbackRequest, Event, EventKind, State
from ringback.phone import PhoneNumber
from ringback.web.form.sentences import region_name
from ringback.web.request.promise import Promise

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
    """The events that visitors may know of."""
    return [event for event in events if event.kind not in OPERATORS_ONLY]


def as_json(request: CallbackRequest, events: Sequence[Event], zone: tzinfo) -> dict[str, Any]:
    """The status as other programs read it: no personal data, times in ISO 8601 with offset, whole minutes."""

    def iso(at: datetime) -> str:
        return whole_minute(at).astimezone(zone).isoformat(timespec="seconds")

    return {
        "reference": request.reference,
        "state": request.state.value,
        "requested_at": iso(request.requested_at),
        "due_at": iso(request.due_at),
        "events": [{"at": iso(event.at), "kind": event.kind.value} for event in public_events(events)],
    }


def number_text(request: CallbackRequest, now: datetime) -> tuple[str, str, str]:
    """The number, its country and a note on it: whole for 30 minutes, then only the last digits."""
    number = PhoneNumber.from_digits(request.answers.phone)
    country = region_name(request.answers.region, languages.current())
    if now - request.requested_at < FULL_NUMBER_FOR:
        return number.international, country, ""
    return number.masked, country, _("After 30 minutes only the last digits are shown.")


def story(events: Sequence[Event], promise: Promise) -> Story:
    """Headline and sentences for where the request stands now."""
    match promise.request.state:
        case State.WAITING | State.HANDING_OVER:
            return _before(events, promise)
        case State.WITH_TEAM:
            on_the_list = _("%(company)s has it on the list of calls to make.", company=promise.widget.company)
            sentences = [on_the_list, *promise.sentences()]
            return Story("ok", _("With the team"), _("The team has your request"), sentences)
        case State.UNKNOWN:
            return _unknown(promise)
        case State.CALLED:
            return _called(events, promise)
        case State.FAILED:
            return _failed(promise)
        case State.CANCELLED:
            if any(event.detail == SPOKEN for event in events):
                return _spoken(promise)
            sentences = [_("We will not pass it to the team.")]
            return Story("plain", _("Cancelled"), _("Your request is cancelled"), sentences)


def _spoken(promise: Promise) -> Story:
    sentences = [
        _(
            "%(company)s has told us that you have spoken. So nobody will call you for this request.",
            company=promise.widget.company,
        )
    ]
    return Story("plain", _("Done"), _("You have spoken already"), sentences)


def _unknown(promise: Promise) -> Story:
    sentences = [
        _("We passed it to the team but got no clear answer, so a person has to check. You may still be called."),
        *_if_missed(promise),
        promise.way_out(
            _("If you would rather not wait, call us."),
            _("If you would rather not wait, ask for another call."),
        ),
    ]
    return Story("warn", _("Being checked"), _("We have your request and are checking it"), sentences)


def _called(events: Sequence[Event], promise: Promise) -> Story:
    called_at = next(event.at for event in events if event.kind is EventKind.CALLED)
    return Story("ok", _("Called"), _("The team called you"), [promise.called(called_at)])


def _failed(promise: Promise) -> Story:
    sentences = [
        _("It is on the list of requests that a person looks at."),
        *_if_missed(promise),
        promise.way_out(_("To be sure of a call, call us."), _("To be sure of a call, ask for another call.")),
    ]
    return Story("bad", _("Not passed on"), _("We could not pass your request to the team"), sentences)


def _before(events: Sequence[Event], promise: Promise) -> Story:
    """While it waits, or is being passed to the team."""
    opens_at = _opens_at(promise)
    # While Samespace is known to be down nothing is tried; to the visitor that is the same.
    is_delayed = _is_tried(events) or (promise.is_overdue and opens_at is None)
    is_stuck = promise.request.state is State.WAITING and is_delayed
    sentences = [*_what_happens(is_stuck, opens_at, promise), *promise.sentences()]
    if promise.is_missed:
        return Story("warn", _("Running late"), _("Your call is late"), sentences)
    if is_stuck:
        return Story("warn", _("Still waiting"), _("We have your request"), sentences)
    return Story("busy", _("Received"), _("We have your request"), sentences)


def _is_tried(events: Sequence[Event]) -> bool:
    """Whether the current time's hand-over was tried already."""
    kinds = [event.kind for event in events if event.kind in (EventKind.ATTEMPTED, EventKind.RESCHEDULED)]
    return kinds[-1:] == [EventKind.ATTEMPTED]


def _opens_at(promise: Promise) -> datetime | None:
    """The opening that it waits for while the team is away; None in a chosen time, which waits for none."""
    ends_at = promise.request.answers.slot_ends_at
    opening = opening_hours.next_opening(promise.widget.hours, promise.now)
    is_in_its_slot = ends_at is not None and ends_at > promise.now
    is_closed = opening is not None and opening > promise.now
    return opening if is_closed and not is_in_its_slot and promise.request.state is State.WAITING else None


def _what_happens(is_stuck: bool, opens_at: datetime | None, promise: Promise) -> list[str]:
    company = promise.widget.company
    if promise.is_ahead:
        return []
    if opens_at:
        return [
            _(
                "%(company)s is closed now. The team gets it when we open, %(time)s.",
                company=company,
                time=promise.opening(opens_at),
            )
        ]
    if is_stuck:
        return [
            _(
                "We could not pass it to the team at %(company)s yet. It is safe, and we keep trying.",
                company=company,
            )
        ]
    return [_("We are passing it to the team at %(company)s now.", company=company)]


def _if_missed(promise: Promise) -> list[str]:
    return promise.sentences()[:1] if promise.is_missed else []


def timeline(events: Sequence[Event], promise: Promise) -> list[Step]:
    """What has happened, oldest first, and the step still to come."""
    seen, state = public_events(events), promise.request.state
    shown = [event for event in seen if event.kind is not EventKind.ATTEMPTED]
    attempts = [event for event in seen if event.kind is EventKind.ATTEMPTED]
    if attempts and state is State.WAITING:
        shown.append(attempts[-1])
    steps = [
        Step(
            _label(event.kind, len(attempts)),
            promise.moment(event.at),
            whole_minute(event.at).isoformat(),
            True,
            False,
        )
        for event in sorted(shown, key=lambda event: (event.kind is EventKind.CALLED, event.at))
    ]
    if state in (State.WAITING, State.HANDING_OVER):
        due = promise.request.due_at
        when = (promise.moment(due), whole_minute(due).isoformat()) if promise.is_ahead else (_("Not yet"), "")
        steps.append(Step(_("With the team"), *when, False, True))
    return steps


def _label(kind: EventKind, attempts: int) -> str:
    if kind is EventKind.ATTEMPTED:
        return ngettext(
            "Tried to pass it to the team", "Tried to pass it to the team, %(num)s times so far", attempts
        )
    return {
        EventKind.RECEIVED: _("Request received"),
        EventKind.WITH_TEAM: _("With the team"),
        EventKind.UNKNOWN: _("Passed to the team, without a clear answer"),
        EventKind.CALLED: _("The team called"),
        EventKind.FAILED: _("Could not be passed to the team"),
        EventKind.CANCELLED: _("Cancelled"),
        EventKind.RESCHEDULED: _("Time changed"),
        EventKind.RESOLVED: _("Checked by a person"),
    }[kind]
