"""PostgreSQL: for many processes, on many machines."""

import time
from typing import Any

import sqlalchemy as sa

from ringback.store.failures import PATIENCE_SECONDS

_RESTED_SECONDS = 1.0


def postgresql_engine(url: sa.URL) -> sa.Engine:
    """The engine for an address of DATABASE_URL."""
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
