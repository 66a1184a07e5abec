"""When a team can be reached, and which times a visitor may choose.

A team is there at an instant when the clock on its wall stands within one of the day's spans, and nothing
else is asked: where a clock change skips a part of a span the team is not there, and where one repeats an
hour it is there twice. All instants are aware and in UTC; wall clocks are naive.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import TypeGuard
from zoneinfo import ZoneInfo

from ringback.config.public_holidays import public_holidays
from ringback.config.widget import Hours

# How far ahead the next opening is looked for: longer than any company closes.
_LOOK_AHEAD_DAYS = 370
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMING_TIMES = (*_WEEKDAYS, "special", "closed", "holidays")
# No zone has changed its clock twice within this, so a change between two looks is not missed.
_LOOK_EVERY = timedelta(hours=6)


_START = attrgetter("start")


@dataclass(frozen=True, order=True)
class Interval:
    """From `start` up to, and not including, `end`."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


def names_times(hours: Hours | None) -> TypeGuard[Hours]:
    """Whether a table says when the team is there. One that only names a zone says no more than none."""
    return hours is not None and not hours.model_fields_set.isdisjoint(_NAMING_TIMES)


def is_open(hours: Hours | None, at: datetime) -> bool:
    """Whether the team is there. Without times it always is."""
    return not names_times(hours) or any(at in interval for interval in _around(hours, at))


def next_opening(hours: Hours | None, at: datetime) -> datetime | None:
    """`at` itself while it is open, else when it opens next; None when it does not within a year."""
    if not names_times(hours):
        return at
    today = _local_day(hours, at)
    for offset in range(-1, _LOOK_AHEAD_DAYS):
        for interval in intervals(hours, today + timedelta(days=offset)):
            if interval.end > at:
                return max(interval.start, at)
    return None


def closes_at(hours: Hours | None, at: datetime) -> datetime | None:
    """When the team goes, if it is there; None where it is not, or never goes."""
    if not names_times(hours) or not is_open(hours, at):
        return None
    today, end = _local_day(hours, at), at
    for offset in range(-1, _LOOK_AHEAD_DAYS):
        for interval in intervals(hours, today + timedelta(days=offset)):
            if interval.start <= end < interval.end:  # one that begins where the other ends is the same opening
                end = interval.end
        if offset > 0 and end < _midnight(hours, today + timedelta(days=offset)):
            return end
    return None


def reckoned(hours: Hours | None, start: datetime, length: timedelta) -> datetime:
    """`start + length`; where the team is away before that is over, the whole of it from the next opening on."""
    closing = closes_at(hours, start)
    if is_open(hours, start) and (closing is None or start + length <= closing):
        return start + length
    return (next_opening(hours, closing or start) or start) + length


def open_time(hours: Hours | None, start: datetime, end: datetime) -> timedelta:
    """For how long of the time from `start` to `end` the team is there. Without times it always is."""
    if not names_times(hours):
        return max(end - start, timedelta())
    days = (_local_day(hours, end) - _local_day(hours, start)).days
    found = [
        Interval(max(interval.start, start), min(interval.end, end))
        for offset in range(-1, days + 1)
        for interval in intervals(hours, _local_day(hours, start) + timedelta(days=offset))
    ]
    return sum((each.end - each.start for each in _merged(sorted(found)) if each.start < each.end), timedelta())


def slots(hours: Hours | None, at: datetime) -> Iterator[Interval]:
    """The times that can be chosen, in order: those of `days_ahead` that have not begun.

    Reckoned day by day as they are asked for: of five minutes each there are 26,000 in 90 days.
    """
    if not names_times(hours):
        return
    ahead: set[Interval] = set()
    for day in _days_with_slots(hours, at):
        ahead.update(slot for slot in _slots_of(hours, day) if slot.start > at)
        midnight = _midnight(hours, day + timedelta(days=1))
        # A day's last may be the next day's first.
        ready = sorted((slot for slot in ahead if slot.start < midnight), key=_START)
        yield from ready
        ahead.difference_update(ready)
    yield from sorted(ahead, key=_START)


def is_slot(hours: Hours | None, slot: Interval, at: datetime) -> bool:
    """Whether a time is one of `slots`, found without going through them."""
    if not names_times(hours):
        return False
    days = _days_with_slots(hours, at)
    if not at < slot.start < _midnight(hours, days[-1] + timedelta(days=2)):
        return False
    day = _local_day(hours, slot.start)
    return any(slot in _slots_of(hours, each) for each in (day - timedelta(days=1), day) if each in days)


def _days_with_slots(hours: Hours, at: datetime) -> list[date]:
    """From yesterday, whose spans may go on past midnight, to the last day that is offered."""
    today = _local_day(hours, at)
    return [today + timedelta(days=offset) for offset in range(-1, hours.days_ahead + 1)]


def is_closed_day(hours: Hours, day: date) -> bool:
    """Whether nobody is there because of a holiday or a closed day, rather than the weekday."""
    if day.isoformat() in hours.special:
        return False
    return day.isoformat() in hours.closed or _is_holiday(hours.holidays, day)


def closed_days(hours: Hours | None, first: date, days: int) -> list[tuple[date, str]]:
    """Of so many days from `first` on, those on which nobody is there though the weekday says so, and why."""
    if not names_times(hours):
        return []
    coming = (first + timedelta(days=offset) for offset in range(days))
    return [
        (day, why)
        for day in coming
        if getattr(hours, _WEEKDAYS[day.weekday()]) and (why := _why_closed(hours, day))
    ]


def _why_closed(hours: Hours, day: date) -> str:
    """The holiday, or which key of the table closes it; nothing where somebody is there."""
    text = day.isoformat()
    if text in hours.special:
        return "" if hours.special[text] else "special"
    if text in hours.closed:
        return "closed"
    return str(public_holidays(hours.holidays, day.year).get(day, "")) if hours.holidays else ""


@lru_cache(maxsize=8_192)
def intervals(hours: Hours, day: date) -> tuple[Interval, ...]:
    """When the team is there by the spans of one local day, in order, apart from one another."""
    zone = ZoneInfo(hours.timezone)
    found = (interval for span in _spans(hours, day) for interval in _instants(zone, *span))
    return tuple(_merged(sorted(found)))


def _around(hours: Hours, at: datetime) -> Iterator[Interval]:
    today = _local_day(hours, at)
    for offset in (-1, 0):  # yesterday's may go on past midnight
        yield from intervals(hours, today + timedelta(days=offset))


def _local_day(hours: Hours, at: datetime) -> date:
    return at.astimezone(ZoneInfo(hours.timezone)).date()


def _midnight(hours: Hours, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(hours.timezone)).astimezone(UTC)


def _spans(hours: Hours, day: date) -> list[tuple[datetime, datetime]]:
    """Each span of a day on the wall's clock; one that ends before it begins goes on into the next day."""
    if day.isoformat() in hours.special:
        texts = hours.special[day.isoformat()]
    elif is_closed_day(hours, day):
        return []
    else:
        texts = getattr(hours, _WEEKDAYS[day.weekday()])
    return [_span(text, day) for text in texts]


def _span(text: str, day: date) -> tuple[datetime, datetime]:
    start, end = (_minutes(part) for part in text.split("-"))
    midnight = datetime.combine(day, time())
    return midnight + timedelta(minutes=start), midnight + timedelta(minutes=end if end > start else end + 1440)


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _instants(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Interval]:
    """The instants at which the wall's clock stands from `start` up to `end`."""
    for piece, offset in _pieces(zone, start - timedelta(days=1), end + timedelta(days=1)):
        first = max(piece.start, (start - offset).replace(tzinfo=UTC))
        last = min(piece.end, (end - offset).replace(tzinfo=UTC))
        if first < last:
            yield Interval(first, last)


@lru_cache(maxsize=4096)
def _pieces(zone: ZoneInfo, start: datetime, end: datetime) -> tuple[tuple[Interval, timedelta], ...]:
    """The time from `start` to `end`, both naive and in UTC, cut where the zone's offset changes."""
    first, last = start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
    cuts, at = [first], first
    while at < last:
        later = min(at + _LOOK_EVERY, last)
        if _offset(zone, at) != _offset(zone, later):
            cuts.append(_change(zone, at, later))
        at = later
    ends = [*cuts[1:], last]
    return tuple((Interval(a, b), _offset(zone, a)) for a, b in zip(cuts, ends, strict=True) if a < b)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The instant, to the second, from which on the offset is that of `after`."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(zone, middle) == _offset(zone, before) else (before, middle)
    return after


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _merged(ordered: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for interval in ordered:
        if merged and interval.start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, interval.end))
        else:
            merged.append(interval)
    return merged


@lru_cache(maxsize=512)
def _slots_of(hours: Hours, day: date) -> frozenset[Interval]:
    zone, length = ZoneInfo(hours.timezone), timedelta(minutes=hours.slot_minutes)
    found = set()
    for start, end in _spans(hours, day):
        while start + length <= end:
            found |= {Interval(at, at + length) for at in _readings(zone, start)}
            start += length
    return frozenset(found)


def _readings(zone: ZoneInfo, wall: datetime) -> set[datetime]:
    """The instants at which the wall's clock shows this: none in an hour that is skipped, two in one repeated."""
    tries = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return {at for at in tries if at.astimezone(zone).replace(tzinfo=None) == wall}


@lru_cache(maxsize=4096)
def _is_holiday(calendar: str | None, day: date) -> bool:
    return calendar is not None and day in public_holidays(calendar, day.year)
