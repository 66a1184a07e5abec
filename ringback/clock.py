"""The time, and how far one clock may be from another."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

# Machines that share a store may differ by this. A stored time that lies further ahead than its own rule allows
# was written by a clock that was wrong, and must not bind anybody until then.
SKEW = timedelta(minutes=5)
# Before every stored time. SQLite takes an index that begins with a column only where it is asked about.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def whole_minute(at: datetime) -> datetime:
    """The minute that has begun, as visitors see it: how long a hand-over took tells who was called."""
    return at.replace(second=0, microsecond=0)


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)
