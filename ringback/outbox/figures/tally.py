"""What one request adds to the figures, as its history says.

It is reckoned anew with each event, and only the difference is counted: so a request that was unknown and is then
resolved moves from one figure to the other.
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from ringback.outbox.calls.outcomes import REACHED, Outcome
from ringback.outbox.request import BY_HAND, EventKind

# What is counted, broken down by what, and for which value of it.
Key = tuple[str, str, str]

_HAND_OVER = frozenset(
    {EventKind.ATTEMPTED, EventKind.WITH_TEAM, EventKind.UNKNOWN, EventKind.FAILED, EventKind.RETURNED}
)
_WAITS = frozenset({EventKind.ATTEMPTED, EventKind.RETURNED, EventKind.RESCHEDULED, EventKind.RELEASED})
_ENDS = {EventKind.UNKNOWN: "unknown", EventKind.FAILED: "failed", EventKind.CANCELLED: "cancelled"}
_STEP = 1.1  # from one length of time to the next that is told apart
_LENGTHS = 200


@dataclass(frozen=True)
class Happened:
    """An event of a request. `kind` is one of EventKind, or of a later release."""

    id: int
    at: datetime
    kind: str
    detail: str | None


@dataclass(frozen=True)
class Asked:
    """What figures tell requests apart by. `values` are those of its language, page and campaign.

    `slot_starts_at` is the chosen time, if there is one, and `zone` the team's.
    """

    state: str
    due_at: datetime
    promised_by: datetime | None
    values: tuple[tuple[str, str], ...]
    slot_starts_at: datetime | None = None
    zone: tzinfo = UTC


def tally(asked: Asked, history: Sequence[Happened], known: Collection[int]) -> Counter[Key]:
    """What a request counts for by those events of its whole history, oldest first, whose ids are `known`."""
    end = _end_of(asked, history, known)
    if end is None:
        return Counter()
    counts = ["requests", *([end.outcome] if end.outcome else [])]
    is_kept = _is_kept(asked, end)
    if is_kept is not None:
        counts.append("kept" if is_kept else "late")
    found = Counter((count, by, value) for count in counts for by, value in (("", ""), *asked.values))
    found.update(("requests", "held", reason) for reason in end.reasons)
    if end.outcome == "handed_over" and end.handed_at:
        found["handed_over", "delay", f"{length_of(end.handed_at - asked.due_at):03d}"] += 1
    return found + _of_the_call(asked, end)


def _of_the_call(asked: Asked, end: "_End") -> Counter[Key]:
    """What its call counts for: in all, by the hour of the week it was made at, and by the wait."""
    if end.called_at is None or end.held:
        return Counter()
    counts = ["called", *([] if end.is_answered is None else ["answered" if end.is_answered else "unanswered"])]
    there = end.called_at.astimezone(asked.zone)
    wait = f"{length_of(end.called_at - asked.due_at):03d}"
    places = (("", ""), *asked.values, ("call_hour", f"{there.weekday()}T{there.hour:02d}"), ("call_wait", wait))
    found = Counter((count, by, value) for count in counts for by, value in places)
    if asked.slot_starts_at and end.called_at < asked.slot_starts_at:
        found["call_early", "", ""] += 1
    if asked.promised_by:
        found["call_kept" if end.called_at <= asked.promised_by else "call_late", "", ""] += 1
    return found


@dataclass
class _End:
    """Where the known part of a history leads."""

    outcome: str = ""
    handed_at: datetime | None = None
    sent_at: datetime | None = None
    held: bool = False
    reasons: frozenset[str] = frozenset()
    called_at: datetime | None = None
    is_answered: bool | None = None


def _end_of(asked: Asked, history: Sequence[Happened], known: Collection[int]) -> _End | None:
    end, is_there = _End(), False
    for place, event in enumerate(history):
        if event.id not in known:
            continue
        is_there |= event.kind == EventKind.RECEIVED
        following = history[place + 1].kind if place + 1 < len(history) else None
        _take(end, event, _rang(asked, following))
    if end.held and end.outcome != "cancelled":
        end.outcome = "held"
    return end if is_there else None


def _take(end: _End, event: Happened, rang: bool) -> None:
    """One event further. What a held request goes through only looks so."""
    if event.kind == EventKind.HELD:
        end.held = True
        end.reasons |= {event.detail} if event.detail else set()
    elif end.held and event.kind in _HAND_OVER:
        return
    elif event.kind == EventKind.WITH_TEAM:
        end.outcome, end.handed_at = "handed_over", end.handed_at or event.at
    elif event.kind == EventKind.CALLED and not end.held:
        end.outcome, end.handed_at = "handed_over", end.handed_at or end.sent_at or event.at
        end.called_at, end.is_answered = end.called_at or event.at, _is_answered(event.detail)
    elif event.kind == EventKind.RESOLVED:
        end.outcome = "handed_over" if rang else ""
        end.handed_at = end.handed_at or end.sent_at if rang else None
    elif event.kind in _ENDS:
        end.outcome, end.sent_at = _ENDS[EventKind(event.kind)], event.at
    elif event.kind in _WAITS:
        end.outcome = ""
    if event.kind == EventKind.RELEASED:
        end.held = False
        if event.detail == BY_HAND:  # its page may have said long ago that it is with the team
            end.outcome, end.handed_at = "handed_over", end.handed_at or event.at


def _is_answered(detail: str | None) -> bool | None:
    """By the word that the event of a call begins with; None where nobody knows."""
    word = (detail or "").partition(":")[0]
    return word in REACHED if word in list(Outcome) else None


def _rang(asked: Asked, following: str | None) -> bool:
    """Whether an unknown that was resolved had rung: else it waits, or something followed from that."""
    return asked.state in ("with_team", "called") if following is None else following == "called"


def _is_kept(asked: Asked, end: _End) -> bool | None:
    """Whether the promise was kept; None where there was none, or nobody can tell yet."""
    if asked.promised_by is None:
        return None
    if end.outcome == "handed_over" and end.handed_at:
        return end.handed_at <= asked.promised_by
    return False if end.outcome == "failed" else None


# --- lengths of time, told apart by a tenth ---


def length_of(time: timedelta) -> int:
    """The number of a length of time: 0 below a second."""
    seconds = time.total_seconds()
    return 0 if seconds < 1 else min(1 + int(math.log(seconds, _STEP)), _LENGTHS)


def seconds_from(length: int) -> float:
    """Where a length begins."""
    return 0.0 if length == 0 else _STEP ** (length - 1)


def share_within(lengths: Sequence[tuple[int, int]], share: float) -> float | None:
    """Seconds within which a share of them all lies, to a tenth. `lengths` are numbers with how many there are."""
    total = sum(count for _length, count in lengths)
    if not total:
        return None
    so_far, wanted = 0, share * total
    for length, count in sorted(lengths):
        so_far += count
        if so_far >= wanted:
            begin, end = seconds_from(length), seconds_from(length + 1)
            return begin + (end - begin) * (1 - (so_far - wanted) / count)
    return None
