"""Whoever tests a site with Ringback in it puts something in the place of `requests`: it sees our calls."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.client import IncompleteRead, RemoteDisconnected
from io import BytesIO
from typing import Any
from unittest.mock import patch

import pytest
import requests
import requests_mock
import responses
from urllib3.exceptions import NewConnectionError, ProtocolError, ReadTimeoutError

from ringback.alerts.channels import NotReceivedError, SignedWebhook
from ringback.alerts.message import Alert, Message
from ringback.deadline import Deadline
from ringback.handover.outcomes import (
    Accepted,
    Busy,
    Misconfigured,
    NewToken,
    NotSent,
    Outcome,
    Refused,
    Unclear,
)
from ringback.handover.samespace import Samespace
from tests import faults
from tests.conftest import make_settings
from tests.faults import FaultServer

SAMESPACE = "https://eu7.samespace.com"
MAKE_CALL = f"{SAMESPACE}/apiv1/team/make_call"
RECEIVER = "https://desk.acme.test/ringback"
NUMBER = "4930901820"
YES, NO = '{"success": true}', '{"success": false, "message": "Nobody is logged in"}'

# The bodies of what was seen.
Seen = list[bytes]


@contextmanager
def by_responses(url: str, status: int, body: str) -> Iterator[Seen]:
    seen: Seen = []
    with responses.RequestsMock() as mock:
        mock.post(url, status=status, body=body)
        yield seen
        seen += [bytes(call.request.body) for call in mock.calls]


@contextmanager
def by_requests_mock(url: str, status: int, body: str) -> Iterator[Seen]:
    seen: Seen = []
    with requests_mock.Mocker() as mock:
        mock.post(url, status_code=status, text=body)
        yield seen
        seen += [request.body for request in mock.request_history]


def answer(status: int, **parts: Any) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    for name, value in parts.items():
        setattr(response, name, value)
    return response


@contextmanager
def by_a_patched_session(url: str, status: int, body: str, **parts: Any) -> Iterator[Seen]:
    parts = parts or {"_content": body.encode()}
    with patch.object(requests.Session, "send", return_value=answer(status, **parts)) as send:
        seen: Seen = []
        yield seen
        sent = [call.args[0] for call in send.call_args_list]
        assert {request.url for request in sent} == {url}
        seen += [request.body for request in sent]


@contextmanager
def by_a_stream(url: str, status: int, body: str) -> Iterator[Seen]:
    with by_a_patched_session(url, status, body, raw=BytesIO(body.encode())) as seen:
        yield seen


@contextmanager
def by_a_patched_adapter(url: str, status: int, body: str) -> Iterator[Seen]:
    made = answer(status, _content=body.encode(), url=url)
    with patch("requests.adapters.HTTPAdapter.send", return_value=made) as send:
        seen: Seen = []
        yield seen
        seen += [call.args[0].body for call in send.call_args_list]


STAND_INS = [by_responses, by_requests_mock, by_a_patched_session, by_a_stream, by_a_patched_adapter]
StandIn = Callable[[str, int, str], Any]


def call() -> Outcome:
    return Samespace(SAMESPACE, "acme", 5).make_call("Night desk", NUMBER, {"name": "Zoë"})


@pytest.mark.parametrize("stand_in", STAND_INS)
@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [(200, YES, Accepted), (200, NO, Refused), (401, "", Misconfigured), (429, "", Busy), (500, "<h1>", Unclear)],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value)[:12],
)
def test_a_call_is_seen_and_answered_by_whatever_stands_in(
    stand_in: StandIn, status: int, body: str, outcome: type
) -> None:
    with stand_in(MAKE_CALL, status, body) as seen:
        assert isinstance(call(), outcome)

    (sent,) = map(json.loads, seen)
    assert sent == {
        "space_id": "acme",
        "team_name": "Night desk",
        "number": NUMBER,
        "attributes": {"name": "Zoë"},
    }


@pytest.mark.parametrize("stand_in", STAND_INS)
def test_the_other_calls_are_seen_as_well(stand_in: StandIn) -> None:
    with stand_in(f"{SAMESPACE}/router/api/v2/token/reset", 200, '{"auth_token": "new"}'):
        assert isinstance(Samespace(SAMESPACE, "acme", 5).reset_token("old"), NewToken)


@pytest.mark.parametrize("stand_in", STAND_INS)
def test_a_webhook_is_seen_as_well(stand_in: StandIn) -> None:
    webhook = SignedWebhook(RECEIVER, make_settings("sqlite:///unused.db"))
    message, now = Message([Alert(1, NOW, "unknown", "RB-TEST-TEST", None)]), NOW
    for status, is_received in ((204, True), (302, False), (503, False)):
        with stand_in(RECEIVER, status, "") as seen, closing(Deadline(5)) as deadline:
            if is_received:
                webhook.send(deadline, message, now)
            else:
                with pytest.raises(NotReceivedError):
                    webhook.send(deadline, message, now)
        assert len(seen) == 1


NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (requests.ConnectionError(), NotSent),
        (requests.ConnectTimeout(), NotSent),
        (requests.exceptions.SSLError(), NotSent),
        (requests.exceptions.ProxyError(), NotSent),
        (requests.exceptions.InvalidURL(), NotSent),
        (requests.ConnectionError(NewConnectionError(None, "refused")), NotSent),  # type: ignore[arg-type]
        (ConnectionRefusedError(), NotSent),
        (requests.ReadTimeout(), Unclear),
        (requests.Timeout(), Unclear),
        (requests.exceptions.ChunkedEncodingError(), Unclear),
        (requests.exceptions.ContentDecodingError(), Unclear),
        (requests.ConnectionError(ProtocolError("Connection aborted.", RemoteDisconnected())), Unclear),
        (requests.ConnectionError(ReadTimeoutError(None, "", "Read timed out.")), Unclear),  # type: ignore[arg-type]
        (TimeoutError(), Unclear),
        (ConnectionResetError(), Unclear),
        (RemoteDisconnected(), Unclear),
        (IncompleteRead(b""), Unclear),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_an_error_that_stands_in_means_what_it_says(error: Exception, outcome: type) -> None:
    with responses.RequestsMock() as mock:
        mock.post(MAKE_CALL, body=error)
        assert isinstance(call(), outcome)
    with patch.object(requests.Session, "send", side_effect=error):
        assert isinstance(call(), outcome)


def test_a_stand_in_for_post_is_seen() -> None:
    with patch.object(requests.Session, "post", return_value=answer(200, _content=b'{"success": true}')) as post:
        assert isinstance(call(), Accepted)
    assert post.call_args.args == (MAKE_CALL,)


@pytest.mark.parametrize("status", [301, 303, 307])
def test_of_a_redirect_no_more_is_read_than_of_any_answer(status: int) -> None:
    head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: http://127.0.0.1:9/\r\n\r\n".encode()
    with FaultServer(faults.flood(head)) as server:
        outcome = Samespace(server.base_url, "acme", 30).make_call("Night desk", NUMBER, {})

    assert isinstance(outcome, Misconfigured)
    assert server.connections == 1
