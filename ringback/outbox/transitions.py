"""The states of a request and every way from one to the next, each with its name.

A change is an UPDATE that names the state it starts from and, in a hand-over, the owner, which is new for each
claim: a process that is late, or was thought dead, changes no row and finds out. What happened is added to the
history, from which the visitor's timeline is drawn.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ringback.outbox import webhook_events
from ringback.outbox.request import EventKind, Held, State
from ringback.outbox.row_locks import lock_in_order
from ringback.store.tables import NOW, Instant, alerts, events, in_state, requests


@dataclass(frozen=True)
class Transition:
    """One arrow. `needs_person`: somebody is told, because nothing more happens by itself."""

    before: State
    after: State
    event: EventKind
    needs_person: bool = False


CLAIM = Transition(State.WAITING, State.HANDING_OVER, EventKind.ATTEMPTED)
TAKEN = Transition(State.HANDING_OVER, State.WITH_TEAM, EventKind.WITH_TEAM)
RETURN = Transition(State.HANDING_OVER, State.WAITING, EventKind.RETURNED)
LOSE = Transition(State.HANDING_OVER, State.UNKNOWN, EventKind.UNKNOWN, needs_person=True)
LOSE_AND_RESEND = Transition(State.HANDING_OVER, State.UNKNOWN, EventKind.UNKNOWN)
FAIL = Transition(State.HANDING_OVER, State.FAILED, EventKind.FAILED, needs_person=True)
# Of a back-up that was put back: it may have been handed over since.
PUT_BACK = Transition(State.WAITING, State.UNKNOWN, EventKind.UNKNOWN, needs_person=True)
GIVE_UP = Transition(State.WAITING, State.FAILED, EventKind.FAILED, needs_person=True)
CANCEL = Transition(State.WAITING, State.CANCELLED, EventKind.CANCELLED)
RESCHEDULE = Transition(State.WAITING, State.WAITING, EventKind.RESCHEDULED)
RESEND = Transition(State.UNKNOWN, State.WAITING, EventKind.RETURNED)
# An operator's.
RELEASE_SHOWN = Transition(State.WITH_TEAM, State.WAITING, EventKind.RELEASED)
RELEASE_WAITING = Transition(State.WAITING, State.WAITING, EventKind.RELEASED)
RELEASE_FAILED = Transition(State.FAILED, State.WAITING, EventKind.RELEASED)
RELEASE_UNKNOWN = Transition(State.UNKNOWN, State.WAITING, EventKind.RELEASED)
RETRY_WAITING = Transition(State.WAITING, State.WAITING, EventKind.RETURNED)
RETRY_FAILED = Transition(State.FAILED, State.WAITING, EventKind.RETURNED)
RETRY_UNKNOWN = Transition(State.UNKNOWN, State.WAITING, EventKind.RETURNED)
RESOLVE_RANG = Transition(State.UNKNOWN, State.WITH_TEAM, EventKind.RESOLVED)
RESOLVE_NOT_RUNG = Transition(State.UNKNOWN, State.WAITING, EventKind.RESOLVED)
# Somebody calls by hand, or has called: nobody else is to.
BY_HAND_WAITING = Transition(State.WAITING, State.WITH_TEAM, EventKind.WITH_TEAM)
BY_HAND_FAILED = Transition(State.FAILED, State.WITH_TEAM, EventKind.WITH_TEAM)
BY_HAND_UNKNOWN = Transition(State.UNKNOWN, State.WITH_TEAM, EventKind.WITH_TEAM)
# A record or a person says that the team called. What waits is not handed over any more: it would ring twice.
CALLED = Transition(State.WITH_TEAM, State.CALLED, EventKind.CALLED)
CALLED_UNKNOWN = Transition(State.UNKNOWN, State.CALLED, EventKind.CALLED)
CALLED_FAILED = Transition(State.FAILED, State.CALLED, EventKind.CALLED)
CALLED_WAITING = Transition(State.WAITING, State.CALLED, EventKind.CALLED)
_RECORD = events.insert().inline()  # nobody asks for the id of an event
_TELL = alerts.insert().inline()
_TELL_IF = alerts.insert().from_select(
    ["at", "kind", "about"],
    sa.select(
        sa.bindparam("told_at", type_=Instant),
        sa.literal_column("'held'"),
        sa.bindparam("reference", type_=sa.Text),
    ).where(sa.bindparam("is_told", type_=sa.Boolean)),
)


def apply(
    connection: sa.Connection,
    transition: Transition,
    which: sa.ColumnElement[bool],
    now: datetime,
    detail: str | None = None,
    **values: Any,
) -> list[Any]:
    """Take the requests along an arrow, if they still stand at its start. The rows of those that did, as now."""
    return run(connection, transition, change(transition, which, **values), now, detail)


def change(transition: Transition, which: sa.ColumnElement[bool], **values: Any) -> Any:
    """The statement of an arrow, for `run`. Where it runs often it is made once: making it costs more than a run.

    `which` and `values` may hold parameters, of any name that is no column's.
    """
    return (
        requests.update()
        .where(which, in_state(transition.before), requests.c.erased_at.is_(None))
        .values(state=transition.after, changed_at=NOW, **values)
        .returning(requests)
    )


def run(
    connection: sa.Connection,
    transition: Transition,
    statement: Any,
    now: datetime,
    detail: str | None = None,
    detail_of_held: str | None = None,
    happened_at: datetime | None = None,
    **parameters: Any,
) -> list[Any]:
    """As `apply`, with a statement of `change`. Held requests may have a detail of their own.

    `happened_at`: when it did, where we learn of it later.
    """
    rows = list(connection.execute(statement, {"now": now, **parameters}))
    for is_held, why in ((False, detail), (True, detail_of_held or detail)):
        ids = [row.id for row in rows if (row.held is not None) == is_held]
        record(connection, ids, happened_at or now, transition.event, why)
        # What is held was told of when it was; what its visitor sees since then is not what became of it.
        if ids and transition.needs_person and not is_held:
            tell(connection, ids, now, transition.after)
    return rows


def begin(connection: sa.Connection, id: str, reference: str, held: Held | None, now: datetime) -> None:
    """The first of a new request's history. The same statements whether it is held or not: each takes time."""
    happened: list[tuple[EventKind, str | None]] = [(EventKind.RECEIVED, None)]
    happened += [(EventKind.HELD, held)] if held else []
    connection.execute(
        _RECORD, [{"request_id": id, "at": now, "kind": kind, "detail": detail} for kind, detail in happened]
    )
    webhook_events.note_first(connection, id, now, held)
    is_told = held is not None and held is not Held.WIDGET_LIMIT  # the brake has told of itself
    connection.execute(_TELL_IF, {"told_at": now, "reference": reference, "is_told": is_told})


def hold(connection: sa.Connection, which: sa.ColumnElement[bool], why: Held, now: datetime) -> int:
    """Hand these over only when an operator releases them. How many there were."""
    lock_in_order(connection, which)
    change = requests.update().where(which).values(held=why).returning(requests.c.id)
    ids = list(connection.execute(change).scalars())
    record(connection, ids, now, EventKind.HELD, why)
    tell(connection, ids, now, "held")
    return len(ids)


def record(
    connection: sa.Connection, ids: Iterable[str], at: datetime, kind: EventKind, detail: str | None = None
) -> None:
    """Add to the history of these requests, for programs that follow them as well."""
    ids = list(ids)
    rows = [{"request_id": id, "at": at, "kind": kind, "detail": detail} for id in ids]
    if rows:
        connection.execute(_RECORD, rows)
        webhook_events.note(connection, ids, at, kind, detail)


def tell(connection: sa.Connection, ids: Iterable[str], at: datetime, kind: str) -> None:
    """Have a person told about these requests, in the same transaction as what they are told of."""
    references = sa.select(requests.c.reference).where(requests.c.id.in_(list(ids)))
    rows = [{"at": at, "kind": kind, "about": reference} for reference in connection.execute(references).scalars()]
    if rows:
        connection.execute(_TELL, rows)
