"""The circuit breaker: whether anybody may be called now.

It stands in the store, so it holds over all processes.

The breaker opens with the first call that ends without a clear answer, so that an outage costs one
visitor an unknown and not all of them. Then Samespace is asked by a request that can ring nobody, until it
answers; then one real request at a time is tried; when that ends clearly, everybody goes on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ringback.clock import SKEW, Clock, utc_now
from ringback.config.settings import Settings
from ringback.config.widget import Widget
from ringback.outbox import audit
from ringback.outbox.pacing import recovery
from ringback.outbox.pacing.breaker_snapshot import BreakerSnapshot, look
from ringback.outbox.pacing.teams import Teams
from ringback.outbox.wrong_clock import has_run_out, longest_wait, run_out
from ringback.store.database import Database
from ringback.store.tables import breaker


class UpstreamSignal(StrEnum):
    """What the end of a call says about Samespace itself."""

    SOUND = "sound"  # it took the call
    REFUSED = "refused"  # it answered clearly: not now
    UNCLEAR = "unclear"  # a time-out, a 5xx, half an answer: the next caller would get the same
    BUSY = "busy"  # 429, or 503 with a time to come back: leave it alone for a while
    UNREACHED = "unreached"  # not a byte was sent
    MISCONFIGURED = "misconfigured"  # it turned the call away: its number is at fault, or the team's configuration
    WRONG_NUMBER = "wrong_number"  # it did so again, and takes others of the team: it is the number


_PROBE_SECONDS = (
    5.0  # between two questions whether Samespace is back, at most: nobody who waits is to wait longer
)
_BUSY_SECONDS = 60.0  # the longest between two trials where Samespace turns calls away unread and names no time
# Samespace answered, whatever it said.
CLEAR = frozenset(
    {UpstreamSignal.SOUND, UpstreamSignal.REFUSED, UpstreamSignal.MISCONFIGURED, UpstreamSignal.WRONG_NUMBER}
)


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
    """The breaker of one store. Every method works inside a transaction of the outbox."""

    def __init__(self, database: Database, settings: Settings, teams: Teams, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._teams = teams
        self._clock = clock

    def look(self, connection: sa.Connection) -> "BreakerSnapshot":
        """How things stand, as this transaction sees them."""
        return look(connection, self._lease)

    def shut_widgets(self, snapshot: "BreakerSnapshot", now: datetime) -> set[str]:
        """Widgets whose team may not be called now."""
        return {key for key, widget in self._settings.widgets.items() if not snapshot.may_call(widget, now)}

    def take_turn(
        self,
        connection: sa.Connection,
        snapshot: "BreakerSnapshot",
        widget: Widget | None,
        now: datetime,
        has_another: bool = False,
    ) -> bool:
        """Take the one place there is, where places are counted. False: somebody else was quicker.

        `has_another`: at a paused team, another may try right after this one.
        """
        if snapshot.breaker.state != "closed" and not self._take_trial(connection, now):
            return False
        if widget is None or not snapshot.is_counted(widget):
            return True
        return self._teams.take_place(connection, widget, now, has_another)

    def _take_trial(self, connection: sa.Connection, now: datetime) -> bool:
        free = breaker.c.state == "trying", run_out(breaker.c.trial_ends_at, now, self._lease)
        trial = breaker.update().where(*free).values(trial_ends_at=now + self._lease)
        return connection.execute(trial).rowcount == 1

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
        # The breaker before the team, as in `take_turn`: else two transactions could wait for each other.
        self._conclude(connection, sign, snapshot.breaker, now, wait)
        if sign is UpstreamSignal.MISCONFIGURED and widget:
            self._teams.turned_away(connection, widget.team_name, number, why, now)
        elif sign in (UpstreamSignal.SOUND, UpstreamSignal.REFUSED) and widget:
            refused = why if sign is UpstreamSignal.REFUSED else None
            self._teams.answered(connection, snapshot, widget, refused, now)

    def _conclude(
        self, connection: sa.Connection, sign: UpstreamSignal, row: Any, now: datetime, wait: float
    ) -> None:
        """Open or close the breaker, whose `row` is as it was found."""
        if sign in CLEAR:
            if row.state == "trying":
                self._close(connection, now)
        elif row.state != "open":
            # Not reached costs nobody anything, so it makes no later try wait longer.
            failures = row.failures + (sign is not UpstreamSignal.UNREACHED)
            own = self._settings.delivery.wait_after(failures) if failures else 0
            own = min(own, _BUSY_SECONDS) if sign is UpstreamSignal.BUSY else own
            self._open(connection, failures, now, max(wait, own))

    def refuses(self, widget: Widget) -> bool:
        """Whether the team's last answer was a refusal."""
        with self._database.read() as connection:
            return self.look(connection).refuses(widget)

    def is_paused(self, widget: Widget) -> bool:
        """Whether the team turns every call away."""
        with self._database.read() as connection:
            return self.look(connection).is_paused(widget)

    def _open(self, connection: sa.Connection, failures: int, now: datetime, trial: float) -> None:
        first = breaker.update().where(breaker.c.state == "closed")
        connection.execute(first.values(opened_at=now))
        self._set(
            connection,
            "open",
            failures=failures,
            failed_at=now,
            probe_at=now + self._between_probes,
            trial_at=now + timedelta(seconds=trial),
        )

    def _close(self, connection: sa.Connection, now: datetime) -> None:
        self._set(connection, "closed", failures=0, opened_at=None)
        recovery.let_go(connection, now)

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
        return timedelta(seconds=min(self._settings.delivery.wait_after(1), _PROBE_SECONDS))

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
        if connection.execute(ripe.values(state="trying", trial_ends_at=None)).rowcount:
            recovery.let_go(connection, now)  # the one that tries is to be the oldest promise

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

    def reset(self, by: str = "cli") -> bool:
        """Close it, whatever it waits for. False if it is closed."""
        with self._database.write() as connection:
            row = connection.execute(sa.select(breaker.c.state).with_for_update()).one()
            if row.state == "closed":
                return False
            now = self._clock()
            self._close(connection, now)
            audit.note(connection, now, by, "reset", ["breaker"])
            return True
