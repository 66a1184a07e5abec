"""The count that runs by itself, every few seconds, in each process that shows forms or hands over."""

import logging

from ringback.background import BackgroundLoop
from ringback.outbox.figures.figure_counter import FigureCounter

log = logging.getLogger("ringback.figures")

EVERY_SECONDS = 5.0


class FiguresLoop(BackgroundLoop):
    """The count of one process. While one counts, the others leave it alone."""

    def __init__(self, counter: FigureCounter) -> None:
        super().__init__(log, "figures", EVERY_SECONDS, waits_first=True)
        self._counter = counter

    def turn(self) -> None:
        """Count all there is to count, a few hundred events at a time."""
        while self._counter.count() and not self.stopping.is_set():
            self.stopping.wait(0.05)  # who stores goes first

    def end(self) -> None:
        """Count once more, and no further."""
        self._counter.count()
