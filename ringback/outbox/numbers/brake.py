"""The brake: how many different numbers one widget may have called, whoever asks for them.

It protects people who never asked, and must not be a weapon against those who did: a stranger who filled it
would silence a team. So it counts each number called once; over the limit, heavy sources are held first, and
others are still called, up to three times the limit.
"""

import logging
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cache
from typing import Any

import sqlalchemy as sa
from limits import RateLimitItem, parse_many

from ringback.config.settings import Settings
from ringback.outbox.numbers.windows import bounds, longest, reached, within
from ringback.outbox.request import PROVIDER_LENGTH, Source, State
from ringback.store.tables import RINGS, alerts, requests

log = logging.getLogger("ringback.brake")

# Over the brake, a source that asked for more than this in the window is heavy.
ASKS_OF_ONE_SOURCE = 2
# Over the brake, a provider is heavy of whose networks as many ring as a quarter of it allows: a phone company has
# many customers. Networks, not requests: nobody with one network of their own can make it so for the others.
PARTS_OF_ONE_PROVIDER = 4
# Chosen times of one widget that are kept for one source, by however many numbers. More look booked, and are held.
PLACES_OF_ONE_SOURCE = 20
# Over this many times the brake nobody is called by itself any more.
ROOM_FOR_OTHERS = 3
_TOLD_EVERY = timedelta(hours=1)


class _Brake(IntEnum):
    """What it is to one request."""

    OFF = 0
    ON = 1  # for others
    HOLDS = 2  # this one, which comes from a heavy source
    FULL = 3  # holds everybody


class Brake:
    """`per_widget` of one store. Every method works inside a transaction of the outbox."""

    def __init__(self, settings: Settings) -> None:
        self._limits = parse_many(settings.limits.per_widget)
        over = reached(_RINGS, self._limits, _OF)
        self._maybe_over = sa.select(*(is_over.label(f"over_{place}") for place, is_over in enumerate(over)))
        self._numbers = [_numbers(place, item) for place, item in enumerate(self._limits)]
        self._asks = [_asks(place, item) for place, item in enumerate(self._limits)]

    def holds(self, connection: sa.Connection, widget: str, source: Source | None, now: datetime) -> bool:
        """Whether a new request of this widget is to wait for a person. The operators are told, once an hour."""
        values: dict[str, Any] = {"widget": widget, **bounds(self._limits, now, _OF)}
        over = connection.execute(self._maybe_over, values).one()
        found = [self._look(connection, place, source, values) for place, is_over in enumerate(over) if is_over]
        if any(found):
            kind = "brake_full" if _Brake.FULL in found else "brake"
            _tell_hourly(connection, kind, widget, now)
        return _Brake.FULL in found or _Brake.HOLDS in found

    def has_booked_enough(self, connection: sa.Connection, widget: str, source: Source | None) -> bool:
        """Whether a source has booked as many times at a widget as it may, so that it cannot take all."""
        if source is None:
            return False
        values = {"widget": widget, "source": source.address, "network": source.network}
        return any(connection.execute(_PLACES, values).one())

    def counted_for(self) -> timedelta:
        """How long who asked has to be known."""
        return longest(self._limits)

    def _look(
        self, connection: sa.Connection, place: int, source: Source | None, values: dict[str, Any]
    ) -> "_Brake":
        """What the limit at this place says of a request from there."""
        numbers = connection.execute(self._numbers[place], values).scalar_one()
        if numbers < self._limits[place].amount:
            return _Brake.OFF
        if numbers >= self._limits[place].amount * ROOM_FOR_OTHERS:
            return _Brake.FULL
        is_heavy = source is None or self._is_heavy(connection, place, source, values)
        return _Brake.HOLDS if is_heavy else _Brake.ON

    def _is_heavy(self, connection: sa.Connection, place: int, source: Source, values: dict[str, Any]) -> bool:
        """Whether its address or network, with this request, asked for more than two, or its provider for much."""
        asks = {"source": source.address, "network": source.network, "provider": source.provider}
        return any(connection.execute(self._asks[place], values | asks).one())


_OF = "widget"
_WIDGET = requests.c.widget == sa.bindparam("widget")
_RINGS = sa.and_(_WIDGET, RINGS)


@cache  # each app has two brakes with the same limits
def _numbers(place: int, item: RateLimitItem) -> sa.Select[int]:
    """How many different numbers were to be called in a window, counted up to where nobody is any more."""
    number = sa.func.coalesce(sa.func.nullif(requests.c.phone, ""), requests.c.number_hash, requests.c.id)
    rung = sa.select(number.label("number")).where(_RINGS, within(_OF, place)).distinct()
    return sa.select(sa.func.count()).select_from(rung.limit(item.amount * ROOM_FOR_OTHERS).subquery())


@cache
def _asks(place: int, item: RateLimitItem) -> Any:
    """Whether an address, its network or its provider asked this widget so often that one more is too many."""
    of_source = (requests.c.source == sa.bindparam("source"), requests.c.source_network == sa.bindparam("network"))
    asked = (
        sa.exists(
            sa.select(requests.c.id)
            .where(mine, _WIDGET, within(_OF, place))
            .offset(ASKS_OF_ONE_SOURCE - 1)
            .limit(1)
        )
        for mine in of_source
    )
    return sa.select(*asked, _provider_rings(place, item))


def _provider_rings(place: int, item: RateLimitItem) -> sa.ColumnElement[bool]:
    """Whether as many of its networks ring as may. Counted: in what only exists, SQLite skips `DISTINCT`."""
    mine = sa.func.substr(requests.c.source_network, 1, PROVIDER_LENGTH) == sa.bindparam("provider")
    networks = sa.select(requests.c.source_network).where(mine, _RINGS, within(_OF, place)).distinct()
    most = max(ASKS_OF_ONE_SOURCE, item.amount // PARTS_OF_ONE_PROVIDER)
    return sa.select(sa.func.count()).select_from(networks.limit(most).subquery()).scalar_subquery() >= most


def _places() -> Any:
    """Whether an address, and whether its network, has so many chosen times that one more is too many."""
    waits = requests.c.state.in_([State.WAITING, State.HANDING_OVER])
    booked = _WIDGET, waits, requests.c.slot_starts_at.is_not(None), requests.c.takes_place
    of_source = (requests.c.source == sa.bindparam("source"), requests.c.source_network == sa.bindparam("network"))
    enough = (
        sa.exists(sa.select(requests.c.id).where(mine, *booked).offset(PLACES_OF_ONE_SOURCE - 1).limit(1))
        for mine in of_source
    )
    return sa.select(*(each.label(f"of_{which}") for which, each in enumerate(enough)))


_PLACES = _places()
_MEANS = {
    "brake": "over per_widget; what comes from those who ask much is held, others are called",
    "brake_full": "over three times per_widget; everything that comes is held",
}


def _tell_hourly(connection: sa.Connection, kind: str, widget: str, now: datetime) -> None:
    about = f"widget {widget}"
    lately = alerts.c.kind == kind, alerts.c.about == about, alerts.c.at > now - _TOLD_EVERY, alerts.c.at <= now
    if connection.execute(sa.select(alerts.c.id).where(*lately).limit(1)).first() is None:
        connection.execute(alerts.insert().values(at=now, kind=kind, about=about))
        log.warning("%s: %s", about, _MEANS[kind])
