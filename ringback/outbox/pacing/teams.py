"""Teams that are paused or paced, each for itself: whose turn it is, and whether it is the team's fault."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.config.widget import Widget
from ringback.outbox import audit
from ringback.outbox.pacing import recovery, turned_away
from ringback.outbox.pacing.breaker_snapshot import PAUSED_TEAM_SECONDS, BreakerSnapshot, may_call
from ringback.outbox.pacing.turned_away import TurnedAway
from ringback.store.database import Database
from ringback.store.tables import Instant, alerts, teams

# A call of a paced team that is late by no more than this delays none after it, so that none is lost to the
# rhythm of polling. A team that was left alone for longer has nothing to catch up with.
_CATCH_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Team:
    """A team as operators see it."""

    name: str
    paused_at: datetime | None
    paused_why: str | None
    refuses_since: datetime | None = None
    refused_why: str | None = None


class Teams:
    """The teams of one store, which holds for all processes."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._held_went: dict[str, datetime] = {}  # by team: when this process last let one go on that is held

    def register(self) -> None:
        """Give each configured team its row, so that there is something to lock."""
        names = sorted({widget.team_name for widget in self._settings.widgets.values()})
        with self._database.write() as connection:
            known = set(connection.execute(sa.select(teams.c.name).with_for_update()).scalars())
            new = [{"name": name} for name in names if name not in known]
            if new:
                connection.execute(teams.insert(), new)

    def take_place(
        self, connection: sa.Connection, widget: Widget, now: datetime, has_another: bool = False
    ) -> bool:
        """Take the next place of a team whose calls go one by one. False: somebody else was quicker."""
        mine = teams.c.name == widget.team_name
        row = connection.execute(sa.select(teams).where(mine).with_for_update()).one()
        if not may_call(row, widget, now):
            return False
        values: dict[str, datetime] = {}
        if row.paused_at and not has_another:
            values["next_try_at"] = now + timedelta(seconds=PAUSED_TEAM_SECONDS)
        if widget.calls_per_minute:
            earliest = now - timedelta(seconds=_CATCH_UP_SECONDS)
            on_time = row.next_call_at and earliest <= row.next_call_at <= now
            start = row.next_call_at if on_time else now
            values["next_call_at"] = start + timedelta(seconds=60 / widget.calls_per_minute)
        if values:
            connection.execute(teams.update().where(mine).values(values))
        return True

    def tried(self, connection: sa.Connection, widget: Widget, now: datetime) -> None:
        """Let a team that refuses be tried again in a while, if nobody's own wait is over before."""
        again = now + timedelta(seconds=PAUSED_TEAM_SECONDS)
        connection.execute(teams.update().where(teams.c.name == widget.team_name).values(next_try_at=again))

    def shut_for_held(self, snapshot: "BreakerSnapshot", now: datetime) -> tuple[str, ...]:
        """The widgets at which nobody who is held goes on now, since another one did within a turn."""
        widgets = self._settings.widgets.items()
        return tuple(sorted(key for key, widget in widgets if not self._has_turn_of_held(snapshot, widget, now)))

    def _has_turn_of_held(self, snapshot: "BreakerSnapshot", widget: Widget, now: datetime) -> bool:
        went = self._held_went.get(widget.team_name)
        return went is None or not went <= now < went + snapshot.between_turns(widget)

    def take_turn_of_held(self, snapshot: "BreakerSnapshot", widget: Widget | None, now: datetime) -> None:
        """Let the next who is held wait for a turn."""
        if widget is None or not snapshot.is_counted(widget):
            return
        on_time = self._held_went.get(widget.team_name, now) + snapshot.between_turns(widget)
        is_on_time = on_time <= now <= on_time + timedelta(seconds=_CATCH_UP_SECONDS)
        self._held_went[widget.team_name] = on_time if is_on_time else now

    def answered(
        self,
        connection: sa.Connection,
        snapshot: "BreakerSnapshot",
        widget: Widget,
        refused: str | None,
        now: datetime,
    ) -> None:
        """Remember how the team answers: `refused` is why, None if it took the call. Then whoever waited goes."""
        mine, widgets = teams.c.name == widget.team_name, self._widgets_of(widget.team_name)
        if snapshot.turns_away(widget):
            self._resume(connection, widget.team_name)
            turned_away.try_again(connection, widgets, TurnedAway.ALONE)
        if refused is not None:
            since = sa.case((teams.c.refuses, teams.c.refuses_since), else_=sa.literal(now, Instant))
            again = now + timedelta(seconds=PAUSED_TEAM_SECONDS)
            values = {"refuses": True, "refuses_since": since, "refused_why": refused, "next_try_at": again}
            connection.execute(teams.update().where(mine).values(values))
        elif snapshot.refuses(widget):
            values = {"refuses": False, "refuses_since": None, "refused_why": None, "next_try_at": None}
            connection.execute(teams.update().where(mine).values(values))
        if refused is None and (snapshot.refuses(widget) or snapshot.turns_away(widget)):
            recovery.let_go(connection, now, widgets)

    def turned_away(self, connection: sa.Connection, name: str, number: str, why: str, now: datetime) -> None:
        """Pause the team once a second number is turned away: with only one, the number may be at fault."""
        mine = teams.c.name == name
        # Locked: of two that are turned away at the same moment, one is to see the other.
        last = connection.execute(sa.select(teams.c.turned_away).where(mine).with_for_update()).scalar()
        if last not in (None, number):
            self._pause(connection, name, why, now)
        connection.execute(teams.update().where(mine).values(turned_away=number))

    def _widgets_of(self, name: str) -> list[str]:
        return [key for key, widget in self._settings.widgets.items() if widget.team_name == name]

    def _pause(self, connection: sa.Connection, name: str, why: str, now: datetime) -> None:
        again = now + timedelta(seconds=PAUSED_TEAM_SECONDS)
        newly = teams.c.name == name, teams.c.paused_at.is_(None)
        paused = teams.update().where(*newly).values(paused_at=now, paused_why=why, next_try_at=again)
        if connection.execute(paused).rowcount:
            connection.execute(alerts.insert().values(at=now, kind="paused", about=f"team {name}"))

    def _resume(self, connection: sa.Connection, name: str) -> None:
        values = dict.fromkeys(("paused_at", "paused_why", "next_try_at", "turned_away"))
        connection.execute(teams.update().where(teams.c.name == name).values(values))

    def listed(self) -> list[Team]:
        """Every team there is a row for."""
        names = ("name", "paused_at", "paused_why", "refuses_since", "refused_why")
        query = sa.select(*(teams.c[name] for name in names)).order_by(teams.c.name)
        with self._database.read() as connection:
            return [Team(*row) for row in connection.execute(query)]

    def resume(self, name: str, by: str = "cli") -> bool:
        """An operator has mended it. False if the team is not paused."""
        paused = sa.select(teams.c.name).where(teams.c.name == name, teams.c.paused_at.is_not(None))
        with self._database.write() as connection:
            if connection.execute(paused.with_for_update()).first() is None:
                return False
            self._resume(connection, name)
            turned_away.try_again(connection, self._widgets_of(name), None)
            recovery.let_go(connection, self._clock(), self._widgets_of(name))
            audit.note(connection, self._clock(), by, "resume", [f"team {name}"])
            return True
