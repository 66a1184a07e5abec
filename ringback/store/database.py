"""The store: engine, transactions, and migrations at start.

SQLite on one machine (WAL, every commit on the disk before it returns), PostgreSQL on many.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from ringback.store.group_commit import GroupCommit
from ringback.store.locks import lock_key
from ringback.store.private_file import make_private
from ringback.store.tables import about

log = logging.getLogger("ringback.database")

# A store that is stuck has to be answered for within 15 s, so nothing here waits longer than this.
PATIENCE_SECONDS = 8.0
_SQLITE_TRY_MS = 20
_RESTED_SECONDS = 1.0
_SMALL_BYTES = 50_000_000  # written anew in some 0.3 s
_MIGRATION_LOCK = 0x52696E67  # "Ring"; fixed, so that releases that start together exclude each other


class StoreError(Exception):
    """The store cannot be used; says why without a word of what is in it."""


# What a store that cannot be used looks like from the outside.
STORE_ERRORS = (StoreError, sa.exc.SQLAlchemyError)


class Database:
    """One store. `read` and `write` are the only ways in, each one transaction."""

    def __init__(self, url: str) -> None:
        """Open nothing yet. `url` as in DATABASE_URL. Raises StoreError where its file cannot be made."""
        self.failures = 0  # transactions that did not reach the disk, for whoever watches
        self._write_lock = threading.Lock()
        self.engine = _engine(sa.make_url(url))
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._log = GroupCommit(Path(f"{self.engine.url.database}-wal"))

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that changes nothing."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that is on the disk once the block has ended, and not at all if it raised.

        SQLite takes one writer at a time. Threads of one process queue at a lock of ours, which is
        fair, instead of racing for the file's lock, which is not: eight racing threads made one in a
        hundred wait a second.
        """
        try:
            with self._transaction() as connection:
                yield connection
        except (StoreError, sa.exc.OperationalError, sa.exc.InternalError, sa.exc.TimeoutError):
            self.failures += 1
            raise

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if not self.is_sqlite:
            with self.engine.begin() as connection:
                yield connection
            return
        deadline = time.monotonic() + PATIENCE_SECONDS
        if not self._write_lock.acquire(timeout=PATIENCE_SECONDS):
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
            raise StoreError("the disk did not take it") from error

    @property
    def has_one_writer(self) -> bool:
        """Whether a writing transaction keeps every other one out."""
        return self.is_sqlite

    @property
    def needs_sweep(self) -> bool:
        """Whether what was erased stays in the files until `sweep`."""
        return self.is_sqlite

    def migrate(self, kind: str) -> None:
        """Bring the tables up to date, one process at a time. `kind` is "production" or "sandbox".

        Raises StoreError for a store of the other kind: a sandbox's requests must never be called.
        """
        try:
            self._migrate(kind)
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(f"DATABASE_URL: the store cannot be used ({type(error).__name__})") from error

    def _migrate(self, kind: str) -> None:
        with self.write() as connection:
            lock_key(connection, _MIGRATION_LOCK)
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            found = connection.execute(sa.select(about.c.value).where(about.c.key == "kind")).scalar()
            if found is None:
                connection.execute(about.insert().values(key="kind", value=kind))
            elif found != kind:
                raise StoreError(f"DATABASE_URL: is the store of a {found}; it should be one for {kind}")

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
            log.warning("the store could not be swept (%s); the next purge tries again", type(error).__name__)
            return False

    @property
    def is_small(self) -> bool:
        """Whether a sweep is over before anybody notices."""
        file = Path(self.engine.url.database or "")
        return not self.needs_sweep or (file.exists() and file.stat().st_size < _SMALL_BYTES)

    def _write_anew(self, until: float) -> bool:
        if not self._write_lock.acquire(timeout=max(until - time.monotonic(), 0)):
            return False
        try:
            with closing(self.engine.raw_connection()) as connection:
                _until_unlocked(lambda: connection.cursor().execute("VACUUM"), until)
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


def _engine(url: sa.URL) -> sa.Engine:
    if url.drivername == "sqlite":
        return _sqlite(url)
    # `postgres://` is what hosts hand out and SQLAlchemy no longer reads.
    url = url.set(drivername="postgresql+psycopg")
    milliseconds = int(PATIENCE_SECONDS * 1000)
    engine = sa.create_engine(
        url,
        hide_parameters=True,  # an error must not carry a visitor's answers into a log
        pool_size=10,
        max_overflow=20,
        pool_timeout=PATIENCE_SECONDS,
        connect_args={
            "connect_timeout": 4,
            "tcp_user_timeout": 5000,
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
        },
    )
    _ask_the_rested(engine)
    return engine


def _ask_the_rested(engine: sa.Engine) -> None:
    """Make sure that a connection which lay still has not been closed meanwhile.

    `pool_pre_ping` asks before every transaction: under load that was a tenth of what a hand-over costs.
    """

    def put_back(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    def take(connection: Any, record: Any, _proxy: Any) -> None:
        rests_since = record.info.get("rests_since")  # forgotten with the connection, when that is replaced
        if rests_since is None or time.monotonic() - rests_since < _RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.InvalidatePoolError from error  # the others rested, too

    sa.event.listen(engine, "checkin", put_back)
    sa.event.listen(engine, "checkout", take)


def _sqlite(url: sa.URL) -> sa.Engine:
    if url.database:
        try:
            make_private(Path(url.database))
        except OSError as error:
            raise StoreError(f"DATABASE_URL: {url.database} cannot be made ({type(error).__name__})") from error
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        pool_size=10,
        max_overflow=20,
        pool_timeout=PATIENCE_SECONDS,
        connect_args={"timeout": _SQLITE_TRY_MS / 1000, "isolation_level": None},
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    def pragma(statement: str) -> None:
        _until_unlocked(lambda: connection.execute(statement), time.monotonic() + PATIENCE_SECONDS)

    pragma("PRAGMA journal_mode=WAL")
    # A commit may be lost when the power goes; "we have your request" may not. So `Database.write` has the log
    # flushed before it returns. FULL would do that too, with the write lock held and for each request alone.
    pragma("PRAGMA synchronous=NORMAL")
    pragma("PRAGMA foreign_keys=ON")
    pragma("PRAGMA secure_delete=ON")


def _changes(connection: sa.Connection) -> int:
    """Rows that this connection has changed since it was opened."""
    return int(connection.connection.driver_connection.total_changes)  # type: ignore[union-attr]


def _begin_sqlite(connection: sa.Connection) -> None:
    """Start a transaction; a writing one takes the lock at once.

    One that read first and then wanted to write would fail whatever its time-out
    (https://www.sqlite.org/lang_transaction.html, "Read transactions versus write transactions").
    """
    deadline = connection.get_execution_options().get("write_deadline")
    sqlite: Any = connection.connection.driver_connection
    try:
        if deadline is None:
            sqlite.execute("BEGIN")
        else:
            _begin_to_write(sqlite, deadline)
    except sqlite3.Error as error:
        raise StoreError(f"no transaction could begin ({type(error).__name__})") from error


def _begin_to_write(sqlite: Any, deadline: float) -> None:
    sqlite.execute("PRAGMA busy_timeout = 0")  # while SQLite waits, nobody else of a gevent worker is served
    try:
        _until_unlocked(lambda: sqlite.execute("BEGIN IMMEDIATE"), deadline)
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {_SQLITE_TRY_MS}")


def _until_unlocked(statement: Any, deadline: float) -> None:
    """Try again until another process lets go.

    SQLite's own waiting sleeps in C, where it would stop every other visitor of a gevent worker.
    """
    while True:
        try:
            statement()
            return
        except Exception as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.001)  # the other process tells nobody when it is done
