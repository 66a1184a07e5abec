"""Every table there is, for what goes through all: `metadata` knows those of the modules that are imported."""

from ringback.store import (  # noqa: F401 they add their tables
    account_tables,
    call_tables,
    console_tables,
    figure_tables,
    monitoring_tables,
    program_tables,
)
from ringback.store.tables import metadata

__all__ = ["metadata"]
