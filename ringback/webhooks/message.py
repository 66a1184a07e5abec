"""One event as a receiver gets it."""

import hashlib
import json
from datetime import UTC
from typing import Any

# By the outcome that was said; null where nobody knows yet.
_ANSWERED = {
    "answered": True,
    "wrong_number": True,
    "do_not_call": True,
    "no_answer": False,
    "voicemail": False,
}


def id_of(row: Any) -> str:
    """The same at every attempt and for every receiver, so that each can tell a repeat; no secret.

    With its time: in a back-up that was put back, numbers begin again where they were.
    """
    told = f"{row.request_id} {row.type} {row.id} {row.at.astimezone(UTC).isoformat()}"
    return f"msg_{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def body_of(row: Any, personal_data: bool) -> str:
    """JSON. `row`: the event and its request; what is kept about its visitor only with `personal_data`."""
    data: dict[str, Any] = {
        "reference": row.reference,
        "widget": row.widget,
        "state": row.state,
        "requested_at": row.requested_at.astimezone(UTC).isoformat(),
        "due_at": row.due_at.astimezone(UTC).isoformat(),
    }
    if row.type == "request.called":
        data["answered"] = _ANSWERED.get(row.reason or "")
    elif row.reason:
        data["reason"] = row.reason
    if personal_data and row.erased_at is None:
        data |= {name: getattr(row, name) for name in ("name", "email", "company", "message", "attributes")}
        data["phone"] = f"+{row.phone}"
    return json.dumps({"type": row.type, "timestamp": row.at.astimezone(UTC).isoformat(), "data": data})
