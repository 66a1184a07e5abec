"""The revision of a store's tables: which it has, which this version brings, and the way from one to the other."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from ringback.store.failures import StoreError


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@cache
def newest() -> str:
    """The revision that this version brings a store to."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def is_known(revision: str) -> bool:
    """Whether this version knows it: a newer one's it does not."""
    try:
        return ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


def revision_of(connection: sa.Connection) -> str | None:
    """The revision of a store; None where there are no tables yet."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: sa.Connection) -> None:
    """Bring the tables to the newest revision, in the transaction of the connection. Raises StoreError."""
    found = revision_of(connection)
    if found and not is_known(found):
        raise StoreError(
            f"DATABASE_URL: this store was used by a newer version of Ringback (revision {found}; this one "
            f"knows those up to {newest()}). Run that version, or put back a back-up from before the upgrade"
        )
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
