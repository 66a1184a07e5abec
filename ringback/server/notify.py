"""What systemd is told of a process, by its protocol for that: that it is ready, that it lives, that it ends.

Nobody is told where there is no systemd: then NOTIFY_SOCKET is not set.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress

READY, ALIVE, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"


def notify(environ: Mapping[str, str], state: str) -> None:
    """Tell systemd one of the words above."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # a name that stands in no folder
        address = f"\0{address[1:]}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.sendto(state.encode(), address)


def seconds_between_signs(environ: Mapping[str, str]) -> float | None:
    """How often systemd is to be told that the process lives: twice in its patience. None: it does not ask."""
    try:
        return int(environ["WATCHDOG_USEC"]) / 2_000_000
    except (KeyError, ValueError):
        return None
