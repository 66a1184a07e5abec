"""A process of Ringback that may be killed at any moment: it takes requests, tells of each one, hands over.

The product has no hook for this. SQLAlchemy says what is about to be executed and committed, and a few
methods are wrapped from outside, in this process only.
"""

import functools
import itertools
import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any

import sqlalchemy as sa
from flask import Flask
from urllib3.connection import HTTPConnection

from ringback.factory import create_app
from ringback.handover.samespace import Samespace
from ringback.outbox import outbox as outbox_module
from ringback.outbox import request, transitions
from ringback.outbox.claims import Claim, Settlement
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, State
from ringback.store.database import Database
from ringback.store.tables import requests
from tests.conftest import make_settings

UNDER_WAY = (State.WAITING, State.HANDING_OVER)
ENDLESS = 10**9
_LONGEST_PAUSE_SECONDS = 0.03


class Point(StrEnum):
    """Where a victim can kill itself, in the order a request comes by."""

    MIGRATING = "in the migration, before its commit"
    MIGRATED = "after the migration"
    INSERTING = "before the insert"
    ACCEPTING = "before the commit of the insert"
    ACCEPTED = "after that commit, before the visitor is told"
    CLAIMING = "claim chosen, before its commit"
    CLAIMED = "after the claim's commit, before a byte leaves"
    SENT = "after the request was sent, before its answer"
    ANSWERED = "after the answer, before it is settled"
    SETTLING = "settled, before its commit"
    SETTLED = "after that commit"


PASSED_ONCE = (Point.MIGRATING, Point.MIGRATED)


class Fault(StrEnum):
    """A deliberate mistake in the product, to see that it does not go unnoticed."""

    REQUEUE = "requeue"  # what a dead process had in the air is sent again
    TELL_EARLY = "tell-early"  # the visitor is told before the commit


@dataclass(frozen=True)
class Life:
    """What one process is to do. Its requests ring `first_number` and those that follow, one each."""

    store_url: str
    samespace_url: str
    log: str
    first_number: int = 0
    requests: int = 0
    one_by_one: bool = False  # settle each before the next is taken
    point: Point | None = None
    nth: int = 1  # at which time of passing the point it dies
    fault: Fault | None = None
    timeout_seconds: float = 2
    lease_seconds: float = 2.5


def live(life: Life, told: Connection) -> None:
    """Take the requests, hand over until nothing is under way, end. Run in a process of its own.

    `told` hears the reference and number of each request once `accept` has returned: what a visitor
    would have read by then.
    """
    logged = os.open(life.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(logged, 2)
    logging.disable(logging.INFO)
    if life.point:
        _lay(_Trap(life.point, life.nth))
    if life.fault:
        _FAULTS[life.fault](told)
    app = create_app(_settings(life))
    delivery = app.extensions["ringback"].delivery
    delivery.start()
    _ask(app, life, told)
    _wait_until_nothing_is_under_way(app)
    delivery.stop(10)


def _settings(life: Life) -> Any:
    return make_settings(
        life.store_url,
        life.samespace_url,
        limits={"min_fill_seconds": 0, "per_number": "1000 per second", "per_widget": "1000000 per second"},
        delivery={
            "timeout_seconds": life.timeout_seconds,
            "lease_seconds": life.lease_seconds,
            "retry_seconds": [0.1, 0.3, 1],
        },
        environment={"delivery_mode": "inline"},
    )


def _ask(app: Flask, life: Life, told: Connection) -> None:
    outbox: Outbox = app.extensions["ringback"].outbox
    for number in itertools.islice(itertools.count(life.first_number), life.requests):
        receipt = outbox.accept(Answers("sales", str(number), "GB", name="Ann Example"))
        if life.fault is not Fault.TELL_EARLY:
            told.send((receipt.reference, str(number)))
        if life.one_by_one:
            _wait_until_nothing_is_under_way(app)
        if life.requests == ENDLESS:
            time.sleep(random.uniform(0, _LONGEST_PAUSE_SECONDS))  # so that kills fall at every stage


def _wait_until_nothing_is_under_way(app: Flask) -> None:
    while _is_anything_under_way(app):
        time.sleep(0.005)  # another process may have it, so it can only be asked


def _is_anything_under_way(app: Flask) -> bool:
    with app.extensions["ringback"].database.read() as connection:
        query = sa.select(requests.c.id).where(requests.c.state.in_(UNDER_WAY)).limit(1)
        return connection.execute(query).first() is not None


# --- the crash points ---


class _Trap:
    """Kills this process when it comes to `point` for the `nth` time: no thread gets another instruction."""

    def __init__(self, point: Point, nth: int) -> None:
        self._point = point
        self._left = nth
        self._lock = threading.Lock()

    def passing(self, point: Point) -> None:
        if point is not self._point:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class _Doing(threading.local):
    """What this thread is at, and whether it has changed a request on the way."""

    what = ""
    has_written = False


_AT_COMMIT = {
    "_accept_once": Point.ACCEPTING,
    "claim": Point.CLAIMING,
    "settle": Point.SETTLING,
    "migrate": Point.MIGRATING,
}


def _lay(trap: _Trap) -> None:
    doing = _Doing()

    def statement(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if doing.what == "_accept_once" and text.startswith("INSERT INTO requests"):
            trap.passing(Point.INSERTING)
        doing.has_written |= text.startswith(("INSERT INTO requests", "UPDATE requests"))

    def commit(_connection: Any) -> None:
        # A claim looks before it writes, in a transaction of its own, and most times finds nothing.
        if doing.what in _AT_COMMIT and (doing.has_written or doing.what == "migrate"):
            trap.passing(_AT_COMMIT[doing.what])

    sa.event.listen(sa.Engine, "before_cursor_execute", statement)
    sa.event.listen(sa.Engine, "commit", commit)
    wrap = functools.partial(_wrap, doing, trap)
    wrap(Database, "migrate", after=Point.MIGRATED)
    wrap(Outbox, "_accept_once", after=Point.ACCEPTED)  # `accept` would wake the hand-over first
    wrap(Outbox, "claim")
    wrap(Samespace, "make_call", before=Point.CLAIMED, after=Point.ANSWERED)
    wrap(HTTPConnection, "getresponse", before=Point.SENT)
    wrap(Outbox, "settle", after=Point.SETTLED)
    # What is committed may be claimed while it is still being flushed: that would be another point.
    _take_turns(Outbox, "_accept_once", "claim")


def _wrap(
    doing: _Doing, trap: _Trap, owner: type, name: str, before: Point | None = None, after: Point | None = None
) -> None:
    method: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        was, doing.what, doing.has_written = doing.what, name, False
        # Asking whether Samespace is back goes by the same connection, and rings nobody.
        if before and (before is not Point.SENT or was == "make_call"):
            trap.passing(before)
        try:
            result = method(*args, **kwargs)
        finally:
            doing.what = was
        if after:
            trap.passing(after)
        return result

    setattr(owner, name, wrapped)


def _take_turns(owner: type, *names: str) -> None:
    turn = threading.Lock()

    def alone(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def waiting(*args: Any, **kwargs: Any) -> Any:
            with turn:
                return method(*args, **kwargs)

        return waiting

    for name in names:
        setattr(owner, name, alone(getattr(owner, name)))


# --- the deliberate faults ---


def _requeue(_told: Connection) -> None:
    def lost(_outbox: Outbox, detail: str, _claim: Claim | None = None) -> Settlement:
        return Settlement(transitions.RETURN, detail, None, datetime.now(UTC))

    Outbox.lost = lost  # type: ignore[method-assign, assignment]


def _tell_early(told: Connection) -> None:
    draw = request.new_reference

    def new_reference() -> str:
        reference = draw()
        told.send((reference, ""))
        return reference

    outbox_module.new_reference = new_reference  # type: ignore[attr-defined]


_FAULTS = {Fault.REQUEUE: _requeue, Fault.TELL_EARLY: _tell_early}
