"""What each process that hands over does once a minute: the store's mark moves on, and events are counted."""

import logging

from ringback.background import BackgroundLoop
from ringback.outbox.figures.tallies import Tallies
from ringback.store.database import Database

log = logging.getLogger("ringback.upkeep")

EVERY_SECONDS = 60.0


class Upkeep(BackgroundLoop):
    """The upkeep of one process. Several at once do no harm."""

    def __init__(self, database: Database, tallies: Tallies) -> None:
        super().__init__(log, "upkeep", EVERY_SECONDS, waits_first=True)
        self._database = database
        self._tallies = tallies

    def turn(self) -> None:
        """Do it now."""
        self._database.advance_mark()
        while self._tallies.fold() and not self.stopping.is_set():
            pass
