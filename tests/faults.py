"""Servers on raw sockets that misbehave in the ways real ones do, all on this machine.

A behaviour is a function of a `Visit`, one accepted connection; `FaultServer` runs it for each and
keeps the requests that were read. When a server is left, everything it holds is broken off.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

DRIP_SECONDS = 0.05

# For 127.0.0.1 and localhost, until 2120, trusted by nobody and nothing: it guards no secret.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglfQwryzk5Za1LQ2a
tPCZ1hYm2aSsz5LwYcFsUbs8oJKhRANCAATK6pYaY1hvKlUiFspNrl3w8tUAmMyW
uEyQXV+dNOgt76MKr+VDeHmsWUOK/OVld98VqO90WHnUX8txidfZntPF
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIBATAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA5SaW5nYmFj
ayB0ZXN0czAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowGTEXMBUG
A1UEAwwOUmluZ2JhY2sgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATK
6pYaY1hvKlUiFspNrl3w8tUAmMyWuEyQXV+dNOgt76MKr+VDeHmsWUOK/OVld98V
qO90WHnUX8txidfZntPFo04wTDAdBgNVHQ4EFgQUkLU3bXb5eByZ57cqfHC68IzN
/ZcwDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEw
CgYIKoZIzj0EAwIDSAAwRQIgX+0WDjrvS7W7PKYI+XNj8u5RTWxrWsMZ3IQrcFBY
IsoCIQCIC/eqITJqxGGdNUIe3zLmajf/f3MXaaJThh4XQWxz6w==
-----END CERTIFICATE-----
"""


class Visit:
    """One connection to a fault server."""

    def __init__(self, connection: socket.socket, server: "FaultServer") -> None:
        self.connection = connection
        self._server = server

    def read(self) -> bytes:
        """Read a whole HTTP request and note it in the server's `requests`."""
        request = b""
        while not _is_whole(request):
            piece = self.connection.recv(65536)
            if not piece:
                break
            request += piece
        self._server.requests.append(request)
        return request

    def send(self, content: bytes) -> None:
        self.connection.sendall(content)

    def rest(self, seconds: float | None = None) -> bool:
        """Do nothing for a while, or until the server is left; whether it was left."""
        return self._server.over.wait(seconds)


Behaviour = Callable[[Visit], None]


class FaultServer:
    """Listens on 127.0.0.1 and treats every connection as `behaviour` says, over TLS if `tls` is given."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.finished = 0  # behaviours that came to their end without being broken off
        self.over = threading.Event()
        self._behaviour = behaviour
        self._tls = tls
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "FaultServer":
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._run(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()  # wakes the listener
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    @property
    def base_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def _run(self, job: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=job, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.over.is_set():
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with ExitStack() as stack:
            stack.enter_context(connection)
            stack.enter_context(suppress(OSError))
            if self._tls:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
                self._open.append(connection)
            self._behaviour(Visit(connection, self))
            self.finished += not self.over.is_set()


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return True


def close_unread(visit: Visit) -> None:
    """Hang up at once."""


def read_and_close(visit: Visit) -> None:
    """Take the request, say nothing."""
    visit.read()


def reset_unread(visit: Visit) -> None:
    """Break the connection with an RST at once."""
    # Closing a socket that may not linger drops the connection in place of ending it.
    visit.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset(visit: Visit) -> None:
    """Take the request and break the connection with an RST."""
    visit.read()
    reset_unread(visit)


def hang(visit: Visit) -> None:
    """Take the request and stay silent."""
    visit.read()
    visit.rest()


def answer(content: bytes) -> Behaviour:
    """Take the request, send `content` to the letter, hang up."""

    def behave(visit: Visit) -> None:
        visit.read()
        visit.send(content)

    return behave


def answer_and_reset(content: bytes) -> Behaviour:
    """Take the request, send `content`, break the connection with an RST once it has arrived."""

    def behave(visit: Visit) -> None:
        visit.read()
        visit.send(content)
        # An RST overtakes what the other side has not read yet.
        visit.rest(0.05)
        reset_unread(visit)

    return behave


def drip(content: bytes, at_once: bytes = b"", read: bool = True) -> Behaviour:
    """Take the request (or do not), send `at_once`, then `content` one byte at a time, and hang up."""

    def behave(visit: Visit) -> None:
        if read:
            visit.read()
        visit.send(at_once)
        for byte in content:
            if visit.rest(DRIP_SECONDS):
                return
            visit.send(bytes([byte]))

    return behave


def flood(at_once: bytes) -> Behaviour:
    """Take the request, send `at_once`, then letters without end."""

    def behave(visit: Visit) -> None:
        visit.read()
        visit.send(at_once)
        while True:
            visit.send(b"x" * 4096)

    return behave


def response(status: int, body: bytes | str = b"", *headers: str, content_type: str = "application/json") -> bytes:
    """A well-formed HTTP/1.1 answer; `headers` are whole lines."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Because", f"Content-Type: {content_type}", *headers]
    if status >= 200 and status not in (204, 304):
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


@contextmanager
def refusing() -> Iterator[str]:
    """The address of a port that is taken, and refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def swallowing(host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The address of a port that answers a connection neither with yes nor no.

    Its backlog is full, and Linux then drops what else arrives, as a firewall would.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        full = False
        while not full:
            guest = stack.enter_context(socket.socket())
            guest.settimeout(0.1)
            try:
                guest.connect(listener.getsockname())
            except TimeoutError:
                full = True
        yield f"http://{host}:{listener.getsockname()[1]}"


def write_certificate(folder: Path) -> Path:
    """The certificate with its key in a file, for the servers and for a client that is to trust them."""
    path = folder / "certificate.pem"
    path.write_text(CERTIFICATE)
    return path


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
