"""PostgreSQL's databases: what is told to a server, and the one that all tests of a process share.

To empty one is many times faster than to make another.
"""

import os

import psycopg
import sqlalchemy as sa

OTHERS_GO = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()"""
TABLES = """SELECT quote_ident(relname) FROM pg_class
  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"""
# A few rows are deleted, since truncating makes a new file for each index; many would be in the next test's way.
EMPTY = f"""DO $$ DECLARE place text; has_rows boolean; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR place IN {TABLES} LOOP
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || place || ')' INTO has_rows;
    IF pg_relation_size(place::regclass) > 100000 THEN EXECUTE 'TRUNCATE ' || place || ' CASCADE';
    ELSIF has_rows THEN EXECUTE 'DELETE FROM ' || place; END IF;
  END LOOP;
  PERFORM setval(seqrelid::regclass, seqstart, false) FROM pg_sequence;
END $$"""
SHAPE = """SELECT
  (SELECT string_agg(format('%s %s', relname, relnatts), ' ' ORDER BY relname) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace),
  (SELECT string_agg(format('%s %s', conname, conrelid::regclass), ' ' ORDER BY conname, conrelid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
  (SELECT string_agg(version_num, ' ') FROM alembic_version)"""


def ask(server: str, *statements: str) -> None:
    """Have a PostgreSQL do something that is no transaction."""
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    admin.dispose()


def database_of(server: str, name: str) -> str:
    """The address of one of its databases."""
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


class KeptDatabase:
    """A copy of a template, which is made anew only when a test changed its tables."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = server, template
        self._name = f"test_{os.getpid()}"
        self.url = database_of(server, self._name)
        self._make()
        with psycopg.connect(self.url) as connection:
            self._shape = connection.execute(SHAPE).fetchone()
            tables = [table for (table,) in connection.execute(TABLES)]
            self._rows = {table: _as_json(connection, table) for table in tables}

    def _make(self) -> None:
        ask(self._server, f"CREATE DATABASE {self._name} TEMPLATE {self._template}")

    def empty(self) -> None:
        """Make it what it was at first, whatever a test and its processes left there."""
        try:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(OTHERS_GO)
                is_as_made = connection.execute(SHAPE).fetchone() == self._shape
                if is_as_made:
                    self._put_back(connection)
        except psycopg.Error:  # a test may have taken away the very table that is asked
            is_as_made = False
        if not is_as_made:
            ask(self._server, f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
            self._make()

    def _put_back(self, connection: psycopg.Connection) -> None:
        connection.execute(EMPTY)
        for table, rows in self._rows.items():
            if rows:
                into = f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s::json)"
                connection.execute(into, (rows,))


def _as_json(connection: psycopg.Connection, table: str) -> str | None:
    """What a migration put there."""
    found = connection.execute(f"SELECT json_agg(row)::text FROM {table} AS row").fetchone()
    return found[0] if found else None
