"""What nobody's transaction tells of, because nothing happens: that it stays as it is for too long.

Samespace is not reached, a team refuses, a promise has passed, no process hands over. Each process that tells
anybody looks, so that web processes tell of a hand-over that has died; what one wrote down the others find.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.clock import Clock
from ringback.config.settings import Settings
from ringback.outbox.heartbeat import last_beat
from ringback.outbox.operators.attention import (
    GONE,
    LATE,
    NOBODY,
    PAUSED,
    REFUSES,
    SAMESPACE,
    Trouble,
    parts,
    troubles,
)
from ringback.store.database import Database
from ringback.store.locks import lock
from ringback.store.tables import Instant, alerts, requests, teams

UNREACHABLE, REFUSING, TEAM_PAUSED, NO_HAND_OVER, WELL = "unreachable", "refusing", "paused", "nobody", "well"
# Of these it is told as well that they are over.
STANDING = (UNREACHABLE, REFUSING, TEAM_PAUSED, NO_HAND_OVER)
_KINDS = {SAMESPACE: UNREACHABLE, PAUSED: TEAM_PAUSED, REFUSES: REFUSING, NOBODY: NO_HAND_OVER}

Told = tuple[str, str]  # the kind of an alert, and what it is about


class Watch:
    """Writes alerts of what lasts, and that it is over."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._began: datetime | None = None

    def look(self) -> None:
        """Write what there is to tell, once."""
        now = self._clock()
        self._began = min(self._began or now, now)
        with self._database.read() as connection:
            if not self._found(connection, now) and connection.execute(_late(now).limit(1)).first() is None:
                return
        with self._database.write() as connection:
            lock(connection, "alerts watch")  # whoever looks at the same moment finds what we wrote
            rows = [{"at": now, "kind": kind, "about": about} for kind, about in self._found(connection, now)]
            if rows:
                connection.execute(alerts.insert(), rows)
            connection.execute(alerts.insert().from_select(["at", "kind", "about"], _late(now)))

    def _found(self, connection: sa.Connection, now: datetime) -> list[Told]:
        found = [
            (_KINDS[trouble.kind], about(trouble))
            for trouble in troubles(connection, self._settings, now)
            if self._is_long(trouble, now) and not _is_told(connection, trouble)
        ]
        true = standing(connection, self._settings, now)
        there = known(connection)
        over = [row for row in connection.execute(_LAST) if row.kind != WELL and row.about in there]
        return found + [(WELL, row.about) for row in over if (row.kind, row.about) not in true]

    def _is_long(self, trouble: Trouble, now: datetime) -> bool:
        """Whether it is time to tell. That a team is paused is told by whoever pauses it."""
        limit = timedelta(minutes=self._settings.alerts.unreachable_minutes)
        lasts = trouble.since is None or now - trouble.since >= limit
        if trouble.kind == NOBODY:
            # After a stop of everything, the hand-over may start a moment after us.
            return self._began is not None and now - self._began >= GONE
        if trouble.kind == REFUSES:
            return lasts or self._is_promised(trouble.team)
        return trouble.kind == SAMESPACE and lasts

    def _is_promised(self, team: str | None) -> bool:
        """Whether the team's visitors were promised minutes, so that a first refusal is soon too late."""
        return any(each.team_name == team and each.promise_minutes for each in self._settings.widgets.values())


def about(trouble: Trouble) -> str:
    """What an alert of it is about."""
    if trouble.team:
        return f"team {trouble.team}"
    return "Samespace" if trouble.kind == SAMESPACE else "hand-over"


def known(connection: sa.Connection) -> Collection[str]:
    """All that an alert of what lasts can be about, as far as it is known whether it does."""
    names = connection.execute(sa.select(teams.c.name)).scalars()
    return {"Samespace", "hand-over", *(f"team {name}" for name in names)}


def standing(connection: sa.Connection, settings: Settings, now: datetime) -> Collection[Told]:
    """What of all that lasts is not over, though it may be no trouble to anybody at the moment."""
    found = {(_KINDS[trouble.kind], about(trouble)) for trouble in troubles(connection, settings, now)}
    if last_beat(connection) is None:  # a request that is cancelled makes nobody hand over
        found.add((NO_HAND_OVER, "hand-over"))
    for row in connection.execute(sa.select(teams)):
        if row.paused_at:
            found.add((TEAM_PAUSED, f"team {row.name}"))
        if row.refuses:
            found.add((REFUSING, f"team {row.name}"))
    return found


def _is_told(connection: sa.Connection, trouble: Trouble) -> bool:
    """Whether there is an alert of it since it began."""
    mine = alerts.c.kind == _KINDS[trouble.kind], alerts.c.about == about(trouble)
    since = [alerts.c.at >= trouble.since] if trouble.since else []
    return connection.execute(sa.select(alerts.c.id).where(*mine, *since).limit(1)).first() is not None


def _late(now: datetime) -> sa.Select[Any]:
    """An alert for each request that is past its promise and has none yet."""
    told = sa.exists().where(
        alerts.c.about == requests.c.reference, alerts.c.kind == LATE, alerts.c.at >= requests.c.promised_by
    )
    columns = sa.literal(now, Instant), sa.literal(LATE), requests.c.reference
    return sa.select(*columns).where(parts(now)[LATE], sa.not_(told), requests.c.erased_at.is_(None))


def _last() -> Any:
    """The latest word about each thing that lasts."""
    lasting = alerts.c.kind.in_([*STANDING, WELL])
    latest = sa.select(sa.func.max(alerts.c.id)).where(lasting).group_by(alerts.c.about)
    return sa.select(alerts.c.kind, alerts.c.about).where(alerts.c.id.in_(latest))


_LAST = _last()
