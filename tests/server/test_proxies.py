"""Around the proxy: whoever reaches us directly can write any header, and is believed in none."""

import http.client
import logging
import re
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask

from ringback.config.settings import PRIVATE_NETWORKS
from ringback.server.proxies import Proxies
from tests.running import Server, production
from tests.visitor import Visitor
from tests.web.test_limits import NUMBERS, counted_as

BEHIND_ONE = {"trusted_proxies": 1}


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("10.0.0.9", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1"),
        ("::1", "192.0.2.1"),
        ("fd00::9", "192.0.2.1"),
        ("fe80::9%eth0", "192.0.2.1"),
        ("::ffff:10.0.0.9", "192.0.2.1"),
        ("", "192.0.2.1"),  # a socket of this machine
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.9"),
        ("nonsense", "nonsense"),
    ],
)
def test_only_a_proxys_address_is_believed_about_others(
    make_app: Callable[..., Flask], peer: str, address: str
) -> None:
    assert counted_as(make_app(environment=BEHIND_ONE), "192.0.2.1", peer=peer) == address


def test_the_addresses_of_proxies_are_those_that_were_named(make_app: Callable[..., Flask]) -> None:
    named = BEHIND_ONE | {"proxy_addresses": (ip_network("203.0.113.0/24"),)}
    app = make_app(environment=named)

    assert counted_as(app, "192.0.2.1", peer="203.0.113.9") == "192.0.2.1"
    assert counted_as(app, "192.0.2.1", peer="10.0.0.9") == "10.0.0.9"
    assert counted_as(app, "192.0.2.1", peer="127.0.0.1") == "127.0.0.1"


def test_who_goes_round_the_proxy_asks_no_oftener_for_it(make_app: Callable[..., Flask]) -> None:
    app = make_app(limits={"per_address": "2 per minute", "min_fill_seconds": 0}, environment=BEHIND_ONE)
    stranger = Visitor(app, "203.0.113.9")
    statuses = [
        stranger.sends(
            stranger.opens("/sales"), {"X-Forwarded-For": f"192.0.2.{turn}"}, name="Ann", phone=number
        ).status
        for turn, number in enumerate(NUMBERS[:3])
    ]

    assert statuses == [303, 303, 429]


def test_a_forwarded_address_from_elsewhere_is_told_once(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(environment=BEHIND_ONE)
    for _ in range(3):
        counted_as(app, "192.0.2.1", peer="203.0.113.9")

    told = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == ["Ignoring X-Forwarded-For: it came from an address that is not in PROXY_ADDRESSES"]


@pytest.mark.parametrize("name", ["Script-Name", "X-Script-Name", "X-Forwarded-Prefix", "X-Forwarded-Host"])
def test_no_header_moves_the_pages_elsewhere(make_app: Callable[..., Flask], name: str) -> None:
    app = make_app(environment=BEHIND_ONE)
    page = Visitor(app, "10.0.0.9").opens("/sales", **{name: "/elsewhere"})

    assert page.status == 200
    assert "elsewhere" not in page.html


def test_with_no_proxy_declared_nobody_is_one() -> None:
    assert not Proxies(0, PRIVATE_NETWORKS).include("10.0.0.9")


# --- with a real gunicorn ---


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server with an environment of one's own. From this machine everybody is a proxy by default."""
    servers: list[Server] = []

    def start(configuration: str = "", **environment: str) -> Server:
        # What an operator's environment may hold, meant for other programs.
        server = production(tmp_path, "http://127.0.0.1:9", FORWARDED_ALLOW_IPS="*", **environment)
        if configuration:
            path = tmp_path / "ringback.toml"
            path.write_text(path.read_text().replace('per_address = "1000 per minute"', configuration))
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.stop()


def fetch(server: Server, path: str, headers: dict[str, str], body: str = "") -> tuple[int, str, str]:
    """Status, where it leads, text."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST" if body else "GET", path, body or None, kind | headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Location") or "", text


def asked(server: Server, turn: int, headers: dict[str, str]) -> int:
    """Ask for a call; the status."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', fetch(server, "/sales", {})[2])
    assert token
    return fetch(
        server, "/sales", headers, urlencode({"name": "Ann", "phone": NUMBERS[turn], "csrf_token": token[1]})
    )[0]


@pytest.mark.parametrize(
    ("addresses", "believed"),
    [pytest.param("127.0.0.1", [303] * 3, marks=pytest.mark.long), ("10.0.0.0/8", [303, 303, 429])],
)
def test_gunicorn_believes_whom_proxy_addresses_names(
    start: Callable[..., Server], addresses: str, believed: list[int]
) -> None:
    server = start('per_address = "2 per minute"', TRUSTED_PROXIES="1", PROXY_ADDRESSES=addresses)
    statuses = [asked(server, turn, {"X-Forwarded-For": f"192.0.2.{turn}"}) for turn in range(3)]

    assert statuses == believed
    assert "192.0.2" not in server.log


@pytest.mark.long
def test_gunicorn_believes_no_other_spelling_of_that_header(start: Callable[..., Server]) -> None:
    server = start('per_address = "2 per minute"', TRUSTED_PROXIES="1", PROXY_ADDRESSES="127.0.0.1")
    spellings = ["X_Forwarded_For", "X_FORWARDED-FOR", "X_Forwarded-For"]
    statuses = [asked(server, turn, {name: f"192.0.2.{turn}"}) for turn, name in enumerate(spellings)]

    assert statuses == [303, 303, 429]


@pytest.mark.long
@pytest.mark.parametrize("proxies", [pytest.param("0", marks=pytest.mark.long), "1"])
def test_gunicorn_takes_no_name_of_a_script_from_a_header(start: Callable[..., Server], proxies: str) -> None:
    server = start(TRUSTED_PROXIES=proxies)
    names = ["SCRIPT_NAME", "Script-Name", "PATH_INFO", "script_name", "X-Forwarded-Prefix"]

    for name, value in product(names, ["/sales", "/elsewhere"]):
        status, _, page = fetch(server, "/sales", {name: value})
        assert status == 200
        assert "elsewhere" not in page
        assert "/sales/" not in page


@pytest.mark.long
def test_gunicorn_takes_no_scheme_from_a_header(start: Callable[..., Server]) -> None:
    server = start()

    for name in ("X-Forwarded-Proto", "X-Forwarded-Ssl", "X-Forwarded-Protocol"):
        status, leads_to, _ = fetch(server, "/sales/", {name: "https"})
        assert not leads_to.startswith("https:"), (status, leads_to)


@pytest.mark.parametrize(
    "bind", ["127.0.0.1", *(pytest.param(bind, marks=pytest.mark.long) for bind in ("::", "[::]"))]
)
def test_gunicorn_listens_where_bind_says(start: Callable[..., Server], bind: str) -> None:
    server = start(BIND=bind)

    assert fetch(server, "/sales", {})[0] == 200
    elsewhere = socket.socket()
    is_there = elsewhere.connect_ex(("127.0.0.2", server.port)) == 0
    elsewhere.close()
    assert is_there is (bind != "127.0.0.1")


def test_gunicorn_answers_on_a_socket_of_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = production(tmp_path, "http://127.0.0.1:9", BIND=f"unix:{path}", TRUSTED_PROXIES="1")
    server._is_up = path.exists  # type: ignore[method-assign]  # it has no port
    server.start()
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(path))
            client.sendall(f"GET /sales HTTP/1.0\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
            assert client.recv(12)[-3:] == b"200"
    finally:
        server.stop()
