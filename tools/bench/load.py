"""Visitors in a process of their own: fetch the form, send it, note how long the answer took.

Every visitor has an address, a number and a token of their own, fetched by a GET as a browser does, before the
clock starts. What is sent is written beforehand and an answer is read no further than its length says, so that
the machine's time goes to whoever answers; how much of it went here is in the figures.

Run as a program it reads a `Crowd` as JSON from its argument and prints `Figures`.
"""

import json
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

import gevent
from gevent import socket

from tests.running import ROOT

PATIENCE_SECONDS = 60
_TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *([^;\r]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Crowd:
    """Who asks: `posts` requests by `clients` at a time, `a_second` of them evenly or, at 0, as fast as answered.

    `first` is where their numbers begin, so that no two crowds ask for the same.
    """

    port: int
    posts: int
    clients: int = 16
    a_second: float = 0
    first: int = 0


@dataclass(frozen=True)
class Figures:
    """How it went. `took_ms` has the answer times in order; `used` is this process's share of one processor."""

    seconds: float
    took_ms: list[float]
    used: float

    @property
    def a_second(self) -> float:
        return len(self.took_ms) / self.seconds

    def quantile(self, share: float) -> float:
        return self.took_ms[min(int(share * len(self.took_ms)), len(self.took_ms) - 1)]


def send(crowd: Crowd) -> Figures:
    """Let them ask. Raises RuntimeError when one of them was not told that it was stored."""
    command = [sys.executable, "-m", "tools.bench.load", json.dumps(asdict(crowd))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Figures(**json.loads(done.stdout))


class Connection:
    """One kept connection that reads answers with a length."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> bytes:
        """The whole answer. A kept connection that the server has closed meanwhile is opened anew."""
        is_kept = self._socket is not None
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        answer = b""
        while not self._is_whole(answer):
            piece = self._socket.recv(65536)
            if not piece and not answer and is_kept:
                self.close()
                return self.ask(request)
            if not piece:
                raise RuntimeError("the connection broke off")
            answer += piece
        if b"\r\nconnection: close" in answer.partition(b"\r\n\r\n")[0].lower():
            self.close()
        return answer

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    @staticmethod
    def _is_whole(answer: bytes) -> bool:
        head, blank, body = answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        return bool(blank) and (length is None or len(body) >= int(length[1]))


def _fetch_form(connection: Connection, address: str) -> tuple[str, str]:
    """The token in a fresh form, and the cookie that came with it where there was one."""
    request = f"GET /sales HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {address}\r\n\r\n"
    answer = connection.ask(request.encode())
    token, cookie = _TOKEN.search(answer), _COOKIE.search(answer)
    if token is None:
        raise RuntimeError("no form came")
    return token[1].decode(), cookie[1].decode() if cookie else ""


def _post(connection: Connection, number: int) -> bytes:
    """A post, ready to be sent, with the token of a form that this visitor was shown."""
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    token, cookie = _fetch_form(connection, address)
    body = urlencode({"name": "Ann Example", "phone": f"+44 2079 {number:06}", "csrf_token": token})
    head = [
        "POST /sales HTTP/1.1",
        "Host: 127.0.0.1",
        f"X-Forwarded-For: {address}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        *([f"Cookie: {cookie}"] if cookie else []),
    ]
    return "\r\n".join([*head, "", body]).encode()


def _run(crowd: Crowd) -> Figures:
    posts: dict[int, bytes] = {}
    took: list[float] = []
    connections = [Connection(crowd.port) for _ in range(crowd.clients)]

    def prepare(client: int) -> None:
        for index in range(client, crowd.posts, crowd.clients):
            posts[index] = _post(connections[client], crowd.first + index)
        connections[client].close()  # it would be closed under us, later

    def ask(client: int) -> None:
        for index in range(client, crowd.posts, crowd.clients):
            if crowd.a_second:
                gevent.sleep(max(0, start + index / crowd.a_second - time.perf_counter()))
            asked = time.perf_counter()
            answer = connections[client].ask(posts[index])
            took.append((time.perf_counter() - asked) * 1000)
            if not answer.startswith(b"HTTP/1.1 303"):
                raise RuntimeError(f"answered {answer[:40]!r}")

    gevent.joinall([gevent.spawn(prepare, client) for client in range(crowd.clients)], raise_error=True)
    start, used = time.perf_counter(), time.process_time()
    gevent.joinall([gevent.spawn(ask, client) for client in range(crowd.clients)], raise_error=True)
    seconds = time.perf_counter() - start
    return Figures(seconds, sorted(took), (time.process_time() - used) / seconds)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(_run(Crowd(**json.loads(sys.argv[1]))))))
