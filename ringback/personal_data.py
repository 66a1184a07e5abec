"""Everything that is kept about a person: given out, erased, and purged when its time is over.

What is left of an erased request is what nobody can be known by: its id, so that its link can say that it
is gone, its reference, widget, states and times; and, for as long as its number's limits look back, a
keyed hash of the number.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ringback import transitions
from ringback.callback_request import OPERATORS_ONLY, EventKind, State
from ringback.database import Database
from ringback.numbers import Numbers
from ringback.outbox import Clock, utc_now
from ringback.settings import Settings
from ringback.tables import about, alerts, consents, events, in_state, requests, stops

_LAST_PURGE = "purged_at"
_TO_SWEEP = "to_sweep"
_AT_ONCE = 200  # requests in one transaction, so that visitors do not wait behind it
_IN_THE_AIR = in_state(State.HANDING_OVER)
_KEPT = requests.c.erased_at.is_(None)
_PERSONAL = ("name", "email", "company", "message", "page", "zone")


class Erasure(StrEnum):
    """What became of the wish to be forgotten."""

    DONE = "done"
    ON_ITS_WAY = "on its way"  # being handed over: a moment later it can be erased
    GONE = "gone"  # erased before, or never there


@dataclass(frozen=True)
class Purge:
    """What a purge did, and what is left of all that was ever erased."""

    at: datetime
    erased: int
    left: int


class PersonalData:
    """The personal data of one store."""

    def __init__(self, database: Database, settings: Settings, numbers: Numbers, clock: Clock = utc_now) -> None:
        self._database = database
        self._settings = settings
        self._numbers = numbers
        self._clock = clock

    # --- given out ---

    def export(self, id: str, for_operators: bool = False) -> dict[str, Any] | None:
        """All that is kept about one request, or None.

        A visitor's copy does not say whether their number is held: it would tell a stranger.
        """
        with self._database.read() as connection:
            row = connection.execute(sa.select(requests).where(requests.c.id == id, _KEPT)).first()
            return self._about(connection, row, for_operators) if row else None

    def export_number(self, phone: str) -> list[dict[str, Any]]:
        """All that is kept about a number, oldest first, as operators may see it."""
        query = sa.select(requests).where(requests.c.phone == phone, _KEPT).order_by(requests.c.requested_at)
        with self._database.read() as connection:
            return [self._about(connection, row, True) for row in connection.execute(query).all()]

    def _about(self, connection: sa.Connection, row: Any, for_operators: bool) -> dict[str, Any]:
        happened = sa.select(events).where(events.c.request_id == row.id).order_by(events.c.id)
        agreed = sa.select(consents).where(consents.c.request_id == row.id).order_by(consents.c.id)
        data = {
            "reference": row.reference,
            "widget": row.widget,
            "state": row.state,
            "requested_at": row.requested_at.isoformat(),
            "due_at": row.due_at.isoformat(),
            "slot_starts_at": row.slot_starts_at and row.slot_starts_at.isoformat(),
            "slot_ends_at": row.slot_ends_at and row.slot_ends_at.isoformat(),
            "phone": f"+{row.phone}",
            "region": row.region,
            **{name: getattr(row, name) for name in _PERSONAL},
            "attributes": row.attributes,
            "language": row.language,
            "consents": [_consent(consent) for consent in connection.execute(agreed)],
            "events": [
                _event(event, for_operators)
                for event in connection.execute(happened)
                if for_operators or EventKind(event.kind) not in OPERATORS_ONLY
            ],
        }
        return data | {"held": row.held} if for_operators else data

    # --- erased ---

    def erase(self, id: str) -> Erasure:
        """Forget one request. What waits is withdrawn by it; what is in the air has to come down first."""
        with self._database.write() as connection:
            row = connection.execute(sa.select(requests.c.state).where(requests.c.id == id, _KEPT)).first()
            if row is None:
                return Erasure.GONE
            if not self._erase(connection, requests.c.id == id):
                return Erasure.ON_ITS_WAY
        if self._database.is_small:
            self._sweep()  # else with the next purge: no visitor is to wait while a large file is written anew
        return Erasure.DONE

    def erase_number(self, phone: str) -> tuple[int, int]:
        """Forget every request for a number: how many were erased, and how many are on their way."""
        mine, erased = requests.c.phone == phone, 0
        while some := self._erase_some(mine, phone):
            erased += some
        with self._database.read() as connection:
            left = connection.execute(sa.select(sa.func.count()).select_from(requests).where(mine)).scalar_one()
        self._sweep()
        return erased, left

    def _erase_some(self, which: sa.ColumnElement[bool], phone: str = "") -> int:
        with self._database.write() as connection:
            if phone:
                self._database.lock_number(connection, phone)
            return self._erase(connection, which)

    def _erase(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
        now = self._clock()
        some = sa.select(requests.c.id, requests.c.phone).where(which, _KEPT, sa.not_(_IN_THE_AIR))
        rows = connection.execute(some.limit(_AT_ONCE).with_for_update()).all()
        ids = [row.id for row in rows]
        if not ids:
            return 0
        transitions.apply(connection, transitions.CANCEL, requests.c.id.in_(ids), now)
        _forget_replies(connection, ids, {row.phone for row in rows})
        for row in rows:
            blank = _BLANK | {"number_hash": self._numbers.hash(row.phone), "erased_at": now}
            connection.execute(requests.update().where(requests.c.id == row.id).values(blank))
        connection.execute(consents.delete().where(consents.c.request_id.in_(ids)))
        if self._database.is_sqlite:
            # In the same commit: whoever is killed before it has swept leaves it to the next purge.
            _note(connection, _TO_SWEEP, secrets.token_hex(8))
        return len(ids)

    def _sweep(self) -> None:
        """Take out of the store's files what was erased from its tables."""
        with self._database.read() as connection:
            mark = connection.execute(sa.select(about.c.value).where(about.c.key == _TO_SWEEP)).scalar()
        if mark and self._database.sweep():
            with self._database.write() as connection:
                # Not a later one: what it stands for may have missed this sweep.
                connection.execute(about.delete().where(about.c.key == _TO_SWEEP, about.c.value == mark))

    # --- purged ---

    def purge(self) -> Purge:
        """Erase what was not changed for `retention_days`, whatever its state, and what limits need no more."""
        now = self._clock()
        long_ago = now - timedelta(days=self._settings.privacy.retention_days)
        erased = 0
        while some := self._erase_some(requests.c.changed_at <= long_ago):
            erased += some
        with self._database.write() as connection:
            self._database.lock_number(connection, _LAST_PURGE)  # processes that start together purge together
            self._forget_hashes(connection, now)
            _drop_old_alerts(connection, long_ago)
            _note(connection, _LAST_PURGE, now.isoformat())
            left = connection.execute(_COUNT_ERASED).scalar_one()
        self._sweep()
        return Purge(now, erased, left)

    def _forget_hashes(self, connection: sa.Connection, now: datetime) -> None:
        counted = requests.c.requested_at < now - self._numbers.counted_for()
        done = requests.c.number_hash.is_not(None), counted
        connection.execute(requests.update().where(*done).values(number_hash=None))
        connection.execute(stops.delete().where(stops.c.until <= now))

    def last_purge(self) -> datetime | None:
        """When the last one ended, or None."""
        with self._database.read() as connection:
            at = connection.execute(sa.select(about.c.value).where(about.c.key == _LAST_PURGE)).scalar()
        return datetime.fromisoformat(at) if at else None


_BLANK: dict[str, Any] = {
    **dict.fromkeys(("phone", "region", *_PERSONAL), ""),
    "attributes": {},
    "answers_hash": None,
    "resend_at": None,
}
_COUNT_ERASED = sa.select(sa.func.count()).select_from(requests).where(requests.c.erased_at.is_not(None))


def _drop_old_alerts(connection: sa.Connection, before: datetime) -> None:
    # The newest stays: channels know by its number how far they have told.
    newest = sa.select(sa.func.max(alerts.c.id)).scalar_subquery()
    connection.execute(alerts.delete().where(alerts.c.at < before, alerts.c.id < newest))


def _forget_replies(connection: sa.Connection, ids: Collection[str], phones: Collection[str]) -> None:
    """Samespace's replies may quote everybody who was in the call, so they go from all who shared it."""
    calls = sa.select(events.c.at).where(events.c.request_id.in_(ids), events.c.detail.is_not(None))
    shared = sa.select(requests.c.id).where(requests.c.phone.in_(phones))
    same_call = sa.and_(events.c.request_id.in_(shared), events.c.at.in_(calls), events.c.kind != EventKind.HELD)
    mine = events.c.request_id.in_(ids)
    connection.execute(events.update().where(sa.or_(mine, same_call)).values(detail=None))


def _note(connection: sa.Connection, key: str, value: str) -> None:
    connection.execute(about.delete().where(about.c.key == key))
    connection.execute(about.insert().values(key=key, value=value))


def _event(row: Any, for_operators: bool) -> dict[str, Any]:
    event = {"at": row.at.isoformat(), "kind": row.kind}
    return event | {"detail": row.detail} if for_operators and row.detail else event


def _consent(row: Any) -> dict[str, Any]:
    names: Sequence[str] = ("purpose", "granted", "sentence", "sha256", "language", "form_version", "page")
    return {name: getattr(row, name) for name in names} | {"at": row.at.isoformat()}
