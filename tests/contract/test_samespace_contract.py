"""The vendor's page, "Voice API", holds between the client and the pretend Samespace.

Its examples, word for word, go through the real client over a real port; what the page forbids is
refused by the pretend Samespace, so that a test which passes against it says something.
"""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest

from ringback.handover.outcomes import Accepted, NewToken, NotLoggedIn, NotSent, Refused, Unclear
from ringback.handover.samespace import Samespace
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace

NO = "Cant make call! Not logged In"
CALLBACK = {
    "space_id": "alpha",
    "team_name": "helpdesk",
    "number": "919769000000",
    "attributes": {"name": "Tom", "email": "tom@example.com"},
}
CLICK_TO_CALL = {
    "username": "username@cloud_id",
    "number": "448442430000",
    "callerId": "+445346543434",
    "custom": {"name": "Alex", "phone": "+1 646 810 7016"},
}
RESET_TOKEN = {"cloud_id": "leap", "auth_token": "538d1ae0-3e9f-11ea-9d9c-394a26b437b0"}


@pytest.fixture
def sandbox() -> Iterator[SandboxSamespace]:
    before = set(threading.enumerate())
    with SandboxSamespace() as sandbox:
        yield sandbox
    assert set(threading.enumerate()) <= before


def client(sandbox: SandboxSamespace, timeout: float = 10) -> Samespace:
    return Samespace(sandbox.base_url, "alpha", timeout)


def ask(samespace: Samespace, name: str = "Tom") -> Any:
    return samespace.make_call("helpdesk", "919769000000", {"name": name, "email": "tom@example.com"})


def post(sandbox: SandboxSamespace, path: str, body: Any, content_type: str = "application/json") -> Any:
    """What the pretend Samespace says to a raw body: status and JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(sandbox, "POST", path, content, {"Content-Type": content_type})


def request(
    sandbox: SandboxSamespace, method: str, path: str, content: bytes | None = None, headers: Any = ()
) -> Any:
    connection = http.client.HTTPConnection(urlsplit(sandbox.base_url).netloc, timeout=10)
    try:
        connection.request(method, path, content, dict(headers))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def stop(sandbox: SandboxSamespace) -> None:
    """Stop it, or fail: it must not wait for what other threads or clients do."""
    stopping = threading.Thread(target=sandbox.stop, daemon=True)
    stopping.start()
    stopping.join(10)
    assert not stopping.is_alive()


# The page's examples, by the client


def test_a_team_call_arrives_as_the_page_has_it(sandbox: SandboxSamespace) -> None:
    outcome = ask(client(sandbox))
    assert isinstance(outcome, Accepted)
    assert json.loads(outcome.reply) == {"success": True}
    (call,) = sandbox.calls
    assert call.body == CALLBACK
    assert (call.number, call.team_name, call.serial) == ("919769000000", "helpdesk", 1)
    assert call.attributes == {"name": "Tom", "email": "tom@example.com"}
    assert timedelta(0) <= datetime.now(UTC) - call.received_at < timedelta(minutes=1)


def test_a_click_to_call_is_taken_with_and_without_what_is_optional(sandbox: SandboxSamespace) -> None:
    samespace = client(sandbox)
    custom = {"name": "Alex", "phone": "+1 646 810 7016"}
    assert isinstance(
        samespace.click_to_call("username@cloud_id", "448442430000", "+445346543434", custom), Accepted
    )
    assert isinstance(samespace.click_to_call("username@cloud_id", "448442430000"), Accepted)
    assert sandbox.calls == []  # No team was asked for a call.


def test_an_agent_who_is_not_logged_in_is_told_so(sandbox: SandboxSamespace) -> None:
    sandbox.mode = Mode.REFUSES
    assert client(sandbox).click_to_call("username@cloud_id", "448442430000") == NotLoggedIn(NO)


def test_a_refused_team_call_is_no_call(sandbox: SandboxSamespace) -> None:
    sandbox.mode = Mode.REFUSES
    outcome = ask(client(sandbox))
    assert isinstance(outcome, Refused)
    assert outcome.message == NO
    assert sandbox.calls == []


def test_a_token_is_swapped_for_another(sandbox: SandboxSamespace) -> None:
    outcome = client(sandbox).reset_token(RESET_TOKEN["auth_token"])
    assert isinstance(outcome, NewToken)
    assert outcome.token != RESET_TOKEN["auth_token"]


def test_the_root_answers_and_rings_nobody(sandbox: SandboxSamespace) -> None:
    assert client(sandbox).probe() is True
    assert request(sandbox, "GET", "/")[0] == HTTPStatus.OK
    assert sandbox.calls == []


# The page's examples and what it forbids, by raw bodies


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/apiv1/team/make_call", CALLBACK),
        ("/apiv1/make_call", CLICK_TO_CALL),
        ("/router/api/v2/token/reset", RESET_TOKEN),
    ],
)
def test_the_pages_own_examples_are_taken(path: str, body: Any, sandbox: SandboxSamespace) -> None:
    status, answer = post(sandbox, path, body)
    assert status == HTTPStatus.OK
    assert answer["success"] is True


@pytest.mark.parametrize(
    "body",
    [
        {key: CALLBACK[key] for key in CALLBACK if key != "space_id"},
        {key: CALLBACK[key] for key in CALLBACK if key != "attributes"},
        CALLBACK | {"auth_token": "x"},
        CALLBACK | {"number": "+919769000000"},
        CALLBACK | {"number": "91 9769 000000"},
        CALLBACK | {"number": ""},
        CALLBACK | {"number": "٩١٩٧"},
        CALLBACK | {"number": 919769000000},
        CALLBACK | {"team_name": None},
        CALLBACK | {"team_name": ""},
        CALLBACK | {"attributes": ["Tom"]},
        CALLBACK | {"attributes": {"name": None}},
        CALLBACK | {"attributes": {"age": 30}},
        [CALLBACK],
        b"",
        b"{",
        b"[" * 60_000,
        b"\xff\xff",
    ],
    ids=range(18),
)
def test_a_team_call_that_is_not_as_the_page_has_it_is_refused(body: Any, sandbox: SandboxSamespace) -> None:
    status, answer = post(sandbox, "/apiv1/team/make_call", body)
    assert status == HTTPStatus.BAD_REQUEST
    assert answer["success"] is False
    assert sandbox.calls == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/apiv1/make_call", {"username": "username@cloud_id"}),
        ("/apiv1/make_call", CLICK_TO_CALL | {"callerID": "+445346543434"}),
        ("/apiv1/make_call", CLICK_TO_CALL | {"callerId": 445346543434}),
        ("/apiv1/make_call", CLICK_TO_CALL | {"number": "+448442430000"}),
        ("/apiv1/make_call", CLICK_TO_CALL | {"custom": "Alex"}),
        ("/router/api/v2/token/reset", {"space_id": "leap", "auth_token": "538d1ae0"}),
        ("/router/api/v2/token/reset", RESET_TOKEN | {"auth_token": ""}),
    ],
    ids=range(7),
)
def test_the_other_two_apis_are_as_strict(path: str, body: Any, sandbox: SandboxSamespace) -> None:
    status, answer = post(sandbox, path, body)
    assert status == HTTPStatus.BAD_REQUEST
    assert answer["success"] is False


def test_a_body_that_is_not_called_json_is_refused(sandbox: SandboxSamespace) -> None:
    status, _ = post(sandbox, "/apiv1/team/make_call", CALLBACK, "application/x-www-form-urlencoded")
    assert status == HTTPStatus.BAD_REQUEST


def test_a_body_without_end_is_not_read(sandbox: SandboxSamespace) -> None:
    status, _ = request(sandbox, "POST", "/apiv1/team/make_call", None, {"Content-Length": "65537"})
    assert status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    status, _ = request(sandbox, "POST", "/apiv1/team/make_call", None, {"Content-Length": "-1"})
    assert status == HTTPStatus.LENGTH_REQUIRED


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/apiv1/team/make_call"), ("GET", "/x"), ("POST", "/"), ("POST", "/apiv1/team")],
)
def test_there_is_nothing_at_any_other_address(method: str, path: str, sandbox: SandboxSamespace) -> None:
    status, answer = request(sandbox, method, path, b"{}" if method == "POST" else None)
    assert status == HTTPStatus.NOT_FOUND
    assert answer["success"] is False


# What the sandbox and the tests rely on


def test_a_slow_answer_is_a_call_all_the_same(sandbox: SandboxSamespace) -> None:
    sandbox.mode = Mode.SLOW
    assert isinstance(ask(client(sandbox, timeout=0.5)), Unclear)
    assert len(sandbox.wait_for_calls(1)) == 1
    sandbox.slow_seconds = 0.01
    assert isinstance(ask(client(sandbox)), Accepted)


def test_stopping_breaks_a_slow_answer_off(sandbox: SandboxSamespace) -> None:
    sandbox.mode, sandbox.slow_seconds = Mode.SLOW, 3_600
    outcomes: list[Any] = []
    asking = threading.Thread(target=lambda: outcomes.append(ask(client(sandbox, timeout=60))))
    asking.start()
    sandbox.wait_for_calls(1)
    stop(sandbox)
    asking.join()
    assert outcomes == [Unclear("no answer came: ConnectionError", None, "")]


def test_stopping_waits_for_no_idle_connection(sandbox: SandboxSamespace) -> None:
    address = ("127.0.0.1", urlsplit(sandbox.base_url).port)
    with socket.create_connection(address) as idle:
        idle.sendall(b"POST /apiv1/team/make_call HTTP/1.1\r\nContent-Le")
        stop(sandbox)
        with suppress(ConnectionResetError):
            assert idle.recv(100) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_down_refuses_connections_and_comes_back_at_the_same_address(sandbox: SandboxSamespace) -> None:
    base_url = sandbox.base_url
    samespace = client(sandbox)
    for round_number in (1, 2, 3):
        sandbox.mode = Mode.DOWN
        assert sandbox.base_url == base_url
        assert ask(samespace) == NotSent("could not connect: Connection refused")
        sandbox.mode = Mode.ANSWERS
        assert isinstance(ask(samespace), Accepted)
        assert len(sandbox.calls) == round_number


def test_it_can_be_started_down(capfd: pytest.CaptureFixture[str]) -> None:
    with SandboxSamespace(Mode.DOWN) as sandbox:
        assert isinstance(ask(client(sandbox)), NotSent)
        sandbox.mode = Mode.ANSWERS
        assert isinstance(ask(client(sandbox)), Accepted)
    assert capfd.readouterr() == ("", "")


def test_a_mode_may_be_named(sandbox: SandboxSamespace) -> None:
    sandbox.mode = "refuses"  # type: ignore[assignment]
    assert sandbox.mode is Mode.REFUSES
    with pytest.raises(ValueError, match="asleep"):
        sandbox.mode = "asleep"  # type: ignore[assignment]
    assert sandbox.mode is Mode.REFUSES


def test_it_has_no_address_before_it_is_started() -> None:
    with pytest.raises(RuntimeError, match="before start"):
        _ = SandboxSamespace().base_url


def test_the_last_two_hundred_calls_are_kept(sandbox: SandboxSamespace) -> None:
    body = dict(CALLBACK)
    for _ in range(205):
        sandbox.record(body)
    assert [call.serial for call in sandbox.calls] == list(range(6, 206))
    assert len(sandbox.wait_for_calls(205)) == 200


def test_many_calls_at_once_are_each_recorded_once(sandbox: SandboxSamespace) -> None:
    samespace = client(sandbox)
    asking = [threading.Thread(target=ask, args=(samespace, f"Tom {number}")) for number in range(40)]
    for thread in asking:
        thread.start()
    calls = sandbox.wait_for_calls(40, timeout=30)
    for thread in asking:
        thread.join()
    assert {call.attributes["name"] for call in calls} == {f"Tom {number}" for number in range(40)}
    assert sorted(call.serial for call in calls) == list(range(1, 41))


def test_waiting_for_a_call_that_does_not_come_says_so(sandbox: SandboxSamespace) -> None:
    ask(client(sandbox))
    with pytest.raises(TimeoutError, match=r"1 of 2 calls came within 0\.01 s"):
        sandbox.wait_for_calls(2, timeout=0.01)


def test_nothing_is_printed_whatever_a_client_does(
    sandbox: SandboxSamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    address = ("127.0.0.1", urlsplit(sandbox.base_url).port)
    for content in (
        b"",
        b"nonsense\r\n\r\n",
        b"POST /apiv1/team/make_call HTTP/1.1\r\nContent-Length: 9\r\n\r\n{",
    ):
        with socket.create_connection(address) as rude:
            rude.sendall(content)
    ask(client(sandbox))
    sandbox.stop()
    assert capfd.readouterr() == ("", "")
