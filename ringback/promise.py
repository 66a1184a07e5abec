"""What a visitor was promised, in words: when, on whose clock, who will ring, and what to do if nobody does.

Every time on a request's pages is written here, from the instant that is stored: on the team's clock, named
by its city, with the visitor's own beside it where that shows something else.
"""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

from ringback.availability import city, slot_text
from ringback.callback_request import CallbackRequest
from ringback.widget import Widget


@dataclass(frozen=True)
class Promise:
    """The promise of one request, as a page shows it at `now`. `locale` is how its times are written."""

    request: CallbackRequest
    widget: Widget
    locale: str
    now: datetime

    @property
    def is_missed(self) -> bool:
        """Whether the time by which we said we would call has passed."""
        return self.request.promised_by is not None and self.now > self.request.promised_by

    @property
    def is_ahead(self) -> bool:
        """Whether the call is for later: a chosen time, or the next opening."""
        return self.now < self.request.due_at

    @property
    def changes_at(self) -> datetime | None:
        """When these words change though nothing happens to the request, if they will."""
        ahead = (at for at in (self.request.due_at, self.request.promised_by) if at and at >= self.now)
        return next(ahead, None)

    def sentences(self) -> list[str]:
        """When we said we would call and who will ring; once it is late, that it is."""
        if self.is_missed:
            missed = f"We said {self._said()}, and that time has passed."
            return [missed, self.way_out("If nobody has called, we are late:")]
        return [sentence for sentence in (self._when(), self._who_rings(), self._if_not()) if sentence]

    def way_out(self, when: str) -> str:
        """What to do `when` it is time to do something."""
        return f"{when} {'ring us' if self.widget.phone else 'ask for another call'}."

    def summary(self) -> tuple[str, str]:
        """In a few words, when the call is to come; and the same on the visitor's clock, if that differs."""
        start, end = self.request.answers.slot_starts_at, self.request.answers.slot_ends_at
        if start and end:
            zone = self.request.answers.own_zone(start, self._zone)
            own = f"{slot_text(start, end, zone, self.locale)} {_place(zone)}" if zone else ""
            return f"{slot_text(start, end, self._zone, self.locale)}, {self._zone_text}", own
        if self.is_ahead:
            return f"When we open, {self.moment(self.request.due_at)}", ""
        return "As soon as possible", ""

    def moment(self, at: datetime) -> str:
        """`14:32 London time`; with the day when it is not today."""
        day = "" if self._days_until(at) == 0 else f"{self._date(at, self._zone)}, "
        return f"{day}{self._clock(at, self._zone)} {self._zone_text}"

    def opening(self, at: datetime) -> str:
        """`Tuesday at 09:00 London time`."""
        days = self._days_until(at)
        weekday = str(format_date(at.astimezone(self._zone), "EEEE", locale=self.locale))
        day = "today" if days == 0 else weekday if days < 7 else self._date(at, self._zone)
        return f"{day} at {self._clock(at, self._zone)} {self._zone_text}{self._own(at)}"

    def _when(self) -> str:
        if self.request.answers.slot_starts_at:
            return f"{self.widget.company} will call you {self._said()}."
        if self.is_ahead:
            return f"We will call when we open, {self.opening(self.request.due_at)}, or soon after."
        minutes = self.widget.promise_minutes
        return f"We usually call within {minutes} minutes." if minutes and self.request.promised_by else ""

    def _said(self) -> str:
        """`today between 14:00 and 14:30 London time`, `by 10:15 London time`."""
        start, end, by = (
            self.request.answers.slot_starts_at,
            self.request.answers.slot_ends_at,
            self.request.promised_by,
        )
        if start and end:
            day = "today" if self._days_until(start) == 0 else f"on {self._date(start, self._zone)}"
            between = f"between {self._clock(start, self._zone)} and {self._clock(end, self._zone)}"
            return f"{day} {between} {self._zone_text}{self._own(start, end)}"
        return f"by {self.moment(by)}{self._own(by)}" if by else ""

    def _own(self, at: datetime, until: datetime | None = None) -> str:
        """` (15:00 to 15:30 in Paris)`, or nothing where the visitor's clock shows the same as the team's."""
        zone = self.request.answers.own_zone(at, self._zone)
        if zone is None:
            return ""
        is_same_day = at.astimezone(zone).date() == at.astimezone(self._zone).date()
        day = "" if is_same_day else f"{self._date(at, zone)}, "
        end = f" to {self._clock(until, zone)}" if until else ""
        return f" ({day}{self._clock(at, zone)}{end} {_place(zone)})"

    def _who_rings(self) -> str:
        return f"The call will come from {self.widget.phone}." if self.widget.phone else ""

    def _if_not(self) -> str:
        by = self.request.promised_by
        if by is None:
            return self.way_out("If nobody calls,")
        own = "" if self.request.answers.slot_ends_at else self._own(by)  # a chosen time has shown it already
        return self.way_out(f"If nobody has called by {self.moment(by)}{own},")

    @property
    def _zone(self) -> tzinfo:
        return self.widget.timezone

    @property
    def _zone_text(self) -> str:
        name = city(self._zone)
        return name if name == "UTC" else f"{name} time"

    def _days_until(self, at: datetime) -> int:
        return (at.astimezone(self._zone).date() - self.now.astimezone(self._zone).date()).days

    def _date(self, at: datetime, zone: tzinfo) -> str:
        return str(format_skeleton("MMMMEEEEd", at.astimezone(zone), locale=self.locale))

    def _clock(self, at: datetime, zone: tzinfo) -> str:
        local = at.astimezone(zone)
        text = str(format_time(local, "short", locale=self.locale))
        is_repeated = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        return f"{text} {get_timezone_name(local, 'short', locale=self.locale)}" if is_repeated else text


def _place(zone: ZoneInfo) -> str:
    """`in Paris`. A zone that is no place has a name that tells people nothing, or the wrong thing."""
    is_place = "/" in zone.key and not zone.key.startswith("Etc/")
    return f"in {city(zone)}" if is_place else "on your clock"
