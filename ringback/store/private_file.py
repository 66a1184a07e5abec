"""Files for this user alone: the requests in a store are nobody else's on the machine, whatever the umask."""

import logging
import os
from pathlib import Path

log = logging.getLogger("ringback.database")

_FILE, _FOLDER, _OTHERS = 0o600, 0o700, 0o077
_BESIDE = ("", "-wal", "-shm", "-journal")  # what SQLite keeps beside a store; new ones get the store's own mode


def make_private(store: Path) -> None:
    """Make the file and its folders where they are missing, and take what is there from everybody else.

    Raises OSError where they cannot be made. What belongs to somebody else is only told of.
    """
    _make_folder(store.parent)
    # Made by us: SQLite would make it as the umask says, and for a moment everybody could read it.
    os.close(os.open(store, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE))
    for file in (Path(f"{store}{end}") for end in _BESIDE):
        _take(file)


def _make_folder(folder: Path) -> None:
    if folder.exists():
        return  # a folder that is there is its owner's to look after
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(_FOLDER)


def _take(file: Path) -> None:
    try:
        if file.stat().st_mode & 0o777 != _FILE:
            file.chmod(_FILE)
    except FileNotFoundError:
        return
    except OSError as error:
        if file.stat().st_mode & _OTHERS:
            log.warning(
                "%s can be read by others and is not ours to change (%s): chmod 600", file, type(error).__name__
            )
