"""Locks that end with the transaction that took them.

SQLite needs none of them: it has one writing transaction at a time, which keeps every other out.
"""

import sqlalchemy as sa


def lock(connection: sa.Connection, name: str) -> None:
    """Wait for the lock of this name."""
    _wait(connection, _key(name))


def lock_key(connection: sa.Connection, key: int) -> None:
    """Wait for the lock with this key, which stands for no name."""
    _wait(connection, sa.literal(key, sa.BigInteger))


def lock_key_however_long(connection: sa.Connection, key: int) -> None:
    """Wait for the lock with this key, which stands for no name, as long as it takes.

    Nor has a statement of this transaction a limit from now on, or the time between two. What it waits for at a
    table has one: behind it would wait whoever wants that table.
    """
    if _is_postgresql(connection):
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        patience = connection.execute(sa.text("SHOW lock_timeout")).scalar()
        connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
        _wait(connection, sa.literal(key, sa.BigInteger))
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{patience}'"))


def try_lock(connection: sa.Connection, name: str) -> bool:
    """Take the lock of this name without waiting. False: another transaction has it."""
    if not _is_postgresql(connection):
        return True
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_key(name)))).scalar())


def lock_table(connection: sa.Connection, table: sa.Table, mode: str, patience_ms: int | None = None) -> None:
    """Wait for a lock on a whole table; `mode` as PostgreSQL names it, such as "SHARE".

    `patience_ms`: how long this transaction waits for any lock from now on, if not as long as others do.
    """
    if _is_postgresql(connection):
        if patience_ms is not None:
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{patience_ms}ms'"))
        connection.execute(sa.text(f"LOCK TABLE {table.name} IN {mode} MODE"))


def _wait(connection: sa.Connection, key: sa.ColumnElement[int]) -> None:
    if _is_postgresql(connection):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def _is_postgresql(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _key(name: str) -> sa.ColumnElement[int]:
    return sa.func.hashtextextended(name, 0)
