"""Requests that the team called: a record of Samespace, an agent or an operator says so.

A held request is never called: that nobody calls is all that its page can show. Requests that were handed over
together share their call.
"""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from ringback.outbox import transitions
from ringback.outbox.request import EventKind
from ringback.outbox.row_locks import lock_in_order
from ringback.outbox.selection import KEPT, NOT_HELD
from ringback.store.call_tables import calls, outcomes
from ringback.store.tables import events, requests

_ARROWS = tuple(
    (arrow, transitions.change(arrow, sa.and_(requests.c.id == sa.bindparam("of_id"), NOT_HELD), resend_at=None))
    for arrow in (
        transitions.CALLED,
        transitions.CALLED_UNKNOWN,
        transitions.CALLED_FAILED,
        transitions.CALLED_WAITING,
    )
)


def mark_called(
    connection: sa.Connection, ids: Collection[str], at: datetime, now: datetime, detail: str
) -> list[str]:
    """Note that the team called at `at`, for these requests; the references of those for which that is news.

    `detail` is for operators. What was cancelled, erased or is held stays as it is; so does what is being handed
    over, until that has ended.
    """
    which = requests.c.id.in_(list(ids))
    lock_in_order(connection, which)
    asked = sa.select(requests.c.id, requests.c.requested_at).where(which).order_by(requests.c.id)
    called = []
    for row in connection.execute(asked).all():
        # Samespace's clock may be another than ours: nobody is called before they ask, or later than now.
        happened_at = min(max(at, row.requested_at), now)
        for arrow, statement in _ARROWS:
            moved = transitions.run(
                connection, arrow, statement, now, detail, happened_at=happened_at, of_id=row.id
            )
            called += [each.reference for each in moved]
    return called


def mark_said_meanwhile(connection: sa.Connection, ids: Collection[str], now: datetime) -> None:
    """Note what was said of these requests' call while it was in the air, now that this has ended.

    Not what was said before: of somebody who was called by hand, and released after that, for one.
    """
    said = {row.request_id: row for row in connection.execute(_SAID_MEANWHILE, {"ended": list(ids)})}
    for id, row in sorted(said.items()):
        mark_called(connection, [id], row.happened_at, now, f"{row.outcome}: said while it was handed over")


def handed_over_together(connection: sa.Connection, id: str, before: datetime | None = None) -> list[str]:
    """The ids of the requests whose call is that of this one: itself, and those that had joined it.

    `before`: when the call began, where that is known. Who joined for an attempt after it was not called by it.
    """
    mine = connection.execute(sa.select(requests.c.phone, requests.c.widget).where(requests.c.id == id)).one()
    taken = sa.select(events.c.at).where(events.c.request_id == id, _LEFT)
    taken = taken if before is None else taken.where(events.c.at <= before)
    latest = taken.order_by(events.c.id.desc()).limit(1).scalar_subquery()
    joined = (
        sa.select(requests.c.id, requests.c.widget)
        .join(events, events.c.request_id == requests.c.id)
        .where(requests.c.phone == mine.phone, KEPT, NOT_HELD, _LEFT, events.c.at == latest)
    )
    # Not in the statement: SQLite would rather walk all of the widget than the few of the number.
    found = {row.id for row in connection.execute(joined) if row.widget == mine.widget}
    return sorted({*found, id})


# One call is settled by one transaction, at one time: who left with it has the same.
_LEFT = events.c.kind == sa.literal_column(f"'{EventKind.ATTEMPTED}'")
_BEGAN = (
    sa.select(events.c.at)
    .where(events.c.request_id == outcomes.c.request_id, _LEFT)
    .order_by(events.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
# A record says when the call began, and is read later.
_RECORDED = (
    sa.select(calls.c.started_at)
    .where(calls.c.uuid == outcomes.c.by, calls.c.request_id == outcomes.c.request_id)
    .scalar_subquery()
)
_HAPPENED_AT = sa.func.coalesce(_RECORDED, outcomes.c.at).label("happened_at")
# Made once: it runs at the end of each hand-over. The first of each request comes last.
_SAID_MEANWHILE = (
    sa.select(outcomes.c.request_id, outcomes.c.outcome, _HAPPENED_AT)
    .where(outcomes.c.request_id.in_(sa.bindparam("ended", expanding=True)), outcomes.c.at >= _BEGAN)
    .order_by(outcomes.c.id.desc())
)
