"""The auth token renewed: by hand, or by itself every so many days.

Samespace makes the new one the moment it is asked, and the old one may be dead from then on. So a write that has
to succeed goes before the call, the new one is on the disk before anything else happens, and one process at a time
asks.
"""

import logging
from datetime import timedelta

from ringback.background import BackgroundLoop
from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.handover.auth_token import LOCKED_OUT, AuthToken, LockedOutError
from ringback.handover.outcomes import NewToken, Outcome
from ringback.handover.samespace import Samespace
from ringback.store.failures import STORE_ERRORS

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


class TokenRenewal(BackgroundLoop):
    """Renews the token of one store."""

    def __init__(
        self, auth_token: AuthToken, samespace: Samespace, settings: Settings, clock: Clock = utc_now
    ) -> None:
        super().__init__(log, "token", EVERY_SECONDS)
        self._auth_token = auth_token
        self._samespace = samespace
        self._days = settings.samespace.renew_token_days
        self._clock = clock

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
                self.stopping.wait(_BETWEEN_TRIES_SECONDS if attempt else 0)
        raise NotKeptError(new)

    @property
    def is_wanted(self) -> bool:
        """Where it is renewed by hand only, nobody looks."""
        return self._days is not None

    def turn(self) -> None:
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
