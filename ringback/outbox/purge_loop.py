"""The purge that runs by itself: at the start, then every hour, in each process that hands over."""

import logging

from ringback.background import BackgroundLoop
from ringback.outbox.personal_data import PersonalData, Purge
from ringback.store.failures import log_failure

log = logging.getLogger("ringback.purge")

EVERY_SECONDS = 3600.0


class PurgeLoop(BackgroundLoop):
    """The purge of one process. Several at once do no harm: each finds what the others left."""

    def __init__(self, personal_data: PersonalData) -> None:
        super().__init__(log, "purge", EVERY_SECONDS)
        self._personal_data = personal_data

    def turn(self) -> None:
        """Purge."""
        self.run_once()

    def run_once(self) -> Purge | None:
        """Purge, and say in the log what was done; None where the store did not answer."""
        try:
            done = self._personal_data.purge()
        except Exception as error:  # tried again in an hour: it must not end for good
            log_failure(log, "purge", error)
            return None
        if done.clock_leapt:
            log.warning("purge: the clock leapt; nothing is erased until it has run steadily for an hour")
            return done
        log.info("purge: erased %d; %d requests are left without personal data", done.erased, done.left)
        return done
