"""The mark that tells the store that is used here from a copy of it that was put in its place.

A back-up does not know whom we called since it was made: started as if nothing had happened, it would have them
called again. So what a back-up does not carry along is compared with what stands in the store:

- SQLite: a file beside the store has a number that grows with every start and every minute, and which file on the
  disk it belongs to. A store with a lower number, or another file, is not the one that was used here last.
- PostgreSQL: which server, which line of its history, which database and which table it is.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from ringback.store.failures import StoreError
from ringback.store.private_file import write_private
from ringback.store.remembered import forget, recall, remember
from ringback.store.tables import requests

log = logging.getLogger("ringback.database")

_NUMBER, _HOME, _COPY = "mark", "home", "copy"
OF_A_STORE = (_NUMBER, _HOME, _COPY)  # of one, and of no copy
_MEND = "Stop every process, then say so: flask --app app store restored"
_BECAUSE = "whoever was called since it was copied would be called again"
_PUT_HERE = f"DATABASE_URL: this store was put here: a back-up, or one that was moved; {_BECAUSE}. {_MEND}"
_OF_POSTGRESQL = {
    "server": "SELECT system_identifier::text FROM pg_control_system()",
    "history": "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)",
    "database": "SELECT oid::text FROM pg_database WHERE datname = current_database()",
    "table": "SELECT 'about'::regclass::oid::text",
}


class Mark:
    """The mark of one store."""

    def __init__(self, store: Path | None) -> None:
        """`store`: SQLite's file; None for PostgreSQL."""
        self._store = store
        self._file = Path(f"{store}-mark")

    def check(self, connection: sa.Connection) -> None:
        """Raise StoreError where this is not the store that was used here last."""
        if copied := recall(connection, _COPY):
            raise StoreError(f"DATABASE_URL: this store is {copied}; {_BECAUSE}. {_MEND}")
        if self._store is None:
            home = recall(connection, _HOME)
            if home and home != self.home(connection):
                raise StoreError(_PUT_HERE)
        elif not self._is_ours(connection):
            raise StoreError(_PUT_HERE)

    def _is_ours(self, connection: sa.Connection) -> bool:
        stored, noted = recall(connection, _NUMBER), self._noted()
        if stored is None:  # new, or made by a version that had no mark
            is_new = connection.execute(sa.select(requests.c.id).limit(1)).first() is None
            return is_new or noted is None or noted[0] == 0
        return noted is not None and noted[0] <= int(stored) and noted[1] == self._store_number()

    def adopt(self, connection: sa.Connection) -> int:
        """Make this the store that is used here, whatever it was; then `note` what is returned."""
        forget(connection, _COPY)
        return self.advance(connection)

    def advance(self, connection: sa.Connection) -> int:
        """Move on, so that what was copied before is known for older; then `note` what is returned."""
        if self._store is None:
            home, known = self.home(connection), recall(connection, _HOME)
            if home != known:
                if known:
                    log.warning("the store is at another place now, as after a fail-over: %s", home)
                remember(connection, _HOME, home)
            return 0
        stored, noted = recall(connection, _NUMBER), self._noted()
        if stored is None and noted is None:
            self._write(0)  # before the first number stands in the store, so that it is never there alone
        number = max(int(stored or 0), noted[0] if noted else 0) + 1
        remember(connection, _NUMBER, str(number))
        return number

    def note(self, number: int) -> None:
        """Write down what is in the store now. Not written, it is behind, which does no harm."""
        if self._store is None:
            return
        noted = self._noted()
        if noted == (number, self._store_number()):
            return
        with suppress(OSError):
            self._write(number)

    def _write(self, number: int) -> None:
        write_private(self._file, f"{number} {self._store_number()}\n")

    def _noted(self) -> tuple[int, int] | None:
        """The number and the store's file as they were written down, or None."""
        try:
            number, file = self._file.read_text().split()
            return int(number), int(file)
        except (OSError, ValueError):
            return None

    def _store_number(self) -> int:
        """Which file on the disk the store is: one that is put in its place is another."""
        return os.stat(self._store or "").st_ino

    def home(self, connection: sa.Connection) -> str:
        """Which server, history, database and table of PostgreSQL's this is."""
        return " ".join(f"{name} {_told(connection, query)}" for name, query in _OF_POSTGRESQL.items())


def set_aside(connection: sa.Connection, what: str) -> None:
    """Keep a copy from being started unsaid. `what` it is, in words that follow "this store is"."""
    remember(connection, _COPY, what)


def _told(connection: sa.Connection, query: str) -> str:
    """What PostgreSQL says of itself; nothing where it keeps that to itself."""
    try:
        with connection.begin_nested():
            return str(connection.execute(sa.text(query)).scalar())
    except sa.exc.DBAPIError:
        return "?"
