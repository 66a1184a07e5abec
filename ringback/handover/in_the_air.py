"""The calls that one process has in the air, and whether one of its workers may claim another.

Each worker claims for itself. One that claimed for all of them was slower than visitors post: in a busy process
every step of it waits until all the visitors had theirs.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection

from ringback.outbox.claims import Claim

WORKERS = 8  # calls in the air at once, so that a slow Samespace does not make everybody queue
FOR_ONE_WIDGET = WORKERS - 2  # so that a flood at one leaves workers for the others
_LOOKS_AGAIN_SECONDS = 0.25


class InTheAir:
    """How many there are of each widget."""

    def __init__(self, ask: Callable[[Collection[str]], Claim | None]) -> None:
        """`ask`: what claims a number, not one of these widgets."""
        self._ask = ask
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._asking = 0
        self._not_before = 0.0

    def claim(self) -> Claim | None:
        """The next one, which is in the air from now on. None: nothing may go now."""
        with self._lock:
            if self._asking >= FOR_ONE_WIDGET:
                return None
            # Nobody knows for which widget those will be that are being asked for at this moment.
            full = [key for key, calls in self._calls.items() if calls + self._asking >= FOR_ONE_WIDGET]
            # To find that nothing else waits takes as long as the flood is.
            if full and time.monotonic() < self._not_before:
                return None
            self._asking += 1
        claim = None
        try:
            claim = self._ask(full)
        finally:
            with self._lock:
                self._asking -= 1
                if claim:
                    self._calls[claim.widget] += 1
                elif full:
                    self._not_before = time.monotonic() + _LOOKS_AGAIN_SECONDS
        return claim

    def landed(self, claim: Claim) -> None:
        """It has ended, however that was."""
        with self._lock:
            self._calls[claim.widget] -= 1
