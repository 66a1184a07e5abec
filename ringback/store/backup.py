"""Back-ups of a store while it is used: SQLite by its own interface, PostgreSQL by pg_dump."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from ringback.store.database import Database
from ringback.store.engines import make_engine
from ringback.store.failures import StoreError, said
from ringback.store.mark import set_aside
from ringback.store.private_file import make_private

_NO_PG_DUMP = (
    "pg_dump is not on this machine; install PostgreSQL's client, of the server's version or a newer one, "
    "or run pg_dump --format=custom where it is"
)


def back_up(database: Database, file: Path, now: datetime) -> str:
    """Write all of a store into a file, as it is at one moment; whole or not at all. What kind of file that is.

    Raises StoreError.

    A file that is there is replaced, as a nightly back-up expects.
    """
    if not database.is_there:
        raise StoreError("there is no store yet, so there is nothing to back up")
    if file.is_dir() or not file.parent.is_dir():
        raise StoreError(f"{file} should be the name of a file in a folder that is there")
    part = file.with_name(f"{file.name}.part")
    try:
        if database.is_sqlite:
            _copy_sqlite(database.engine.url, part, file, now)
        else:
            _dump_postgresql(database.engine.url, part)
        part.replace(file)
        _keep(file)
        return "SQLite" if database.is_sqlite else "pg_dump's custom format, for pg_restore"
    except (OSError, sqlite3.Error, sa.exc.SQLAlchemyError) as error:
        raise StoreError(f"the back-up could not be made ({said(error)})") from error
    finally:
        part.unlink(missing_ok=True)


def _copy_sqlite(url: sa.URL, part: Path, file: Path, now: datetime) -> None:
    store = Path(url.database or "")
    if file.exists() and file.samefile(store):
        raise StoreError(f"{file} is the store itself")
    part.unlink(missing_ok=True)
    make_private(part)
    # In one step, which is one reading transaction: writers go on, and what they write is not in it.
    with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
        if (found := copy.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            raise StoreError(f"the store is damaged: {found}")
    engine = make_engine(sa.URL.create("sqlite", database=str(part)))
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT 1")
        set_aside(connection, f"a back-up of {now.isoformat(sep=' ', timespec='seconds')}")
    engine.dispose()
    with closing(sqlite3.connect(part)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")


def _dump_postgresql(url: sa.URL, part: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise StoreError(_NO_PG_DUMP)
    plain = url.set(drivername="postgresql", password=None).difference_update_query(["password", "pgbouncer"])
    password = url.password or url.query.get("password")
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        done = subprocess.run(  # noqa: S603 the address is the operator's own
            [program, "--format=custom", "--no-owner", f"--dbname={plain.render_as_string()}"],
            stdout=file,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
    if done.returncode:
        words = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise StoreError(f"pg_dump: {words}")


def _keep(file: Path) -> None:
    """Have the file and its name on the disk: the store may be lost the next moment."""
    for path in (file, file.parent):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
