"""Moving windows over stored requests: whether so many were asked for within so long."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from limits import RateLimitItem

from ringback.clock import SKEW
from ringback.store.tables import Instant, requests

_UNTIL = sa.bindparam("window_ends", type_=Instant)


def within(of: str, place: int) -> sa.ColumnElement[bool]:
    """Asked for in the window of the limit at this place among those `of` something.

    What a wrong clock stored as asked for later counts in none: it would for a year.
    """
    since = sa.bindparam(f"{of}_since_{place}", type_=Instant)
    return sa.and_(requests.c.requested_at > since, requests.c.requested_at <= _UNTIL)


def reached(
    which: sa.ColumnElement[bool], limits: Sequence[RateLimitItem], of: str, times: int = 1
) -> list[sa.Exists]:
    """For each limit, whether its window holds at least `times` times the requests it allows.

    Skipping all but the last of them leaves the counting to the index, however wide the limit is.
    """
    return [
        sa.exists(
            sa.select(requests.c.id).where(which, within(of, place)).offset(item.amount * times - 1).limit(1)
        )
        for place, item in enumerate(limits)
    ]


def bounds(limits: Sequence[RateLimitItem], now: datetime, of: str) -> dict[str, datetime]:
    """The values that statements with these windows take at `now`."""
    began = {f"{of}_since_{place}": now - _length(item) for place, item in enumerate(limits)}
    return began | {"window_ends": now + SKEW}


def longest(limits: Sequence[RateLimitItem]) -> timedelta:
    """How far back the widest of them looks."""
    return max(map(_length, limits))


def _length(item: RateLimitItem) -> timedelta:
    return timedelta(seconds=item.get_expiry())
