"""Everything that is kept about a request, to be given out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ringback.clock import whole_minute
from ringback.config.widget import FIELDS
from ringback.outbox.operators import by_hand
from ringback.outbox.request import OPERATORS_ONLY, EventKind, State, which_only_look_so
from ringback.store.call_tables import calls, outcomes
from ringback.store.tables import (
    consents,
    events,
)

PERSONAL = (*FIELDS, "page", "zone")


def all_about(connection: sa.Connection, row: Any, for_operators: bool) -> dict[str, Any]:
    """All that is kept about the request of a row, as its visitor, or an operator, may have it."""
    query = sa.select(events).where(events.c.request_id == row.id).order_by(events.c.id)
    happened = connection.execute(query).all()
    only_look_so = which_only_look_so(EventKind(event.kind) for event in happened)
    is_held = for_operators and row.held and row.state != State.CANCELLED
    agreed = sa.select(consents).where(consents.c.request_id == row.id).order_by(consents.c.id)
    data = {
        "reference": row.reference,
        "widget": row.widget,
        "state": "held" if is_held else row.state,
        "requested_at": _written(row.requested_at, for_operators),
        "due_at": _written(row.due_at, for_operators),
        "slot_starts_at": row.slot_starts_at and row.slot_starts_at.isoformat(),
        "slot_ends_at": row.slot_ends_at and row.slot_ends_at.isoformat(),
        "phone": f"+{row.phone}",
        "region": row.region,
        **{name: getattr(row, name) for name in PERSONAL},
        "attributes": row.attributes,
        "language": row.language,
        "consents": [_consent(consent, for_operators) for consent in connection.execute(agreed)],
        "events": [
            _event(event, for_operators) | ({"shown_only": True} if for_operators and looks else {})
            for event, looks in zip(happened, only_look_so, strict=True)
            if for_operators or EventKind(event.kind) not in OPERATORS_ONLY
        ],
    }
    if not for_operators:
        return data
    return data | {"held": row.held, **by_hand.told(connection, row.id), **_calls(connection, row.id)}


def _calls(connection: sa.Connection, id: str) -> dict[str, Any]:
    """What became of its call, for operators only: its visitor may have entered somebody else's number."""
    records = sa.select(calls).where(calls.c.request_id == id).order_by(calls.c.started_at)
    said = sa.select(outcomes).where(outcomes.c.request_id == id).order_by(outcomes.c.id)
    return {
        "calls": [
            {"started_at": row.started_at.isoformat(), "answered": row.answered, "certain": row.is_certain}
            for row in connection.execute(records)
        ],
        "outcomes": [
            {name: getattr(row, name) for name in ("source", "by", "outcome", "note")} | {"at": row.at.isoformat()}
            for row in connection.execute(said)
        ],
    }


def _written(at: datetime, for_operators: bool) -> str:
    return (at if for_operators else whole_minute(at)).isoformat()


def _event(row: Any, for_operators: bool) -> dict[str, Any]:
    event = {"at": _written(row.at, for_operators), "kind": row.kind}
    return event | {"detail": row.detail} if for_operators and row.detail else event


def _consent(row: Any, for_operators: bool) -> dict[str, Any]:
    names: Sequence[str] = ("purpose", "granted", "sentence", "sha256", "language", "form_version", "page")
    return {name: getattr(row, name) for name in names} | {"at": _written(row.at, for_operators)}
