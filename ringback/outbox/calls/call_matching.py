"""Which of Samespace's call records is of which request: pure functions over both.

A record that came back with our reference is of that request: certain. Without it, a record of the same number and
team that went out after the hand-over may be: probable, and never more than evidence for an operator. A record
that is absent proves nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

# A number that is cut or masked agrees with one that it ends like; with fewer digits it would agree with many.
_FEWEST_DIGITS = 7


@dataclass(frozen=True)
class CallRecord:
    """A call as Samespace kept it. `number` is the digits of who was called, `references` those of ours in it.

    `answered` is None while nobody can tell: the call has not ended. `is_outgoing`: the team called, and was not
    called.
    """

    uuid: str
    number: str = field(repr=False)
    team: str
    started_at: datetime
    is_outgoing: bool
    answered: bool | None
    references: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CalledFor:
    """A request that a call may be of. `handed_over_at` is None where nothing has left for its team."""

    id: str
    reference: str
    number: str = field(repr=False)
    team: str
    handed_over_at: datetime | None


@dataclass(frozen=True)
class Match:
    """A record and the request that it is of."""

    record: CallRecord
    request_id: str
    is_certain: bool


def match(records: Iterable[CallRecord], requests: Collection[CalledFor]) -> list[Match]:
    """Each record with the requests that it is of; records of nobody's are left out.

    The same for the same records in any order, and however often each of them comes.
    """
    ordered = sorted({record.uuid: record for record in records}.values(), key=_earliest_first)
    outgoing = [record for record in ordered if record.is_outgoing]
    certain = [
        Match(record, request.id, is_certain=True)
        for record in outgoing
        for request in requests
        if request.reference in record.references and _may_be(record.number, request.number)
    ]
    called = {found.request_id for found in certain}
    # One that names requests is of those, or of nobody that we know.
    unnamed = [record for record in outgoing if not record.references]
    return certain + _probable(unnamed, [request for request in requests if request.id not in called])


def _probable(records: Sequence[CallRecord], requests: Collection[CalledFor]) -> list[Match]:
    """One record for one hand-over: the earliest that is left, for the earliest that was handed over."""
    left, found = list(records), []
    for together in _hand_overs(requests):
        first = together[0]
        record = next((each for each in left if _fits(each, first)), None)
        if record:
            left.remove(record)
            found += [Match(record, request.id, is_certain=False) for request in together]
    return found


def _hand_overs(requests: Collection[CalledFor]) -> list[list[CalledFor]]:
    """Requests that were handed over together, the earliest first: they share a call."""
    groups: dict[tuple[datetime, str, str], list[CalledFor]] = {}
    for request in sorted(requests, key=lambda each: each.id):
        if request.handed_over_at:
            groups.setdefault((request.handed_over_at, request.number, request.team), []).append(request)
    return [groups[key] for key in sorted(groups)]


def _fits(record: CallRecord, request: CalledFor) -> bool:
    left_at = request.handed_over_at
    return (
        left_at is not None
        and record.number == request.number
        and record.team.strip().casefold() == request.team.strip().casefold()
        and record.started_at >= left_at
    )


def _may_be(called: str, number: str) -> bool:
    """Whether a record's number may be this one: the same, the end of it, or none that can be read."""
    return called == number or len(called) < _FEWEST_DIGITS or number.endswith(called) or called.endswith(number)


def _earliest_first(record: CallRecord) -> tuple[datetime, str]:
    return record.started_at, record.uuid
