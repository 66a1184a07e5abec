"""What happens to requests, written down for programs that follow them, in the transaction of the change itself.

Nothing is written while nobody follows. Of a held request only what is true is told: that it is held, withdrawn,
erased; never the states that its visitor is shown.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ringback.outbox.request import OF_THE_HAND_OVER, EventKind
from ringback.store.program_tables import webhook_deliveries, webhook_events, webhook_receivers
from ringback.store.tables import Instant, requests

ERASED = "request.erased"
# By the kind of an event, as it is stored. Attempts, and what an operator sends on, are told to nobody.
_OF_KIND = {
    "received": "request.accepted",
    "held": "request.held",
    "with_team": "request.with_team",
    "called": "request.called",
    "unknown": "request.unknown",
    "failed": "request.failed",
    "cancelled": "request.cancelled",
    "rescheduled": "request.rescheduled",
    "resolved": "request.resolved",
}
# Whose detail says why, or how it ended. What stands behind the colon is Samespace's, and may quote a visitor.
_WITH_REASON = ("held", "called", "unknown", "failed", "cancelled")


def note(connection: sa.Connection, ids: Iterable[str], at: datetime, kind: EventKind, detail: str | None) -> None:
    """Write down that this happened to these requests, as they are now."""
    if kind.value not in _OF_KIND:
        return
    reason = (detail or "").partition(":")[0] or None
    _note(connection, ids, at, _OF_KIND[kind.value], reason if kind.value in _WITH_REASON else None, kind)


def note_first(connection: sa.Connection, id: str, at: datetime, held: str | None) -> None:
    """Write down that a request was stored, and if it is held that too: in one statement, as each takes time."""
    accepted = _row(id, at, _OF_KIND["received"], None)
    connection.execute(_NOTE, [accepted, _row(id, at, _OF_KIND["held"], held) | {"needs_held": True}])


def note_erased(connection: sa.Connection, ids: Iterable[str], at: datetime) -> None:
    """Write down that what is kept about these was erased."""
    _note(connection, ids, at, ERASED, None)


def drop_old(connection: sa.Connection, before: datetime) -> None:
    """Forget what nobody is to be told any more."""
    old = sa.select(webhook_events.c.id).where(webhook_events.c.at < before)
    waits = sa.select(webhook_deliveries.c.event_id).where(webhook_deliveries.c.state == "waiting")
    done = webhook_events.c.id.in_(old), webhook_events.c.id.not_in(waits)
    gone = sa.select(webhook_events.c.id).where(*done)
    connection.execute(webhook_deliveries.delete().where(webhook_deliveries.c.event_id.in_(gone)))
    connection.execute(webhook_events.delete().where(*done))


def _note(
    connection: sa.Connection,
    ids: Iterable[str],
    at: datetime,
    type: str,
    reason: str | None,
    kind: EventKind | None = None,
) -> None:
    rows = [_row(id, at, type, reason) | {"is_real": kind not in OF_THE_HAND_OVER} for id in ids]
    if rows:
        connection.execute(_NOTE, rows)


def _row(id: str, at: datetime, type: str, reason: str | None) -> dict[str, Any]:
    """What `_NOTE` is given. `is_real`: it is so of a held request, too; `needs_held`: it is so of no other."""
    given = {"of_request": id, "of_type": type, "happened_at": at, "why": reason}
    return given | {"is_real": True, "needs_held": False}


_LOOKS_HELD = sa.and_(
    requests.c.held.is_not(None), requests.c.state != "cancelled", requests.c.erased_at.is_(None)
)
_STATE = sa.case((_LOOKS_HELD, "held"), else_=requests.c.state)
_NOTE = (
    webhook_events.insert()
    .from_select(
        ["request_id", "type", "at", "widget", "state", "due_at", "reason", "is_spread"],
        sa.select(
            requests.c.id,
            sa.bindparam("of_type", type_=sa.String),
            sa.bindparam("happened_at", type_=Instant),
            requests.c.widget,
            _STATE,
            requests.c.due_at,
            sa.bindparam("why", type_=sa.Text),
            sa.false(),
        ).where(
            requests.c.id == sa.bindparam("of_request"),
            sa.exists().where(webhook_receivers.c.url.is_not(None)),
            sa.or_(requests.c.held.is_(None), sa.bindparam("is_real", type_=sa.Boolean)),
            sa.or_(requests.c.held.is_not(None), sa.not_(sa.bindparam("needs_held", type_=sa.Boolean))),
        ),
    )
    .inline()
)
