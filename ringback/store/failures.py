"""What the background loops say when something breaks: whose fault it is, and where."""

import logging

from ringback.logs import kind_and_place
from ringback.store.database import STORE_ERRORS


def log_failure(log: logging.Logger, what: str, error: Exception) -> None:
    """Say that the store did not answer, if it was the store; else which fault of ours it is, with its place."""
    if isinstance(error, STORE_ERRORS):
        log.error("%s: the store did not answer (%s); trying again", what, type(error).__name__)
    else:
        log.error("%s: failed, and is tried again: %s", what, kind_and_place(error))
