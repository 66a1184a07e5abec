"""Which of the alerts that wait are true at the moment in which a message is made.

Between an act and its message lie up to ten minutes. Who is told of a request that somebody has just resolved, or
that its visitor has erased, does not look the next time.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.alerts.message import Alert
from ringback.alerts.watch import STANDING, WELL, Told, known, standing
from ringback.config.settings import Settings
from ringback.outbox.calls.not_called import NOT_CALLED
from ringback.outbox.operators.attention import LATE
from ringback.outbox.request import State
from ringback.outbox.selection import HELD
from ringback.store.tables import alerts, requests

_BRAKE = ("brake", "brake_full")
_BRAKE_LASTS = timedelta(hours=1)  # it is told of once an hour while it is on


def still_true(
    connection: sa.Connection, settings: Settings, now: datetime, sent_up_to: int, up_to: int
) -> list[Alert]:
    """The alerts from one number to another that are true now, oldest first."""
    true = set(standing(connection, settings, now))
    there = known(connection)
    rows = connection.execute(_WAITING, {"sent_up_to": sent_up_to, "up_to": up_to}).all()
    last = {row.about: row.id for row in rows if row.kind in (*STANDING, WELL)}
    over = {row.about for row in connection.execute(_TOLD, {"sent_up_to": sent_up_to}) if row.kind != WELL}
    rows = [row for row in rows if last.get(row.about, row.id) == row.id or row.kind not in (*STANDING, WELL)]
    return [
        Alert(row.id, row.at, row.kind, row.about, row.phone if row.kind == HELD else None)
        for row in rows
        if _is_true(row, now, true, over) or (row.kind in STANDING and row.about not in there)
    ]


def _is_true(row: Any, now: datetime, true: Collection[Told], over: Collection[str]) -> bool:
    if row.kind == WELL:
        return row.about in over  # of what nobody was told that it had begun, nobody is told that it is over
    if row.kind in STANDING:
        return (row.kind, row.about) in true
    if row.kind in _BRAKE:
        return bool(row.at > now - _BRAKE_LASTS)
    return row.state is None or _is_true_of_request(row, now)


def _is_true_of_request(row: Any, now: datetime) -> bool:
    if row.erased_at:
        return False
    if row.kind == HELD:
        return bool(row.held and row.state != State.CANCELLED)
    if row.kind == LATE:
        return bool(row.state == State.WAITING and not row.held and row.promised_by and row.promised_by < now)
    if row.kind in (State.UNKNOWN, State.FAILED):
        return bool(row.state == row.kind and not row.held)
    if row.kind == NOT_CALLED:
        return bool(row.state == State.WITH_TEAM and row.not_called_at and not row.held)
    return True  # of a later version, which is running beside this one


def _waiting() -> sa.Select[Any]:
    of_alert = alerts.c.id, alerts.c.at, alerts.c.kind, alerts.c.about
    names = "phone", "state", "held", "erased_at", "promised_by", "not_called_at"
    columns = [requests.c[name] for name in names]
    between = alerts.c.id > sa.bindparam("sent_up_to"), alerts.c.id <= sa.bindparam("up_to")
    joined = alerts.outerjoin(requests, requests.c.reference == alerts.c.about)
    return sa.select(*of_alert, *columns).select_from(joined).where(*between).order_by(alerts.c.id)


def _told() -> sa.Select[Any]:
    """The latest that was told of each thing that lasts."""
    lasting = alerts.c.kind.in_([*STANDING, WELL]), alerts.c.id <= sa.bindparam("sent_up_to")
    latest = sa.select(sa.func.max(alerts.c.id)).where(*lasting).group_by(alerts.c.about)
    return sa.select(alerts.c.kind, alerts.c.about).where(alerts.c.id.in_(latest))


_WAITING = _waiting()
_TOLD = _told()
