"""All of a store into another one that is empty, as from SQLite to PostgreSQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import sqlalchemy as sa

from ringback.store.all_tables import metadata
from ringback.store.database import Database
from ringback.store.failures import StoreError, said
from ringback.store.mark import OF_A_STORE, set_aside
from ringback.store.tables import about

_AT_ONCE = 1000  # rows in one statement
_IN_USE = "DATABASE_URL: something still has this store open; stop every process of Ringback, then copy it"


def copy_store(source: Database, target: Database, kind: str) -> dict[str, int]:
    """Copy every row, and keep the source from being started unsaid. How many rows, by table.

    Nobody may use the source meanwhile: what came in would be missing, and who was called be called again. The
    target is changed in one transaction. Raises StoreError.
    """
    source.migrate(kind)
    target.migrate(kind)
    with _alone(source), source.write() as reading:
        if not source.is_sqlite and _has_others(reading):
            raise StoreError(_IN_USE)
        try:
            counts = target.adopt(lambda writing: _copy(reading, writing))
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(f"the copy could not be made, and nothing was changed ({said(error)})") from error
        set_aside(reading, f"copied to {_name(target)}")
    return counts


def _copy(reading: sa.Connection, writing: sa.Connection) -> dict[str, int]:
    """Row by row, in the order in which tables refer to each other. Raises StoreError where something is there."""
    tables = metadata.sorted_tables
    full = [table.name for table in tables if table not in _MADE_AT_START and _has_rows(writing, table)]
    if full:
        raise StoreError(f"the store to copy to is not empty: there is something in {', '.join(full)}")
    counts = {}
    for table in reversed(tables):
        writing.execute(table.delete())
    for table in tables:
        counts[table.name] = 0
        for rows in reading.execute(sa.select(table).where(*_only(table))).partitions(_AT_ONCE):
            given = [dict(row._mapping) for row in rows]
            writing.execute(table.insert(), given)
            counts[table.name] += len(given)
        _count_on(writing, table)
    return counts


# What the start of a store writes, or its migrations.
_MADE_AT_START = [metadata.tables[name] for name in ("about", "breaker", "call_reading", "teams")]


def _only(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    return [about.c.key.not_in(OF_A_STORE)] if table is about else []


def _has_rows(connection: sa.Connection, table: sa.Table) -> bool:
    return connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """Have PostgreSQL number the next row after those that were copied. SQLite does so by itself."""
    if connection.dialect.name != "postgresql" or "id" not in table.c or table.c.id.type.python_type is not int:
        return
    sequence = connection.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, "id"))).scalar()
    last = connection.execute(sa.select(sa.func.max(table.c.id))).scalar()
    if sequence and last:
        connection.execute(sa.select(sa.func.setval(sequence, last)))


@contextmanager
def _alone(source: Database) -> Iterator[None]:
    """Raise StoreError while another process has an SQLite store open: out of WAL it can only be taken alone."""
    source.close()
    if source.is_sqlite:
        try:
            with closing(sqlite3.connect(source.engine.url.database or "", timeout=0.5)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            raise StoreError(_IN_USE) from error
    yield


def _has_others(connection: sa.Connection) -> bool:
    """Whether somebody else is connected to this database of PostgreSQL's."""
    others = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return bool(connection.execute(others).scalar())


def _name(target: Database) -> str:
    url = target.engine.url
    return f"{url.host or 'this machine'}/{url.database}"
