"""The count that runs by itself, every few seconds, in each process that shows forms or hands over."""

import logging
import threading

from ringback.outbox.figures.figure_counter import FigureCounter
from ringback.store.failures import log_failure

log = logging.getLogger("ringback.figures")

EVERY_SECONDS = 5.0


class FiguresLoop:
    """The count of one process. While one counts, the others leave it alone."""

    def __init__(self, counter: FigureCounter) -> None:
        self._counter = counter
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Count in the background of this process. Once is enough; more does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="figures", daemon=True)
            self._thread.start()

    def stop(self, patience_seconds: float) -> None:
        """Count once more, and no further."""
        self._stopping.set()
        if self._thread:
            self._thread.join(patience_seconds)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            self._catch_up()
        self._catch_up()

    def _catch_up(self) -> None:
        try:
            while self._counter.count() and not self._stopping.is_set():
                self._stopping.wait(0.05)  # who stores goes first
        except Exception as error:  # tried again in a moment: it must not end for good
            log_failure(log, "figures", error)
