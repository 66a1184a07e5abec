"""What may be handed over now, the oldest promise first.

Behind all others is what Samespace turned away and may turn away for its number alone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from ringback.clock import SKEW
from ringback.outbox.pacing.turned_away import TurnedAway
from ringback.outbox.request import State
from ringback.outbox.wrong_clock import has_run_out
from ringback.store.console_tables import intended
from ringback.store.tables import NOW, Instant, in_state, requests

# So long an operator has a number alone.
CLAIMED_FOR = timedelta(minutes=15)
# What ends later was claimed by a clock that was wrong.
_LAST_CLAIM_ENDS = sa.bindparam("last_claim_ends", type_=Instant)
COLUMNS = tuple(
    requests.c[name]
    for name in ("id", "phone", "held", "widget", "slot_starts_at", "next_attempt_at", "give_up_at", "turned_away")
)
BY_PROMISE = (requests.c.give_up_at, requests.c.next_attempt_at, requests.c.requested_at)
# Nobody knows yet whether it is its number's fault. The first condition is what its index has.
IS_BEHIND = sa.and_(
    requests.c.turned_away.is_not(None), requests.c.turned_away == sa.literal_column(f"'{TurnedAway.UNDECIDED}'")
)
# Written out: what is null is neither equal nor unequal.
IS_NOT_BEHIND = sa.or_(
    requests.c.turned_away.is_(None), requests.c.turned_away == sa.literal_column(f"'{TurnedAway.ALONE}'")
)


def same_telephone(one: sa.FromClause, other: sa.FromClause) -> sa.ColumnElement[bool]:
    """Of two numbers of which one begins with the other, both ring one telephone (`phone.lines`)."""
    mine, theirs = one.c.phone, other.c.phone
    return sa.and_(theirs != "", theirs.startswith(mine) | mine.startswith(theirs))


def is_claimed(until: datetime | None, now: datetime) -> bool:
    """Whether a claim that was made until then still holds."""
    return not has_run_out(until, now, CLAIMED_FOR)


def claims_now(now: datetime) -> dict[str, datetime]:
    """What `left_to_people` asks for beside `now`."""
    return {"last_claim_ends": now + CLAIMED_FOR + SKEW}


def left_to_people(of: sa.FromClause = requests) -> sa.ColumnElement[bool]:
    """Requests for a number that somebody calls by hand, and those of which an act is still to happen."""
    claimed = requests.alias()
    until = claimed.c.claimed_until
    in_hand = sa.exists().where(until > NOW, until <= _LAST_CLAIM_ENDS, same_telephone(of, claimed))
    return sa.or_(in_hand, sa.exists().where(intended.c.request_id == of.c.id))


_IN_ITS_SLOT = sa.and_(requests.c.slot_ends_at.is_not(None), requests.c.slot_ends_at > NOW)


@dataclass(frozen=True)
class DueQuery:
    """What is due at `now`, except at `shut` or `closed` widgets and for numbers that are being called.

    `shut_for_held`: of these widgets, nothing that is held. `tried`: of these, what was due though it waits for
    another try.
    """

    now: datetime
    shut: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    shut_for_held: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()

    def first(self, connection: sa.Connection) -> Any:
        """What goes next, in the columns of `COLUMNS`, or None."""
        return next(filter(None, (self._first(connection, behind) for behind in (False, True))), None)

    def first_to_take(self, connection: sa.Connection, rung_only: bool = False) -> Any:
        """The same, locked, passing over what others have locked. `rung_only`: nothing that is held."""
        found = (self._first_to_take(connection, behind, rung_only) for behind in (False, True))
        return next(filter(None, found), None)

    def _first(self, connection: sa.Connection, behind: bool) -> Any:
        return connection.execute(_due(*self._counts, behind), self._values).first()

    def _first_to_take(self, connection: sa.Connection, behind: bool, rung_only: bool) -> Any:
        statement = _due_to_take(*self._counts, behind, rung_only)
        return connection.execute(statement, self._values).first()

    @property
    def _counts(self) -> tuple[int, int, int, int]:
        return len(self.shut), len(self.closed), len(self.shut_for_held), len(self.tried)

    @property
    def _values(self) -> dict[str, Any]:
        held = {f"held_{place}": key for place, key in enumerate(self.shut_for_held)}
        shut = {f"shut_{place}": key for place, key in enumerate(self.shut)}
        closed = {f"closed_{place}": key for place, key in enumerate(self.closed)}
        tried = {f"tried_{place}": key for place, key in enumerate(self.tried)}
        return {"now": self.now, **claims_now(self.now), **shut, **closed, **held, **tried}


@cache  # one for each number of widgets: to make a statement takes longer than to run it
def _due(shut: int, closed: int, shut_for_held: int, tried: int, behind: bool) -> sa.Select[Any]:
    """`give_up_at`, by which it is ordered, is every request's promise plus the same patience.

    `behind`: only what was turned away, the least recently tried first. Two statements, so that each can take
    its order from an index.
    """
    its_turn = requests.c.next_attempt_at <= NOW
    if tried:
        mine = (requests.c.widget == sa.bindparam(f"tried_{place}") for place in range(tried))
        its_turn = sa.or_(its_turn, sa.and_(requests.c.due_at <= NOW, sa.or_(*mine)))
    return (
        may_go(closed)
        .where(its_turn)
        .where(*_not_of("shut", shut))
        .where(*(sa.or_(requests.c.held.is_(None), mine) for mine in _not_of("held", shut_for_held)))
        .where(IS_BEHIND if behind else IS_NOT_BEHIND)
        .order_by(*((requests.c.changed_at, *BY_PROMISE) if behind else BY_PROMISE))
        .limit(1)
    )


def may_go(closed: int) -> sa.Select[Any]:
    """What waits and may be handed over, whenever its turn is; asked with `now`, `claims_now` and `closed_…`."""
    other = requests.alias()
    same = same_telephone(requests, other)
    in_the_air = sa.exists().where(same, in_state(State.HANDING_OVER, other), other.c.held.is_(None))
    return (
        sa.select(*COLUMNS)
        .where(in_state(State.WAITING))
        # Too late, by a clock that may have leapt: it is given up, or waits until that clock is put right.
        .where(requests.c.give_up_at > NOW)
        .where(sa.or_(requests.c.held.is_not(None), sa.not_(in_the_air)))
        .where(sa.not_(left_to_people()))
        # A time that was promised is kept, though the opening hours have changed since.
        .where(*(sa.or_(mine, _IN_ITS_SLOT) for mine in _not_of("closed", closed)))
    )


@cache
def _due_to_take(
    shut: int, closed: int, shut_for_held: int, tried: int, behind: bool, rung_only: bool
) -> sa.Select[Any]:
    rung = [requests.c.held.is_(None)] if rung_only else []
    return _due(shut, closed, shut_for_held, tried, behind).where(*rung).with_for_update(skip_locked=True)


def _not_of(name: str, count: int) -> list[sa.ColumnElement[bool]]:
    return [requests.c.widget != sa.bindparam(f"{name}_{place}") for place in range(count)]
