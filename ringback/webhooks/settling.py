"""What became of deliveries: the store is told of many at a time.

With a thousand receivers, a transaction for each was half of what a delivery cost, and time that others waited.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.clock import SKEW
from ringback.outbox.wrong_clock import WAITS_VARY_FROM, WAITS_VARY_TO, run_out
from ringback.store.program_tables import webhook_deliveries, webhook_receivers
from ringback.store.tables import alerts
from ringback.webhooks.deliveries import (
    DELIVERED,
    GIVEN_UP,
    LEASE,
    LONGEST_WAIT,
    TRIED_FOR,
    WAITING,
    Claim,
    host_of,
    lock_deliveries,
)

FIRST_WAIT = timedelta(seconds=5)
_GONE = 410
# The receiver's own fault, or its network's: it is left alone for a while. Other answers are about one delivery.
_RESTS = (408, 425, 429)

_deliveries, _receivers = webhook_deliveries.c, webhook_receivers.c


@dataclass(frozen=True)
class Answer:
    """What came of sending one: the status, None where there was no answer; and what is noted of it."""

    claim: Claim
    status: int | None
    text: str

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == _GONE

    @property
    def rests(self) -> bool:
        """Whether the receiver is at fault, and is left alone a while."""
        return self.status is None or self.status >= 500 or self.status in _RESTS


def settle(connection: sa.Connection, answers: Collection[Answer], now: datetime) -> None:
    """Write how each ended: taken, tried again for a day, or given up."""
    lock_deliveries(connection)
    ours = _still_ours(connection, answers)
    ended = [_ended(answer, now) for answer in answers if answer.claim.id in ours]
    if ended:
        connection.execute(_ENDED, ended)
    failures = dict(connection.execute(sa.select(_receivers.url, _receivers.failures)).all())
    _let_rest(connection, answers, failures, now)
    lost = {of["claim_id"] for of in ended if of["to_state"] == GIVEN_UP}
    for answer in answers:
        if answer.is_gone:
            _switch_off(connection, answer.claim.receiver, now)
        elif answer.claim.id in lost:
            _tell(connection, answer.claim.receiver, "webhook_lost", now)


def give_up(connection: sa.Connection, now: datetime) -> None:
    """End what was not taken for a day: the receiver was off, or nobody was there to send it."""
    lock_deliveries(connection)
    late = (
        _deliveries.state == WAITING,
        _deliveries.give_up_at <= now,
        run_out(_deliveries.lease_ends_at, now, LEASE),
    )
    ended = webhook_deliveries.update().where(*late).values(state=GIVEN_UP, changed_at=now)
    for receiver in sorted(set(connection.execute(ended.returning(_deliveries.receiver)).scalars())):
        _tell(connection, receiver, "webhook_lost", now)


_ENDED = (
    webhook_deliveries.update()
    .where(_deliveries.id == sa.bindparam("claim_id"))
    .values(
        state=sa.bindparam("to_state"),
        answer=sa.bindparam("said"),
        next_at=sa.bindparam("again_at"),
        changed_at=sa.bindparam("now"),
        attempts=_deliveries.attempts + 1,
        lease_ends_at=None,
        owner=None,
    )
)


def _ended(answer: Answer, now: datetime) -> dict[str, Any]:
    state, again_at = DELIVERED, now
    if not answer.is_taken:
        again_at = now + _wait(answer.claim.attempts)
        is_last = answer.is_gone or again_at > answer.claim.give_up_at
        state = GIVEN_UP if is_last else WAITING
    return {
        "claim_id": answer.claim.id,
        "to_state": state,
        "said": answer.text,
        "again_at": again_at,
        "now": now,
    }


def _still_ours(connection: sa.Connection, answers: Collection[Answer]) -> set[int]:
    """Those whose claim had not run out, to be another's now."""
    owners = {answer.claim.id: answer.claim.owner for answer in answers}
    query = sa.select(_deliveries.id, _deliveries.owner).where(
        _deliveries.id.in_(owners), _deliveries.state == WAITING
    )
    return {id for id, owner in connection.execute(query) if owners[id] == owner}


_RECEIVER = (
    webhook_receivers.update()
    .where(_receivers.url == sa.bindparam("address"))
    .values(failures=sa.bindparam("count"), rests_until=sa.bindparam("until"))
)


def _let_rest(
    connection: sa.Connection, answers: Collection[Answer], failures: dict[str, int], now: datetime
) -> None:
    """Leave alone who did not answer, longer each time; what failed together counts once. Who took one is well."""
    well = {answer.claim.receiver for answer in answers if answer.is_taken}
    ill = {answer.claim.receiver for answer in answers if answer.rests} & failures.keys()
    changed: list[dict[str, Any]] = [
        {"address": url, "count": 0, "until": None} for url in sorted(well - ill) if failures.get(url)
    ]
    for url in sorted(ill):
        before = 0 if url in well else failures[url]
        changed.append({"address": url, "count": before + 1, "until": now + _wait(before)})
    if changed:
        connection.execute(_RECEIVER, changed)


def _wait(failures: int) -> timedelta:
    varied = random.uniform(WAITS_VARY_FROM, WAITS_VARY_TO)  # noqa: S311 no secret
    wait: timedelta = min(FIRST_WAIT * int(3 ** min(failures, 10)), LONGEST_WAIT)
    return wait * varied


def _switch_off(connection: sa.Connection, receiver: str, now: datetime) -> None:
    """Tell a receiver that is no more (410) nothing until somebody switches it on again."""
    still_on = _receivers.url == receiver, _receivers.off_at.is_(None)
    if connection.execute(webhook_receivers.update().where(*still_on).values(off_at=now)).rowcount:
        _tell(connection, receiver, "webhook_off", now)


def _tell(connection: sa.Connection, receiver: str, kind: str, now: datetime) -> None:
    """Have a person told, once a day for each receiver. By its host: the rest of the address may be a key."""
    told_at = _receivers.told_at
    lately = sa.or_(told_at.is_(None), told_at <= now - TRIED_FOR, told_at > now + SKEW)
    mine = webhook_receivers.update().where(_receivers.url == receiver, lately).values(told_at=now)
    if connection.execute(mine).rowcount:
        connection.execute(alerts.insert().values(at=now, kind=kind, about=f"webhook {host_of(receiver)}"))
