"""The purge that runs by itself: at the start, then every hour, in each process that hands over."""

import logging
import threading

from ringback.outbox.personal_data import PersonalData, Purge
from ringback.store.failures import log_failure

log = logging.getLogger("ringback.purge")

EVERY_SECONDS = 3600.0


class PurgeLoop:
    """The purge of one process. Several at once do no harm: each finds what the others left."""

    def __init__(self, personal_data: PersonalData) -> None:
        self._personal_data = personal_data
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Purge in the background of this process. Once is enough; more does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="purge", daemon=True)
            self._thread.start()

    def stop(self, patience_seconds: float) -> None:
        """Begin no other purge."""
        self._stopping.set()
        if self._thread:
            self._thread.join(patience_seconds)

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

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.run_once()
            self._stopping.wait(EVERY_SECONDS)
