"""Files for this user alone: the requests in a store are nobody else's on the machine, whatever the umask."""

import logging
import os
import pwd
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("ringback.database")

_HEADER = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html, 1.3
_FILE, _FOLDER, _OTHERS = 0o600, 0o700, 0o077
_BESIDE = (
    "",
    "-wal",
    "-shm",
    "-journal",
    "-mark",
)  # what is kept beside a store; SQLite's get its own mode


class NoStoreError(ValueError):
    """Something is at the store's path that is no SQLite database."""


def make_private(store: Path) -> None:
    """Make the file and its folders where they are missing, and take what is there from everybody else.

    Raises OSError where they cannot be made; NoStoreError, before anything is changed, where something else is
    there: a mistyped path must not take a file from those who read it. What belongs to somebody else is only
    told of. What root makes is given to the folder's owner: root may type commands, and the service runs as
    somebody else.
    """
    _check(store)
    _make_folder(store.parent)
    is_new = not store.exists()
    # Made by us: SQLite would make it as the umask says, and for a moment everybody could read it.
    file = os.open(store, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE)
    if is_new:
        _give(file, store.parent)
    os.close(file)
    for beside in (Path(f"{store}{end}") for end in _BESIDE):
        _take(beside)


_WRITE_VERSION = 18  # the byte of SQLite's header that says whether there is a log beside the file (2) or not (1)


def has_log_of_another(store: Path) -> bool:
    """Whether a log lies beside a store that never had one: a back-up in the place of one that did."""
    wal = Path(f"{store}-wal")
    if not store.exists() or not wal.exists() or not wal.stat().st_size:
        return False
    with store.open("rb") as file:
        header = file.read(_WRITE_VERSION + 1)
    return len(header) > _WRITE_VERSION and header[_WRITE_VERSION] == 1


def _check(store: Path) -> None:
    """Raise NoStoreError unless there is nothing, an empty file or a database."""
    if not store.exists():
        return
    beginning = b"?"
    if store.is_file():
        with store.open("rb") as opened:
            beginning = opened.read(len(_HEADER))
    if beginning not in (b"", _HEADER):
        raise NoStoreError(f"{store} is there and no SQLite database; nothing of it was changed")


def write_private(file: Path, text: str) -> None:
    """Write a file anew, whole or not at all, for the folder's owner alone. Raises OSError."""
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE)
    with os.fdopen(handle, "w") as opened:
        os.fchmod(handle, _FILE)  # whatever the umask
        _give(handle, file.parent)
        opened.write(text)
    beside.replace(file)


def _make_folder(folder: Path) -> None:
    if folder.exists():
        return  # a folder that is there is its owner's to look after
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(_FOLDER)
    _give(folder, folder.parent)


def _give(what: int | Path, like: Path) -> None:
    if os.geteuid() == 0:
        owner = like.stat()
        with suppress(OSError):  # there are disks whose owner is always root
            os.chown(what, owner.st_uid, owner.st_gid)


def obstacle(store: Path) -> str | None:
    """Which file of a store, or folder, this user may not write to, with the mend. None: it is not that."""
    folder = next((folder for folder in store.parents if folder.exists()), store.parent)
    for path in (*(Path(f"{store}{end}") for end in _BESIDE), folder):
        if path.exists() and not os.access(path, os.W_OK, effective_ids=True):
            owner, me = _name(path.stat().st_uid), _name(os.geteuid())
            if owner == me:
                return f"{path} cannot be written to: make it writable, or move the store"
            return f"{path} belongs to {owner}, and this runs as {me}: run it as {owner}, or chown {me} {path}"
    return None


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


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
