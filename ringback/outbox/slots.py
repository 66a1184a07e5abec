"""What can be asked for now: the times that are left, and widgets that an operator has paused."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import sqlalchemy as sa

from ringback import opening_hours
from ringback.clock import Clock, utc_now
from ringback.config.widget import Widget
from ringback.opening_hours import Interval
from ringback.outbox import audit
from ringback.outbox.request import State
from ringback.store.database import Database
from ringback.store.failures import STORE_ERRORS
from ringback.store.locks import lock
from ringback.store.tables import paused_widgets, requests

# A form shows no more times than this: two an hour, day and night, for eight days. With more it is slow for
# everybody, and nobody reads them.
MOST_OFFERED = 400
# A page waits no longer than this for the store: what was seen last has to do then.
_SNAPSHOT_SECONDS = 0.5


class SlotTakenError(Exception):
    """The last place of a chosen time went to somebody else a moment before."""


@dataclass(frozen=True)
class Pause:
    """A widget that takes no requests. `words` are the operator's, for visitors; often empty.

    It takes them again at `ends_at`, by itself; where that is None, once somebody resumes it.
    """

    key: str
    paused_at: datetime
    words: str
    ends_at: datetime | None = None


class PausedError(Exception):
    """The widget takes no requests at this moment."""

    def __init__(self, pause: Pause) -> None:
        super().__init__()
        self.pause = pause


@dataclass(frozen=True)
class SlotSnapshot:
    """What the store said: paused widgets by key, and how many have which time of which widget."""

    pauses: Mapping[str, Pause] = field(default_factory=dict)
    taken: Mapping[tuple[str, datetime], int] = field(default_factory=dict)

    def free_slots(self, widget: Widget, now: datetime) -> list[Interval]:
        """The times of a widget that can be chosen, in order; of very many the soonest."""
        places = widget.hours.calls_per_slot if widget.hours else None
        times = opening_hours.slots(widget.hours, now)
        free = (slot for slot in times if places is None or self.taken.get((widget.key, slot.start), 0) < places)
        return list(islice(free, MOST_OFFERED))


class Slots:
    """The times and pauses of one store."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._seen = SlotSnapshot()
        self._look: Future[SlotSnapshot] | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="slots")

    def snapshot(self, now: datetime) -> SlotSnapshot:
        """How things stand, for a page. With a store that does not answer, how they stood: the post decides."""
        if self._look is None or self._look.done():
            self._look = self._executor.submit(self._read, now)
        try:
            self._seen = self._look.result(_SNAPSHOT_SECONDS)
        except (TimeoutError, *STORE_ERRORS):
            pass
        return self._seen

    def _read(self, now: datetime) -> SlotSnapshot:
        with self._database.read() as connection:
            ahead = requests.c.slot_starts_at >= now
            rows = connection.execute(_counted(ahead)).all()
            return SlotSnapshot(
                _pauses(connection, now), {(row.widget, row.slot_starts_at): row.how_many for row in rows}
            )

    def admit(self, connection: sa.Connection, widget: Widget, start: datetime | None, now: datetime) -> None:
        """Make sure, inside the transaction that stores a request, that it may be. `start` is of a chosen time.

        Raises PausedError, SlotTakenError.
        """
        if pause := _pauses(connection, now).get(widget.key):
            raise PausedError(pause)
        if start is None or not widget.hours or widget.hours.calls_per_slot is None:
            return
        lock(connection, f"slot {widget.key} {start.isoformat()}")
        mine = sa.and_(requests.c.widget == widget.key, requests.c.slot_starts_at == start)
        row = connection.execute(_counted(mine)).first()
        if row and row.how_many >= widget.hours.calls_per_slot:
            raise SlotTakenError

    def pause(self, key: str, words: str, now: datetime, by: str = "cli", ends_at: datetime | None = None) -> None:
        """Take no requests by a widget until `ends_at`, or until `resume`.

        Paused again with other words or another end, these hold from now on.
        """
        values = {"key": key, "paused_at": now, "words": words, "ends_at": ends_at}
        with self._database.write() as connection:
            connection.execute(paused_widgets.delete().where(paused_widgets.c.key == key))
            connection.execute(paused_widgets.insert().values(values))
            audit.note(connection, now, by, "pause", [f"widget {key}"])

    def resume(self, key: str, by: str = "cli") -> bool:
        """Take requests again. False if it was not paused."""
        now = self._clock()
        with self._database.write() as connection:
            was_paused = key in _pauses(connection, now)
            connection.execute(paused_widgets.delete().where(paused_widgets.c.key == key))
            if was_paused:
                audit.note(connection, now, by, "resume", [f"widget {key}"])
            return was_paused

    def pauses(self) -> Mapping[str, Pause]:
        """The widgets that are paused, by key."""
        with self._database.read() as connection:
            return _pauses(connection, self._clock())


_PAUSED = sa.select(paused_widgets)  # made once: it is asked with every request


def _pauses(connection: sa.Connection, now: datetime) -> dict[str, Pause]:
    """Those whose end has not come. There are a few rows at most, so what is over is left out here."""
    found = (Pause(row.key, row.paused_at, row.words, row.ends_at) for row in connection.execute(_PAUSED))
    return {pause.key: pause for pause in found if pause.ends_at is None or pause.ends_at > now}


def _counted(which: sa.ColumnElement[bool]) -> sa.Select[tuple[str, datetime, int]]:
    # Held ones take a place like any other: else a full day would tell that a number is not called.
    # A number's second does not, or one number could take every place there is.
    columns = requests.c.widget, requests.c.slot_starts_at, sa.func.count().label("how_many")
    kept = requests.c.slot_starts_at.is_not(None), requests.c.state != State.CANCELLED, requests.c.takes_place
    return sa.select(*columns).where(which, *kept).group_by(requests.c.widget, requests.c.slot_starts_at)
