"""What a store that does not work says of itself, and what mends it; never a value that somebody entered."""

import logging
import re
import sqlite3
from typing import Any

import sqlalchemy as sa

from ringback.logs import kind_and_place


class StoreError(Exception):
    """The store cannot be used; says why without a word of what is in it."""


# What a store that cannot be used looks like from the outside.
STORE_ERRORS = (StoreError, sa.exc.SQLAlchemyError)

# Of PostgreSQL's classes (https://www.postgresql.org/docs/current/errcodes-appendix.html) those that quote a
# value, as in "invalid input syntax for type integer: …", and what a trigger chose to say.
_QUOTING = ("22", "P0")
_LONGEST = 300

_MENDS = (
    ("password|SASL|role .* does not exist|no such user", "mend user and password"),
    (r"database .* does not exist|no such database", "make that database, or name another"),
    ("permission denied", "let its user make and change tables: ALTER DATABASE … OWNER TO …"),
    ("refused|could not translate|resolve|not known|No such file|timeout expired", "is PostgreSQL there?"),
    ("too many (clients|connections)|remaining connection slots", "raise max_connections, or run fewer processes"),
    ("invalid connection option|unsupported startup parameter", "take that out of the address"),
    ("SSL|certificate", "see sslmode in the address"),
    ("database or disk is full|No space left|disk I/O error", "look at its disk"),
    ("read-only transaction", "is it a standby? Name the primary"),
)


def said(error: BaseException) -> str:
    """Why the store did not answer: the kind of the error and SQLite's or PostgreSQL's own words, on one line."""
    if isinstance(error, StoreError):
        return str(error)
    own = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    words = ""
    if isinstance(own, OSError):
        words = f"{own.strerror}{f': {own.filename}' if own.filename else ''}"
    elif isinstance(own, sqlite3.Error):
        words = str(own)
    elif hasattr(own, "sqlstate"):
        words = _of_postgresql(own)
    words = " ".join(words.split())[:_LONGEST]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _of_postgresql(error: Any) -> str:
    """`error`: of psycopg, which nobody may load before gevent has patched Python, so it is not named here."""
    state: str | None = error.sqlstate
    if state is None:  # no server said it: nobody could be reached, or the address is none
        return str(error) if type(error).__name__ in ("OperationalError", "ProgrammingError") else ""
    # The first line of what a server says: those that follow may quote a row.
    return state if state[:2] in _QUOTING else str(error.diag.message_primary or state)


def mend(why: str) -> str:
    """What to do about what PostgreSQL said; empty where nobody knows."""
    return next((mend for pattern, mend in _MENDS if re.search(pattern, why)), "")


def log_failure(log: logging.Logger, what: str, error: Exception) -> None:
    """Say that the store did not answer, if it was the store; else which fault of ours it is, with its place."""
    if isinstance(error, STORE_ERRORS):
        log.error("%s: the store did not answer (%s); trying again", what, said(error))
    else:
        log.error("%s: failed, and is tried again: %s", what, kind_and_place(error))
