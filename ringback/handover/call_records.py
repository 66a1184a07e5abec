"""Samespace's call reports as they come: what of a record is read, and in how many ways it may be written.

The vendor's page prints one bare record with times as `ISODate("…")`; clients read `{"total", "data"}` with ISO
strings. So each thing is read wherever and however it may stand, and what cannot be read is counted, not guessed.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ringback.config.widget import FIELDS
from ringback.outbox.calls.call_matching import CallRecord
from ringback.outbox.request import REFERENCE_LETTERS

_PLAIN_UUID = re.compile(r"[!-~]{1,64}")
_LONGEST_TIME = 64
_DEEPEST = 8
_LONGEST_TEXT = 20_000
_LONGEST_NUMBER = 32
# A call is of one request, or of the few that were asked for one number; with more it is no call of ours.
_MOST_REFERENCES = 100
_REFERENCE = re.compile(rf"\bRB\W?([{REFERENCE_LETTERS}]{{4}})\W?([{REFERENCE_LETTERS}]{{4}})\b", re.IGNORECASE)
_ISO_DATE = re.compile(r"""^\s*(?:ISODate|new Date|Date)\(\s*["']?(.*?)["']?\s*\)\s*$""")
_NOTHING = frozenset({"", "null", "none", "undefined", "nan"})
# Seconds since 1970 of today have ten digits, milliseconds thirteen.
_FIRST_MILLISECONDS = 100_000_000_000
_NO_INTEGER = 10**64
# What a visitor typed may quote another's reference, or be made to look like what we wrote.
_TYPED = frozenset({*FIELDS, "page", "note", "notes", "asked_for"})


class ShapeError(Exception):
    """An answer that is not the call reports as we know them. Its text says what is wrong, and quotes nothing."""


@dataclass(frozen=True)
class ReportPage:
    """One page of an answer: `total` is how many records there are in all, or None where it does not say.

    `length` counts what came, with the records that cannot be read.
    """

    total: int | None
    length: int
    records: tuple[CallRecord, ...]

    @property
    def unreadable(self) -> int:
        """How many records have no uuid, or no time at which they began."""
        return self.length - len(self.records)


def read_page(body: bytes) -> ReportPage:
    """The records of an answer. Raises ShapeError."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise ShapeError("the answer is not JSON") from None
    rows, total = _rows(answer)
    found = [record for row in rows if (record := read_record(row))]
    return ReportPage(total, len(rows), tuple(found))


def _rows(answer: object) -> tuple[list[Any], int | None]:
    """The records and the total, whether they stand in `data`, alone, or one by itself."""
    if isinstance(answer, list):
        return answer, None
    if not isinstance(answer, dict):
        raise ShapeError("the answer is no JSON object")
    data = answer.get("data")
    if isinstance(data, dict) and isinstance(data.get("data"), list):
        return _rows(data)
    if isinstance(data, list):
        return data, _whole_number(answer.get("total"))
    if data is None and _whole_number(answer.get("total")) == 0:
        return [], 0
    if "uuid" in answer:
        return [answer], 1
    raise ShapeError("the answer has no list of records in `data`")


def read_record(row: object) -> CallRecord | None:
    """A record, or None where it has no uuid or no time at which it began."""
    if not isinstance(row, dict):
        return None
    uuid, started_at = _uuid(row.get("uuid")), read_time(row.get("start_time"))
    if not uuid or not started_at:
        return None
    references = references_in(row.get("custom_data"))
    direction = _text(row.get("direction")).casefold()
    return CallRecord(
        uuid=uuid,
        number=_digits(row.get("callee")),
        team=_text(row.get("team_name")),
        started_at=started_at,
        is_outgoing=direction.startswith("out") or (not direction and bool(references)),
        answered=_answered(row),
        references=references,
    )


def _answered(row: Mapping[str, Any]) -> bool | None:
    """Whether somebody answered; None while the call goes on."""
    status = _text(row.get("status")).casefold()
    if read_time(row.get("answer_time")) or status == "answered":
        return True
    is_over = read_time(row.get("end_time")) or _text(row.get("termination_cause")) or status == "failed"
    return False if is_over else None


def read_time(value: object) -> datetime | None:
    """An instant however it is written: ISO 8601, `ISODate("…")`, `{"$date": …}`, seconds or milliseconds."""
    if isinstance(value, dict):
        inner = value.get("$date", value.get("$numberLong"))
        return read_time(inner) if not isinstance(inner, dict) or "$date" not in inner else None
    if isinstance(value, bool) or value is None:
        return None
    text = str(value)
    if len(text) > _LONGEST_TIME:
        return None
    text = _ISO_DATE.sub(r"\1", text).strip()
    try:
        if re.fullmatch(r"[0-9]{9,16}(\.[0-9]+)?", text):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds >= _FIRST_MILLISECONDS else seconds, UTC)
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def references_in(custom_data: object) -> frozenset[str]:
    """The references of ours in what came back: where something is named so, those; else all that stand in it.

    What a visitor typed is left out: it may quote somebody else's. So is what is named so further down than
    ours: an attribute of a host page stands beside it, and may be JSON that a stranger wrote.
    """
    texts = list(_texts(custom_data))
    depths = [depth for depth, name, _ in texts if name == "reference"]
    named = _found_in(
        text for depth, name, text in texts if name == "reference" and depth == min(depths, default=0)
    )
    return named or _found_in(text for _, _, text in texts)


def _found_in(texts: Iterable[str]) -> frozenset[str]:
    found = (_REFERENCE.findall(text) for text in texts)
    references = frozenset(f"RB-{first}-{last}".upper() for pairs in found for first, last in pairs)
    return references if len(references) <= _MOST_REFERENCES else frozenset()


def _texts(value: object, name: str = "", depth: int = 0) -> Iterator[tuple[int, str, str]]:
    """Every text in a value with how deep it stands, and under which name; JSON that is text is read as well."""
    if depth > _DEEPEST or name in _TYPED:
        return
    if isinstance(value, dict):
        # As lists of names and values have it: {"key": "reference", "value": "RB-…"}.
        label = next((value[key] for key in ("key", "name", "field", "label") if _is_ours(value.get(key))), None)
        for key, inner in value.items():
            yield from _texts(inner, str(label or key).casefold(), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name, depth + 1)
    elif isinstance(value, str):
        inner = _as_json(value)
        if inner is None:
            yield depth, name, value[:_LONGEST_TEXT]
        else:
            yield from _texts(inner, name, depth + 1)


def _is_ours(label: object) -> bool:
    return isinstance(label, str) and label.casefold() in {"reference", *_TYPED}


def _as_json(text: str) -> object | None:
    if not text.lstrip().startswith(("{", "[", '"')):
        return None
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        return None


def _uuid(value: object) -> str:
    """It as it is, or its hash where a store might not take it: too long, or with characters that are no text."""
    text = _text(value)
    if not text or _PLAIN_UUID.fullmatch(text):
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _digits(value: object) -> str:
    """A number's digits; none where some of them are masked, or where it is no number."""
    text = _text(value)
    if len(text) > _LONGEST_NUMBER or re.search(r"[xX*]", text):
        return ""
    return re.sub(r"[^0-9]", "", text).removeprefix("00")


def _text(value: object) -> str:
    """A text, or a number as one; nothing for what stands for nothing."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    if isinstance(value, int) and abs(value) >= _NO_INTEGER:  # Python refuses to write it out
        return ""
    text = str(value).strip()
    return "" if text.casefold() in _NOTHING else text


def _whole_number(value: object) -> int | None:
    text = _text(value)
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None
