"""Instants as people write them: on the clock of a zone, in a language.

They are the values that sentences are made with, whole in themselves: the order of their parts is the language's.
A zone is named by its city. `locale` is a language with the region whose way of writing it is, `en_GB`.
static/when.js writes times as is done here.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, lru_cache

from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_skeleton, format_time

from ringback.i18n.languages import gettext as _


def city(zone: tzinfo, locale: str) -> str:
    """`Europe/London` as people say it."""
    return _city(str(zone), locale)


@cache
def _city(zone: str, locale: str) -> str:
    aliases, names = get_global("zone_aliases"), Locale.parse(locale).time_zones
    newest = aliases.get(zone, zone)
    # Unicode keeps the names of a zone under what it was called first: those of Asia/Kolkata are Asia/Calcutta's.
    for known in (newest, *(old for old, new in aliases.items() if new == newest)):
        if name := names.get(known, {}).get("city"):
            return str(name)
    place = newest.rpartition("/")[2]
    return "UTC" if place.upper() == "UTC" else place.replace("_", " ")


def instant_of(written: str, zone: tzinfo) -> datetime:
    """The instant that a clock in a zone shows as `2026-11-30 09:00`, with a T or a space. Raises ValueError."""
    return datetime.strptime(written.strip().replace("T", " ")[:16], "%Y-%m-%d %H:%M").replace(tzinfo=zone)


def tells_a_place(zone: str) -> bool:
    """Whether a zone tells where somebody is.

    Browsers that hide it say UTC, one of Etc, or Iceland, which has the same clock. Some names are this
    machine's own.
    """
    if zone in ("localtime", "posixrules"):
        return False
    newest = get_global("zone_aliases").get(zone, zone)
    return bool(zone) and not newest.startswith("Etc/") and newest != "Atlantic/Reykjavik"


# A form has hundreds of times, of few days and the same hours each day: to write them anew took most of its time.
@lru_cache(maxsize=16_384)
def _time(clock: time, locale: str) -> str:
    return str(format_time(clock, "short", locale=locale))


@lru_cache(maxsize=2_048)
def _short_day(day: date, locale: str) -> str:
    return str(format_skeleton("MMMEd", day, locale=locale))


def value_of(start: datetime) -> str:
    """A time to choose as forms carry it: its start in UTC."""
    return f"{start.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


class LocalTime:
    """How one zone and one language write the time. All instants are aware."""

    def __init__(self, zone: tzinfo, locale: str) -> None:
        self.zone = zone
        self.locale = locale

    @property
    def city(self) -> str:
        """`London`."""
        return city(self.zone, self.locale)

    @property
    def name(self) -> str:
        """`London time`."""
        return "UTC" if self.city == "UTC" else _("%(city)s time", city=self.city)

    def day(self, at: datetime) -> date:
        """The day it is there."""
        return at.astimezone(self.zone).date()

    def time(self, at: datetime) -> str:
        """`14:00`; in an hour that is repeated `01:30 GMT+1`, or nobody could tell which."""
        local = at.astimezone(self.zone)
        text = _time(local.time(), self.locale)
        if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
            return text
        return f"{text} {self._offset(local)}"

    def _offset(self, local: datetime) -> str:
        """`GMT+1`, in French `UTC+1`. Names such as BST are not known where people have others."""
        minutes = (local.utcoffset() or timedelta()) // timedelta(minutes=1)
        hours, rest = divmod(abs(minutes), 60)
        text = f"{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
        return str(Locale.parse(self.locale).zone_formats["gmt"] % text)

    def named_time(self, at: datetime) -> str:
        """`14:00 London time`."""
        # Translators: a time on the clock of a place, "14:00 London time"
        return _("%(clock)s %(zone)s", clock=self.time(at), zone=self.name)

    def own_time(self, time: str) -> str:
        """A time as it is for somebody else, `15:00 in Paris`.

        A zone that is no place has a name that tells people nothing, or the wrong thing.
        """
        if "/" not in str(self.zone) or str(self.zone).startswith("Etc/"):
            # Translators: a time where the visitor is, "15:00 on your clock"
            return _("%(time)s on your clock", time=time)
        return _("%(time)s in %(city)s", time=time, city=self.city)

    def slot(self, start: datetime, end: datetime) -> str:
        """`Tue 24 Nov, 14:00–14:30`."""
        day = _short_day(self.day(start), self.locale)
        return _("%(day)s, %(start)s–%(end)s", day=day, start=self.time(start), end=self.time(end))

    def weekday(self, at: datetime) -> str:
        """`Tuesday`."""
        return str(format_date(self.day(at), "EEEE", locale=self.locale))

    def date(self, at: datetime) -> str:
        """`24 November`."""
        return str(format_skeleton("MMMMd", self.day(at), locale=self.locale))

    def whole_date(self, at: datetime) -> str:
        """`Tuesday 24 November`."""
        skeletons = Locale.parse(self.locale).datetime_skeletons
        nearest = ("MMMMEEEEd", "MMMEEEEd", "MMMMEd", "MMMEd")
        found = next(skeletons[name] for name in nearest if name in skeletons)
        # Babel leaves the names of such a pattern as short as they are.
        pattern = re.sub("(?<!M)MMM(?!M)", "MMMM", re.sub("E+|ccc+", "EEEE", str(found)))
        return str(format_date(self.day(at), pattern, locale=self.locale))
