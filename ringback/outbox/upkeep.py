"""What each process that hands over does once a minute: the store's mark moves on, and events are counted."""

import logging
import threading

from ringback.outbox.figures.tallies import Tallies
from ringback.store.database import Database
from ringback.store.failures import log_failure

log = logging.getLogger("ringback.upkeep")

EVERY_SECONDS = 60.0


class Upkeep:
    """The upkeep of one process. Several at once do no harm."""

    def __init__(self, database: Database, tallies: Tallies) -> None:
        self._database = database
        self._tallies = tallies
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Do it in the background of this process. Once is enough; more does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Begin no more of it."""
        self._stopping.set()

    def run_once(self) -> None:
        """Do it now."""
        try:
            self._database.advance_mark()
            while self._tallies.fold() and not self._stopping.is_set():
                pass
        except Exception as error:  # tried again in a minute: it must not end for good
            log_failure(log, "upkeep", error)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            self.run_once()
