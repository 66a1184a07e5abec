"""The revision of a store's tables: which it has, which this version brings, and the way from one to the other.

Alembic is loaded for the way alone: it takes a tenth of a start, and most stores are where they should be.
"""

from functools import cache
from pathlib import Path

import sqlalchemy as sa

from ringback.store.failures import StoreError

_MIGRATIONS = Path(__file__).parent / "migrations"


@cache
def _known() -> list[str]:
    """Those of this version, the oldest first: each file's name begins with its own."""
    return sorted(path.name.split("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def newest() -> str:
    """The revision that this version brings a store to."""
    return _known()[-1]


def is_known(revision: str) -> bool:
    """Whether this version knows it: a newer one's it does not."""
    return revision in _known()


def revision_of(connection: sa.Connection) -> str | None:
    """The revision of a store; None where there are no tables yet."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found else None


def upgrade(connection: sa.Connection) -> None:
    """Bring the tables to the newest revision, in the transaction of the connection. Raises StoreError."""
    from alembic import command
    from alembic.config import Config

    found = revision_of(connection)
    if found and not is_known(found):
        raise StoreError(
            f"DATABASE_URL: this store was used by a newer version of Ringback (revision {found}; this one "
            f"knows those up to {newest()}). Run that version, or put back a back-up from before the upgrade"
        )
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
