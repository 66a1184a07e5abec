"""What a form says of when, before anybody types: who is there, what is promised, which times are left.

A promise is the site owner's own (`promise_minutes`). It is not measured: the last thing that is known here is
that Samespace took the request, and a figure for that would pass for the time until the phone rings.

Clocks stand in the team's zone, which is always named by its city. Days are weekdays and dates, never
"tomorrow": who reads it elsewhere may have another day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import groupby

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

from ringback import opening_hours
from ringback.opening_hours import Interval
from ringback.widget import Widget

# As few as this are shown at once; more go into a list that opens.
SHOWN_AT_ONCE = 6
# A team without a promise may still not get to what comes in its last minutes.
_CLOSING_SOON = timedelta(minutes=15)


@dataclass(frozen=True)
class Choice:
    """One time as the form offers it. `value` is its start in UTC, `2026-11-24T14:00Z`."""

    value: str
    label: str
    start: str
    end: str


@dataclass(frozen=True)
class Availability:
    """How things stand. `tone` is ok, warn or plain; empty words are not shown.

    `intro` says what happens to a request, `is_usual` whether that is what the site owner expects to be read;
    `soonest` is the choice that names no time. `days` are those with times left, and `none_left` says so where
    there would be some. `locale` is how clocks and days are written here, as HTML and scripts name it.
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
    city: str
    locale: str

    @property
    def count(self) -> int:
        """How many times there are to choose from."""
        return sum(len(choices) for _, choices in self.days)

    @property
    def is_list(self) -> bool:
        """Whether they are too many to be shown at once."""
        return self.count > SHOWN_AT_ONCE


@dataclass(frozen=True)
class _State:
    tone: str
    chip: str
    intro: str
    hint: str = ""
    soonest: str = "As soon as possible"
    is_usual: bool = False


def describe(
    widget: Widget, slots: Sequence[Interval], now: datetime, language: str, is_paused: bool = False
) -> Availability:
    """The state of a widget's form at this moment. `slots` are the times that are left."""
    zone = widget.timezone
    words = _Words(zone, now, language)
    state = _State("warn", "Paused", "") if is_paused else _state(widget, now, words)
    all_taken = not slots and bool(opening_hours.slots(widget.hours, now))
    return Availability(
        tone=state.tone,
        chip=state.chip,
        intro=state.intro,
        is_usual=state.is_usual,
        soonest=state.soonest,
        soonest_hint=state.hint,
        days=words.days(slots),
        none_left="Every time that could be chosen is taken." if all_taken else "",
        zone=str(zone),
        city=city(zone),
        locale=language.replace("_", "-"),
    )


def _state(widget: Widget, now: datetime, words: "_Words") -> _State:
    hours = widget.hours
    opening, closing = opening_hours.next_opening(hours, now), opening_hours.closes_at(hours, now)
    if opening is None:
        return _State("warn", "Closed", "Leave your number and we will call when we open again.")
    if opening > now:
        return _closed(words, opening)
    if closing and now + _lead(widget) > closing:
        return _closing_soon(words, closing, opening_hours.next_opening(hours, closing))
    minutes = widget.promise_minutes
    intro = f"We usually call within {_length(minutes)}." if minutes else "Leave your number and we will call you."
    hint = f"Usually within {_length(minutes)}" if minutes else ""
    chip = "Open now" if opening_hours.names_times(hours) else ""
    return _State("ok" if chip else "plain", chip, intro, hint, is_usual=True)


def _closed(words: "_Words", opening: datetime) -> _State:
    return _State(
        tone="warn",
        chip=f"Closed, opens {words.moment(opening, 'at')}",
        intro=f"Leave your number and we will call when we open: {words.moment(opening, 'from')}, {words.zone}.",
        soonest="When we open",
        hint=words.beginning(f"{words.moment(opening, 'from')}, {words.zone}"),
    )


def _closing_soon(words: "_Words", closing: datetime, again: datetime | None) -> _State:
    clock = words.clock(closing)
    if again is None:
        return _State("warn", "Closing soon", f"We close at {clock}, {words.zone}.", f"Before {clock}")
    later = words.moment(again, "from")
    return _State(
        tone="warn",
        chip="Closing soon",
        intro=f"We close at {clock}. If we do not call before, we will when we open again, {later}, {words.zone}.",
        hint=f"Before {clock} or {later}, {words.zone}",
    )


def _lead(widget: Widget) -> timedelta:
    minutes = widget.promise_minutes
    return timedelta(minutes=minutes) if minutes else _CLOSING_SOON


def _length(minutes: int) -> str:
    """`15 minutes`, `an hour`, `2 hours`: nothing is rounded."""
    if minutes % 60:
        return "a minute" if minutes == 1 else f"{minutes} minutes"
    return "an hour" if minutes == 60 else f"{minutes // 60} hours"


def locale_of(widget: Widget, language: str) -> str:
    """The language as the widget's region writes it: 24 hours in Britain, 12 in America."""
    try:
        return str(Locale.parse(f"{language.split('_')[0]}_{widget.region}"))
    except UnknownLocaleError:
        return language


def city(zone: tzinfo) -> str:
    """`Europe/London` as people say it."""
    name = str(zone).rsplit("/", 1)[-1].replace("_", " ")
    return "UTC" if name.upper() == "UTC" else name


def slot_text(start: datetime, end: datetime, zone: tzinfo, language: str) -> str:
    """`Tue 24 Nov, 14:00–14:30`, on the clock of a zone."""
    return _Words(zone, start, language).slot(Interval(start, end))


def value_of(start: datetime) -> str:
    """A slot's start as forms carry it."""
    return f"{start.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


class _Words:
    """Clocks and days as a zone and a language write them."""

    def __init__(self, zone: tzinfo, now: datetime, language: str) -> None:
        self._zone = zone
        self._now = now
        self._language = language
        self.zone = "UTC" if city(zone) == "UTC" else f"{city(zone)} time"

    def clock(self, at: datetime) -> str:
        """`14:00`; in an hour that is repeated with the zone's name of the moment, or nobody could tell which."""
        local = at.astimezone(self._zone)
        text = format_time(local, "short", locale=self._language)
        if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
            return text
        return f"{text} {get_timezone_name(local, 'short', locale=self._language)}"

    def moment(self, at: datetime, word: str) -> str:
        """`at 9:00` today, `Tuesday at 9:00`, `24 November at 9:00`; `word` is "at" or "from"."""
        day = self._day(at)
        days, clock = (day - self._day(self._now)).days, f"{word} {self.clock(at)}"
        if days == 0:
            return clock
        if days < 7:
            return f"{format_date(day, 'EEEE', locale=self._language)} {clock}"
        return f"{format_skeleton('MMMMd', day, locale=self._language)} {clock}"

    def beginning(self, text: str) -> str:
        """A text as a sentence begins."""
        return text[:1].upper() + text[1:]

    def days(self, slots: Sequence[Interval]) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
        """Times by the day they begin on, each with its name."""
        by_day = groupby(slots, lambda slot: self._day(slot.start))
        return tuple((self._day_name(day), tuple(self._choice(slot) for slot in group)) for day, group in by_day)

    def slot(self, slot: Interval) -> str:
        """`Tue 24 Nov, 14:00–14:30`."""
        day = format_skeleton("MMMEd", self._day(slot.start), locale=self._language)
        return f"{day}, {self.clock(slot.start)}–{self.clock(slot.end)}"

    def _choice(self, slot: Interval) -> Choice:
        return Choice(value_of(slot.start), self.slot(slot), slot.start.isoformat(), slot.end.isoformat())

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()

    def _day_name(self, day: date) -> str:
        days = (day - self._day(self._now)).days
        name = format_skeleton("MMMMEEEEd", day, locale=self._language)
        return {0: f"Today, {name}", 1: f"Tomorrow, {name}"}.get(days, name)
