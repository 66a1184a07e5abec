"""What is counted in this process's memory, for Flask-Limiter: a storage of `limits` of our own.

The library's own goes through every address of the last hour a hundredth of a second after each post. With
2,000 addresses that left room for thirty posts a second, and a flood from many addresses is what limits are for.
Here a post looks at its own address, and what has run out is dropped once a minute.
"""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any

from limits.storage import MovingWindowSupport, Storage

SCHEME = "process"
_SWEEP_SECONDS = 60


class ProcessMemory(Storage, MovingWindowSupport):
    """Moving windows and counters, as long as the process lives. Times are Unix times in seconds."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 (the library's way to register a storage)

    def __init__(
        self, uri: str = "", wrap_exceptions: bool = False, clock: Callable[[], float] = time.time, **options: Any
    ) -> None:
        """Called by the library when a storage's address begins with `SCHEME`."""
        super().__init__(uri, wrap_exceptions, **options)
        self._clock = clock
        self._lock = Lock()
        self._hits: dict[str, deque[float]] = {}
        self._counters: dict[str, int] = {}
        self._ends: dict[str, float] = {}  # when a key has nothing more to say
        self._next_sweep = 0.0

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Note `amount` hits if no more than `limit` then lie in the window. Whether it did."""
        with self._lock:
            now = self._now()
            hits = self._hits.setdefault(key, deque())
            while hits and hits[0] <= now - expiry:
                hits.popleft()
            if len(hits) + amount > limit:
                return False
            hits.extend([now] * amount)
            self._ends[key] = now + expiry
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest hit in the window was, and how many there are."""
        with self._lock:
            now = self._now()
            hits = [hit for hit in self._hits.get(key, ()) if hit > now - expiry]
            return (hits[0] if hits else now), len(hits)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count up, from nothing once `expiry` seconds have passed since the first."""
        with self._lock:
            now = self._now()
            if self._ends.get(key, 0) <= now:
                self._counters[key] = 0
                self._ends[key] = now + expiry
            self._counters[key] += amount
            return self._counters[key]

    def get(self, key: str) -> int:
        """The count of a key, 0 where it has run out."""
        with self._lock:
            return self._counters.get(key, 0) if self._ends.get(key, 0) > self._now() else 0

    def get_expiry(self, key: str) -> float:
        """When a key runs out; now, where there is none."""
        with self._lock:
            return self._ends.get(key, self._now())

    def clear(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            self._forget(key)

    def reset(self) -> int:
        """Forget all. How many there were."""
        with self._lock:
            keys = list(self._ends)
            for key in keys:
                self._forget(key)
            return len(keys)

    def check(self) -> bool:
        """It is always there."""
        return True

    @property
    def base_exceptions(self) -> type[Exception]:
        """What it may raise, which is nothing."""
        return ValueError

    def _now(self) -> float:
        """The time; what has run out by then is dropped once in a while. The lock is held."""
        now = self._clock()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_SECONDS
            for key in [key for key, end in self._ends.items() if end <= now]:
                self._forget(key)
        return now

    def _forget(self, key: str) -> None:
        self._ends.pop(key, None)
        self._hits.pop(key, None)
        self._counters.pop(key, None)
