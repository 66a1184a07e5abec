"""Whether this process lives, and whether it can store and hand over. For load balancers and alarms."""

import logging
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Blueprint, Response, jsonify

from ringback.logs import Sparing
from ringback.store.database import Database
from ringback.store.failures import STORE_ERRORS
from ringback.store.tables import about

# Anybody may ask as often as they like; the store is tried at most so often.
_LOOKS_EVERY = timedelta(seconds=2)
# More than any request writes in its rows and their indexes.
_PROBE_BYTES = 64 * 1024
_PROBE = "probe "
# What may be handed over lies no longer than this, unless nobody does it.
STUCK_AFTER = timedelta(seconds=60)


def health_pages(probe: "Probe", hand_over: Callable[[], str], others: Callable[[], dict[str, str]]) -> Blueprint:
    """`/healthz` and `/readyz`, which answer on any host name: load balancers ask by address.

    `hand_over`: how it stands with this process's own, one of `FINE` or what is wrong. `others`: what is told and
    takes no process off, since to store goes on: that nobody hands over elsewhere, or Samespace is not reached.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def alive() -> dict[str, str]:
        return {"status": "alive"}

    @blueprint.get("/readyz")
    def ready() -> tuple[Response, int]:
        checks = {"store": "ok" if probe.can_store() else "not answering", "hand_over": hand_over()}
        is_ready = all(found in FINE for found in checks.values())
        told = checks | _told(others)
        return jsonify(status="ready" if is_ready else "not ready", **told), 200 if is_ready else 503

    return blueprint


FINE = ("ok", "elsewhere")


def _told(others: Callable[[], dict[str, str]]) -> dict[str, str]:
    try:
        return others()
    except STORE_ERRORS:
        return {}  # that the store does not answer is said already


def seldom(look: Callable[[], bool], clock: Callable[[], datetime]) -> Callable[[], bool]:
    """`look`, done at most every two seconds; in between the same answer again."""
    found: tuple[datetime, bool] | None = None

    def answer() -> bool:
        nonlocal found
        now = clock()
        if found is None or abs(now - found[0]) >= _LOOKS_EVERY:
            found = now, look()
        return found[1]

    return answer


class Probe:
    """Whether the store can take a request, found by writing as much: less may still fit on a full disk."""

    def __init__(self, database: Database, clock: Callable[[], datetime], tell: Sparing) -> None:
        self._database = database
        self._tell = tell
        self._clock = clock
        self._turn = threading.Lock()
        self._looked_at: datetime | None = None
        self._failures = 0
        self._took_it = False

    def can_store(self) -> bool:
        """Whether it can: as found in the last two seconds if nothing has failed since, else by a new try."""
        with self._turn:
            now = self._clock()
            # abs: a clock that was set back must not leave us with a result from its future.
            if self._looked_at is None or abs(now - self._looked_at) >= _LOOKS_EVERY:
                self._took_it = self._takes_it()
                self._looked_at, self._failures = now, self._database.failures
            return self._took_it and self._database.failures == self._failures

    def _takes_it(self) -> bool:
        try:
            with self._database.write() as connection:
                # A key of its own, for several processes may try at the same time; and new bytes each time, for
                # an unchanged row would not be written.
                row = {"key": _PROBE + secrets.token_hex(8), "value": secrets.token_hex(_PROBE_BYTES // 2)}
                connection.execute(about.insert().values(row))
            # In a second transaction: in the same one, the space of the last probe would do for this one.
            with self._database.write() as connection:
                connection.execute(about.delete().where(about.c.key.startswith(_PROBE)))
        except STORE_ERRORS as error:
            self._tell(self._database.told(error), logging.ERROR)
            return False
        return True
