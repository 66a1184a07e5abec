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
from ringback.database import Instant, blocks, requests, stops
from ringback.settings import Settings


class Numbers:
    """Which numbers are asked for too often, stopped or blocked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._per_number = parse_many(settings.limits.per_number)
        self._per_widget = parse_many(settings.limits.per_widget)
        # Made once: they are asked with every request.
        self._number_is_over = _is_over(_ASKED_FOR, self._per_number)
        self._widget_is_over = _is_over(requests.c.widget == sa.bindparam("widget"), self._per_widget)

    def why_held(self, connection: sa.Connection, answers: Answers, now: datetime) -> Held | None:
        """Why a new request is not to be handed over by itself, or None."""
        silent = self.why_silent(connection, answers.phone, now)
        if silent:
            return silent
        # Erased ones count as well: else whoever deletes a request could ask anew, all night.
        number = {"phone": answers.phone, "hashes": self._hashes(answers.phone)}
        if connection.execute(self._number_is_over, number | _windows(self._per_number, now)).scalar():
            return Held.NUMBER_LIMIT
        _lock_widget(connection, answers.widget)
        widget = {"widget": answers.widget}
        if connection.execute(self._widget_is_over, widget | _windows(self._per_widget, now)).scalar():
            return Held.WIDGET_LIMIT
        return None

    def why_silent(self, connection: sa.Connection, phone: str, now: datetime) -> Held | None:
        """Whether an operator blocked the number, or the person it belongs to stopped the calls."""
        beginnings = [phone[:length] for length in range(1, len(phone) + 1)]
        values = {"phone": phone, "beginnings": beginnings, "hashes": self._hashes(phone), "now": now}
        row = connection.execute(_SILENT, values).one()
        if row.blocked:
            return Held.BLOCKED
        return Held.STOPPED if row.stopped else None

    def stop(self, connection: sa.Connection, phone: str, now: datetime) -> None:
        """Hold requests for a number for `stop_days` from now."""
        until = now + timedelta(days=self._settings.privacy.stop_days)
        hashes = self._hashes(phone)
        connection.execute(stops.delete().where(stops.c.number_hash.in_(hashes)))
        connection.execute(stops.insert().values(number_hash=hashes[-1], until=until))

    def hash(self, phone: str) -> str:
        """A keyed hash of a number: enough to know it again, and of no use to who has only the store."""
        return self._hashes(phone)[-1]

    def counted_for(self) -> timedelta:
        """How long a request counts against its number."""
        return timedelta(seconds=max(item.get_expiry() for item in self._per_number))

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
    return sa.and_(mine, requests.c.state == State.WAITING, requests.c.held.is_(None))


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


def _is_over(which: sa.ColumnElement[bool], limit: list[RateLimitItem]) -> sa.Select[Any]:
    """Whether one of the limits is reached: whether there is, in its window, a request for each that it allows.

    Skipping all but the last of them leaves the counting to the index, however wide the limit is.
    """
    reached = [
        sa.exists(
            sa.select(requests.c.id)
            .where(which, requests.c.requested_at > sa.bindparam(f"since_{place}", type_=Instant))
            .offset(item.amount - 1)
            .limit(1)
        )
        for place, item in enumerate(limit)
    ]
    return sa.select(sa.or_(*reached))


def _windows(limit: list[RateLimitItem], now: datetime) -> dict[str, datetime]:
    """When the window of each of the limits began."""
    return {f"since_{place}": now - timedelta(seconds=item.get_expiry()) for place, item in enumerate(limit)}


_PHONE: sa.BindParameter[str] = sa.bindparam("phone")
_HASHES: sa.BindParameter[str] = sa.bindparam("hashes", expanding=True)
_ASKED_FOR = sa.or_(requests.c.phone == _PHONE, requests.c.number_hash.in_(_HASHES))
_BLOCKING = sa.or_(
    sa.and_(blocks.c.digits == _PHONE, sa.not_(blocks.c.is_range)),
    sa.and_(blocks.c.digits.in_(sa.bindparam("beginnings", expanding=True)), blocks.c.is_range),
)
_STOPPING = sa.and_(stops.c.number_hash.in_(_HASHES), stops.c.until > sa.bindparam("now", type_=Instant))
_SILENT = sa.select(
    sa.exists().where(_BLOCKING).label("blocked"),
    sa.exists().where(_STOPPING).label("stopped"),
)
