"""The rules of one number, whoever asks and from wherever: the protection of the person who is called.

Limits by address or cookie stop nobody who has many of them, so these stand on the number itself, over
all widgets. What they hold back is stored and looks like any other request. Every method works inside a
transaction of the outbox, which holds the number's lock.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from limits import RateLimitItem, parse_many

from ringback.callback_request import Answers, Held, State
from ringback.settings import Settings
from ringback.tables import NOW, Instant, alerts, blocks, in_state, requests, stops

STOPS_PER_HOUR = 20  # over all; more are somebody who tries, or something that rings many


class Numbers:
    """Which numbers are asked for too often, stopped or blocked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._per_number = parse_many(settings.limits.per_number)
        self._per_widget = parse_many(settings.limits.per_widget)
        # Made once, and one statement: it is asked with every request.
        self._silent = _silent(len(settings.secret_keys))
        # Erased ones count as well: else whoever deletes a request could ask anew, all night.
        asked_for = sa.or_(
            requests.c.phone == _PHONE, requests.c.number_hash.in_(_hashes(len(settings.secret_keys)))
        )
        this_widget = requests.c.widget == sa.bindparam("widget")
        self._all = self._silent.add_columns(
            _is_over(asked_for, self._per_number, "number").label("number_is_over"),
            _is_over(this_widget, self._per_widget, "widget").label("widget_is_over"),
        )

    def why_held(self, connection: sa.Connection, answers: Answers, now: datetime) -> Held | None:
        """Why a new request is not to be handed over by itself, or None."""
        _lock_widget(connection, answers.widget)
        values = self._values(answers.phone, now) | {"widget": answers.widget}
        windows = _windows(self._per_number, now, "number") | _windows(self._per_widget, now, "widget")
        row = connection.execute(self._all, values | windows).one()
        if silent := _why_silent(row):
            return silent
        if row.number_is_over:
            return Held.NUMBER_LIMIT
        return Held.WIDGET_LIMIT if row.widget_is_over else None

    def why_silent(self, connection: sa.Connection, phone: str, now: datetime) -> Held | None:
        """Whether an operator blocked the number, or the person it belongs to stopped the calls."""
        return _why_silent(connection.execute(self._silent, self._values(phone, now)).one())

    def stop(self, connection: sa.Connection, phone: str, now: datetime) -> None:
        """Hold requests for a number for `stop_days` from now."""
        until = now + timedelta(days=self._settings.privacy.stop_days)
        hashes = self._hashes(phone)
        connection.execute(stops.delete().where(stops.c.number_hash.in_(hashes)))
        connection.execute(stops.insert().values(number_hash=hashes[-1], until=until))
        _tell_of_many(connection, until, now)

    def unstop(self, connection: sa.Connection, phone: str, now: datetime) -> bool:
        """Let requests for a number be handed over again. False if it was not stopped, or no longer."""
        mine = stops.c.number_hash.in_(self._hashes(phone))
        ended = connection.execute(stops.delete().where(mine).returning(stops.c.until)).scalars().all()
        return any(until > now for until in ended)

    def hash(self, phone: str) -> str:
        """A keyed hash of a number: enough to know it again, and of no use to who has only the store."""
        return self._hashes(phone)[-1]

    def counted_for(self) -> timedelta:
        """How long a request counts against its number."""
        return timedelta(seconds=max(item.get_expiry() for item in self._per_number))

    def _values(self, phone: str, now: datetime) -> dict[str, Any]:
        beginnings = {f"beginning_{length}": phone[:length] for length in _LENGTHS}
        hashes = {f"hash_{place}": hash for place, hash in enumerate(self._hashes(phone))}
        return {"phone": phone, "now": now} | beginnings | hashes

    def _hashes(self, phone: str) -> list[str]:
        """By each key that is still accepted, the newest last."""
        return [
            hmac.new(key.encode(), b"number " + phone.encode(), hashlib.sha256).hexdigest()
            for key in self._settings.secret_keys
        ]


def block(connection: sa.Connection, digits: str, is_range: bool, now: datetime) -> bool:
    """Block a number, or every number that begins with these digits. False if it was blocked already."""
    if connection.dialect.name == "postgresql":
        # Whoever has looked at the blocks to accept a request stores it first, and then it is seen here.
        connection.execute(sa.text("LOCK TABLE blocks IN ACCESS EXCLUSIVE MODE"))
    if connection.execute(sa.select(blocks.c.digits).where(_same(digits, is_range))).first():
        return False
    connection.execute(blocks.insert().values(digits=digits, is_range=is_range, at=now))
    return True


def unblock(connection: sa.Connection, digits: str, is_range: bool) -> bool:
    """Take a block away. False if there was none."""
    return connection.execute(blocks.delete().where(_same(digits, is_range))).rowcount > 0


def waiting_in(digits: str, is_range: bool) -> sa.ColumnElement[bool]:
    """Requests of a number or a range that would be handed over."""
    mine = requests.c.phone.startswith(digits) if is_range else requests.c.phone == digits
    return sa.and_(mine, in_state(State.WAITING), requests.c.held.is_(None))


def _same(digits: str, is_range: bool) -> sa.ColumnElement[bool]:
    return sa.and_(blocks.c.digits == digits, blocks.c.is_range == is_range)


def _lock_widget(connection: sa.Connection, widget: str) -> None:
    """Let nobody else count this widget's requests until the transaction ends.

    Numbers are locked one by one, so without this many at once would slip past the brake. Always taken after
    the number's lock, so that no two wait for each other. On SQLite the transaction itself is that lock.
    """
    if connection.dialect.name == "postgresql":
        key = sa.func.hashtextextended(f"widget {widget}", 0)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def _tell_of_many(connection: sa.Connection, until: datetime, now: datetime) -> None:
    """Have a person told when many numbers were stopped within an hour; the last one is stopped `until` then.

    When each was made follows from when it ends. After a change of `stop_days` those made before it count as
    made so many days earlier or later: at worst an alert too late, or one more.
    """
    if connection.dialect.name == "postgresql":
        # Else of two at once each might miss the other, or both tell. Taken after the number's lock, as always.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended("stops", 0))))
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


def _is_over(which: sa.ColumnElement[bool], limit: list[RateLimitItem], of: str) -> sa.ColumnElement[bool]:
    """Whether one of the limits is reached: whether there is, in its window, a request for each that it allows.

    Skipping all but the last of them leaves the counting to the index, however wide the limit is.
    """
    reached = [
        sa.exists(
            sa.select(requests.c.id)
            .where(which, requests.c.requested_at > sa.bindparam(f"{of}_since_{place}", type_=Instant))
            .offset(item.amount - 1)
            .limit(1)
        )
        for place, item in enumerate(limit)
    ]
    return sa.or_(*reached)


def _windows(limit: list[RateLimitItem], now: datetime, of: str) -> dict[str, datetime]:
    """When the window of each of the limits began."""
    return {f"{of}_since_{place}": now - timedelta(seconds=item.get_expiry()) for place, item in enumerate(limit)}


_PHONE: sa.BindParameter[str] = sa.bindparam("phone")
_LENGTHS = range(1, 16)  # of what a number can begin with


def _hashes(keys: int) -> list[sa.BindParameter[str]]:
    return [sa.bindparam(f"hash_{place}") for place in range(keys)]


def _silent(keys: int) -> sa.Select[bool, bool]:
    beginnings: list[sa.BindParameter[str]] = [sa.bindparam(f"beginning_{length}") for length in _LENGTHS]
    blocking = sa.or_(
        sa.and_(blocks.c.digits == _PHONE, sa.not_(blocks.c.is_range)),
        sa.and_(blocks.c.digits.in_(beginnings), blocks.c.is_range),
    )
    stopping = sa.and_(stops.c.number_hash.in_(_hashes(keys)), stops.c.until > NOW)
    return sa.select(sa.exists().where(blocking).label("blocked"), sa.exists().where(stopping).label("stopped"))
