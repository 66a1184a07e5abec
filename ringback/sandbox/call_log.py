"""What became of the calls on the dock, as the Analytics API would tell it: somebody says so on the dock."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

# A record appears a moment after its call.
APPEARS_AFTER = timedelta(seconds=0.5)
_RANG_FOR = timedelta(seconds=1)


class CallEnd(StrEnum):
    """What became of a call on the dock."""

    NOT_YET = "not_yet"
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"


class CallLog:
    """The records of one pretend Samespace; safe to share between threads."""

    def __init__(self) -> None:
        self._records: dict[int, dict[str, Any]] = {}  # by the serial of the call
        self._appear_at: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def end_of(self, serial: int) -> CallEnd:
        """What became of a call."""
        with self._lock:
            record = self._records.get(serial)
        if record is None:
            return CallEnd.NOT_YET
        return CallEnd.ANSWERED if record["answer_time"] else CallEnd.NO_ANSWER

    def say(self, serial: int, body: Mapping[str, Any], end: CallEnd) -> None:
        """Have a record of a call, whose hand-over had this body; or none, if it has not been made yet."""
        now = datetime.now(UTC)
        with self._lock:
            before = self._records.pop(serial, None)
            if end is CallEnd.NOT_YET:
                return
            uuid = before["uuid"] if before else str(uuid4())
            self._records[serial] = _record(uuid, body, now, end is CallEnd.ANSWERED)
            self._appear_at[serial] = now + APPEARS_AFTER

    def sessions(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a query as the vendor's page has it: oldest first, `limit` of them after `skip`."""
        start, end = (_instant(asked["filters"][name]) for name in ("start_time", "end_time"))
        now = datetime.now(UTC)
        with self._lock:
            found = [
                record
                for serial, record in sorted(self._records.items())
                if self._appear_at[serial] <= now and start <= _instant(record["start_time"]) <= end
            ]
        skip = int(asked["skip"])
        return {"total": len(found), "data": found[skip : skip + int(asked["limit"])]}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _record(uuid: str, body: Mapping[str, Any], at: datetime, is_answered: bool) -> dict[str, Any]:
    answered_at = _written(at + _RANG_FOR) if is_answered else None
    return {
        "uuid": uuid,
        "channel": "voice",
        "direction": "out",
        "type": "team",
        "user_display_name": "Agent of the sandbox",
        "callee": body["number"],
        "team_name": body["team_name"],
        "start_time": _written(at),
        "answer_time": answered_at,
        "end_time": _written(at + 2 * _RANG_FOR),
        "status": "answered" if is_answered else "failed",
        "termination_cause": "NORMAL_CLEARING" if is_answered else "NO_ANSWER",
        "space_id": body["space_id"],
        "custom_data": dict(body["attributes"]),
    }


def _written(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
