"""Whether a call may be made now: the breaker for everybody, paused and paced teams each for itself.

It stands in the store, so it holds over all processes.

The breaker opens with the first call that ends without a clear answer, so that an outage costs one
visitor an unknown and not all of them. Then Samespace is asked by a request that can ring nobody, until it
answers; then one real request at a time is tried; when that ends clearly, everybody goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ringback.clock import SKEW
from ringback.config.settings import Settings
from ringback.config.widget import Widget
from ringback.outbox import turned_away
from ringback.outbox.turned_away import TurnedAway
from ringback.outbox.wrong_clock import has_run_out, longest_wait, run_out
from ringback.store.database import Database
from ringback.store.tables import alerts, breaker, teams

# A team whose configuration is at fault is tried with one request this often.
PAUSED_TEAM_SECONDS = 300
# A call of a paced team that is late by no more than this delays none after it, so that none is lost to the
# rhythm of polling. A team that was left alone for longer has nothing to catch up with.
_CATCH_UP_SECONDS = 1.0


class UpstreamSignal(StrEnum):
    """What the end of a call says about Samespace itself."""

    SOUND = "sound"  # it took the call
    REFUSED = "refused"  # it answered clearly: not now
    UNCLEAR = "unclear"  # a time-out, a 5xx, half an answer: the next caller would fare no better
    BUSY = "busy"  # 429, or 503 with a time to come back: leave it alone for a while
    UNREACHED = "unreached"  # not a byte was sent
    MISCONFIGURED = "misconfigured"  # it turned the call away: its number is at fault, or the team's configuration
    WRONG_NUMBER = "wrong_number"  # it did so again, and takes others of the team: it is the number


# Samespace answered, whatever it said.
CLEAR = frozenset(
    {UpstreamSignal.SOUND, UpstreamSignal.REFUSED, UpstreamSignal.MISCONFIGURED, UpstreamSignal.WRONG_NUMBER}
)


# Samespace answered, whatever it said.
CLEAR = frozenset(
    {UpstreamSignal.SOUND, UpstreamSignal.REFUSED, UpstreamSignal.MISCONFIGURED, UpstreamSignal.WRONG_NUMBER}
)


@dataclass(frozen=True)
class Team:
    """A team as operators see it."""

    name: str
    paused_at: datetime | None
    paused_why: str | None


@dataclass(frozen=True)
class BreakerStatus:
    """The breaker as operators see it: `state` is closed, open, or trying (one request at a time).

    `probe_at` and `trial_at` are yet to come, or None.
    """

    state: str
    failures: int
    opened_at: datetime | None
    probe_at: datetime | None
    trial_at: datetime | None


class Breaker:
    """The breaker and the teams of one store. Every method works inside a transaction of the outbox."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._held_went: dict[str, datetime] = {}  # by team: when this process last let one go on that is held

    def register_teams(self) -> None:
        """Give each configured team its row, so that there is something to lock."""
        names = sorted({widget.team_name for widget in self._settings.widgets.values()})
        with self._database.write() as connection:
            known = set(connection.execute(sa.select(teams.c.name).with_for_update()).scalars())
            new = [{"name": name} for name in names if name not in known]
            if new:
                connection.execute(teams.insert(), new)

    def look(self, connection: sa.Connection) -> "BreakerSnapshot":
        """How things stand, as this transaction sees them."""
        rows = connection.execute(_SNAPSHOT).all()
        return BreakerSnapshot(rows[0], {row.name: row for row in rows if row.name}, self._lease)

    def shut_widgets(self, snapshot: "BreakerSnapshot", now: datetime) -> set[str]:
        """Widgets whose team may not be called now."""
        return {key for key, widget in self._settings.widgets.items() if not snapshot.may_call(widget, now)}

    def take_turn(
        self, connection: sa.Connection, snapshot: "BreakerSnapshot", widget: Widget | None, now: datetime
    ) -> bool:
        """Take the one place there is, where places are counted. False: somebody else was quicker."""
        if snapshot.breaker.state != "closed" and not self._take_trial(connection, now):
            return False
        return widget is None or not snapshot.is_counted(widget) or self._take_place(connection, widget, now)

    def _take_trial(self, connection: sa.Connection, now: datetime) -> bool:
        free = breaker.c.state == "trying", run_out(breaker.c.trial_ends_at, now, self._lease)
        trial = breaker.update().where(*free).values(trial_ends_at=now + self._lease)
        return connection.execute(trial).rowcount == 1

    def _take_place(self, connection: sa.Connection, widget: Widget, now: datetime) -> bool:
        mine = teams.c.name == widget.team_name
        row = connection.execute(sa.select(teams).where(mine).with_for_update()).one()
        if not _may_call(row, widget, now):
            return False
        values: dict[str, datetime] = {}
        if row.paused_at:
            values["next_try_at"] = now + timedelta(seconds=PAUSED_TEAM_SECONDS)
        if widget.calls_per_minute:
            earliest = now - timedelta(seconds=_CATCH_UP_SECONDS)
            on_time = row.next_call_at and earliest <= row.next_call_at <= now
            start = row.next_call_at if on_time else now
            values["next_call_at"] = start + timedelta(seconds=60 / widget.calls_per_minute)
        connection.execute(teams.update().where(mine).values(values))
        return True

    # Held requests have turns of their own where places are counted. They delay nobody who is rung; they wait
    # behind those as any other does, and go on no faster one after the other.

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

    # --- what the end of a call says ---

    def note(
        self,
        connection: sa.Connection,
        sign: UpstreamSignal,
        widget: Widget | None,
        why: str,
        now: datetime,
        wait: float = 0,
        number: str = "",
    ) -> None:
        """Draw the conclusions of a call that ended.

        `wait`: the seconds Samespace asked for, if it did; `number`: by what the number called is known again.
        """
        snapshot = self.look(connection)
        if sign is UpstreamSignal.MISCONFIGURED and widget:
            self._turned_away(connection, widget.team_name, number, why, now)
        elif sign in (UpstreamSignal.SOUND, UpstreamSignal.REFUSED) and widget:
            self._answered(connection, snapshot, widget, sign is UpstreamSignal.REFUSED)
        row = snapshot.breaker
        if sign in CLEAR:
            if row.state == "trying":
                self._close(connection)
        elif sign is UpstreamSignal.UNREACHED:
            if row.state == "trying":
                self._open(connection, row.failures, now, wait)
        elif row.state != "open":
            self._open(connection, row.failures + 1, now, wait)

    def _answered(
        self, connection: sa.Connection, snapshot: "BreakerSnapshot", widget: Widget, refused: bool
    ) -> None:
        """Remember how the team answers: a held request, which asks nobody, is to fare as any other would."""
        if snapshot.turns_away(widget):
            self._resume(connection, widget.team_name)
            turned_away.try_again(connection, self._widgets_of(widget.team_name), TurnedAway.ALONE)
        if snapshot.refuses(widget) != refused:
            mine = teams.c.name == widget.team_name
            connection.execute(teams.update().where(mine).values(refuses=refused))

    def refuses(self, widget: Widget) -> bool:
        """Whether the team's last answer was a refusal."""
        with self._database.read() as connection:
            return self.look(connection).refuses(widget)

    def is_paused(self, widget: Widget) -> bool:
        """Whether the team turns every call away."""
        with self._database.read() as connection:
            return self.look(connection).is_paused(widget)

    def _open(self, connection: sa.Connection, failures: int, now: datetime, wait: float) -> None:
        first = breaker.update().where(breaker.c.state == "closed")
        connection.execute(first.values(opened_at=now))
        waits = self._settings.delivery.retry_seconds
        trial = max(wait, waits[min(failures, len(waits)) - 1] if failures else 0)
        self._set(
            connection,
            "open",
            failures=failures,
            failed_at=now,
            probe_at=now + timedelta(seconds=waits[0]),
            trial_at=now + timedelta(seconds=trial),
        )

    def _close(self, connection: sa.Connection) -> None:
        self._set(connection, "closed", failures=0, opened_at=None)

    def _set(self, connection: sa.Connection, state: str, **values: object) -> None:
        connection.execute(breaker.update().values(state=state, trial_ends_at=None, **values))

    # --- asking whether Samespace is back ---

    def take_probe(self, connection: sa.Connection, now: datetime) -> bool:
        """Whether it is this process's turn to ask."""
        again = now + self._between_probes
        due = breaker.update().where(*self._probe_is_due(now)).values(probe_at=again)
        return connection.execute(due).rowcount == 1

    def probe_is_due(self, connection: sa.Connection, now: datetime) -> bool:
        """Whether somebody should ask."""
        due = sa.select(breaker.c.id).where(*self._probe_is_due(now))
        return connection.execute(due).first() is not None

    def _probe_is_due(self, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
        return breaker.c.state == "open", run_out(breaker.c.probe_at, now, self._between_probes)

    @property
    def _between_probes(self) -> timedelta:
        return timedelta(seconds=self._settings.delivery.retry_seconds[0])

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self._settings.delivery.lease_seconds)

    @property
    def _longest_wait(self) -> timedelta:
        return longest_wait(self._settings.delivery)

    def answered(self, connection: sa.Connection, now: datetime) -> None:
        """Samespace answers again: try one real request, unless the last ones failed a moment ago."""
        # It may be an hour, which is what many a wrong clock is wrong by: so its beginning is looked at as well.
        began_later = breaker.c.failed_at > now + SKEW
        waited = sa.or_(run_out(breaker.c.trial_at, now, self._longest_wait), began_later)
        ripe = breaker.update().where(breaker.c.state == "open", waited)
        connection.execute(ripe.values(state="trying", trial_ends_at=None))

    # --- for operators ---

    def status(self, now: datetime) -> BreakerStatus:
        """How it stands."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(breaker)).one()
        asked = has_run_out(row.probe_at, now, self._between_probes)
        waited = has_run_out(row.trial_at, now, self._longest_wait) or (
            row.failed_at and row.failed_at > now + SKEW
        )
        return BreakerStatus(
            row.state,
            row.failures,
            row.opened_at,
            None if asked else row.probe_at,
            None if waited else row.trial_at,
        )

    def reset(self) -> bool:
        """Close it, whatever it waits for. False if it is closed."""
        with self._database.write() as connection:
            row = connection.execute(sa.select(breaker.c.state).with_for_update()).one()
            if row.state == "closed":
                return False
            self._close(connection)
            return True

    # --- teams ---

    def _turned_away(self, connection: sa.Connection, name: str, number: str, why: str, now: datetime) -> None:
        """Pause the team once another number is turned away: one may be alone at fault, and then nobody waits."""
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

    def teams(self) -> list[Team]:
        """Every team there is a row for."""
        query = sa.select(teams.c.name, teams.c.paused_at, teams.c.paused_why).order_by(teams.c.name)
        with self._database.read() as connection:
            return [Team(*row) for row in connection.execute(query)]

    def resume(self, name: str) -> bool:
        """An operator has mended it. False if the team is not paused."""
        paused = sa.select(teams.c.name).where(teams.c.name == name, teams.c.paused_at.is_not(None))
        with self._database.write() as connection:
            if connection.execute(paused.with_for_update()).first() is None:
                return False
            self._resume(connection, name)
            turned_away.try_again(connection, self._widgets_of(name), None)
            return True


# Made once: they are asked with every claim and every settlement.
_SPECIAL = sa.or_(
    *(column.is_not(None) for column in (teams.c.paused_at, teams.c.next_call_at, teams.c.turned_away)),
    teams.c.refuses,
)
_SNAPSHOT = sa.select(breaker, teams).outerjoin_from(breaker, teams, _SPECIAL)


@dataclass(frozen=True)
class BreakerSnapshot:
    """The breaker, and the teams that are not simply open, as one transaction saw them."""

    breaker: Any
    teams: Mapping[str, Any]
    lease: timedelta

    def is_stopped(self, now: datetime) -> bool:
        """Whether nobody may be called: the breaker is open, or its one trial is under way."""
        if self.breaker.state == "closed":
            return False
        is_tried = not has_run_out(self.breaker.trial_ends_at, now, self.lease)
        return self.breaker.state == "open" or is_tried

    def is_paused(self, widget: Widget) -> bool:
        """Whether its team turns every call away."""
        row = self.teams.get(widget.team_name)
        return bool(row and row.paused_at)

    def turns_away(self, widget: Widget) -> bool:
        """Whether its team's last clear answer was that somebody was turned away."""
        row = self.teams.get(widget.team_name)
        return bool(row and (row.paused_at or row.turned_away))

    def refuses(self, widget: Widget) -> bool:
        """Whether its team's last answer was a refusal."""
        row = self.teams.get(widget.team_name)
        return bool(row and row.refuses)

    def is_counted(self, widget: Widget) -> bool:
        """Whether its calls go one by one."""
        return bool(widget.calls_per_minute) or self.is_paused(widget)

    def between_turns(self, widget: Widget) -> timedelta:
        """How far apart its calls are; nothing where they are not counted."""
        pace = 60 / widget.calls_per_minute if widget.calls_per_minute else 0
        return timedelta(seconds=max(pace, PAUSED_TEAM_SECONDS if self.is_paused(widget) else 0))

    def may_call(self, widget: Widget, now: datetime) -> bool:
        """Whether its team may be called now."""
        row = self.teams.get(widget.team_name)
        return row is None or _may_call(row, widget, now)


def _may_call(row: Any, widget: Widget, now: datetime) -> bool:
    between_tries = timedelta(seconds=PAUSED_TEAM_SECONDS)
    if row.paused_at and not has_run_out(row.next_try_at, now, between_tries):
        return False
    if not widget.calls_per_minute:
        return True
    return has_run_out(row.next_call_at, now, timedelta(seconds=60 / widget.calls_per_minute))
