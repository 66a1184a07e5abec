"""The store: engine, transactions, and migrations at start.

SQLite on one machine (WAL, every commit on the disk before it returns), PostgreSQL on many.
"""

import logging
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from ringback.store import revisions
from ringback.store.engines import PATIENCE_SECONDS, make_engine, until_unlocked
from ringback.store.failures import StoreError, mend, said
from ringback.store.group_commit import GroupCommit
from ringback.store.locks import lock_key, lock_key_however_long
from ringback.store.mark import Mark
from ringback.store.private_file import NoStoreError, has_log_of_another, make_private, obstacle
from ringback.store.tables import about

log = logging.getLogger("ringback.database")

T = TypeVar("T")

_SMALL_BYTES = 50_000_000  # written anew in some 0.3 s
_OWNERS = {"production": "production", "sandbox": "the sandbox"}
# A large store is brought up to date in minutes, which its other processes have to wait for.
_MIGRATION_PATIENCE_SECONDS = 86_400.0
_TOLD_AFTER_SECONDS = 1.0
_MIGRATION_LOCK = 0x52696E67  # "Ring"; fixed, so that releases that start together exclude each other
_WAITING = "another process has the store, and may be bringing it up to date; waiting for it"


class Database:
    """One store. `read` and `write` are the only ways in, each one transaction."""

    def __init__(self, url: str) -> None:
        """Open nothing yet, and make nothing. `url` as in DATABASE_URL."""
        self.failures = 0  # transactions that did not reach the disk, for whoever watches
        self.on_failure: Callable[[], None] = lambda: None
        self._write_lock = threading.Lock()
        self.engine = make_engine(sa.make_url(url))
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._file = Path(self.engine.url.database or "")  # of SQLite's
        self._log = GroupCommit(Path(f"{self._file}-wal"))
        self._mark = Mark(self._file if self.is_sqlite else None)
        # The last one to close an SQLite store puts its log into it: then it is one file, as people expect.
        weakref.finalize(self, self.engine.dispose)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that changes nothing."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self, is_counted: bool = True) -> Iterator[sa.Connection]:
        """A transaction that is on the disk once the block has ended, and not at all if it raised.

        SQLite takes one writer at a time. Threads of one process queue at our own lock, which is
        fair, instead of racing for the file's lock, which is not: eight racing threads made one in a
        hundred wait a second. `is_counted`: whether it is among `failures` if it raises.
        """
        try:
            with self._transaction(PATIENCE_SECONDS) as connection:
                yield connection
        except (StoreError, sa.exc.OperationalError, sa.exc.InternalError, sa.exc.TimeoutError):
            if is_counted:
                self.failures += 1
                self.on_failure()
            raise

    @contextmanager
    def _transaction(self, patience_seconds: float) -> Iterator[sa.Connection]:
        if not self.is_sqlite:
            with self.engine.begin() as connection:
                yield connection
            return
        deadline = time.monotonic() + patience_seconds
        if not self._write_lock.acquire(timeout=patience_seconds):
            raise StoreError("the store is busy")
        try:
            with (
                self.engine.connect().execution_options(write_deadline=deadline) as connection,
                connection.begin(),
            ):
                before = _changes(connection)
                yield connection
                has_changed = _changes(connection) > before
        finally:
            self._write_lock.release()
        if has_changed:
            self._keep()

    def _keep(self) -> None:
        """Have what was committed on the disk before anybody is told; one flush for all who wait for one."""
        try:
            self._log.wait()
        except OSError as error:
            raise StoreError(f"the disk did not take it ({said(error)})") from error

    @property
    def has_one_writer(self) -> bool:
        """Whether a writing transaction keeps every other one out."""
        return self.is_sqlite

    @property
    def needs_sweep(self) -> bool:
        """Whether what was erased stays in the files until `sweep`."""
        return self.is_sqlite

    def migrate(self, kind: str, may_be_copy: bool = False) -> None:
        """Bring the tables up to date, one process at a time. `kind` is "production" or "sandbox".

        Takes as long as it takes, and so does waiting for another process that is at it.
        Makes an SQLite store that is not there. Raises StoreError, also for a store of the other kind: a sandbox's
        requests must never be called. So must not those of a back-up that was put back (`mark`), unless it
        `may_be_copy`; then `adopt` has to follow.
        """
        try:
            if self.is_sqlite:
                if has_log_of_another(self._file):
                    raise StoreError(
                        f"DATABASE_URL: {self._file}-wal is of the store that was here before, and would spoil "
                        f"this one; take it away: rm {self._file}-wal {self._file}-shm"
                    )
                make_private(self._file)
            self._migrate(kind, may_be_copy)
        except StoreError:
            self.close()
            raise
        except NoStoreError as error:
            raise StoreError(f"DATABASE_URL: {error}") from error
        except OSError as error:
            why = said(error)
            raise StoreError(f"DATABASE_URL: {self._file} cannot be made ({why}){self._mend(why)}") from error
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(self.told(error)) from error

    def told(self, error: BaseException) -> str:
        """A line for the log: the setting, what the store said, and the mend where there is one."""
        why = said(error)
        return f"DATABASE_URL: the store cannot be used ({why}){self._mend(why)}"

    def _mend(self, why: str) -> str:
        found = obstacle(self._file) if self.is_sqlite else mend(why)
        return f"; {found}" if found else ""

    @property
    def is_there(self) -> bool:
        """False for an SQLite store that nobody has made yet."""
        return not self.is_sqlite or self._file.exists()

    def _migrate(self, kind: str, may_be_copy: bool) -> None:
        with self._migrating() as connection:
            found = connection.execute(sa.select(about.c.value).where(about.c.key == "kind")).scalar()
            if found is None:
                connection.execute(about.insert().values(key="kind", value=kind))
            elif found != kind:
                raise StoreError(
                    f"DATABASE_URL: this database belongs to {_OWNERS[found]}; use another for {_OWNERS[kind]}"
                )
            if may_be_copy or kind == "sandbox":  # from the sandbox nobody is rung twice
                return
            self._mark.check(connection)
            number = self._mark.advance(connection)
        self._mark.note(number)

    @contextmanager
    def _migrating(self) -> Iterator[sa.Connection]:
        """A transaction in which the tables are those of this version.

        A store that has them already is asked like any other: one that is stuck then stops the start.
        """
        with self.read() as connection:
            is_newest = revisions.revision_of(connection) == revisions.newest()
        if is_newest:
            with self.write() as connection:
                lock_key(connection, _MIGRATION_LOCK)
                yield connection
            return
        told = threading.Timer(_TOLD_AFTER_SECONDS, log.warning, [_WAITING])
        told.daemon = True
        told.start()
        try:
            with self._transaction(_MIGRATION_PATIENCE_SECONDS) as connection:
                lock_key_however_long(connection, _MIGRATION_LOCK)
                told.cancel()
                revisions.upgrade(connection)
                yield connection
        finally:
            told.cancel()

    def adopt(self, change: Callable[[sa.Connection], T]) -> T:
        """Make a store that was put here the one that is used, after this change of it, in one transaction."""
        with self.write() as connection:
            done = change(connection)
            number = self._mark.adopt(connection)
        self._mark.note(number)
        return done

    def advance_mark(self) -> None:
        """Have copies made before known for older. Raises StoreError for one that was put in its place."""
        with self.write() as connection:
            if self.is_sqlite:  # PostgreSQL's may have failed over meanwhile
                self._mark.check(connection)
            number = self._mark.advance(connection)
        self._mark.note(number)

    @property
    def revision(self) -> str | None:
        """The revision of its tables; None where there are none yet. Raises StoreError."""
        if not self.is_there:
            return None
        try:
            with self.read() as connection:
                return revisions.revision_of(connection)
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(self.told(error)) from error

    def sweep(self, patience_seconds: float = 1.0) -> bool:
        """Leave nothing of what was erased in an SQLite file, nor in the log beside it. False: not yet.

        `secure_delete` does not do it alone: where SQLite moves rows to another page, copies of them may stay
        in the room that becomes free on the first. So the whole file is written anew, which took 0.7 s with
        100,000 requests; readers go on meanwhile. One that began before keeps the log from being emptied.
        """
        if not self.needs_sweep:
            return True  # its dead rows are vacuumed by itself
        until = time.monotonic() + patience_seconds
        try:
            return self._write_anew(until) and self._empty_log(until)
        except (sqlite3.Error, sa.exc.SQLAlchemyError) as error:
            log.warning("the store could not be swept (%s); the next purge tries again", said(error))
            return False

    @property
    def is_small(self) -> bool:
        """Whether a sweep is over before anybody notices."""
        return not self.needs_sweep or (self._file.exists() and self._file.stat().st_size < _SMALL_BYTES)

    def _write_anew(self, until: float) -> bool:
        if not self._write_lock.acquire(timeout=max(until - time.monotonic(), 0)):
            return False
        try:
            with closing(self.engine.raw_connection()) as connection:
                until_unlocked(lambda: connection.cursor().execute("VACUUM"), until)
            return True
        finally:
            self._write_lock.release()

    def _empty_log(self, until: float) -> bool:
        with closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            while cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > until:
                    return False
                time.sleep(0.02)  # the reader tells nobody when it is done
        return True

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _changes(connection: sa.Connection) -> int:
    """Rows that this connection has changed since it was opened."""
    return int(connection.connection.driver_connection.total_changes)  # type: ignore[union-attr]
