"""The journey through the served product: real gunicorn, real store, a Samespace that logs every ring."""

import http.client
import re
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.database import Database
from tests.running import Server, production

PERSON = {"name": "Ann Example-Unmistakable", "phone": "020 7946 0123", "email": "ann.unmistakable@example.test"}
DIGITS = "442079460123"
SLOW_SOCKETS = 200
# Of pytest-xdist: they have one server.
in_one_process = pytest.mark.xdist_group("journey")


def fetch(url: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Status, where it leads, text."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        if fields is None:
            connection.request("GET", parts.path)
        else:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", parts.path, urlencode(fields), kind)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location") or "", answer.read().decode()
    finally:
        connection.close()


def ask(server: Server, **answers: str) -> str:
    """Ask for a call; the confirmation's address."""
    _, _, page = fetch(f"{server.url}/sales")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token, page
    status, location, page = fetch(f"{server.url}/sales", PERSON | answers | {"csrf_token": token[1]})
    assert status == 303, page
    return f"{server.url}{location}"


def eventually(check: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)  # another process can only be asked


def state_of(confirmation: str) -> str:
    found = re.search(r'"state":"(\w+)"', fetch(f"{confirmation}.json")[2])
    assert found
    return found[1]


@pytest.fixture
def server(tmp_path: Path, samespace: SandboxSamespace) -> Iterator[Server]:
    server = production(tmp_path, samespace.base_url).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """For those who leave it as it was."""
    server = production(tmp_path_factory.mktemp("lasting"), "http://127.0.0.1:9").start()
    yield server
    server.stop()


def test_what_reaches_samespace_is_what_was_agreed(server: Server, samespace: SandboxSamespace) -> None:
    confirmation = ask(server, company="Acme & Söhne", message="Ring\nsoftly", plan="pro")
    samespace.wait_for_calls(1, 10)

    (call,) = samespace.calls
    assert set(call.body) == {"space_id", "team_name", "number", "attributes"}
    assert (call.body["space_id"], call.body["team_name"], call.body["number"]) == ("acme", "Sales", DIGITS)
    attributes = call.body["attributes"]
    requested_at, reference = attributes.pop("requested_at"), attributes.pop("reference")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", requested_at)
    assert reference in fetch(confirmation)[2]
    assert attributes == {
        "name": PERSON["name"],
        "email": PERSON["email"],
        "company": "Acme & Söhne",
        "message": "Ring\nsoftly",
        "plan": "pro",
        "page": f"{server.url}/sales",
        "language": "en",
        "stop_url": f"{server.url}/stop",
    }
    eventually(lambda: state_of(confirmation) == "with_team")


@pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.long)])
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
def test_a_kill_right_after_the_answer_loses_nothing_and_rings_nobody_twice(
    engine: str, kills: int, tmp_path: Path, samespace: SandboxSamespace, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    server = production(tmp_path, samespace.base_url, url)
    confirmations = []
    for turn in range(kills):
        server.start()
        confirmations.append(ask(server, phone=f"020 7946 012{turn}"))
        server.kill()
    server.start()
    eventually(lambda: all(state_of(confirmation) in ("with_team", "unknown") for confirmation in confirmations))
    server.stop()

    numbers = [call.number for call in samespace.calls]
    assert len(numbers) == len(set(numbers)), "nobody is rung twice"


@pytest.mark.long
def test_with_samespace_down_the_visitor_is_told_at_once_and_the_call_goes_out_later(
    server: Server, samespace: SandboxSamespace
) -> None:
    samespace.mode = Mode.DOWN
    confirmation = ask(server)
    eventually(lambda: "we keep trying" in fetch(confirmation)[2])
    assert state_of(confirmation) == "waiting"

    samespace.mode = Mode.ANSWERS
    samespace.wait_for_calls(1, 15)
    eventually(lambda: state_of(confirmation) == "with_team")
    assert len(samespace.calls) == 1
    assert int(samespace.calls[0].attributes["attempt"]) > 1


@pytest.mark.long
def test_a_refusal_is_tried_again(server: Server, samespace: SandboxSamespace) -> None:
    samespace.mode = Mode.REFUSES
    confirmation = ask(server)
    eventually(lambda: "we keep trying" in fetch(confirmation)[2])
    samespace.mode = Mode.ANSWERS
    eventually(lambda: state_of(confirmation) == "with_team")


def test_an_answer_that_does_not_come_in_time_is_unknown_and_not_sent_again(
    server: Server, samespace: SandboxSamespace
) -> None:
    samespace.slow_seconds = 4
    samespace.mode = Mode.SLOW
    confirmation = ask(server)
    eventually(lambda: state_of(confirmation) == "unknown")
    # By the time that two others were refused as often as they are tried, this one would have been sent again.
    samespace.mode = Mode.REFUSES
    for phone in ("020 7946 0198", "020 7946 0199"):
        other = ask(server, phone=phone)
        eventually(lambda refused=other: state_of(refused) == "failed")
    samespace.mode = Mode.ANSWERS
    last = ask(server, phone="020 7946 0197")
    eventually(lambda: state_of(last) == "with_team")

    assert [call.number for call in samespace.calls] == [DIGITS, "442079460197"]
    assert state_of(confirmation) == "unknown"
    assert "got no clear answer" in fetch(confirmation)[2]


@pytest.mark.long
def test_stopping_finishes_what_is_in_the_air(server: Server, samespace: SandboxSamespace) -> None:
    samespace.slow_seconds = 1
    samespace.mode = Mode.SLOW
    confirmation = ask(server)
    samespace.wait_for_calls(1, 10)
    assert server.stop() == 0
    server.start()

    assert state_of(confirmation) == "with_team"


def test_no_log_holds_a_person_or_a_link(server: Server, samespace: SandboxSamespace) -> None:
    confirmation = ask(server, message="an unmistakable message")
    samespace.wait_for_calls(1, 10)
    fetch(confirmation)
    fetch(f"{server.url}/sales", PERSON | {"csrf_token": "nonsense"})
    eventually(lambda: "now with_team" in server.log)

    log = server.log
    assert re.search(r"request RB-\w{4}-\w{4}: received", log)
    for secret in (*PERSON.values(), DIGITS, "7946", "unmistakable", confirmation.rsplit("/", 1)[1], "csrf"):
        assert secret not in log


def test_gunicorn_without_a_configuration_refuses_to_start_and_says_why(tmp_path: Path) -> None:
    server = production(tmp_path, "http://127.0.0.1:9", RINGBACK_CONFIG="", SECRET_KEY="")
    with pytest.raises(RuntimeError) as refusal:
        server.start()

    assert "SECRET_KEY: is missing" in str(refusal.value)
    assert "ringback.toml: there is no such file" in str(refusal.value)


def chunked(server: Server, body: bytes) -> int:
    """Post a body without a length, to the letter; the status."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        head = f"POST /sales HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nTransfer-Encoding: chunked\r\n"
        kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        connection.sendall((head + kind).encode() + body)
        return int(connection.recv(65536).split()[1])


@in_one_process
def test_a_body_in_chunks_is_held_to_the_same_bytes(lasting_server: Server) -> None:
    small, large = b"phone=1", b"junk=" + b"x" * 70_000

    assert chunked(lasting_server, b"%x\r\n%s\r\n0\r\n\r\n" % (len(small), small)) == 422
    assert chunked(lasting_server, b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)) == 413
    assert chunked(lasting_server, b"ZZ\r\nabc\r\n0\r\n\r\n") == 400


def test_gunicorn_stops_where_the_store_is_not_for_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/ringback.db")
    database.migrate("sandbox")
    database.close()
    server = production(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(RuntimeError) as refusal:
        server.start()

    assert "this database belongs to the sandbox; use another for production" in str(refusal.value)
    assert "Traceback" not in str(refusal.value), "what went wrong later hides why"


def test_gunicorn_refuses_several_workers_that_count_each_for_itself(tmp_path: Path) -> None:
    server = production(tmp_path, "http://127.0.0.1:9", GUNICORN_CMD_ARGS="--workers 2")
    with pytest.raises(RuntimeError) as refusal:
        server.start()

    assert "RATELIMIT_STORAGE_URI: is memory:// with several workers" in str(refusal.value)


@in_one_process
@pytest.mark.parametrize("part", ["headers", pytest.param("body", marks=pytest.mark.long)])
def test_two_hundred_sockets_that_drip_do_not_keep_anybody_from_the_form(
    lasting_server: Server, part: str
) -> None:
    start = b"GET /sales HTTP/1.1\r\nHost: x\r\nX-Drip: "
    if part == "body":
        start = b"POST /sales HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n"
        start += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    sockets = [socket.create_connection(("127.0.0.1", lasting_server.port)) for _ in range(SLOW_SOCKETS)]
    for drip in sockets:
        drip.sendall(start)
    done = threading.Event()

    def drip_on() -> None:
        while not done.wait(2):
            for drip in sockets:
                try:
                    drip.sendall(b"x")
                except OSError:
                    continue  # cut off, as it should be in the end

    thread = threading.Thread(target=drip_on)
    thread.start()
    try:
        took = []
        for _ in range(60):
            began = time.monotonic()
            assert fetch(f"{lasting_server.url}/sales")[0] == 200
            took.append(time.monotonic() - began)
    finally:
        done.set()
        thread.join()
        for drip in sockets:
            drip.close()
    # Other worker classes do not answer at all; the middle, since one of them may meet a busy machine.
    assert statistics.median(took) < 1


def test_gunicorn_brings_the_store_up_to_date_before_it_has_a_worker(tmp_path: Path) -> None:
    slow = tmp_path / "sitecustomize.py"
    slow.write_text(
        "import os, sys, alembic.command\n"
        "for_real = alembic.command.upgrade\n"
        "def upgrade(*args):\n"
        "    print('upgraded by', os.getpid(), file=sys.stderr, flush=True)\n"
        "    for_real(*args)\n"
        "alembic.command.upgrade = upgrade\n"
    )
    server = production(tmp_path, "http://127.0.0.1:9", PYTHONPATH=str(tmp_path))
    server.start()
    server.stop()

    assert server.log.count("upgraded by") == 1
    assert 0 < server.log.index("upgraded by") < server.log.index("Booting worker")
