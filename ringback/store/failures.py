"""What it looks like when the store cannot be used, and what the background loops say when something breaks."""

import logging

import sqlalchemy as sa

from ringback.logs import kind_and_place

# A store that is stuck has to be answered for within 15 s, so nothing waits longer than this for it.
PATIENCE_SECONDS = 8.0


class StoreError(Exception):
    """The store cannot be used; says why without a word of what is in it."""


# What a store that cannot be used looks like from the outside.
STORE_ERRORS = (StoreError, sa.exc.SQLAlchemyError)


def log_failure(log: logging.Logger, what: str, error: Exception) -> None:
    """Say that the store did not answer, if it was the store; else which fault of ours it is, with its place."""
    if isinstance(error, STORE_ERRORS):
        log.error("%s: the store did not answer (%s); trying again", what, type(error).__name__)
    else:
        log.error("%s: failed, and is tried again: %s", what, kind_and_place(error))
