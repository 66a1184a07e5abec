"""Sockets without end: whoever opens many and says little takes none from anybody else."""

import resource
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ringback.server import connections
from ringback.server.connections import PER_ADDRESS, Connection, Connections, owner_of
from tests.running import Server, production
from tests.server.test_journey import fetch

HEAD = b"GET /sales HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Drip: "
BODY = b"POST /sales HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n"
BODY += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
STARTS = {"nothing": b"", "headers": HEAD, "body": BODY}


def limited(server: Server, handles: int) -> Server:
    """The server with so many file handles and no more."""
    script = f'ulimit -n {handles} && exec "$0" -m gunicorn app:app'
    server._command = ["sh", "-c", script, sys.executable]
    return server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(handles: int = 0, **environment: str) -> Server:
        # Not everywhere: what the sockets of a test before left behind may have its port at their own address.
        server = production(tmp_path, "http://127.0.0.1:9", BIND="127.0.0.1", **environment)
        servers.append(limited(server, handles) if handles else server)
        return server.start()

    yield start
    for server in servers:
        server.stop()


class Drips:
    """So many sockets at one address that send a byte each second, and are opened again when they are closed."""

    def __init__(self, server: Server, address: str, count: int, start: bytes) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._server, self._address, self._start = server, address, start
        self._sockets = [self._opened() for _ in range(count)]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._drip_on)

    def _opened(self) -> socket.socket:
        drip = socket.socket()
        drip.bind((self._address, 0))
        drip.connect(("127.0.0.1", self._server.port))
        drip.setblocking(False)
        with suppress(OSError):  # closed at once
            drip.sendall(self._start)
        return drip

    def is_open(self, drip: socket.socket) -> bool:
        try:
            return bool(drip.recv(4096))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def open_ones(self) -> int:
        return sum(map(self.is_open, self._sockets))

    def _drip_on(self) -> None:
        while not self._done.wait(1):
            for index, drip in enumerate(self._sockets):
                if not self.is_open(drip):
                    drip.close()
                    self._sockets[index] = self._opened()
                elif self._start:
                    try:
                        drip.sendall(b"x")
                    except OSError:
                        continue

    def __enter__(self) -> "Drips":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        for drip in self._sockets:
            drip.close()


def seconds_of_forms(server: Server, count: int = 40) -> list[float]:
    took = []
    for _ in range(count):
        began = time.monotonic()
        assert fetch(f"{server.url}/sales")[0] == 200
        took.append(time.monotonic() - began)
    return took


@pytest.mark.parametrize(
    ("count", "handles", "part"),
    [(1100, 1024, "headers"), pytest.param(2100, 0, "body", marks=pytest.mark.long)],
)
def test_drips_that_are_refilled_keep_nobody_from_the_form(
    start: Callable[..., Server], count: int, handles: int, part: str
) -> None:
    server = start(handles)
    with Drips(server, "127.0.0.2", count, STARTS[part]):
        took = seconds_of_forms(server)

    # It was 12 to 17 s; the middle, since one of them may meet a busy machine.
    assert statistics.median(took) < 1
    assert "Too many open files" not in server.log


def test_one_address_holds_so_many_connections_and_no_more(start: Callable[..., Server]) -> None:
    server = start()
    for turn, (part, said) in enumerate(STARTS.items()):
        drips = Drips(server, f"127.0.0.{2 + turn}", 3 * PER_ADDRESS, said)
        fetch(f"{server.url}/sales")  # whoever came before has been seen to

        assert 0 < drips.open_ones() <= PER_ADDRESS, part
        for drip in drips._sockets:
            drip.close()


@pytest.mark.long
def test_many_addresses_take_no_more_than_there_are_file_handles(start: Callable[..., Server]) -> None:
    server = start(400)
    crowds = [Drips(server, f"127.0.0.{10 + turn}", 90, HEAD) for turn in range(6)]
    took = seconds_of_forms(server, 20)
    left = sum(crowd.open_ones() for crowd in crowds)
    for drip in [drip for crowd in crowds for drip in crowd._sockets]:
        drip.close()

    assert statistics.median(took) < 1
    assert left <= 400 - connections._RESERVED
    assert "Too many open files" not in server.log


@pytest.mark.long
def test_a_proxys_connections_are_those_of_all_its_visitors(start: Callable[..., Server]) -> None:
    server = start(TRUSTED_PROXIES="1", PROXY_ADDRESSES="127.0.0.2")
    proxy = Drips(server, "127.0.0.2", 2 * PER_ADDRESS, b"")
    other = Drips(server, "127.0.0.3", 2 * PER_ADDRESS, b"")
    fetch(f"{server.url}/sales")

    assert proxy.open_ones() == 2 * PER_ADDRESS
    assert other.open_ones() <= PER_ADDRESS
    for drip in proxy._sockets + other._sockets:
        drip.close()


@pytest.mark.long
def test_a_body_whose_first_byte_does_not_come_is_not_waited_for_to_the_end(start: Callable[..., Server]) -> None:
    server = start()
    with socket.create_connection(("127.0.0.1", server.port), 30) as client:
        began = time.monotonic()
        client.sendall(BODY)
        answer = client.recv(4096)
        took = time.monotonic() - began

    assert answer == b""
    assert 4 < took < 11, "the whole request may take twelve seconds"
    assert "Traceback" not in server.log
    assert "Timeout" not in server.log


def test_with_hardly_any_file_handles_the_start_is_refused_with_a_sentence(start: Callable[..., Server]) -> None:
    with pytest.raises(RuntimeError) as refusal:
        start(200)

    assert "the limit of open files is 200; it should be 320 or more" in str(refusal.value)


@pytest.mark.long
def test_a_soft_limit_of_file_handles_is_raised_to_what_there_may_be(tmp_path: Path) -> None:
    server = production(tmp_path, "http://127.0.0.1:9")
    server._command = ["sh", "-c", 'ulimit -Sn 256 && exec "$0" -m gunicorn app:app', sys.executable]
    server.start()
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    server.stop()

    assert soft == min(hard, connections.MOST + connections.LEAVING + connections._RESERVED)


# --- who has to go ---


class Client:
    """A socket, as far as it is asked for here."""

    def __init__(self) -> None:
        self.is_shut = False

    def shutdown(self, _how: int) -> None:
        self.is_shut = True


def a_connection(owner: str | None = "198.51.100.7", is_waited_for: bool = True) -> tuple[Client, Connection]:
    client = Client()
    connection = Connection(client, owner)
    connection.is_waited_for = is_waited_for
    return client, connection


def test_the_one_that_has_kept_us_waiting_longest_makes_room() -> None:
    told: list[str] = []
    everybody = Connections(10, tell=told.append, per_address=2)
    (first, one), (second, two), (third, three) = a_connection(), a_connection(), a_connection()
    assert everybody.take(one)
    assert everybody.take(two)
    everybody.served(one)
    assert everybody.take(three)

    assert (first.is_shut, second.is_shut, third.is_shut) == (False, True, False)
    (line,) = told
    assert line.startswith("One address has 2 connections open")
    assert "TRUSTED_PROXIES and PROXY_ADDRESSES should name it" in line


def test_who_is_being_answered_is_not_sent_away_for_somebody_new() -> None:
    everybody = Connections(10, tell=[].append, per_address=2)
    for _ in range(2):
        assert everybody.take(a_connection(is_waited_for=False)[1])

    assert not everybody.take(a_connection()[1])
    assert everybody.take(a_connection("198.51.100.8")[1])


def test_over_the_whole_the_longest_waiting_of_all_makes_room() -> None:
    told: list[str] = []
    everybody = Connections(2, tell=told.append, per_address=2)
    old, connection = a_connection("198.51.100.8")
    assert everybody.take(connection)
    assert everybody.take(a_connection("198.51.100.9")[1])
    assert everybody.take(a_connection(None)[1])

    assert old.is_shut
    (line,) = told
    assert line.startswith("2 connections are open, as many as there may be")
    assert "LimitNOFILE" in line


def test_what_is_closed_is_forgotten() -> None:
    everybody = Connections(1, tell=[].append, per_address=1)
    for owner in ("198.51.100.7", None) * 3:
        _, connection = a_connection(owner, is_waited_for=False)
        assert everybody.take(connection)
        everybody.leave(connection)

    assert not everybody._all
    assert not everybody._of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
    ],
)
def test_whose_a_connection_is(one: str, other: str, same: bool) -> None:
    assert (owner_of(one) == owner_of(other)) is same
    assert owner_of("") is None
