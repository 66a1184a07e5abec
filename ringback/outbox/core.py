"""What every change of a request needs: the store, the settings, the clock, and the rules that it asks."""

import threading
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback import opening_hours
from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.config.widget import FIELDS, MEASURED
from ringback.outbox.calls.measured_promise import minutes_at
from ringback.outbox.canaries import Canaries
from ringback.outbox.heartbeat import Heartbeat
from ringback.outbox.numbers.brake import Brake
from ringback.outbox.numbers.number_rules import NumberRules
from ringback.outbox.pacing.breaker import Breaker
from ringback.outbox.pacing.teams import Teams
from ringback.outbox.pacing.trial import Trial
from ringback.outbox.request import Answers, CallbackRequest, Held, State
from ringback.outbox.slots import Slots
from ringback.store.database import Database


class Core:
    """What `Outbox`, `Claims` and `Expiry` share."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self.teams = Teams(database, settings, clock)
        self.breaker = Breaker(database, settings, self.teams, clock)
        self.trial = Trial(settings)
        self.number_rules = NumberRules(settings)
        self.brake = Brake(settings)
        self.slots = Slots(database, clock)
        self.canaries = Canaries(database)
        self.heartbeat = Heartbeat(database, clock)
        self.arrived = threading.Event()  # wakes the hand-over in this process

    def _times(self, connection: sa.Connection, answers: Answers, now: datetime) -> dict[str, Any]:
        """When it is due, by when it is promised, and until when it is tried."""
        widget = self._settings.widgets[answers.widget]
        due = answers.slot_starts_at or opening_hours.next_opening(widget.hours, now) or now
        minutes = minutes_at(connection, widget, due, now)
        promised_by = answers.slot_ends_at
        if minutes and not promised_by:
            promised_by = opening_hours.reckoned(widget.hours, due, timedelta(minutes=minutes))
        give_up_at = opening_hours.reckoned(widget.hours, promised_by or due, self._patience)
        times = {"due_at": due, "promised_by": promised_by, "give_up_at": give_up_at, "next_attempt_at": due}
        # Kept only where it is another tomorrow.
        return times | {"promised_minutes": minutes if widget.promise_minutes == MEASURED else None}

    @property
    def _patience(self) -> timedelta:
        return timedelta(minutes=self._settings.delivery.give_up_minutes)

    def _closed(self, now: datetime) -> dict[str, datetime]:
        """When the teams open whose widgets are closed now. One that never opens again counts as open."""
        found = {key: opening_hours.next_opening(w.hours, now) for key, w in self._settings.widgets.items()}
        return {key: opening for key, opening in found.items() if opening and opening > now}


# Columns of a request that are what was asked for.
TIME = ("slot_starts_at", "slot_ends_at", "zone")
ANSWERS = (
    *("widget", "phone", "region", *FIELDS, "page", "language"),
    *TIME,
)


def as_request(row: Any) -> CallbackRequest:
    """A row of the store, with its words."""
    return CallbackRequest(
        id=row.id,
        reference=row.reference,
        state=State(row.state),
        held=Held(row.held) if row.held else None,
        answers=Answers(attributes=row.attributes, **{name: getattr(row, name) for name in ANSWERS}),
        requested_at=row.requested_at,
        due_at=row.due_at,
        promised_by=row.promised_by,
        attempt=row.attempt,
        next_attempt_at=row.next_attempt_at,
        resent=row.resent,
        trace=row.trace,
        promised_minutes=row.promised_minutes,
        erased_at=row.erased_at,
        claimed_by=row.claimed_by,
        claimed_until=row.claimed_until,
        not_called_at=row.not_called_at,
    )
