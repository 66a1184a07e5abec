"""Nothing that a client sends stands in a log: not what could be read, not what could not, at no level."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.running import Server, production, sandbox
from tests.server.test_journey import eventually

KEY = "0123456789abcdef0123456789abcdef"
WORD = "unmistakable"
TELLING = f"/requests/{KEY}?{WORD}"
HOST = "Host: 127.0.0.1\r\n"
POST = f"POST {TELLING} HTTP/1.1\r\n{HOST}X-Word: {WORD}\r\n"

# What it is: what is sent, and the kind that the log may name; None where nothing is told.
MALFORMED: dict[str, tuple[str, str | None]] = {
    "no version": (f"GET {TELLING}\r\n\r\n", "InvalidRequestLine"),
    "a version that is none": (f"GET {TELLING} HTTP/9.{KEY}\r\n\r\n", "InvalidHTTPVersion"),
    "a space in the path": (f"GET {TELLING} and more HTTP/1.1\r\n\r\n", "InvalidHTTPVersion"),
    "a method in small letters": (f"get{WORD} {TELLING} HTTP/1.1\r\n\r\n", "InvalidRequestMethod"),
    "no method": (f"{TELLING} {TELLING} HTTP/1.1\r\n\r\n", "InvalidRequestMethod"),
    "bytes in the path": (f"GET {TELLING}\xff HTTP/1.1\r\n\r\n", "InvalidRequestLine"),
    "a bare line feed": (f"GET {TELLING} HTTP/1.1\n\n", "InvalidRequestLine"),
    "a host for a path": (f"GET {KEY}:80 HTTP/1.1\r\n\r\n", "InvalidRequestLine"),
    "a line without end": (f"GET {TELLING}{'a' * 9000} HTTP/1.1\r\n\r\n", "LimitRequestLine"),
    "a header without a colon": (f"GET {TELLING} HTTP/1.1\r\n{HOST}{KEY}\r\n\r\n", "InvalidHeader"),
    "a header's name": (f"GET {TELLING} HTTP/1.1\r\n{HOST}X {KEY}: 1\r\n\r\n", "InvalidHeaderName"),
    "a header's value": (f"GET {TELLING} HTTP/1.1\r\n{HOST}X: {KEY}\x01\r\n\r\n", "InvalidHeader"),
    "a folded header": (f"GET {TELLING} HTTP/1.1\r\n{HOST}X: 1\r\n {KEY}\r\n\r\n", "ObsoleteFolding"),
    "a header without end": (f"GET {TELLING} HTTP/1.1\r\n{HOST}X: {KEY * 400}\r\n\r\n", "LimitRequestHeaders"),
    "two hosts": (f"GET {TELLING} HTTP/1.1\r\n{HOST}{HOST}\r\n", "InvalidHeader"),
    "an expectation": (f"GET {TELLING} HTTP/1.1\r\n{HOST}Expect: {KEY}\r\n\r\n", "ExpectationFailed"),
    "a coding": (f"{POST}Transfer-Encoding: {KEY}\r\n\r\n", "UnsupportedTransferCoding"),
    "a length that is none": (f"{POST}Content-Length: {KEY}\r\n\r\n", "InvalidHeader"),
    "a chunk that is none": (f"{POST}Transfer-Encoding: chunked\r\n\r\nx{KEY}\r\n\r\n", None),
    "half a head": (f"GET {TELLING} HTTP/1.1\r\n{HOST}X: {KEY}", None),
    "half a body": (f"{POST}Content-Length: 900\r\n\r\nname={WORD}", None),
    "half a chunk": (f"{POST}Transfer-Encoding: chunked\r\n\r\nff\r\n{KEY}", None),
    "another protocol": (f"\x16\x03\x01\x02{KEY}{WORD}\r\n\r\n", "InvalidRequestLine"),
    "HTTP/2": (f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{KEY}", "InvalidRequestLine"),
    "the PROXY protocol": (f"PROXY TCP4 203.0.113.9 10.0.0.1 1 2\r\nGET {TELLING} HTTP/1.1\r\n\r\n", None),
    "a name of a script": (f"GET {TELLING} HTTP/1.1\r\n{HOST}SCRIPT_NAME: /{KEY}\r\n\r\n", None),
}


# Of pytest-xdist: they have one server a level.
in_one_process = pytest.mark.xdist_group("server-logs")


@pytest.fixture(scope="module", params=["info", "debug"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    arguments = f"--log-level {request.param}"
    folder = tmp_path_factory.mktemp("logs")
    server = production(folder, "http://127.0.0.1:9", GUNICORN_CMD_ARGS=arguments).start()
    yield server
    server.stop()


def send(server: Server, text: str) -> bytes:
    """Send it from an address that can be told from the server's own; what is answered."""
    with socket.socket() as client:
        client.settimeout(20)
        client.bind(("127.0.0.77", 0))
        client.connect(("127.0.0.1", server.port))
        client.sendall(text.encode("latin-1"))
        client.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while received := client.recv(65536):
                answer += received
        except ConnectionResetError:
            pass  # it did not read to the end
        return answer


@in_one_process
def test_what_cannot_be_read_is_in_no_log_but_its_kind(server: Server) -> None:
    began = len(server.log)
    before = server.log.count("a request could not be read (")
    for text, _ in MALFORMED.values():
        send(server, text)
    kinds = [kind for _, kind in MALFORMED.values() if kind]
    eventually(lambda: server.log.count("a request could not be read (") >= before + len(kinds))

    for kind in set(kinds):
        assert server.log[began:].count(f"a request could not be read ({kind})") >= kinds.count(kind), kind
    for telling in (KEY, KEY[:16], WORD, "127.0.0.77", "203.0.113.9", "Traceback"):
        assert telling not in server.log[began:], telling


@in_one_process
@pytest.mark.parametrize(
    ("what", "status"),
    [("no version", 400), ("a line without end", 414), ("a header without end", 431), ("a coding", 501)],
)
def test_what_cannot_be_read_is_answered_with_its_status_and_nothing_of_it(
    server: Server, what: str, status: int
) -> None:
    answer = send(server, MALFORMED[what][0])

    assert int(answer.split()[1]) == status
    assert KEY.encode() not in answer


def test_a_fault_of_ours_below_the_app_is_told_by_where_it_was(tmp_path: Path) -> None:
    """As gunicorn would log it: with the address that was asked for, and the words of the exception."""
    server = production(tmp_path, "http://127.0.0.1:9")
    broken = tmp_path / "broken.py"
    broken.write_text(
        "from app import app\n"
        "inner = app.wsgi_app\n"
        "def fail(environ, start):\n"
        "    if environ['PATH_INFO'].startswith('/requests'):\n"
        "        raise ValueError(environ['PATH_INFO'])\n"
        "    return inner(environ, start)\n"
        "app.wsgi_app = fail\n"
    )
    server._command = [*server._command[:-1], "--pythonpath", str(tmp_path), "broken:app"]
    server.start()
    answer = send(server, f"GET {TELLING} HTTP/1.1\r\n{HOST}\r\n")
    server.stop()

    assert int(answer.split()[1]) == 500
    assert "a request failed (ValueError at" in server.log
    assert "broken.py" in server.log
    for telling in (KEY, WORD, "127.0.0.77"):
        assert telling not in server.log


def test_a_page_that_fails_while_it_is_made_is_told_by_where_it_was(
    app: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Flask would log it: with the address that was asked for."""

    def fail(*_: object, **__: object) -> None:
        raise ValueError(WORD)

    monkeypatch.setattr("ringback.web.errors.render_template", fail)
    app.testing = False
    with pytest.raises(ValueError, match=WORD):
        app.test_client().get(TELLING, base_url="https://callback.acme.test")

    assert "ValueError at" in caplog.text
    assert KEY not in caplog.text
    assert WORD not in caplog.text


@pytest.mark.long
def test_the_sandbox_s_server_logs_no_line_that_it_cannot_read(tmp_path: Path) -> None:
    server = sandbox(tmp_path).start()
    for text, _ in MALFORMED.values():
        send(server, text)
    server.stop()

    for telling in (KEY, KEY[:16], WORD, "127.0.0.77"):
        assert telling not in server.log, telling
