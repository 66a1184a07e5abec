"""SQLite: one file and its log, on one machine."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ringback.store.failures import PATIENCE_SECONDS, StoreError
from ringback.store.private_file import make_private

_TRY_MS = 20


def sqlite_engine(url: sa.URL) -> sa.Engine:
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
        connect_args={"timeout": _TRY_MS / 1000, "isolation_level": None},
    )
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    def pragma(statement: str) -> None:
        until_unlocked(lambda: connection.execute(statement), time.monotonic() + PATIENCE_SECONDS)

    pragma("PRAGMA journal_mode=WAL")
    # A commit may be lost when the power goes; "we have your request" may not. So `Database.write` has the log
    # flushed before it returns. FULL would do that too, with the write lock held and for each request alone.
    pragma("PRAGMA synchronous=NORMAL")
    pragma("PRAGMA foreign_keys=ON")
    pragma("PRAGMA secure_delete=ON")


def changes(connection: sa.Connection) -> int:
    """Rows that this connection has changed since it was opened."""
    return int(connection.connection.driver_connection.total_changes)  # type: ignore[union-attr]


def _begin(connection: sa.Connection) -> None:
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
        until_unlocked(lambda: sqlite.execute("BEGIN IMMEDIATE"), deadline)
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {_TRY_MS}")


def until_unlocked(statement: Any, deadline: float) -> None:
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
