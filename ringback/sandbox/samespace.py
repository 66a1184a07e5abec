"""A pretend Samespace on a real port, for the sandbox and for the tests: it rings nobody.

It plays by the vendor's page, "Voice API", and is strict where that page is clear: a body with a
key too many, a number with a plus or an attribute that is not a string is refused, so that a mistake
of ours shows here and not with a real Samespace.
"""

import socket
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import HTTPServer
from socketserver import TCPServer
from typing import Any, Self

from ringback.sandbox.call_log import CallEnd, CallLog
from ringback.sandbox.handler import Handler, Mode

LOCALHOST = "127.0.0.1"
CALLS_KEPT = 200
WAITING_CONNECTIONS = 128
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Call:
    """A call that a team was asked for: what an agent's dock would show.

    `body` is the JSON as it came, `received_at` an aware time in UTC; `serial` counts from 1 and
    goes on when old calls are dropped.
    """

    number: str
    team_name: str
    attributes: Mapping[str, str]
    body: Mapping[str, Any]
    received_at: datetime
    serial: int


class SandboxSamespace:
    """A Samespace of our own making: `start()` it, give `base_url` to a client, look at `calls`.

    All of it may be used from any thread. After `down` it listens on the same port again.
    """

    def __init__(self, mode: Mode = Mode.ANSWERS, slow_seconds: float = 8.0, keep: int = CALLS_KEPT) -> None:
        self.slow_seconds = slow_seconds
        self._mode = mode
        self._mode_lock = threading.RLock()
        self._port: _Port | None = None
        self._calls: deque[Call] = deque(maxlen=keep)
        self._dials: deque[Mapping[str, Any]] = deque(maxlen=keep)
        self._serial = 0
        self._called = threading.Condition()
        self.call_log = CallLog()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Take a free port and, unless the mode is `down`, listen on it."""
        with self._mode_lock:
            if self._port:
                return
            self._port = _Port(self)
            if self._mode != Mode.DOWN:
                self._port.open()

    def stop(self) -> None:
        """Break what is under way, slow answers too, and give the port back."""
        with self._mode_lock:
            if self._port:
                self._port.release()
                self._port = None

    @property
    def base_url(self) -> str:
        """The API's root, such as `http://127.0.0.1:40123`; raises RuntimeError before `start()`."""
        port = self._port
        if port is None:
            raise RuntimeError("The pretend Samespace has no address before start().")
        return f"http://{LOCALHOST}:{port.number}"

    @property
    def mode(self) -> Mode:
        """How it behaves, from the next request on."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        with self._mode_lock:
            self._mode = Mode(mode)
            if self._port:
                (self._port.close if self._mode == Mode.DOWN else self._port.open)()

    @property
    def calls(self) -> list[Call]:
        """The last 200 calls, oldest first."""
        with self._called:
            return list(self._calls)

    @property
    def dials(self) -> list[Mapping[str, Any]]:
        """The bodies of the last 200 calls from agents' own docks, oldest first."""
        with self._called:
            return list(self._dials)

    def wait_for_calls(self, count: int, timeout: float = 5.0) -> list[Call]:
        """`calls`, once `count` of them came since the start; raises TimeoutError after `timeout` seconds."""
        with self._called:
            if not self._called.wait_for(lambda: self._serial >= count, timeout):
                raise TimeoutError(f"{self._serial} of {count} calls came within {timeout:g} s")
            return list(self._calls)

    def record_dial(self, body: Mapping[str, Any]) -> str:
        """Note a call from an agent's dock; the name that it gets."""
        with self._called:
            self._dials.append(body)
            return f"call-{len(self._dials)}"

    def ends(self, serial: int, end: CallEnd) -> bool:
        """Say what became of a call: there is a record of it a moment later. False: there is no such call."""
        call = next((call for call in self.calls if call.serial == serial), None)
        if call is None:
            return False
        self.call_log.say(serial, call.body, end)
        return True

    def record(self, body: Mapping[str, Any]) -> None:
        """Note a team call whose body was checked."""
        with self._called:
            self._serial += 1
            call = Call(
                number=body["number"],
                team_name=body["team_name"],
                attributes=body["attributes"],
                body=body,
                received_at=datetime.now(UTC),
                serial=self._serial,
            )
            self._calls.append(call)
            self._called.notify_all()


class _Port:
    """A port of this machine that is ours all along, whether anybody listens on it or not."""

    def __init__(self, sandbox: SandboxSamespace) -> None:
        self._sandbox = sandbox
        self._reserved = self._reserve(0)
        self._server: _Server | None = None
        self.number: int = self._reserved.getsockname()[1]

    def open(self) -> None:
        if self._server is None:
            self._server = _Server(self._reserved, self._sandbox)

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None
            self._reserved = self._reserve(self.number)

    def release(self) -> None:
        if self._server is not None:
            self._server.stop()
        self._reserved.close()

    @staticmethod
    def _reserve(number: int) -> socket.socket:
        """A socket that has the port but does not listen, so that connections to it are refused."""
        reserved = socket.socket()
        # Closed connections linger on a port for a minute and would keep it from us.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            reserved.bind((LOCALHOST, number))
        except OSError:
            reserved.close()
            raise
        return reserved


class _Server(HTTPServer):
    """Listens on a socket that is bound already, with a thread for each connection, until stopped.

    Not a `ThreadingHTTPServer`: that one forgets its threads, and could only wait for slow answers
    in place of breaking them off.
    """

    request_queue_size = WAITING_CONNECTIONS

    def __init__(self, bound: socket.socket, sandbox: SandboxSamespace) -> None:
        # TCPServer makes a socket of its own, which is not wanted; HTTPServer's bind would ask the
        # name service who we are.
        TCPServer.__init__(self, (LOCALHOST, 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.server_address = bound.getsockname()
        self.server_name, self.server_port = LOCALHOST, self.server_address[1]
        self.sandbox = sandbox
        self.stopping = threading.Event()
        # Touched by the listening thread, and by stop() once that one is done.
        self._visits: list[tuple[socket.socket, threading.Thread]] = []
        self.server_activate()
        self._listener = threading.Thread(
            target=self.serve_forever, args=(POLL_SECONDS,), name="sandbox-samespace", daemon=True
        )
        self._listener.start()

    def stop(self) -> None:
        """Close the port, break every connection and wait until all threads are done."""
        self.stopping.set()
        self.shutdown()
        self._listener.join()
        self.server_close()
        for connection, thread in self._visits:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        thread.start()
        self._visits = [visit for visit in self._visits if visit[1].is_alive()] + [(request, thread)]

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # The other side left in the middle, as a client that has waited long enough does.
        finally:
            self.shutdown_request(request)
