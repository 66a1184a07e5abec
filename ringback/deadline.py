"""One call over one connection: how far it got, and the clock that hangs up.

Whether a request may have been taken cannot be told from exception classes: a `requests.ConnectionError`
stands for a refused connection as well as for one that broke after everything was read. So the connection
itself notes when it is established: before that moment not a byte has left, after it the request counts as sent.

A call has a connection of its own, closed at its end: a kept connection that the server closes at the wrong
moment looks like an answer that was lost. It has a `Session` of its own, too, so that whatever stands in for
`requests` in the tests of a site sees the call, as it sees any other.
"""

import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from functools import cache
from time import monotonic
from typing import Any

import requests
from requests import adapters
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import create_connection
from urllib3.util.ssl_ import create_urllib3_context

# Looking up the name, connecting and the TLS handshake may take this part of a call's time, so
# that a request which is sent has at least the other half left to be answered in.
CONNECT_SHARE = 0.5
# The clock is to be what ends a call, always in the same way; the socket's own time-out, which starts anew with
# every byte, stands behind it with this much more of the time.
SOCKET_PATIENCE = 2


class PrivateAddressError(OSError):
    """The name leads to an address inside somebody's own network, where nothing may be sent."""

    def __init__(self) -> None:
        super().__init__(None, "its address is private, and allow_private is not set")


def is_public(address: str) -> bool:
    """Whether an address is one of the internet's, and none of a network of one's own, however it is written."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None, None))[1]
        if inner is None and any(parsed in network for network in _TRANSLATED):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast and not any(parsed in network for network in _NOT_PUBLIC)


# An IPv4 address in their last 32 bits: RFC 6052, and RFC 4291 2.5.5.1, which is deprecated.
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))


# What the tables of Python 3.11 do not know: NAT64 and translation in a network of one's own (RFC 8215, RFC 2765),
# site-local addresses (RFC 3879), examples (RFC 9637), segments (RFC 9602).
_NOT_PUBLIC = tuple(
    map(ipaddress.ip_network, "64:ff9b:1::/48 ::ffff:0:0:0/96 fec0::/10 3fff::/20 5f00::/16".split())
)


class Deadline:
    """The one connection of one call: how far it got, and the clock that hangs up.

    A socket's own time-out starts anew with every byte, so a server that drips could hold a call
    for hours. Here a clock shuts the connection down when the time is up, and every read and
    write that waits on it ends.
    """

    def __init__(self, seconds: float) -> None:
        now = monotonic()
        self._seconds = seconds
        self._ends_at = now + seconds
        self._connect_by = now + seconds * CONNECT_SHARE
        self.was_opened = False
        self.was_sent = False
        self._fault: str | None = None
        self._clock: threading.Thread | None = None
        self._over = threading.Event()
        self._stage = threading.Lock()  # "sent" and "too late to be sent" exclude each other
        self._handle: socket.socket | None = None
        self.timed_out = False
        self.is_public_only = False  # refuse an address inside a network of one's own

    @property
    def socket_seconds(self) -> float:
        """The time-out of the socket itself."""
        return self._seconds * SOCKET_PATIENCE

    @property
    def too_late(self) -> str:
        return f"no whole answer within {self._seconds:g} s"

    def open(self, host: str, port: int) -> socket.socket:
        """A connected socket, its clock ticking; raises OSError where there is none in time."""
        self.was_opened = True
        fault: OSError = TimeoutError()
        addresses = self._look_up(host, port)
        if self.is_public_only:
            # The very addresses that are connected to: a name asked for twice may lead elsewhere.
            addresses = [address for address in addresses if is_public(address[0])]
            fault = PrivateAddressError()
        for position, address in enumerate(addresses):
            # A share for each address that is left: an IPv6 address which swallows everything must
            # not use up the time of the IPv4 one behind it.
            share = (self._connect_by - monotonic()) / (len(addresses) - position)
            try:
                sock = create_connection(address, max(share, 0.001), None, HTTPConnection.default_socket_options)
            except OSError as error:
                fault = error
            else:
                return self._watch(sock)
        raise fault

    def established(self) -> None:
        """Note that the way is clear, so that from here on the request counts as sent."""
        with self._stage:
            if self.timed_out:
                raise TimeoutError
            self.was_sent = True

    def failed(self, error: Exception) -> None:
        """Note why there is no connection."""
        self._fault = _why(TimeoutError() if self.timed_out else error)

    def why_not_sent(self, error: Exception) -> str:
        """Why there was no connection, in words for the operator."""
        return self._fault or _why(error)

    def stop_clock(self) -> None:
        """Stop watching; `timed_out` says whether the time was up first."""
        self._over.set()
        if self._clock:
            self._clock.join()
            self._clock = None

    def close(self) -> None:
        self.stop_clock()
        if self._handle:
            self._handle.close()
            self._handle = None

    def _look_up(self, host: str, port: int) -> list[tuple[str, int]]:
        """The host's addresses, asked for in a thread of its own: nothing can interrupt `getaddrinfo`."""
        with suppress(ValueError):
            return [(str(ipaddress.ip_address(host.strip("[]"))), port)]  # nothing to look up
        found: list[tuple[str, int]] = []
        faults: list[Exception] = []

        def ask() -> None:
            try:
                answers = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
                found.extend((str(address[0]), port) for *_, address in answers)
            except (OSError, UnicodeError) as error:
                faults.append(error)

        thread = threading.Thread(target=ask, name="samespace-name", daemon=True)
        thread.start()
        thread.join(max(self._connect_by - monotonic(), 0))
        if faults:
            raise faults[0]
        if thread.is_alive():
            raise TimeoutError
        return found

    def _watch(self, sock: socket.socket) -> socket.socket:
        try:
            # TLS takes the socket over and leaves this one empty; a second handle on the same
            # connection shuts down both.
            self._handle = sock.dup()
            self._clock = threading.Thread(target=self._tick, name="samespace-clock", daemon=True)
            self._clock.start()
        except BaseException:
            sock.close()
            raise
        sock.settimeout(self.socket_seconds)
        return sock

    def _tick(self) -> None:
        """Hang up when there is no connection in time, or no whole answer."""
        if self._over.wait(self._connect_by - monotonic()):
            return
        with self._stage:
            self.timed_out = not self.was_sent
        if self.timed_out or not self._over.wait(self._ends_at - monotonic()):
            self._hang_up()

    def _hang_up(self) -> None:
        self.timed_out = True
        if self._handle:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)


def _why(error: Exception) -> str:
    """Why there is no connection, in words for the operator."""
    if isinstance(error, socket.gaierror):
        return "the name could not be looked up"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed: {error.reason or 'broken off'}"
    if isinstance(error, OSError) and error.strerror:
        return f"could not connect: {error.strerror}"
    return f"could not connect: {type(error).__name__}"


class _Connection(HTTPConnection):
    """A connection that informs its `Deadline`."""

    def __init__(self, *args: Any, deadline: Deadline, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        return self._deadline.open(self._dns_host, self.port)

    def connect(self) -> None:
        try:
            super().connect()
            self._deadline.established()
        except Exception as error:
            self._deadline.failed(error)
            raise


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS, where connecting includes the handshake."""


class OneCall(requests.Session):
    """The session of one call: nothing of the environment, no redirect, and never a second try by itself.

    A session as it comes would send passwords of `.netrc`, go through the proxies that the environment names,
    and read the whole body of a redirect.
    """

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.clear()
        adapter = _Adapter(deadline)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere: where no redirect is followed, `requests` still reads what the next request would be."""


class _Adapter(HTTPAdapter):
    """Where a session sends its request: over the one connection of a deadline."""

    def __init__(self, deadline: Deadline) -> None:
        # It would make room for ten connections.
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._deadline = deadline

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = _SecureConnection if pool.scheme == "https" else _Connection
        pool.conn_kw["deadline"] = self._deadline
        if pool.scheme == "https":
            pool.conn_kw["ssl_context"] = _trust(adapters.DEFAULT_CA_BUNDLE_PATH)
        return pool

    def cert_verify(self, *_: Any) -> None:
        """Have `requests` read no certificates: the pool requires them, and the context knows whom to believe."""


@cache
def _trust(bundle: str) -> ssl.SSLContext:
    """Whom `requests` trusts, read once: it took 17 ms of each call."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(bundle)
    return context
