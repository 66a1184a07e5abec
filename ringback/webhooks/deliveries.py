"""What is to be told to whom: the store's side of the webhooks.

Each event is spread into one delivery for each receiver that wants it. Of one request a receiver is told in order:
a delivery waits until those before it are done. A receiver that does not answer rests, alone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from ringback.config.telling import WebhookSettings
from ringback.outbox.request import new_id
from ringback.outbox.wrong_clock import WAITS_VARY_TO, run_out
from ringback.store.database import Database
from ringback.store.locks import lock
from ringback.store.program_tables import webhook_deliveries, webhook_events, webhook_receivers
from ringback.store.tables import requests

TRIED_FOR = timedelta(hours=24)
LONGEST_WAIT = timedelta(hours=1)  # before it is tried again
AT_ONCE = 4  # deliveries to one receiver; to one that does not answer, a single one
LEASE = timedelta(seconds=60)
_SPREAD_AT_ONCE = 5_000  # deliveries in one transaction
_MOST_CLAIMED = 2_000
_FAILING_AT_ONCE = 100  # receivers that failed last time, and may take all the time they have
WAITING, DELIVERED, GIVEN_UP = "waiting", "delivered", "given_up"

_deliveries, _receivers = webhook_deliveries.c, webhook_receivers.c


@dataclass(frozen=True)
class Claim:
    """A delivery that is ours for a while. `row`: its event as it is stored, and its request as it is now."""

    id: int
    receiver: str
    owner: str
    attempts: int
    give_up_at: datetime
    row: Any


def register(connection: sa.Connection, urls: Collection[str]) -> None:
    """Note who is told from now on. What was to be told to others is dropped."""
    known = set(connection.execute(sa.select(_receivers.url)).scalars())
    if gone := known - set(urls):
        waits = _deliveries.receiver.in_(gone), _deliveries.state == WAITING
        connection.execute(
            webhook_deliveries.update().where(*waits).values(state=GIVEN_UP, answer="not configured")
        )
        connection.execute(webhook_receivers.delete().where(_receivers.url.in_(gone)))
    if new := [{"url": url} for url in urls if url not in known]:
        connection.execute(webhook_receivers.insert(), new)


def spread(database: Database, receivers: Mapping[str, WebhookSettings], now: datetime) -> bool:
    """Make deliveries of the oldest events that have none. Whether there may be more."""
    waits = webhook_events.c.is_spread.is_(False)
    with database.read() as connection:
        if connection.execute(sa.select(webhook_events.c.id).where(waits).limit(1)).first() is None:
            return False
    count = max(1, _SPREAD_AT_ONCE // max(1, len(receivers)))
    with database.write() as connection:
        # One at a time: else of two events of one request the second might be there before the first.
        lock_deliveries(connection)
        query = sa.select(webhook_events).where(waits).order_by(webhook_events.c.id).limit(count)
        rows = connection.execute(query).all()
        found = [
            {
                "event_id": row.id,
                "request_id": row.request_id,
                "receiver": url,
                "state": WAITING,
                "next_at": now,
                "give_up_at": row.at + TRIED_FOR,
                "changed_at": now,
            }
            for row in rows
            for url, receiver in receivers.items()
            if receiver.wants(row.type, row.widget)
        ]
        if found:
            connection.execute(webhook_deliveries.insert().inline(), found)
        done = webhook_events.c.id.in_([row.id for row in rows])
        connection.execute(webhook_events.update().where(done).values(is_spread=True))
    return len(rows) == count


def lock_deliveries(connection: sa.Connection) -> None:
    """Keep other processes from changing many of them meanwhile: each would wait for what the other has."""
    lock(connection, "webhooks")


def claim(database: Database, busy: Mapping[str, int], now: datetime) -> list[Claim]:
    """Take what may be sent now. `busy`: how many are on their way to each receiver from this process."""
    with database.read() as connection:
        rows = connection.execute(_ready(now)).all()
    taken: dict[str, int] = dict(busy)
    chosen: list[int] = []
    for row in rows:
        if row.failures and sum(busy.values()) + len(chosen) >= _FAILING_AT_ONCE:
            break  # the rest have failed, too
        most = 1 if row.failures else AT_ONCE
        if taken.get(row.receiver, 0) < most:
            taken[row.receiver] = taken.get(row.receiver, 0) + 1
            chosen.append(row.id)
    if not chosen:
        return []
    owner = new_id()
    mine = _deliveries.id.in_(chosen), _deliveries.state == WAITING, run_out(_deliveries.lease_ends_at, now, LEASE)
    with database.write() as connection:
        lock_deliveries(connection)
        claimed = webhook_deliveries.update().where(*mine).values(lease_ends_at=now + LEASE, owner=owner)
        ids = list(connection.execute(claimed.returning(_deliveries.id)).scalars())
        rows = connection.execute(_KNOWN.where(_deliveries.id.in_(ids))).all()
    return [Claim(row[0], row.receiver, owner, row.attempts, row.give_up_at, row) for row in rows]


def as_it_is(database: Database, claim: Claim) -> Any:
    """The `row` of a claim at this moment: its visitor may have erased it since."""
    with database.read() as connection:
        return connection.execute(_KNOWN.where(_deliveries.id == claim.id)).one()


_OF_REQUEST = (
    requests.c.reference,
    requests.c.requested_at,
    requests.c.erased_at,
    *(requests.c[name] for name in "name phone email company message attributes".split()),
)
_KNOWN = (
    sa.select(
        *(_deliveries.id, _deliveries.receiver, _deliveries.attempts, _deliveries.give_up_at),
        webhook_events,
        *_OF_REQUEST,
    )
    .join_from(webhook_deliveries, webhook_events, webhook_events.c.id == _deliveries.event_id)
    .join(requests, requests.c.id == webhook_events.c.request_id)
)


def _ready(now: datetime) -> sa.Select[Any]:
    earlier = webhook_deliveries.alias()
    before = sa.exists().where(
        earlier.c.receiver == _deliveries.receiver,
        earlier.c.request_id == _deliveries.request_id,
        earlier.c.state == sa.literal_column("'waiting'"),
        earlier.c.id < _deliveries.id,
    )
    soonest = _deliveries.next_at, _deliveries.id
    place = sa.func.row_number().over(partition_by=_deliveries.receiver, order_by=soonest).label("place")
    due = (
        sa.select(_deliveries.id, _deliveries.receiver, _receivers.failures, place)
        .join_from(webhook_deliveries, webhook_receivers, _receivers.url == _deliveries.receiver)
        .where(
            _deliveries.state == sa.literal_column("'waiting'"),
            run_out(_deliveries.next_at, now, LONGEST_WAIT * WAITS_VARY_TO),
            run_out(_deliveries.lease_ends_at, now, LEASE),
            _receivers.off_at.is_(None),
            run_out(_receivers.rests_until, now, LONGEST_WAIT * WAITS_VARY_TO),
            sa.not_(before),
        )
        .subquery()
    )
    most = sa.case((due.c.failures > 0, 1), else_=AT_ONCE)
    return (
        sa.select(due)
        .where(due.c.place <= most)
        .order_by(due.c.failures > 0, due.c.place, due.c.id)
        .limit(_MOST_CLAIMED)
    )


def host_of(url: str) -> str:
    """What may be shown of a receiver's address: those of Slack and others are keys."""
    return urlsplit(url).netloc.rpartition("@")[2]
