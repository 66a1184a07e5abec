"""The breaker, and the teams that are not simply open, as one transaction sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.config.widget import Widget
from ringback.outbox.wrong_clock import has_run_out
from ringback.store.tables import breaker, teams

# A team whose configuration is at fault is tried with one request this often.
PAUSED_TEAM_SECONDS = 300

# Made once: they are asked with every claim and every settlement.
_SPECIAL = sa.or_(
    *(column.is_not(None) for column in (teams.c.paused_at, teams.c.next_call_at, teams.c.turned_away)),
    teams.c.refuses,
)
_SNAPSHOT = sa.select(breaker, teams).outerjoin_from(breaker, teams, _SPECIAL)


def look(connection: sa.Connection, lease: timedelta) -> "BreakerSnapshot":
    """How things stand, as this transaction sees them."""
    rows = connection.execute(_SNAPSHOT).all()
    return BreakerSnapshot(rows[0], {row.name: row for row in rows if row.name}, lease)


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

    def is_to_be_tried(self, widget: Widget, now: datetime) -> bool:
        """Whether somebody who waits for its team is to try, though nobody's own wait is over."""
        row = self.teams.get(widget.team_name)
        return bool(row and tries_each(row, now))

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
        return row is None or may_call(row, widget, now)


def tries_each(row: Any, now: datetime) -> bool:
    """Whether a team that refuses, or is paused, is to be tried now, though nobody's own wait is over."""
    return bool(row.refuses or row.paused_at) and has_run_out(
        row.next_try_at, now, timedelta(seconds=PAUSED_TEAM_SECONDS)
    )


def may_call(row: Any, widget: Widget, now: datetime) -> bool:
    """Whether a team with this row may be called now."""
    between_tries = timedelta(seconds=PAUSED_TEAM_SECONDS)
    if row.paused_at and not has_run_out(row.next_try_at, now, between_tries):
        return False
    if not widget.calls_per_minute:
        return True
    return has_run_out(row.next_call_at, now, timedelta(seconds=60 / widget.calls_per_minute))
