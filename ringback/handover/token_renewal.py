"""The auth token renewed: by hand, or by itself every so many days.

Samespace makes the new one the moment it is asked, and the old one may be dead from then on. So a write that has
to succeed goes before the call, the new one is on the disk before anything else happens, and one process at a time
asks.
"""

import logging
import threading
from datetime import timedelta

from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.handover.auth_token import LOCKED_OUT, AuthToken, LockedOutError
from ringback.handover.outcomes import NewToken, Outcome
from ringback.handover.samespace import Samespace
from ringback.store.failures import STORE_ERRORS, log_failure

log = logging.getLogger("ringback.token")

EVERY_SECONDS = 3600.0
# Who asks has so long for the answer and for storing it.
TURN = timedelta(minutes=2)
_TRIES = 5
_BETWEEN_TRIES_SECONDS = 2.0


class NoTokenError(Exception):
    """There never was a token."""


class BusyError(Exception):
    """Another process renews it at this moment."""


class NotKeptError(Exception):
    """The store did not take the new token, which exists nowhere else. `token` is for who can keep it."""

    def __init__(self, token: str) -> None:
        super().__init__("the store did not take the new token")
        self.token = token


class TokenRenewal:
    """Renews the token of one store."""

    def __init__(
        self, auth_token: AuthToken, samespace: Samespace, settings: Settings, clock: Clock = utc_now
    ) -> None:
        self._auth_token = auth_token
        self._samespace = samespace
        self._days = settings.samespace.renew_token_days
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def renew(self, old: str | None = None) -> NewToken | Outcome:
        """Have a new one made in place of the one in use, or of `old`, and keep it.

        Raises LockedOutError, NoTokenError, BusyError, NotKeptError and STORE_ERRORS.
        """
        old = old or self._auth_token.current()
        if old is None:
            raise NoTokenError
        if not self._auth_token.take_turn(self._clock(), TURN):
            raise BusyError
        outcome = self._samespace.reset_token(old)
        if isinstance(outcome, NewToken):
            self._keep(old, outcome.token)
        self._auth_token.end_turn()
        return outcome

    def _keep(self, old: str, new: str) -> None:
        for attempt in range(_TRIES):
            try:
                self._auth_token.replace(old, new, self._clock())
                return
            except STORE_ERRORS:
                self._stopping.wait(_BETWEEN_TRIES_SECONDS if attempt else 0)
        raise NotKeptError(new)

    def renew_if_due(self) -> None:
        """Renew it if its days are over. What stands in the way is in the log, and tried again later."""
        if self._days is None:
            return
        now = self._clock()
        try:
            if self._auth_token.is_older(timedelta(days=self._days), now):
                outcome = self.renew()
                log.info("the Samespace token: %s", type(outcome).__name__)
        except (NoTokenError, BusyError):
            return
        except LockedOutError:
            log.error(LOCKED_OUT)
        except NotKeptError:
            log.error("the store did not take the new Samespace token: have one made at Samespace, and set it")
        except Exception as error:  # tried again in an hour: it must not end for good
            log_failure(log, "token", error)

    def start(self) -> None:
        """Look every hour in the background of this process; where it is renewed by hand only, never."""
        if self._thread is None and self._days is not None:
            self._thread = threading.Thread(target=self._run, name="token", daemon=True)
            self._thread.start()

    def stop(self, patience_seconds: float) -> None:
        """Begin no other renewal."""
        self._stopping.set()
        if self._thread:
            self._thread.join(patience_seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.renew_if_due()
            self._stopping.wait(EVERY_SECONDS)
