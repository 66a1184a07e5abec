"""The call records that are kept: one line for each request that a call is of, or may be of.

Nothing of a record is kept but when it began and whether somebody answered. What is of no request of ours is
dropped at once: a request that comes later is handed over later, and that call began before.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ringback.clock import SKEW
from ringback.config.settings import Settings
from ringback.outbox.calls.call_matching import CalledFor, CallRecord, match
from ringback.outbox.calls.called import handed_over_together, mark_called
from ringback.outbox.request import EventKind, State
from ringback.outbox.row_locks import lock_kept
from ringback.outbox.selection import KEPT, NOT_HELD
from ringback.store.call_tables import calls, outcomes
from ringback.store.tables import events, requests

RECORD = "record"
_LEFT_FOR_TEAM = frozenset({EventKind.WITH_TEAM, EventKind.UNKNOWN})
_NOT_CALLED_YET = [State.WITH_TEAM, State.UNKNOWN, State.FAILED, State.WAITING]


@dataclass(frozen=True)
class Batch:
    """What a batch of records led to: the references of the requests that it showed to be called."""

    called: list[str]


@dataclass(frozen=True)
class _Line:
    """A line of `calls`."""

    started_at: datetime
    answered: bool | None
    is_certain: bool


def keep(connection: sa.Connection, settings: Settings, records: Collection[CallRecord], now: datetime) -> Batch:
    """Keep what is of our requests and mark those that were called: the same however often a record comes.

    A call that began in a time to come proves nothing but by its reference.
    """
    records = [each for each in records if each.references or each.started_at <= now + SKEW]
    asked = _asked(connection, settings, records)
    if asked:
        before = _lines(connection, [each.id for each in asked])
        known = _known(before, {each.id: each for each in asked})
        found = match(_merged(known, records), asked)
        after = {
            (each.record.uuid, each.request_id): _Line(
                each.record.started_at, each.record.answered, each.is_certain
            )
            for each in found
        }
        changed = {key: line for key, line in after.items() if before.get(key) != line}
        called = _called(connection, after)
        # All at once, against deadlocks; what is erased at this moment keeps nothing of its calls.
        kept = lock_kept(connection, {request_id for _uuid, request_id in changed} | called.keys())
        changed = {key: line for key, line in changed.items() if key[1] in kept}
        _write(connection, changed, before.keys() - after.keys(), now)
        _say(connection, changed, now)
        return Batch(_mark(connection, called, now))
    return Batch([])


def _asked(connection: sa.Connection, settings: Settings, records: Collection[CallRecord]) -> list[CalledFor]:
    """The requests that these records may be of, whatever became of them."""
    references = {reference for record in records for reference in record.references}
    numbers = {record.number for record in records if record.is_outgoing and record.number}
    mine = sa.or_(requests.c.reference.in_(references), requests.c.phone.in_(numbers))
    columns = requests.c.id, requests.c.reference, requests.c.phone, requests.c.widget, requests.c.state
    rows = connection.execute(sa.select(*columns).where(mine, KEPT, NOT_HELD)).all()
    left_at = _left_at(connection, [row.id for row in rows if row.state != State.CANCELLED])
    return [
        CalledFor(row.id, row.reference, row.phone, _team(settings, row.widget), left_at.get(row.id))
        for row in rows
    ]


def _team(settings: Settings, widget: str) -> str:
    found = settings.widget(widget)
    return found.team_name if found else ""


def _left_at(connection: sa.Connection, ids: Collection[str]) -> dict[str, datetime]:
    """When the attempt began that Samespace took, or may have taken: the first for each request."""
    columns = events.c.request_id, events.c.kind, events.c.at
    happened = sa.select(*columns).where(events.c.request_id.in_(ids)).order_by(events.c.id)
    attempts: dict[str, datetime] = {}
    left: dict[str, datetime] = {}
    for event in connection.execute(happened):
        if event.kind == EventKind.ATTEMPTED:
            attempts[event.request_id] = event.at
        elif event.kind == EventKind.RELEASED:  # it was held until now: nothing had left
            attempts.pop(event.request_id, None)
            left.pop(event.request_id, None)
        elif event.kind in _LEFT_FOR_TEAM and event.request_id in attempts:
            left.setdefault(event.request_id, attempts[event.request_id])
    return left


def _lines(connection: sa.Connection, ids: Collection[str]) -> dict[tuple[str, str], _Line]:
    rows = connection.execute(sa.select(calls).where(calls.c.request_id.in_(ids)))
    return {(row.uuid, row.request_id): _Line(row.started_at, row.answered, row.is_certain) for row in rows}


def _known(lines: Mapping[tuple[str, str], _Line], asked: Mapping[str, CalledFor]) -> dict[str, CallRecord]:
    """The records that are kept already, as far as they are known, by uuid."""
    found: dict[str, CallRecord] = {}
    for (uuid, request_id), line in lines.items():
        request = asked[request_id]
        mine = frozenset({request.reference}) if line.is_certain else frozenset()
        references = mine | (found[uuid].references if uuid in found else frozenset())
        found[uuid] = CallRecord(
            uuid, request.number, request.team, line.started_at, True, line.answered, references
        )
    return found


def _merged(known: Mapping[str, CallRecord], records: Iterable[CallRecord]) -> list[CallRecord]:
    """Each record once; what one said before is not taken back by a version of it that says less."""
    found = dict(known)
    for record in records:
        if before := found.get(record.uuid):
            is_answered = before.answered or (before.answered if record.answered is None else record.answered)
            number = record.number or before.number
            references = record.references | before.references
            record = replace(record, answered=is_answered, number=number, references=references)
        found[record.uuid] = record
    return list(found.values())


def _write(
    connection: sa.Connection,
    changed: Mapping[tuple[str, str], _Line],
    gone: Collection[tuple[str, str]],
    now: datetime,
) -> None:
    for uuid, request_id in sorted({*gone, *changed}):
        connection.execute(calls.delete().where(calls.c.uuid == uuid, calls.c.request_id == request_id))
    rows: list[dict[str, Any]] = [
        {"uuid": uuid, "request_id": request_id, "read_at": now, **vars(line)}
        for (uuid, request_id), line in sorted(changed.items())
    ]
    if rows:
        connection.execute(calls.insert(), rows)


def _say(connection: sa.Connection, lines: Mapping[tuple[str, str], _Line], now: datetime) -> None:
    """What certain records say became of a call, beside what people said."""
    for (uuid, request_id), line in sorted(lines.items(), key=lambda each: each[0]):
        if line.answered is None or not line.is_certain:
            continue
        outcome = "answered" if line.answered else "no_answer"
        mine = sa.and_(outcomes.c.request_id == request_id, outcomes.c.source == RECORD, outcomes.c.by == uuid)
        there = connection.execute(sa.select(outcomes.c.outcome).where(mine)).scalar()
        if there is None:
            said = {"request_id": request_id, "at": now, "source": RECORD, "by": uuid, "outcome": outcome}
            connection.execute(outcomes.insert().values(said | {"note": ""}))
        elif there != outcome:
            connection.execute(outcomes.update().where(mine).values(outcome=outcome, at=now))


def _called(connection: sa.Connection, lines: Mapping[tuple[str, str], _Line]) -> dict[str, list[_Line]]:
    """The requests that certain records of this batch show to be called, each with those.

    What is being handed over is marked when that has ended, or when the record is read again.
    """
    certain = {key: line for key, line in sorted(lines.items()) if line.is_certain}
    named = {request_id for _uuid, request_id in certain}
    query = sa.select(requests.c.id).where(requests.c.id.in_(named), requests.c.state.in_(_NOT_CALLED_YET))
    waits = set(connection.execute(query).scalars())
    together: dict[str, list[_Line]] = {}
    for (_uuid, request_id), line in certain.items():
        if request_id in waits:
            for id in handed_over_together(connection, request_id, before=line.started_at):
                together.setdefault(id, []).append(line)
    return together


def _mark(connection: sa.Connection, called: Mapping[str, list[_Line]], now: datetime) -> list[str]:
    return [
        reference
        for id, lines in sorted(called.items())
        for reference in mark_called(connection, [id], _first(lines), now, f"{_how(lines)}by a call report")
    ]


def _first(lines: Iterable[_Line]) -> datetime:
    return min(line.started_at for line in lines)


def _how(lines: Iterable[_Line]) -> str:
    """Of several calls, whether one was answered; nothing while none of them has ended."""
    ended = {line.answered for line in lines if line.answered is not None}
    return ("answered: " if True in ended else "no_answer: ") if ended else ""
