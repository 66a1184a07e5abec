"""A chosen time as a calendar file (RFC 5545).

Calendars are shared, and the link in this event is a key to the request: so the event is private, which shows
others only that the time is taken, and it contains nothing that the visitor typed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ringback.clock import whole_minute
from ringback.config.widget import Widget
from ringback.i18n.languages import gettext as _
from ringback.i18n.languages import left_to_right
from ringback.opening_hours import Interval
from ringback.outbox.request import CallbackRequest, Event, EventKind, State, earlier_time

if TYPE_CHECKING:
    import icalendar

_CHANGES = (EventKind.RECEIVED, EventKind.RESCHEDULED, EventKind.CANCELLED, EventKind.CALLED)


def calendar_file(
    request: CallbackRequest, events: Sequence[Event], widget: Widget, host: str, page_url: str
) -> bytes | None:
    """The file, or None where no time was ever chosen.

    A newer file replaces an older one by the same UID and a higher SEQUENCE. After a cancel, or a change to as
    soon as possible, it tells calendars to take the event out (RFC 5546, section 3.2.5).
    """
    import icalendar  # not at every start

    time = calendar_time(request, events)
    if time is None:
        return None
    changes = [whole_minute(event.at) for event in events if event.kind in _CHANGES]
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Ringback//Ringback//EN")
    calendar.add("version", "2.0")
    if takes_out(request):
        calendar.add("method", "CANCEL")
    calendar.add_component(_event(request, time, changes, widget, host, page_url))
    return bytes(calendar.to_ical())


def takes_out(request: CallbackRequest) -> bool:
    """Whether the call is at its chosen time no more, so that the file takes it out of a calendar."""
    return request.state is State.CANCELLED or request.answers.slot_starts_at is None


def calendar_time(request: CallbackRequest, events: Sequence[Event]) -> Interval | None:
    """The chosen time; else the last one there was, which may be in a calendar; None if there never was one."""
    start, end = request.answers.slot_starts_at, request.answers.slot_ends_at
    if start and end:
        return Interval(start, end)
    moved = (event.detail for event in reversed(events) if event.kind is EventKind.RESCHEDULED)
    return next((Interval(*time) for detail in moved if (time := earlier_time(detail))), None)


def _event(
    request: CallbackRequest,
    time: Interval,
    changes: Sequence[datetime],
    widget: Widget,
    host: str,
    page_url: str,
) -> "icalendar.Event":
    import icalendar

    is_cancelled = takes_out(request)
    event = icalendar.Event.new(
        uid=f"{request.reference}@{host}",
        sequence=len(changes) - 1,
        stamp=changes[-1],
        start=time.start,
        end=time.end,
        summary=_("Call from %(company)s", company=widget.company),
        description=_("This call is cancelled.") if is_cancelled else _what_to_know(request, widget, page_url),
        classification=icalendar.CLASS.PRIVATE,
        status=icalendar.STATUS.CANCELLED if is_cancelled else icalendar.STATUS.CONFIRMED,
    )
    if is_cancelled:  # has to say whose event it is; there is no e-mail address, so that it is the form's
        organizer = icalendar.vCalAddress(f"https://{host}/{widget.key}")
        organizer.params["CN"] = widget.company
        event.add("organizer", organizer)
    return event


def _what_to_know(request: CallbackRequest, widget: Widget, page_url: str) -> str:
    if request.state is State.CALLED:
        return _("The team called you")
    told = [_("%(number)s will call you.", number=left_to_right(widget.caller_id))] if widget.caller_id else []
    return "\n".join([*told, _("To change the time or cancel: %(link)s", link=page_url)])
