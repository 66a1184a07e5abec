"""What a person has to look at: one question, which the list, the alerts and the figures ask.

Requests are in it by kind, each kind a condition that finds an index of its own; beside them what keeps many
requests waiting, a `Trouble`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.clock import LONG_AGO, SKEW
from ringback.config.settings import Settings
from ringback.outbox.calls.not_called import IS_NOT_CALLED, NOT_CALLED
from ringback.outbox.heartbeat import last_beat
from ringback.outbox.request import State
from ringback.outbox.selection import HELD, IS_HELD, NOT_HELD
from ringback.store.tables import breaker, in_state, requests, teams

LATE = "late"
SAMESPACE, PAUSED, REFUSES, NOBODY = "samespace", "paused", "refuses", "hand_over"
# A hand-over that has not been seen for so long has ended: it is seen every ten seconds.
GONE = timedelta(seconds=60)
# Whatever waits has the second of these, by which its index begins.
IS_WAITING = sa.and_(in_state(State.WAITING), requests.c.give_up_at > LONG_AGO)


@dataclass(frozen=True)
class Trouble:
    """What keeps many requests waiting.

    `kind` is `samespace` (not reached), `paused` or `refuses` (a `team`, by its name) or `hand_over` (nobody does
    it). `since` is None where nobody noted it.
    """

    team: str | None
    since: datetime | None
    why: str | None = None
    kind: str = SAMESPACE


@dataclass(frozen=True)
class Attention:
    """How much there is to look at: requests by kind, of those that are held by reason, and the troubles."""

    kinds: Mapping[str, int]
    held: Mapping[str, int]
    troubles: Collection[Trouble]


def parts(now: datetime) -> dict[str, sa.ColumnElement[bool]]:
    """The kinds of requests that need a person, each with its condition; none is in two of them."""
    return {
        State.UNKNOWN.value: sa.and_(in_state(State.UNKNOWN), NOT_HELD),
        State.FAILED.value: sa.and_(in_state(State.FAILED), NOT_HELD),
        LATE: sa.and_(IS_WAITING, NOT_HELD, requests.c.promised_by < now),
        NOT_CALLED: IS_NOT_CALLED,
        HELD: IS_HELD,
    }


def counted(
    connection: sa.Connection, now: datetime, where: Collection[sa.ColumnElement[bool]] = ()
) -> tuple[dict[str, int], dict[str, int]]:
    """How many requests of each kind there are, and of what is held by reason; none where there is none."""
    kinds: dict[str, int] = {}
    held: dict[str, int] = {}
    for kind, part in parts(now).items():
        why = requests.c.held if kind == HELD else sa.null()
        query = sa.select(why, sa.func.count()).where(part, *where, requests.c.erased_at.is_(None))
        for reason, count in connection.execute(query.group_by(requests.c.held) if kind == HELD else query):
            kinds[kind] = kinds.get(kind, 0) + count
            if reason:
                held[reason] = count
    return {kind: count for kind, count in kinds.items() if count}, held


def troubles(
    connection: sa.Connection, settings: Settings, now: datetime, widget: str | None = None
) -> list[Trouble]:
    """What keeps requests waiting: those of all widgets, or of one."""
    widgets = {key: each for key, each in settings.widgets.items() if widget in (None, key)}
    names = {each.team_name for each in widgets.values()}
    found = []
    gone_since = _nobody_since(connection, now, settings, widgets)
    if gone_since:
        found.append(Trouble(None, gone_since, kind=NOBODY))
    down = connection.execute(sa.select(breaker.c.state, breaker.c.opened_at)).one()
    if down.state == "open" or (down.state == "trying" and _waits(connection, now, settings.widgets)):
        found.append(Trouble(None, down.opened_at))
    at_fault = sa.or_(teams.c.paused_at.is_not(None), teams.c.refuses)
    for row in connection.execute(
        sa.select(teams).where(at_fault, teams.c.name.in_(names)).order_by(teams.c.name)
    ):
        mine = [key for key, each in widgets.items() if each.team_name == row.name]
        if row.paused_at:
            found.append(Trouble(row.name, row.paused_at, row.paused_why, PAUSED))
        elif _waits(connection, now, mine):  # else it is old news: at night everybody goes home
            found.append(Trouble(row.name, row.refuses_since, row.refused_why, REFUSES))
    return found


def _nobody_since(
    connection: sa.Connection, now: datetime, settings: Settings, widgets: Collection[str]
) -> datetime | None:
    """Since when nobody hands over; None if somebody does. Where it never ran: since somebody was due."""
    beat = last_beat(connection)
    if beat is None:
        which = IS_WAITING, requests.c.due_at <= now - GONE, NOT_HELD, requests.c.widget.in_(sorted(widgets))
        first = sa.func.min(requests.c.due_at, type_=requests.c.due_at.type)
        return connection.execute(sa.select(first).where(*which)).scalar()
    return min(beat, now) if _is_over(connection, beat, now, settings) else None


def _is_over(connection: sa.Connection, beat: datetime, now: datetime, settings: Settings) -> bool:
    """Whether nobody hands over any more. A beat that is still to come, by a wrong clock, does not tell."""
    if beat > now + SKEW:
        return _waits(connection, now - GONE, settings.widgets)
    return beat < now - GONE


def _waits(connection: sa.Connection, now: datetime, widgets: Collection[str]) -> bool:
    """Whether somebody waits there who was due."""
    which = IS_WAITING, requests.c.due_at <= now, NOT_HELD
    query = sa.select(requests.c.id).where(*which, requests.c.widget.in_(sorted(widgets))).limit(1)
    return connection.execute(query).first() is not None
