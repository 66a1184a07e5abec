"""A loop in the background of one process, that no error ends."""

import logging
import threading
from collections.abc import Callable

from ringback.store.failures import log_failure


class BackgroundLoop:
    """Something that is done again and again beside everything else, in a thread of its own."""

    def __init__(self, log: logging.Logger, name: str, every_seconds: float, waits_first: bool = False) -> None:
        """Do nothing yet: `start` does. `name`: of the thread, and in the log where it failed."""
        self._log = log
        self._name = name
        self.every_seconds = every_seconds
        self._waits_first = waits_first
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()

    @property
    def is_wanted(self) -> bool:
        """Whether there is anything to do: a loop that is not wanted never starts."""
        return True

    def turn(self) -> None:
        """Do it once. What it raises is logged, and it is tried again at the next turn."""
        raise NotImplementedError

    def start(self) -> None:
        """Do it in the background of this process. Once is enough; more does nothing."""
        if self._thread is None and self.is_wanted:
            # A daemon: whatever it does may be cut off at any moment, and is done again.
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def stop(self, patience_seconds: float) -> None:
        """Begin no other turn, and wait this long for the one that runs."""
        self.stopping.set()
        if self._thread:
            self._thread.join(patience_seconds)

    def begin(self) -> None:
        """What goes before the first turn."""

    def end(self) -> None:
        """What follows the last turn, once it is to stop."""

    def _run(self) -> None:
        self._guarded(self.begin)
        if self._waits_first:
            self.stopping.wait(self.every_seconds)
        while not self.stopping.is_set():
            self._guarded(self.turn)
            self.stopping.wait(self.every_seconds)
        self._guarded(self.end)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # tried again at the next turn: it must not end for good
            log_failure(self._log, self._name, error)
