"""What a form says about when, before anybody types: who is there, what is promised, which times are available.

A promise is the site owner's own (`promise_minutes`), or measured from calls that were made: then it comes with
the widget, as any other does. When Samespace took a request tells nothing of when the phone rings.

Times are in the team's zone, which is always named by its city. Days are weekdays and dates, never "tomorrow"
alone: for a reader in another zone it may be another day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import groupby

from ringback import opening_hours
from ringback.config.widget import Widget
from ringback.i18n import languages
from ringback.i18n.languages import N_, ngettext
from ringback.i18n.languages import gettext as _
from ringback.i18n.local_time import LocalTime, value_of
from ringback.opening_hours import Interval

# Up to so many are shown at once; more go into a list that opens.
SHOWN_AT_ONCE = 6
# A team without a promise may not get to requests of its last minutes.
_CLOSING_SOON = timedelta(minutes=15)


@dataclass(frozen=True)
class Choice:
    """One time as the form offers it. `value` is its start in UTC, `2026-11-24T14:00Z`, and `end` is like it."""

    value: str
    label: str
    end: str


@dataclass(frozen=True)
class Availability:
    """What the form shows. `tone` is ok, warn or plain; empty texts are not shown.

    `intro` says what happens to a request, `is_usual` whether the team is there as usual, so that the site owner's
    own intro can replace it. `soonest` is the choice without a time. `days` are those with times available;
    `none_left` says that all are taken. `city` and `zone_name` name the clock, which
    may be another than that of the place where the team is. `locale` is how times are
    written, as HTML and scripts name it.
    """

    tone: str
    chip: str
    intro: str
    is_usual: bool
    soonest: str
    soonest_hint: str
    days: tuple[tuple[str, tuple[Choice, ...]], ...]
    none_left: str
    zone: str
    is_where_team_is: bool
    city: str
    zone_name: str
    locale: str

    @property
    def count(self) -> int:
        """How many times there are to choose from."""
        return sum(len(choices) for _day, choices in self.days)

    @property
    def is_list(self) -> bool:
        """Whether there are too many to show at once."""
        return self.count > SHOWN_AT_ONCE


@dataclass(frozen=True)
class _State:
    tone: str
    chip: str
    intro: str
    hint: str = ""
    soonest: str = N_("As soon as possible")
    is_usual: bool = False


def describe(
    widget: Widget, slots: Sequence[Interval], now: datetime, locale: str, is_paused: bool = False
) -> Availability:
    """What a widget's form shows at this moment. `slots` are the times that are available."""
    clock = LocalTime(widget.visitors_zone or UTC, locale)
    state = _State("warn", _("Paused"), "") if is_paused else _state(widget, now, clock)
    all_taken = not slots and any(opening_hours.slots(widget.hours, now))
    return Availability(
        tone=state.tone,
        chip=state.chip,
        intro=state.intro,
        is_usual=state.is_usual,
        soonest=_(state.soonest),
        soonest_hint=state.hint,
        days=_days(slots, now, clock),
        none_left=_("Every time that could be chosen is taken.") if all_taken else "",
        zone=str(clock.zone),
        is_where_team_is=str(clock.zone) == str(widget.team_zone),
        city=clock.city,
        zone_name=clock.name,
        locale=locale.replace("_", "-"),
    )


def _state(widget: Widget, now: datetime, clock: LocalTime) -> _State:
    hours = widget.hours
    opening, closing = opening_hours.next_opening(hours, now), opening_hours.closes_at(hours, now)
    if opening is None:
        return _State("warn", _("Closed"), _("Leave your number and we will call when we open again."))
    if opening > now:
        return _closed(now, clock, opening)
    if closing and now + _lead(widget) > closing:
        return _closing_soon(now, clock, closing, opening_hours.next_opening(hours, closing))
    minutes = widget.set_promise
    intro = usual_time(minutes) if minutes else _("Leave your number and we will call you.")
    hint = _usual_time_in_short(minutes) if minutes else ""
    chip = _("Open now") if opening_hours.names_times(hours) else ""
    return _State("ok" if chip else "plain", chip, intro, hint, is_usual=True)


def _closed(now: datetime, clock: LocalTime, opening: datetime) -> _State:
    time = _from(opening, now, clock)
    return _State(
        tone="warn",
        chip=_("Closed, opens %(time)s", time=_at(opening, now, clock)),
        intro=_(
            "Leave your number and we will call when we open: %(time)s, %(zone)s.", time=time, zone=clock.name
        ),
        soonest=N_("When we open"),
        hint=_beginning(_("%(time)s, %(zone)s", time=time, zone=clock.name)),
    )


def _closing_soon(now: datetime, clock: LocalTime, closing: datetime, again: datetime | None) -> _State:
    closes = clock.time(closing)
    if again is None:
        intro = _("We close at %(clock)s, %(zone)s.", clock=closes, zone=clock.name)
        return _State("warn", _("Closing soon"), intro, _("Before %(clock)s", clock=closes))
    values = {"clock": closes, "time": _from(again, now, clock), "zone": clock.name}
    return _State(
        tone="warn",
        chip=_("Closing soon"),
        intro=_(
            "We close at %(clock)s. If we do not call before, we will when we open again, %(time)s, %(zone)s.",
            **values,
        ),
        hint=_("Before %(clock)s or %(time)s, %(zone)s", **values),
    )


def _lead(widget: Widget) -> timedelta:
    minutes = widget.set_promise
    return timedelta(minutes=minutes) if minutes else _CLOSING_SOON


def usual_time(minutes: int) -> str:
    """The site owner's promise, not rounded: `We usually call within 15 minutes.`"""
    if minutes % 60:
        return ngettext("We usually call within a minute.", "We usually call within %(num)s minutes.", minutes)
    return ngettext("We usually call within an hour.", "We usually call within %(num)s hours.", minutes // 60)


def _usual_time_in_short(minutes: int) -> str:
    if minutes % 60:
        return ngettext("Usually within a minute", "Usually within %(num)s minutes", minutes)
    return ngettext("Usually within an hour", "Usually within %(num)s hours", minutes // 60)


def _at(at: datetime, now: datetime, clock: LocalTime) -> str:
    """`at 9:00` today, `Tuesday at 9:00`, `24 November at 9:00`."""
    days = _days_until(at, now, clock)
    if days == 0:
        # Translators: stands in "Closed, opens at 9:00", as do the two that follow
        return _("at %(clock)s", clock=clock.time(at))
    if days < 7:
        return _("%(weekday)s at %(clock)s", weekday=clock.weekday(at), clock=clock.time(at))
    return _("%(date)s at %(clock)s", date=clock.date(at), clock=clock.time(at))


def _from(at: datetime, now: datetime, clock: LocalTime) -> str:
    """`from 9:00` today, `Tuesday from 9:00`, `24 November from 9:00`."""
    days = _days_until(at, now, clock)
    if days == 0:
        # Translators: stands in "when we open: from 9:00, London time", as do the two that follow
        return _("from %(clock)s", clock=clock.time(at))
    if days < 7:
        return _("%(weekday)s from %(clock)s", weekday=clock.weekday(at), clock=clock.time(at))
    return _("%(date)s from %(clock)s", date=clock.date(at), clock=clock.time(at))


def _beginning(text: str) -> str:
    """A text as a sentence begins."""
    return text[:1].upper() + text[1:]


def _days(
    slots: Sequence[Interval], now: datetime, clock: LocalTime
) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    """Times by the day they begin on, each with its name."""
    said = clock.zone, clock.locale, languages.current().tag
    by_day = [list(group) for _day, group in groupby(slots, lambda slot: clock.day(slot.start))]
    return tuple(
        (_day_name(group[0].start, now, clock), tuple(_choice(slot, *said) for slot in group)) for group in by_day
    )


def _day_name(at: datetime, now: datetime, clock: LocalTime) -> str:
    name = clock.whole_date(at)
    match _days_until(at, now, clock):
        case 0:
            return _("Today, %(day)s", day=name)
        case 1:
            return _("Tomorrow, %(day)s", day=name)
    return name


# Every form shows the same hundreds of times; one that has passed is never asked for again.
@lru_cache(maxsize=8_192)
def _choice(slot: Interval, zone: tzinfo, locale: str, language: str) -> Choice:
    clock = LocalTime(zone, locale)
    return Choice(value_of(slot.start), clock.slot(slot.start, slot.end), value_of(slot.end))


def _days_until(at: datetime, now: datetime, clock: LocalTime) -> int:
    return (clock.day(at) - clock.day(now)).days
