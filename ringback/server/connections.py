"""Who is connected to a web process, and who has to go when there are too many.

A connection costs nothing but its file handle: who opens many and says little takes them from everybody else.
"""

import ipaddress
import resource
import socket
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
from gevent.event import Event

from ringback.server.proxies import plain_address

# Room for an office behind one address; a browser holds a handful, for some seconds.
PER_ADDRESS = 100
MOST = 2000
# File handles for all else: 30 connections to the store of up to three each, Redis, Samespace, mail, our files.
_RESERVED = 250
_FEWEST = 50
# Those that were told to go and have not gone yet.
LEAVING = 20


def raise_file_limit() -> None:
    """As many file handles as this process may have, but no more than it can use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + LEAVING + _RESERVED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        highest = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))


def most_connections() -> int:
    """How many connections the file handles suffice for. Raises ValueError where they do for hardly any."""
    handles = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = MOST if handles == resource.RLIM_INFINITY else min(MOST, handles - LEAVING - _RESERVED)
    if most < _FEWEST:
        fewest = _FEWEST + LEAVING + _RESERVED
        raise ValueError(
            f"the limit of open files is {handles}; it should be {fewest} or more, better 4096: ulimit -n"
        )
    return most


class Connection:
    """A client's socket that knows whether it keeps us waiting."""

    def __init__(self, client: Any, owner: str | None) -> None:
        """`client`: the socket. `owner`: whose it counts as, None for nobody's."""
        self._client = client
        self.owner = owner
        self.is_waited_for = True  # from the moment it is accepted
        self.took_a_place = False
        self._ended = Event()
        self.patience_seconds: float | None = None  # with the bytes of a body; the head has a limit of its own

    def recv(self, size: int) -> bytes:
        """As the socket's. In a body, raises GreenletExit when we end it: a page for it is work for nobody."""
        if self._ended.is_set():
            return b""
        self.is_waited_for = True
        self._client.settimeout(self.patience_seconds)
        try:
            received = bytes(self._client.recv(size))
        except TimeoutError:
            self._ended.set()
            received = b""
        finally:
            self.is_waited_for = False
            self._client.settimeout(None)
        if self._ended.is_set() and self.patience_seconds is not None:
            raise gevent.GreenletExit
        return received

    def end(self) -> None:
        """Have whoever reads from it find the end; who serves it closes it."""
        self._ended.set()
        with suppress(OSError):  # it may have gone by itself
            self._client.shutdown(socket.SHUT_RDWR)

    def stays(self, seconds: float) -> bool:
        """Wait so long, and say whether it was not ended meanwhile."""
        return not self._ended.wait(seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


_OF_ONE = (
    "One address has {most} connections open, as many as one may, and those that wait longest are closed. "
    "If it is a proxy's, all visitors come from it: TRUSTED_PROXIES and PROXY_ADDRESSES should name it"
)
_OF_ALL = (
    "{most} connections are open, as many as there may be, and those that wait longest are closed. "
    "Up to 2,000 are taken where the limit of open files allows it: ulimit -n, in systemd LimitNOFILE=4096"
)


class Connections:
    """The open connections of one process, in the order in which they began to keep us waiting."""

    def __init__(self, most: int, tell: Callable[[str], None], per_address: int = PER_ADDRESS) -> None:
        """`tell` is given a sentence for the log each time that there are too many."""
        self._most = most
        self._tell = tell
        self._per_address = per_address
        self._all: dict[Connection, None] = {}
        self._of: defaultdict[str, dict[Connection, None]] = defaultdict(dict)

    def take(self, connection: Connection) -> bool:
        """Let one in, if need be in place of the one that has kept us waiting longest. False: there is no room.

        The one that waited, not the one that comes: an office with one machine gone wild is served on.
        """
        own = self._of[connection.owner] if connection.owner is not None else {}
        for group, most, words in ((own, self._per_address, _OF_ONE), (self._all, self._most, _OF_ALL)):
            if len(group) >= most:
                self._tell(words.format(most=most))
                if not _end_one(group):
                    return False
                connection.took_a_place = True
        self._all[connection] = own[connection] = None
        return True

    def served(self, connection: Connection) -> None:
        """It has had its answer: if it keeps us waiting again, that is another matter."""
        for group in (self._all, self._of[connection.owner] if connection.owner is not None else {}):
            if group.pop(connection, connection) is None:
                group[connection] = None

    def leave(self, connection: Connection) -> None:
        """It is closed."""
        self._all.pop(connection, None)
        if connection.owner is not None:
            self._of[connection.owner].pop(connection, None)
            if not self._of[connection.owner]:
                del self._of[connection.owner]


def _end_one(group: dict[Connection, None]) -> bool:
    for connection in group:
        if connection.is_waited_for:
            connection.end()
            del group[connection]
            return True
    return False


def owner_of(peer: str) -> str | None:
    """Whose a connection from this address counts as: an IPv6 /64 is one. None for a socket of this machine."""
    address = plain_address(peer)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address) if address else None
