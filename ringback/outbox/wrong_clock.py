"""Stored times that were written while a clock was wrong.

A time that lies further ahead than its own schedule allows counts as run out: else what was written while a
clock was a year ahead would hold things up for a year after it was put right.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.clock import SKEW
from ringback.config.settings import DeliverySettings

# Nobody is left alone for longer because Samespace asked for it.
LONGEST_ASKED_WAIT_SECONDS = 3600.0
# So long a clock that leapt has to run steadily before anything is done that cannot be taken back.
STEADY = timedelta(hours=1)
# Waits are longer or shorter by a fifth, so that what failed together does not come together again.
WAITS_VARY_FROM, WAITS_VARY_TO = 0.8, 1.2


def longest_wait(delivery: DeliverySettings) -> timedelta:
    """How far ahead the next attempt may lie, whatever went wrong with the last one."""
    longest = max(delivery.retry_seconds) * WAITS_VARY_TO
    return timedelta(seconds=max(longest, LONGEST_ASKED_WAIT_SECONDS))


def has_run_out(at: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether a time that was set at most `longest` ahead is over, or cannot be right. None is over."""
    return at is None or at <= now or at > now + longest + SKEW


def run_out(at: sa.ColumnElement[Any], now: datetime, longest: timedelta) -> sa.ColumnElement[bool]:
    """The same, for a statement."""
    return sa.or_(at.is_(None), at <= now, at > now + longest + SKEW)
