"""What was told to whom, as operators see it, and what they do about it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ringback.clock import Clock
from ringback.store.database import Database
from ringback.store.program_tables import webhook_deliveries, webhook_events, webhook_receivers
from ringback.store.tables import requests
from ringback.webhooks.deliveries import GIVEN_UP, TRIED_FOR, WAITING, lock_deliveries

AT_ONCE = 50


@dataclass(frozen=True)
class Delivery:
    """One event and one receiver. `next_at` is set while it waits."""

    id: int
    receiver: str
    type: str
    reference: str
    at: datetime
    state: str
    attempts: int
    answer: str | None
    changed_at: datetime
    next_at: datetime | None


class DeliveryList:
    """The deliveries of one store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def page(
        self,
        receiver: str | None = None,
        state: str | None = None,
        before: int | None = None,
        widgets: Collection[str] | None = None,
    ) -> list[Delivery]:
        """The newest, before the one with this id; of one receiver, in one state, of these widgets (None: all)."""
        table = webhook_deliveries.c
        columns = table.id, table.receiver, webhook_events.c.type, requests.c.reference, webhook_events.c.at
        rest = table.state, table.attempts, table.answer, table.changed_at, table.next_at
        joined = webhook_deliveries.join(webhook_events).join(requests, requests.c.id == table.request_id)
        query = sa.select(*columns, *rest).select_from(joined).order_by(table.id.desc()).limit(AT_ONCE)
        for column, value in ((table.receiver, receiver), (table.state, state)):
            query = query if value is None else query.where(column == value)
        if widgets is not None:
            query = query.where(webhook_events.c.widget.in_(sorted(widgets)))
        if before is not None:
            query = query.where(table.id < before)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [Delivery(*row[:9], row.next_at if row.state == WAITING else None) for row in rows]

    def send_again(self, id: int, widgets: Collection[str] | None = None) -> bool | None:
        """Have one sent now, whatever became of it. None: there is none of this id, of these widgets.

        False: its receiver is off, or not in the configuration any more; switching it on sends all that it missed.
        """
        table, now = webhook_deliveries.c, self._clock()
        query = sa.select(table.receiver).join_from(webhook_deliveries, webhook_events).where(table.id == id)
        if widgets is not None:
            query = query.where(webhook_events.c.widget.in_(sorted(widgets)))
        fresh = {"state": WAITING, "attempts": 0, "next_at": now, "give_up_at": now + TRIED_FOR, "changed_at": now}
        with self._database.write() as connection:
            lock_deliveries(connection)
            receiver = connection.execute(query).scalar()
            if receiver is None:
                return None
            # Who asks for it has seen to the receiver.
            listens = webhook_receivers.c.url == receiver, webhook_receivers.c.off_at.is_(None)
            wakes = webhook_receivers.update().where(*listens).values(rests_until=None)
            if not connection.execute(wakes).rowcount:
                return False
            connection.execute(webhook_deliveries.update().where(table.id == id).values(fresh))
        return True

    def switched_off(self) -> list[str]:
        """The receivers that said they are gone."""
        query = sa.select(webhook_receivers.c.url).where(webhook_receivers.c.off_at.is_not(None))
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def switch_on(self, url: str) -> bool:
        """Tell a receiver again, what was given up since as well. False: it was not off."""
        off = webhook_receivers.c.url == url, webhook_receivers.c.off_at.is_not(None)
        now, missed = self._clock(), webhook_deliveries.c
        with self._database.write() as connection:
            lock_deliveries(connection)
            since = connection.execute(sa.select(webhook_receivers.c.off_at).where(*off)).scalar()
            if since is None:
                return False
            on = {"off_at": None, "rests_until": None, "failures": 0}
            connection.execute(webhook_receivers.update().where(*off).values(on))
            mine = missed.receiver == url, missed.state == GIVEN_UP, missed.changed_at >= since
            fresh = {"state": WAITING, "attempts": 0, "next_at": now, "give_up_at": now + TRIED_FOR}
            connection.execute(webhook_deliveries.update().where(*mine).values(fresh))
        return True
