"""How each kind of store is connected to."""

import sqlite3
import time
from typing import Any

import sqlalchemy as sa

from ringback.store.failures import StoreError, said

# A store that is stuck has to be answered for within 15 s, so nothing here waits longer than this.
PATIENCE_SECONDS = 8.0
_SQLITE_TRY_MS = 20
_RESTED_SECONDS = 1.0


def make_engine(url: sa.URL) -> sa.Engine:
    if url.drivername == "sqlite":
        return _sqlite(url)
    return _postgresql(url)


def _postgresql(url: sa.URL) -> sa.Engine:
    """As it works behind a pooler, too, which may give each transaction another server's connection.

    So nothing is set for a connection, and what a transaction needs is set when it begins.
    """
    # `postgres://` is what hosts hand out and SQLAlchemy no longer reads; `pgbouncer` is their word for Prisma.
    url = url.set(drivername="postgresql+psycopg").difference_update_query(["pgbouncer"])
    engine = sa.create_engine(
        url,
        hide_parameters=True,  # an error must not carry a visitor's answers into a log
        pool_size=10,
        max_overflow=20,
        pool_timeout=PATIENCE_SECONDS,
        # autocommit: as far as psycopg is concerned. Transactions are begun below.
        connect_args={"connect_timeout": 4, "tcp_user_timeout": 5000, "autocommit": True},
    )
    sa.event.listen(engine, "connect", _prepare_postgresql)
    sa.event.listen(engine, "begin", _begin_postgresql)
    _ask_the_rested(engine)
    return engine


_MILLISECONDS = int(PATIENCE_SECONDS * 1000)
# Of a machine that was cut off the server hears nothing for hours, and would keep its locks from all others.
# Before they lose patience, it takes back what it gave to a transaction that says nothing.
SILENT_SECONDS = 5.0
# One message, as BEGIN alone would be.
_BEGIN = "; ".join(
    [
        "BEGIN",
        f"SET LOCAL statement_timeout = {_MILLISECONDS}",
        f"SET LOCAL lock_timeout = {_MILLISECONDS}",
        f"SET LOCAL idle_in_transaction_session_timeout = {int(SILENT_SECONDS * 1000)}",
    ]
)


def _begin_postgresql(connection: sa.Connection) -> None:
    connection.exec_driver_sql(_BEGIN)


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """Prepare no statements behind a pooler: the server of the next transaction would not know them.

    A pooler gives out process numbers of its own, so its connections are known by them.
    """
    if connection.execute("SELECT pg_backend_pid()").fetchone()[0] != connection.info.backend_pid:
        connection.prepare_threshold = None


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
        until_unlocked(lambda: connection.execute(statement), time.monotonic() + PATIENCE_SECONDS)

    pragma("PRAGMA journal_mode=WAL")
    # A commit may be lost when the power goes; "we have your request" may not. So `Database.write` has the log
    # flushed before it returns. FULL would do that too, with the write lock held and for each request alone.
    pragma("PRAGMA synchronous=NORMAL")
    pragma("PRAGMA foreign_keys=ON")
    pragma("PRAGMA secure_delete=ON")


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
        raise StoreError(f"no transaction could begin ({said(error)})") from error


def _begin_to_write(sqlite: Any, deadline: float) -> None:
    sqlite.execute("PRAGMA busy_timeout = 0")  # while SQLite waits, nobody else of a gevent worker is served
    try:
        until_unlocked(lambda: sqlite.execute("BEGIN IMMEDIATE"), deadline)
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {_SQLITE_TRY_MS}")


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
