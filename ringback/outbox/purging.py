"""What a purge does beside erasing: whether its clock can be believed, and what limits need no more."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.clock import SKEW
from ringback.outbox.numbers.brake import Brake
from ringback.outbox.numbers.number_rules import NumberRules
from ringback.outbox.request import State
from ringback.outbox.wrong_clock import STEADY
from ringback.store.locks import lock
from ringback.store.remembered import forget, recall_instant, remember
from ringback.store.tables import alerts, erased_beginnings, requests, stop_beginnings, stops

LAST_PURGE = "purged_at"
_LAST_LOOK, _LEAPT_AT = "purge_looked_at", "clock_leapt_at"
# A clock that moved on by more than this since the last look may be wrong, and a purge cannot be taken back.
LEAP = timedelta(days=1)
_LOOKS_EARLY = timedelta(minutes=1)  # the look that comes an hour later may be a moment early
# So long a stop is known after it has run out: a clock that was ahead for a while and is put right finds it again.
_KNOWN_AFTER = timedelta(weeks=4)


def has_leapt(connection: sa.Connection, now: datetime) -> bool:
    """Whether the clock moved on by a day since the last look, or back, and not for an hour steadily since."""
    lock(connection, LAST_PURGE)
    last, leapt_at = (recall_instant(connection, key) for key in (_LAST_LOOK, _LEAPT_AT))
    remember(connection, _LAST_LOOK, now)
    if last and not -SKEW <= now - last <= LEAP:
        remember(connection, _LEAPT_AT, now)
        return True
    if leapt_at and now - leapt_at < STEADY - _LOOKS_EARLY:
        return True
    forget(connection, _LEAPT_AT)
    return False


def forget_hashes(connection: sa.Connection, numbers: NumberRules, brake: Brake, now: datetime) -> None:
    """Forget by what limits knew a number or an address, and the stops that ran out, once nothing counts them."""
    # Who booked a time counts for as long as it is kept for them.
    is_over = requests.c.state != State.WAITING
    for counted_for, columns, further in (
        (numbers.counted_for(), ["number_hash"], sa.true()),
        (brake.counted_for(), ["source", "source_network"], is_over),
    ):
        # What a wrong clock stored as asked for later is counted by nobody.
        done = sa.or_(requests.c.requested_at < now - counted_for, requests.c.requested_at > now + LEAP)
        known = sa.or_(*(requests.c[name].is_not(None) for name in columns))
        connection.execute(requests.update().where(known, done, further).values(dict.fromkeys(columns)))
    counted = sa.select(requests.c.id).where(requests.c.number_hash.is_not(None))
    connection.execute(erased_beginnings.delete().where(erased_beginnings.c.request_id.not_in(counted)))
    for table in (stops, stop_beginnings):
        connection.execute(table.delete().where(table.c.until <= now - _KNOWN_AFTER))


def drop_old_alerts(connection: sa.Connection, before: datetime) -> None:
    """Forget what was told long ago."""
    # The newest stays: channels know by its number how far they have told.
    newest = sa.select(sa.func.max(alerts.c.id)).scalar_subquery()
    connection.execute(alerts.delete().where(alerts.c.at < before, alerts.c.id < newest))
