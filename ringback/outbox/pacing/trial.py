"""Who tries a team whose last answer was a no: whoever has waited longest, not whoever came last.

A team that refuses (nobody is logged in) is tried at whoever's turn it is; but the oldest promise is called, and
its own waits go on as they were. One at a time, so that the first that is taken is followed by those who waited.
A team that is paused turns calls away, perhaps for one number alone: there the least recently tried goes and, if
it is turned away as well, one that was never tried.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from ringback.config.settings import Settings
from ringback.config.widget import Widget
from ringback.outbox.due_query import BY_PROMISE, IS_NOT_BEHIND, DueQuery, claims_now, may_go
from ringback.outbox.pacing.breaker_snapshot import BreakerSnapshot
from ringback.outbox.request import State
from ringback.store.tables import NOW, Instant, in_state, requests

# Whoever was tried within this has had the turn that it is now: else one that is refused for itself would be
# called in everybody's place.
_RESTED = timedelta(seconds=5)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Trial:
    """Whose turn it is at the teams of one installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def tried(self, snapshot: BreakerSnapshot, now: datetime) -> tuple[str, ...]:
        """Widgets of teams that are to be tried now, though nobody's own wait is over."""
        widgets = self._settings.widgets.items()
        return tuple(sorted(key for key, widget in widgets if snapshot.is_to_be_tried(widget, now)))

    def on_trial(self, connection: sa.Connection, snapshot: BreakerSnapshot) -> set[str]:
        """Widgets of teams whose last answer was a no, with a call in the air: the others wait for its answer."""
        on_trial = {key: w.team_name for key, w in self._settings.widgets.items() if _says_no(snapshot, w)}
        if not on_trial:
            return set()
        rung = set(connection.execute(_RUNG).scalars())
        teams = {team for key, team in on_trial.items() if key in rung}
        return {key for key, team in on_trial.items() if team in teams}

    def in_place_of(self, connection: sa.Connection, snapshot: BreakerSnapshot, head: Any, due: DueQuery) -> Any:
        """Who goes in the turn of `head`: often itself; None if nobody is due, and all were tried just now."""
        widget = self._settings.widget(head.widget)
        if widget is None or not _says_no(snapshot, widget):
            return head
        mine = [key for key in self._of_team(widget) if key not in due.shut]
        values: dict[str, Any] = {"now": due.now, "rested": due.now - _RESTED, **claims_now(due.now)}
        values |= {f"closed_{place}": key for place, key in enumerate(due.closed)}
        values |= {f"mine_{place}": key for place, key in enumerate(mine)}
        find = self._least_recent if snapshot.is_paused(widget) else self._oldest
        return find(connection, head, values, (len(due.closed), len(mine))) or (
            head if head.next_attempt_at <= due.now else None
        )

    def ends_by(self, connection: sa.Connection, snapshot: BreakerSnapshot, head: Any, now: datetime) -> bool:
        """Whether a try that nobody's own wait asked for is over with `head`: not while somebody is to be rung."""
        widget = self._settings.widget(head.widget)
        if widget is None or snapshot.is_paused(widget) or not snapshot.refuses(widget):
            return False
        if not head.held:
            return snapshot.is_to_be_tried(widget, now)
        waits = in_state(State.WAITING), requests.c.due_at <= now, requests.c.held.is_(None)
        mine = sa.select(requests.c.id).where(*waits, requests.c.widget.in_(self._of_team(widget)))
        return connection.execute(mine.limit(1)).first() is None

    def has_another(self, connection: sa.Connection, snapshot: BreakerSnapshot, head: Any, due: DueQuery) -> bool:
        """Whether somebody else tries a paused team as well, should `head` be turned away once more."""
        widget = self._settings.widget(head.widget)
        if widget is None or head.turned_away is None or not snapshot.is_paused(widget):
            return False
        never = in_state(State.WAITING), requests.c.due_at <= due.now, requests.c.held.is_(None)
        mine = requests.c.widget.in_(self._of_team(widget)), requests.c.turned_away.is_(None)
        return connection.execute(sa.select(requests.c.id).where(*never, *mine).limit(1)).first() is not None

    def _of_team(self, widget: Widget) -> Collection[str]:
        return sorted(key for key, each in self._settings.widgets.items() if each.team_name == widget.team_name)

    @staticmethod
    def _least_recent(
        connection: sa.Connection, head: Any, values: dict[str, Any], counts: tuple[int, int]
    ) -> Any:
        was_tried = connection.execute(_tried(counts[1]), values).first() is not None
        return connection.execute(_least_recent(*counts, head.held is not None, was_tried), values).first()

    @staticmethod
    def _oldest(connection: sa.Connection, head: Any, values: dict[str, Any], counts: tuple[int, int]) -> Any:
        """The oldest promise; before it, what is held and older yet: its page is to show what any other's does."""
        oldest = connection.execute(_oldest(*counts), values).first()
        given = {"oldest": oldest.id, "by": oldest.give_up_at} if oldest else {"oldest": "", "by": _NEVER}
        return connection.execute(_rested(*counts), values | given).first()


_RUNG = sa.select(requests.c.widget).where(in_state(State.HANDING_OVER), requests.c.held.is_(None)).distinct()


def _says_no(snapshot: BreakerSnapshot, widget: Widget) -> bool:
    return snapshot.is_paused(widget) or snapshot.refuses(widget)


def _of_team(mine: int) -> sa.ColumnElement[bool]:
    return sa.or_(*(requests.c.widget == sa.bindparam(f"mine_{place}") for place in range(mine)))


def _waits(closed: int, mine: int) -> sa.Select[Any]:
    return may_go(closed).where(requests.c.due_at <= NOW, _of_team(mine))


@cache
def _tried(mine: int) -> sa.Select[Any]:
    """Whether somebody was turned away a moment ago."""
    away = in_state(State.WAITING), requests.c.turned_away.is_not(None), _of_team(mine)
    just_now = requests.c.changed_at > sa.bindparam("rested", type_=Instant)
    return sa.select(requests.c.id).where(*away, just_now).limit(1)


@cache
def _least_recent(closed: int, mine: int, is_held: bool, was_tried: bool) -> sa.Select[Any]:
    """`was_tried`: one that was turned away before was, so it is the turn of who was never."""
    held = requests.c.held.is_not(None) if is_held else requests.c.held.is_(None)
    never = [requests.c.turned_away.is_not(None)] if was_tried else []
    order = *never, requests.c.changed_at, requests.c.turned_away.is_not(None), *BY_PROMISE
    return _waits(closed, mine).where(held).order_by(*order).limit(1).with_for_update(skip_locked=True)


@cache
def _oldest(closed: int, mine: int) -> sa.Select[Any]:
    order = requests.c.give_up_at, requests.c.requested_at
    return _waits(closed, mine).where(requests.c.held.is_(None), IS_NOT_BEHIND).order_by(*order).limit(1)


@cache
def _rested(closed: int, mine: int) -> sa.Select[Any]:
    first = requests.c.id == sa.bindparam("oldest")
    older = sa.and_(requests.c.held.is_not(None), requests.c.give_up_at <= sa.bindparam("by", type_=Instant))
    rested = requests.c.changed_at <= sa.bindparam("rested", type_=Instant)
    order = requests.c.give_up_at, requests.c.requested_at
    return (
        _waits(closed, mine)
        .where(sa.or_(first, older), rested)
        .order_by(*order)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
