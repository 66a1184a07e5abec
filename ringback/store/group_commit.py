"""Getting a file onto the disk, once for everybody who waits for it."""

import os
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import gevent
from gevent import monkey
from gevent.threadpool import ThreadPool

# Bytes and size, not the time of the change: as SQLite itself does where there is a choice.
_to_disk = getattr(os, "fdatasync", os.fsync)


class GroupCommit:
    """One flush at a time. Callers that arrive during a flush share the next one."""

    def __init__(self, path: Path) -> None:
        """`path`: of a file that may not be there."""
        self._path = path
        self._turn = threading.Condition()
        self._came = self._kept = self._lost = 0
        self._runs = False

    def wait(self) -> None:
        """Return when all that was written before is on the disk. Raises OSError where that cannot be known."""
        with self._turn:
            self._came += 1
            mine = self._came
            while self._runs and self._kept < mine:
                self._turn.wait()
            if self._kept >= mine:
                self._raise_if_lost(mine)
                return
            self._runs, together = True, self._came
        is_known = False  # not if we are interrupted: then the next in turn flushes for all
        try:
            _outside(self._flush)
            is_known = True
        except OSError:
            # The kernel says it once: a second try would succeed, and what could not be written would be gone.
            self._lost, is_known = together, True
            raise
        finally:
            with self._turn:
                self._runs = False
                self._kept = together if is_known else self._kept
                self._turn.notify_all()

    def _raise_if_lost(self, mine: int) -> None:
        if mine <= self._lost:
            raise OSError("the disk did not take it")

    def _flush(self) -> None:
        try:
            file = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return  # SQLite has put all of it into the store itself, flushed that, and taken the log away
        try:
            _to_disk(file)
        finally:
            os.close(file)


def _outside(do: Callable[[], None]) -> None:
    """In a thread of the system's where ours are gevent's: else nobody would be served meanwhile.

    Of its own: in those of gevent names are looked up, and all may be waiting for a name server that says nothing.
    """
    if monkey.is_module_patched("threading"):
        _thread_of(gevent.get_hub()).apply(do)
    else:
        do()


@cache
def _thread_of(hub: object) -> ThreadPool:
    return ThreadPool(1, hub)
