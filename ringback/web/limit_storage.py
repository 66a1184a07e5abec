"""Rate-limit storage in this process's memory, for Flask-Limiter: our own storage class for `limits`.

The library's own storage goes through every address of the last hour a hundredth of a second after each post. With
2,000 addresses that allowed thirty posts a second, and a flood from many addresses is what limits are for.
Here a post touches only its own address, and expired entries are dropped once a minute.
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
        self._ends: dict[str, float] = {}  # when a key expires
        self._next_sweep = 0.0

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Record `amount` hits if the window then holds at most `limit`; return whether it did."""
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
        """Add to a counter, which starts again `expiry` seconds after its first hit; return the count."""
        with self._lock:
            now = self._now()
            if self._ends.get(key, 0) <= now:
                self._counters[key] = 0
                self._ends[key] = now + expiry
            self._counters[key] += amount
            return self._counters[key]

    def get(self, key: str) -> int:
        """The count of a key, 0 once it has expired."""
        with self._lock:
            return self._counters.get(key, 0) if self._ends.get(key, 0) > self._now() else 0

    def get_expiry(self, key: str) -> float:
        """When a key expires; now, where there is none."""
        with self._lock:
            return self._ends.get(key, self._now())

    def clear(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            self._forget(key)

    def reset(self) -> int:
        """Forget all keys; return how many there were."""
        with self._lock:
            keys = list(self._ends)
            for key in keys:
                self._forget(key)
            return len(keys)

    def check(self) -> bool:
        """Memory is always reachable."""
        return True

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the storage may raise; this one raises nothing."""
        return ValueError

    def _now(self) -> float:
        """The time. Once a minute drops what has expired; the lock must be held."""
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
