"""The rules of one number, whoever asks and from wherever: the protection of the person who is called.

Limits by address or cookie stop nobody who has many of them, so these stand on the number itself, over
all widgets. What they hold back is stored and looks like any other request. Every method works inside a
transaction of the outbox, which holds the line's lock.

In plans of variable length (Germany, Austria and others) digits dialled after a whole number change nothing: a
hundred numbers ring one telephone. So those that begin with the shortest one seen count as one, a `Line`. Where
that one was never asked for nobody can tell, so the thousand that share all but the last three digits have a
limit, too: some times that of one number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from limits import parse_many

from ringback import phone as numbering
from ringback.config.settings import Settings
from ringback.keyed_hash import keyed_hash
from ringback.outbox.numbers.windows import bounds, longest, reached
from ringback.outbox.request import Answers, Held, State
from ringback.store.locks import lock
from ringback.store.tables import (
    NOW,
    alerts,
    blocks,
    erased_beginnings,
    in_state,
    requests,
    stop_beginnings,
    stops,
)

# Times the limit of one number, for the thousand that share its beginning: an office rings from many of them.
ROOM_FOR_NEIGHBOURS = 5
STOPS_PER_HOUR = 20  # over all; more are somebody who tries, or something that rings many


@dataclass(frozen=True)
class Line:
    """Numbers that count as one: `base` and, where numbers can be longer, all that begin with it."""

    base: str
    goes_on: bool

    def numbers(self, column: sa.ColumnElement[str] = requests.c.phone) -> sa.ColumnElement[bool]:
        """Whether a column has one of them."""
        if not self.goes_on:
            return column == self.base
        return _begins(column, self.base, _last(self.base), numbering.longest_of_line(self.base))


class NumberRules:
    """Which numbers are asked for too often, stopped or blocked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = parse_many(settings.limits.per_number)
        self._keys = settings.secret_keys

    def check(self, connection: sa.Connection, answers: Answers, now: datetime) -> tuple[Held | None, bool]:
        """Why a new request is held, or None; and whether a time it chose is kept for it.

        Erased ones count as well: else whoever deletes a request could ask anew, all night.
        """
        line = self.line(connection, answers.phone)
        values = self._values(answers.phone, line, now) | bounds(self._limits, now, _OF)
        near = numbering.neighbourhood(answers.phone)
        if near:
            values |= {"near": near, "last_near": _last(near)}
            values |= {f"near_hash_{place}": hash for place, hash in enumerate(self._hashes(near))}
        statement = _silent_and_over(len(self._keys), line.goes_on, bool(near), tuple(self._limits))
        row = connection.execute(statement, values).one()
        is_second = bool(answers.slot_starts_at) and self._has_place(connection, line, answers.widget)
        why = _why_silent(row) or (Held.BOOKED if is_second else Held.NUMBER_LIMIT if row.is_over else None)
        return why, not is_second

    def why_silent(self, connection: sa.Connection, phone: str, now: datetime) -> Held | None:
        """Whether an operator blocked the number, or the person it belongs to stopped the calls."""
        line = self.line(connection, phone)
        statement = _silent(len(self._keys), line.goes_on)
        return _why_silent(connection.execute(statement, self._values(phone, line, now)).one())

    def has_place(self, connection: sa.Connection, phone: str, widget: str, but: str) -> bool:
        """Whether a time of a widget is kept for a number by another request than the one of this id."""
        return self._has_place(connection, self.line(connection, phone), widget, but)

    def _has_place(self, connection: sa.Connection, line: Line, widget: str, but: str = "") -> bool:
        waits = requests.c.state.in_([State.WAITING, State.HANDING_OVER])
        booked = requests.c.slot_starts_at.is_not(None), requests.c.takes_place, requests.c.id != but
        mine = sa.select(requests.c.id).where(line.numbers(), requests.c.widget == widget, waits, *booked).limit(1)
        return connection.execute(mine).first() is not None

    def line(self, connection: sa.Connection, phone: str) -> Line:
        """The line a number is of: the shortest one seen that it begins with, in requests, stops or blocks."""
        shorter = numbering.beginnings(phone)
        if not shorter:
            return Line(phone, numbering.goes_on(phone))
        values = {f"digits_{place}": digits for place, digits in enumerate(shorter)}
        for place, digits in enumerate(shorter):
            values |= {f"hash_{place}_{key}": hash for key, hash in enumerate(self._hashes(digits))}
        seen = connection.execute(_seen(len(shorter), len(self._keys)), values).one()
        base = next((digits for digits, is_seen in zip(shorter, seen, strict=True) if is_seen), phone)
        return Line(base, goes_on=True)

    def stop(self, connection: sa.Connection, phone: str, now: datetime) -> Line:
        """Hold requests for a number for `stop_days` from now. The line it is of, for what waits."""
        line = self.line(connection, phone)
        until = now + timedelta(days=self._settings.privacy.stop_days)
        self._forget_stops(connection, stops.c.number_hash.in_(self._hashes(phone)))
        stopped = self.hash(phone)
        connection.execute(stops.insert().values(number_hash=stopped, until=until))
        rows = [{"stopped": stopped, "number_hash": self.hash(each)} for each in numbering.beginnings(phone)]
        if rows:
            connection.execute(stop_beginnings.insert().values(until=until), rows)
        _tell_of_many(connection, until, now)
        return line

    def unstop(self, connection: sa.Connection, phone: str, now: datetime) -> bool:
        """Let requests for a number be handed over again. False if none that counts as one with it was stopped."""
        line = self.line(connection, phone)
        shorter = [hash for digits in numbering.beginnings(phone) for hash in self._hashes(digits)]
        longer = sa.select(stop_beginnings.c.stopped).where(
            stop_beginnings.c.number_hash.in_(self._hashes(line.base))
        )
        mine = stops.c.number_hash.in_([*self._hashes(phone), *shorter])
        ends = self._forget_stops(connection, sa.or_(mine, stops.c.number_hash.in_(longer)))
        return any(until > now for until in ends)

    def _forget_stops(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[datetime]:
        """Take stops out with their beginnings; until when each would have held."""
        found = connection.execute(sa.select(stops.c.number_hash, stops.c.until).where(which)).all()
        hashes = [row.number_hash for row in found]
        connection.execute(stop_beginnings.delete().where(stop_beginnings.c.stopped.in_(hashes)))
        connection.execute(stops.delete().where(stops.c.number_hash.in_(hashes)))
        return [row.until for row in found]

    def remember(self, connection: sa.Connection, id: str, phone: str) -> str:
        """Keep what a request that is erased now still counts by; the hash of its number."""
        rows = [{"request_id": id, "number_hash": self.hash(each)} for each in numbering.beginnings(phone)]
        if rows:
            connection.execute(erased_beginnings.insert(), rows)
        return self.hash(phone)

    def hash(self, phone: str) -> str:
        """A keyed hash of a number: enough to know it again, and of no use to who has only the store."""
        return self._hashes(phone)[-1]

    def counted_for(self) -> timedelta:
        """How long a request counts against its number."""
        return longest(self._limits)

    def _values(self, phone: str, line: Line, now: datetime) -> dict[str, Any]:
        beginnings = {f"beginning_{length}": phone[:length] for length in _LENGTHS}
        hashes = {f"hash_{place}": hash for place, hash in enumerate(self._hashes(line.base))}
        length = numbering.longest_of_line(line.base)
        return {"base": line.base, "last": _last(line.base), "longest": length, "now": now} | beginnings | hashes

    def _hashes(self, phone: str) -> list[str]:
        """By each key that is still accepted, the newest last."""
        return [keyed_hash(key, f"number {phone}").hex() for key in self._keys]


def waiting(which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Of these requests, those that would be handed over."""
    return sa.and_(which, in_state(State.WAITING), requests.c.held.is_(None))


def _tell_of_many(connection: sa.Connection, until: datetime, now: datetime) -> None:
    """Have a person told when many numbers were stopped within an hour; the last one is stopped `until` then.

    When each was made follows from when it ends. After a change of `stop_days` those made before it count as
    made so many days earlier or later: at worst an alert too late, or one more.
    """
    # Else of two at once each might miss the other, or both tell. Taken after the number's lock, as always.
    lock(connection, "stops")
    lately = sa.select(sa.func.count()).select_from(stops).where(_in_the_hour(stops.c.until, until))
    if connection.execute(lately).scalar_one() <= STOPS_PER_HOUR:
        return
    told = sa.select(alerts.c.id).where(alerts.c.kind == "stops", _in_the_hour(alerts.c.at, now)).limit(1)
    if connection.execute(told).first() is None:
        connection.execute(alerts.insert().values(at=now, kind="stops", about="numbers at /stop"))


def _in_the_hour(column: sa.ColumnElement[datetime], end: datetime) -> sa.ColumnElement[bool]:
    """Later ones are of a clock that was ahead, and say nothing."""
    return sa.and_(column > end - timedelta(hours=1), column <= end)


def _why_silent(row: Any) -> Held | None:
    if row.blocked:
        return Held.BLOCKED
    return Held.STOPPED if row.stopped else None


_OF = "number"
_LENGTHS = range(1, 16)  # of what a number can begin with
_BASE: sa.BindParameter[str] = sa.bindparam("base")
_LAST: sa.BindParameter[str] = sa.bindparam("last")


def _last(base: str) -> str:
    """The last number, in the order of texts, that begins so."""
    return base.ljust(numbering.MOST_DIGITS, "9")


def _begins(column: sa.ColumnElement[str], first: Any, last: Any, longest: Any) -> sa.ColumnElement[bool]:
    # Between two numbers, not LIKE: an index is of use, whatever the collation makes of a letter.
    return sa.and_(column.between(first, last), sa.func.length(column) <= longest)


def _on_the_line(column: sa.ColumnElement[str], goes_on: bool) -> sa.ColumnElement[bool]:
    return _begins(column, _BASE, _LAST, sa.bindparam("longest")) if goes_on else column == _BASE


def _hashed(keys: int, of: str = "hash") -> list[sa.BindParameter[str]]:
    return [sa.bindparam(f"{of}_{place}") for place in range(keys)]


@cache  # made once for each shape: to make a statement takes longer than to run it
def _silent(keys: int, goes_on: bool) -> Any:
    beginnings: list[sa.BindParameter[str]] = [sa.bindparam(f"beginning_{length}") for length in _LENGTHS]
    blocking = sa.or_(
        sa.and_(_on_the_line(blocks.c.digits, goes_on), sa.not_(blocks.c.is_range)),
        sa.and_(blocks.c.digits.in_(beginnings), blocks.c.is_range),
    )
    stopping = [
        sa.exists().where(table.c.number_hash.in_(_hashed(keys)), table.c.until > NOW)
        for table in ((stops, stop_beginnings) if goes_on else (stops,))
    ]
    return sa.select(sa.exists().where(blocking).label("blocked"), sa.or_(*stopping).label("stopped"))


@cache
def _silent_and_over(keys: int, goes_on: bool, has_neighbours: bool, limits: tuple[Any, ...]) -> Any:
    asked_for = [_on_the_line(requests.c.phone, goes_on), *_erased(_hashed(keys), goes_on)]
    over = reached(sa.or_(*asked_for), limits, _OF)
    if has_neighbours:
        near = requests.c.phone.between(sa.bindparam("near"), sa.bindparam("last_near"))
        nearby = sa.or_(near, *_erased(_hashed(keys, "near_hash"), goes_on=True))
        over += reached(nearby, limits, _OF, times=ROOM_FOR_NEIGHBOURS)
    return _silent(keys, goes_on).add_columns(sa.or_(*over).label("is_over"))


def _erased(hashed: list[sa.BindParameter[str]], goes_on: bool) -> list[sa.ColumnElement[bool]]:
    """Requests whose number is gone, of that number, or of one that begins with it."""
    longer = sa.select(erased_beginnings.c.request_id).where(erased_beginnings.c.number_hash.in_(hashed))
    return [requests.c.number_hash.in_(hashed), *([requests.c.id.in_(longer)] if goes_on else [])]


@cache
def _seen(count: int, keys: int) -> Any:
    """For each of so many numbers, whether it stands in a request, kept or erased, a stop or a block."""

    def is_seen(place: int) -> sa.ColumnElement[bool]:
        digits: sa.BindParameter[str] = sa.bindparam(f"digits_{place}")
        hashed: Sequence[sa.BindParameter[str]] = [sa.bindparam(f"hash_{place}_{key}") for key in range(keys)]
        return sa.or_(
            sa.exists().where(requests.c.phone == digits),
            sa.exists().where(requests.c.number_hash.in_(hashed)),
            sa.exists().where(stops.c.number_hash.in_(hashed)),
            sa.exists().where(blocks.c.digits == digits, sa.not_(blocks.c.is_range)),
        )

    return sa.select(*(is_seen(place).label(f"seen_{place}") for place in range(count)))
