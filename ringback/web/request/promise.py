"""What a visitor was promised, in words: when, on whose clock, who will call, and what to do if nobody does.

Every time on a request's pages is written here, from the stored instant: on the team's clock, named by its city,
with the visitor's own beside it where it differs. Where the team has none it is the visitor's alone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil

from ringback.config.widget import Widget
from ringback.i18n.languages import gettext as _
from ringback.i18n.languages import left_to_right
from ringback.i18n.local_time import LocalTime
from ringback.outbox.request import CallbackRequest, spoken_code
from ringback.web.form.availability import usual_time

# A request that can be passed on takes no longer; after that a page no longer says "now".
_AT_ONCE = timedelta(seconds=10)


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
    def is_overdue(self) -> bool:
        """Whether it should have been with the team by now."""
        return self.now > self.request.due_at + _AT_ONCE

    @property
    def changes_in(self) -> int | None:
        """Seconds until these words change though nothing happens to the request, if they will."""
        due, promised_by = self.request.due_at, self.request.promised_by
        to_come = [at - self.now for at in (due, due + _AT_ONCE, promised_by) if at and at >= self.now]
        return ceil(min(to_come).total_seconds()) if to_come else None

    def sentences(self) -> list[str]:
        """When we said we would call, and from which number; once it is late, that it is."""
        if self.is_missed:
            call = _("If nobody has called, we are late: call us.")
            ask = _("If nobody has called, we are late: ask for another call.")
            return [self._said(), self.way_out(call, ask)]
        sentences = self._when(), self._who_calls(), self._how_to_know_them(), self._if_not()
        return [sentence for sentence in sentences if sentence]

    def called(self, at: datetime) -> str:
        """That the team called, and what to do about a call that was missed; never whether it was."""
        time = self._on_both_clocks(self._clock.named_time(at), at)
        if self._days_until(at) == 0:
            return self.way_out(
                _("The team called at %(time)s. If you missed it, call us.", time=time),
                _("The team called at %(time)s. If you missed it, ask for another call.", time=time),
            )
        then = {"date": self._clock.whole_date(at), "time": time}
        return self.way_out(
            _("The team called on %(date)s at %(time)s. If you missed it, call us.", **then),
            _("The team called on %(date)s at %(time)s. If you missed it, ask for another call.", **then),
        )

    def way_out(self, call: str, ask: str) -> str:
        """What to do: `call` the team where it has a number, else `ask` for another call."""
        return call if self.widget.phone else ask

    def summary(self) -> tuple[str, str]:
        """When the call will come, in a few words; and the same on the visitor's clock, "" if that is the same."""
        start, end = self.request.answers.slot_starts_at, self.request.answers.slot_ends_at
        if start and end:
            own = self._own_clock(start)
            theirs = own.own_time(own.slot(start, end)) if own else ""
            return _("%(time)s, %(zone)s", time=self._clock.slot(start, end), zone=self._clock.name), theirs
        if self.is_ahead:
            return _("When we open, %(time)s", time=self.moment(self.request.due_at)), ""
        return _("As soon as possible"), ""

    def moment(self, at: datetime) -> str:
        """`14:32 London time`; with the day when it is not today."""
        time = self._clock.named_time(at)
        return time if self._days_until(at) == 0 else _on(self._clock.whole_date(at), time)

    def opening(self, at: datetime) -> str:
        """`Tuesday at 09:00 London time`."""
        days, time = self._days_until(at), self._on_both_clocks(self._clock.named_time(at), at)
        if days == 0:
            # Translators: stands in "We will call when we open, today at 9:00 London time, or soon after."
            return _("today at %(time)s", time=time)
        day = self._clock.weekday(at) if days < 7 else self._clock.whole_date(at)
        # Translators: stands in "We will call when we open, Tuesday at 9:00 London time, or soon after."
        return _("%(day)s at %(time)s", day=day, time=time)

    def _when(self) -> str:
        company, start, end = self.widget.company, self.request.answers.slot_starts_at, self._slot_end
        if start and end:
            time = self._window(start, end)
            if self._days_until(start) == 0:
                return _("%(company)s will call you today %(time)s.", company=company, time=time)
            day = self._clock.whole_date(start)
            return _("%(company)s will call you on %(date)s %(time)s.", company=company, date=day, time=time)
        if self.is_ahead:
            time = self.opening(self.request.due_at)
            return _("We will call when we open, %(time)s, or soon after.", time=time)
        minutes = self.request.promised_minutes or self.widget.set_promise
        return usual_time(minutes) if minutes and self.request.promised_by else ""

    def _said(self) -> str:
        """What we said, once that time has passed."""
        start, end, by = self.request.answers.slot_starts_at, self._slot_end, self.request.promised_by
        if start and end:
            time = self._window(start, end)
            if self._days_until(start) == 0:
                return _("We said today %(time)s, and that time has passed.", time=time)
            day = self._clock.whole_date(start)
            return _("We said on %(date)s %(time)s, and that time has passed.", date=day, time=time)
        time = self._on_both_clocks(self.moment(by), by) if by else ""
        return _("We said by %(time)s, and that time has passed.", time=time)

    def _window(self, start: datetime, end: datetime) -> str:
        """`between 14:00 and 14:30 London time (15:00 to 15:30 in Paris)`."""
        values = {"start": self._clock.time(start), "end": self._clock.time(end), "zone": self._clock.name}
        # Translators: stands in "Acme will call you today between 14:00 and 14:30 London time."
        return self._on_both_clocks(_("between %(start)s and %(end)s %(zone)s", **values), start, end)

    def _on_both_clocks(self, text: str, at: datetime, until: datetime | None = None) -> str:
        """With `(15:00 to 15:30 in Paris)` where the visitor's clock differs from the team's."""
        clock = self._own_clock(at)
        if clock is None:
            return text
        time = clock.time(at)
        if until:
            time = _("%(start)s to %(end)s", start=time, end=clock.time(until))
        if clock.day(at) != self._clock.day(at):
            time = _on(clock.whole_date(at), time)
        # Translators: a time, and the same for the visitor: "14:00 London time (15:00 in Paris)"
        return _("%(time)s (%(own)s)", time=text, own=clock.own_time(time))

    def _who_calls(self) -> str:
        number = self.widget.caller_id
        return _("The call will come from %(number)s.", number=left_to_right(number)) if number else ""

    def _how_to_know_them(self) -> str:
        # Most people do not answer a number that they do not know.
        code = left_to_right(spoken_code(self.request.reference))
        return _("The caller can tell you your reference’s last four characters: %(code)s.", code=code)

    def _if_not(self) -> str:
        by = self.request.promised_by
        if by is None:
            return self.way_out(
                _("If nobody calls, call us."),
                _("If nobody calls, ask for another call."),
            )
        # A chosen time is shown on the visitor's clock above.
        time = self.moment(by) if self._slot_end else self._on_both_clocks(self.moment(by), by)
        return self.way_out(
            _("If nobody has called by %(time)s, call us.", time=time),
            _("If nobody has called by %(time)s, ask for another call.", time=time),
        )

    @property
    def _slot_end(self) -> datetime | None:
        return self.request.answers.slot_ends_at

    @property
    def zone(self) -> tzinfo:
        """Whose clock it is written on: the one that is set, else the visitor's own, else UTC."""
        return self.widget.visitors_zone or self.request.answers.known_zone or UTC

    @property
    def _clock(self) -> LocalTime:
        return LocalTime(self.zone, self.locale)

    def _own_clock(self, at: datetime) -> LocalTime | None:
        """The visitor's clock, where it differs from the team's."""
        zone = self.request.answers.own_zone(at, self.zone)
        return LocalTime(zone, self.locale) if zone else None

    def _days_until(self, at: datetime) -> int:
        return (self._clock.day(at) - self._clock.day(self.now)).days


def _on(date: str, time: str) -> str:
    # Translators: a time on a day, "Tuesday 24 November, 09:15 London time"
    return _("%(date)s, %(time)s", date=date, time=time)
