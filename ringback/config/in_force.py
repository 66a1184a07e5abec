"""The settings that a server and its workers go by: the last ones that were without a fault.

gunicorn's master reads them at its start and again at each SIGHUP, and its workers take what it has read. So a
fault that is being typed into ringback.toml stops neither a reload nor a worker that takes another's place.
"""

import logging
import mmap
from collections.abc import Mapping

from ringback.config.loading import SettingsError, load
from ringback.config.settings import Settings

log = logging.getLogger("gunicorn.error")  # where a master says what it does

_of_this_server: Settings | None = None
_has_served = mmap.mmap(-1, 1)  # one byte that every process forked from here shares


def renew(environ: Mapping[str, str]) -> Settings:
    """Read the settings for this process and those that it forks.

    Raises SettingsError for the first ones; later, what has a fault is told of and changes nothing.
    """
    global _of_this_server
    try:
        _of_this_server = load(environ)
    except SettingsError as error:
        if _of_this_server is None:
            raise
        for fault in error.faults:
            log.error("%s", fault)
        log.error("The configuration has a fault, and the one from before stays in force: mend it, then kill -HUP")
    return _of_this_server


def in_force(environ: Mapping[str, str]) -> Settings:
    """What the server reads that this process belongs to; else what is there now. Raises SettingsError."""
    return _of_this_server or load(environ)


def note_served() -> None:
    """A worker of this server has got as far as to answer."""
    _has_served[0] = 1


def has_served() -> bool:
    """Whether a worker of this server ever answered: if the next cannot, it is nobody's first start."""
    return _has_served[0] == 1
