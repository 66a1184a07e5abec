"""How requests are told to operators, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from ringback import phone as numbering
from ringback.config.settings import Settings
from ringback.i18n.local_time import LocalTime
from ringback.outbox.calls.not_called import NOT_CALLED
from ringback.outbox.due_query import is_claimed
from ringback.outbox.operators.attention import LATE
from ringback.outbox.operators.console_view import ATTENTION
from ringback.outbox.operators.reached import Reached
from ringback.outbox.request import CallbackRequest, EventKind, Held, State
from ringback.outbox.selection import HELD, is_late, is_not_called, true_state
from ringback.phone import PhoneNumber

VIEW_NAMES = {
    "": "All",
    ATTENTION: "Needs a person",
    LATE: "Late",
    State.UNKNOWN.value: "Unknown",
    State.FAILED.value: "Failed",
    NOT_CALLED: "Not called",
    HELD: "Held",
    State.WAITING.value: "Waiting",
    State.HANDING_OVER.value: "Being handed over",
    State.WITH_TEAM.value: "With the team",
    State.CALLED.value: "Called",
    State.CANCELLED.value: "Cancelled",
}
WHY_HELD = {
    Held.NUMBER_LIMIT: "asked for too often",
    Held.WIDGET_LIMIT: "the brake is on",
    Held.STOPPED: "asked not to be called",
    Held.BLOCKED: "number blocked",
    Held.SUSPECTED: "looks like a machine",
    Held.BOOKED: "has a time already",
}
HAPPENED = {
    EventKind.RECEIVED: "Asked for",
    EventKind.ATTEMPTED: "Handed over to Samespace",
    EventKind.WITH_TEAM: "With the team",
    EventKind.UNKNOWN: "Unknown whether Samespace took it",
    EventKind.CALLED: "Called",
    EventKind.FAILED: "Failed",
    EventKind.CANCELLED: "Cancelled",
    EventKind.RESCHEDULED: "Moved to another time",
    EventKind.RESOLVED: "Resolved by an operator",
    EventKind.HELD: "Held",
    EventKind.RELEASED: "Released by an operator",
    EventKind.RETURNED: "Back in the queue",
}
OUTCOME_NAMES = {
    "answered": "Answered",
    "no_answer": "No answer",
    "voicemail": "Voicemail",
    "wrong_number": "Wrong number",
    "do_not_call": "Asked not to be called",
}
DIAL_NAMES = {
    "asked": "Called from a dock; how it went is not known",
    "taken": "Called from a dock",
    "not_logged_in": "Not called: the dock was not logged in",
    "refused": "Not called: Samespace refused",
    "unclear": "Called from a dock; Samespace's answer was unclear",
}
_MORNING, _EVENING = 8, 21  # nobody wants to be rung outside these hours
_LOCALE = "en_GB"


@dataclass(frozen=True)
class TheirTime:
    """The clock where somebody is: `text` is empty where that is not known."""

    text: str = ""
    is_night: bool = False


@dataclass(frozen=True)
class Row:
    """A request as one line of the list."""

    request: CallbackRequest
    state: str
    tone: str  # bad, warn, ok or quiet
    number: PhoneNumber
    asked: str
    asked_ago: str
    due: str
    promise: str
    is_late: bool
    theirs: TheirTime
    claimed_by: str
    reached: str = ""  # since they asked, though it is held


def row_of(
    request: CallbackRequest,
    settings: Settings,
    now: datetime,
    is_about_to: str = "",
    reached: Reached | None = None,
) -> Row:
    """Everything about a request that stands in a line."""
    zone = zone_of(request, settings)
    late = is_late(request, now)
    return Row(
        request=request,
        state=is_about_to or state_words(request, now),
        tone=_tone(request, late),
        number=PhoneNumber.from_digits(request.answers.phone),
        asked=moment(request.requested_at, zone, now),
        asked_ago=f"{span(now - request.requested_at)} ago",
        due=_due(request, zone, now),
        promise=_promise(request, zone, now, late),
        is_late=late,
        theirs=their_time(request, now),
        claimed_by=claimed_by(request, now),
        reached=_reached(reached, zone, now) if reached else "",
    )


def _reached(reached: Reached, zone: tzinfo, now: datetime) -> str:
    how = OUTCOME_NAMES.get(reached.how, reached.how.capitalize())
    return f"{how}, {moment(reached.at, zone, now)}"


def with_outcome(detail: str) -> str:
    """Why a request is called, as the history has it, with the outcome in words: "No answer: by a call report"."""
    outcome, _, who = detail.partition(": ")
    return f"{OUTCOME_NAMES[outcome]}: {who}" if outcome in OUTCOME_NAMES else detail


def zone_of(request: CallbackRequest, settings: Settings) -> tzinfo:
    """The zone of the team: UTC for a widget that is no longer there."""
    widget = settings.widget(request.answers.widget)
    return widget.team_zone if widget else next(iter(settings.widgets.values())).team_zone


def claimed_by(request: CallbackRequest, now: datetime) -> str:
    """Who calls it by hand at the moment."""
    return request.claimed_by or "" if is_claimed(request.claimed_until, now) else ""


def state_words(request: CallbackRequest, now: datetime) -> str:
    """What is true of it, with why where it is held."""
    state = true_state(request)
    if state == HELD and request.held:
        return f"Held: {WHY_HELD[request.held]}"
    if is_late(request, now):
        return "Late"
    if is_not_called(request):
        return "With the team: not called"
    if state == State.UNKNOWN:
        return "Unknown: it may have rung"
    return VIEW_NAMES.get(state, state.capitalize())


def _tone(request: CallbackRequest, late: bool) -> str:
    state = true_state(request)
    if late or state in (State.FAILED, State.UNKNOWN):
        return "bad"
    if is_not_called(request):
        return "warn"
    return {HELD: "warn", State.WITH_TEAM: "ok", State.CALLED: "ok", State.CANCELLED: "quiet"}.get(state, "open")


def _due(request: CallbackRequest, zone: tzinfo, now: datetime) -> str:
    start = request.answers.slot_starts_at
    if start:
        return f"{moment(start, zone, now)} (chosen)"
    if request.due_at > request.requested_at + timedelta(minutes=1):
        return f"{moment(request.due_at, zone, now)} (opening)"
    return "As soon as possible"


def _promise(request: CallbackRequest, zone: tzinfo, now: datetime, late: bool) -> str:
    if request.promised_by is None or true_state(request) != State.WAITING:
        return ""
    by = moment(request.promised_by, zone, now)
    if late:
        return f"{span(now - request.promised_by)} late (by {by})"
    return f"by {by}, in {span(request.promised_by - now)}"


def moment(at: datetime, zone: tzinfo, now: datetime) -> str:
    """`14:02`, on another day `Tue 24 Nov, 14:02`."""
    clock = LocalTime(zone, _LOCALE)
    if clock.day(at) == clock.day(now):
        return clock.time(at)
    local = at.astimezone(zone)
    year = f" {local.year}" if local.year != now.astimezone(zone).year else ""
    return f"{local:%a} {local.day} {local:%b}{year}, {clock.time(at)}"


def span(length: timedelta) -> str:
    """`3 min`, `2 h 5 min`, `4 days`."""
    minutes = max(int(length.total_seconds() // 60), 0)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days = hours // 24
    return f"{days} day" if days == 1 else f"{days} days"


def their_time(request: CallbackRequest, now: datetime) -> TheirTime:
    """The clock where the visitor is, by their browser, else by their number.

    A number that may be of several zones tells nothing but that, unless their clocks agree; and it is night
    only where it is night in all of them.
    """
    known = request.answers.known_zone
    zones = [known] if known else numbering.zones_of(request.answers.phone)
    clocks = sorted({now.astimezone(zone).replace(tzinfo=None) for zone in zones})
    if not clocks:
        return TheirTime()
    is_night = all(not _MORNING <= clock.hour < _EVENING for clock in clocks)
    if len(clocks) == 1:
        return TheirTime(f"{clocks[0]:%H:%M}", is_night)
    return TheirTime(f"{clocks[0]:%H:%M} to {clocks[-1]:%H:%M}", is_night)
