"""Stores with a past: a new file or database, and requests put into it by the engine itself."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa

from ringback.store.database import Database
from tests.crash.stores import Postgres, postgres_store, sqlite_store

# For each number `n` of a series: a request that the team has had, some time in the last 30 days.
_PAST = """
INSERT INTO requests (id, reference, widget, state, phone, region, name, email, company, message, attributes,
  page, language, form_id, answers_hash, requested_at, due_at, give_up_at, next_attempt_at, changed_at, attempt)
SELECT id, reference, 'sales', '{state}', phone, 'GB', 'Ann Example', '', '', '', '{{}}', '', 'en', form_id, id,
  at, at, {late}, at, at, {attempt} FROM ({series}) AS past
"""
_SQLITE_SERIES = """
WITH RECURSIVE series(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM series WHERE n < {first} + {count} - 1)
SELECT lower(hex(randomblob(16))) AS id, lower(hex(randomblob(16))) AS form_id,
  printf('RB-%08x', n) AS reference, printf('4411%08d', n) AS phone,
  strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || (n * 7919 % {spread}) || ' seconds') AS at FROM series
"""
_POSTGRES_SERIES = """
SELECT md5(random()::text || n) AS id, md5(random()::text || n) AS form_id,
  'RB-' || lpad(to_hex(n), 8, '0') AS reference, '4411' || lpad(n::text, 8, '0') AS phone,
  now() - (n::bigint * 7919 % {spread}) * interval '1 second' AS at
FROM generate_series({first}, {first} + {count} - 1) AS n
"""
_MONTH_SECONDS = 30 * 86_400
_PAST_EVENTS = "INSERT INTO events (request_id, at, kind) SELECT id, requested_at, '{kind}' FROM requests"
_PAST_CONSENTS = """
INSERT INTO consents (request_id, purpose, granted, sentence, sha256, language, form_version, page, at)
SELECT id, 'call', true, 'You ask Acme Ltd to call you on this number about your request.', id, 'en',
  'measured', 'https://www.acme.test/', requested_at FROM requests
"""


@contextmanager
def engines(folder: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """What gives the address of a new store on each engine."""
    with Postgres() as postgres:
        yield lambda: {"SQLite": sqlite_store(folder), "PostgreSQL": postgres_store(postgres.url)}


def with_past(url: str, count: int) -> None:
    """Make the tables, and put so many settled requests in, each with its history and consent."""
    database = Database(url)
    database.migrate("production")
    # Far more at once than Ringback ever does: with room for SQLite, without PostgreSQL's time limit.
    at_leisure = "PRAGMA cache_size = -1000000" if database.is_sqlite else "SET statement_timeout = 0"
    with database.write() as connection:
        connection.exec_driver_sql(at_leisure)
        connection.exec_driver_sql(_insert(database, 0, count, "with_team", 1, _MONTH_SECONDS))
        for kind in ("received", "attempted", "with_team"):
            connection.exec_driver_sql(_PAST_EVENTS.format(kind=kind))
        connection.exec_driver_sql(_PAST_CONSENTS)
    tidy_up(database, "VACUUM ANALYZE")
    database.close()


def with_waiting(url: str, count: int) -> None:
    """Put a backlog in: so many requests for as many numbers, all due now."""
    database = Database(url)
    database.migrate("production")
    first = 10_000_000 + secrets.randbelow(80_000_000 - count)
    with database.write() as connection:
        connection.exec_driver_sql(_insert(database, first, count, "waiting", 0, 1))
    tidy_up(database, "ANALYZE requests")
    database.close()


def tidy_up(database: Database, how: str) -> None:
    """What PostgreSQL does by itself within a minute: without statistics a claim goes through all that waits."""
    if database.is_sqlite:
        return
    connection = psycopg.connect(database.engine.url.set(drivername="postgresql").render_as_string(False))
    connection.autocommit = True  # a transaction cannot be vacuumed in
    connection.execute(how)
    connection.close()


def _insert(database: Database, first: int, count: int, state: str, attempt: int, spread: int) -> str:
    series = (_SQLITE_SERIES if database.is_sqlite else _POSTGRES_SERIES).format(
        first=first, count=count, spread=spread
    )
    # Not so late that the backlog would be given up while it is handed over.
    late = "strftime('%Y-%m-%d %H:%M:%f000', at, '+2 hours')" if database.is_sqlite else "at + interval '2 hours'"
    return _PAST.format(state=state, attempt=attempt, late=late, series=series).replace("%", _percent(database))


def _percent(database: Database) -> str:
    return "%" if database.is_sqlite else "%%"  # psycopg reads a single one as a place for a value


def read_through(url: str) -> None:
    """Have the files of a store in memory, as they are where it is in use: it is not the disk that is measured."""
    database = Database(url)
    files = [Path(str(database.engine.url.database))]
    if not database.is_sqlite:
        paths = "SELECT current_setting('data_directory') || '/' || pg_relation_filepath(oid) FROM pg_class"
        with database.read() as connection:
            relations = connection.exec_driver_sql(f"{paths} WHERE relkind IN ('r', 'i')").scalars()
            files = [piece for path in relations for piece in Path(path).parent.glob(f"{Path(path).name}*")]
    database.close()
    for file in files:
        with file.open("rb") as pieces:
            while pieces.read(1 << 20):
                pass


def rows(url: str, query: sa.Select[tuple[str, object]]) -> list[tuple[str, object]]:
    """What a store has."""
    database = Database(url)
    with database.read() as connection:
        found = [(row[0], row[1]) for row in connection.execute(query)]
    database.close()
    return found
