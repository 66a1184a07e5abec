"""The vendor's three APIs in one class.

Nothing that the network or Samespace does is raised. The question that decides about a person's telephone is
"may Samespace have taken it?"; `deadline` knows how far a request got, and this module reads what came back.
"""

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from http.client import HTTPException
from io import BytesIO
from time import monotonic
from typing import Any, TypeVar

import requests
from urllib3 import BaseHTTPResponse, HTTPResponse
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError

from ringback.clock import Clock, utc_now
from ringback.deadline import Deadline, OneCall
from ringback.handover.outcomes import (
    Answer,
    NewToken,
    NotLoggedIn,
    NotSent,
    Outcome,
    Unclear,
    outcome_of,
    outcome_of_dial,
    outcome_of_token,
)

logger = logging.getLogger(__name__)

ANSWER_BYTES = 20_000
_LOST_ANSWERS = (
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    ProtocolError,
    ReadTimeoutError,
    HTTPException,
    TimeoutError,
    ConnectionError,
)
Result = TypeVar("Result")


class Samespace:
    """One Samespace, as its Voice API is documented; safe to share between threads.

    `base_url` is the API's root without a slash at its end, `https://in1.samespace.com`. A call
    takes at most `timeout_seconds` from start to end, whatever the other side does. `clock` gives
    the aware time that a `Retry-After` date is compared with.
    """

    def __init__(
        self,
        base_url: str,
        space_id: str,
        timeout_seconds: float,
        clock: Clock = utc_now,
    ) -> None:
        self._base_url = base_url
        self._space_id = space_id
        self._timeout_seconds = timeout_seconds
        self._clock = clock

    def make_call(self, team_name: str, number: str, attributes: Mapping[str, str]) -> Outcome:
        """Ask a team to call `number` (digits with the country code, no plus) and show it `attributes`."""
        body = {
            "space_id": self._space_id,
            "team_name": team_name,
            "number": number,
            "attributes": dict(attributes),
        }
        return self._post("/apiv1/team/make_call", body, outcome_of)

    def click_to_call(
        self,
        username: str,
        number: str,
        caller_id: str | None = None,
        custom: Mapping[str, Any] | None = None,
    ) -> Outcome | NotLoggedIn:
        """Let the dock of the agent `username` (`name@cloud_id`) dial `number` and show it `custom`."""
        body: dict[str, Any] = {"username": username, "number": number}
        if caller_id is not None:
            body["callerId"] = caller_id
        if custom is not None:
            body["custom"] = dict(custom)
        return self._post("/apiv1/make_call", body, outcome_of_dial)

    def reset_token(self, auth_token: str) -> NewToken | Outcome:
        """Swap `auth_token` for a fresh one; never `Accepted`, since an answer without a token is unclear."""
        body = {"cloud_id": self._space_id, "auth_token": auth_token}
        return self._post("/router/api/v2/token/reset", body, outcome_of_token)

    def probe(self) -> bool:
        """Whether the API's root answers at all (any status below 500); a request that can ring nobody."""
        started = monotonic()
        answer = self._exchange("GET", "/", None)
        reachable = isinstance(answer, Answer) and answer.status < 500
        _log("Reachable" if reachable else "Unreachable", answer, started)
        return reachable

    def _post(
        self, path: str, body: object, outcome_of: Callable[[Answer, datetime], Result]
    ) -> Result | NotSent | Unclear:
        content = json.dumps(body, allow_nan=False).encode()
        started = monotonic()
        answer = self._exchange("POST", path, content)
        outcome = outcome_of(answer, self._clock()) if isinstance(answer, Answer) else answer
        _log(type(outcome).__name__, answer, started)
        return outcome

    def _exchange(self, method: str, path: str, content: bytes | None) -> Answer | NotSent | Unclear:
        return exchange(method, self._base_url + path, content, self._timeout_seconds)


def exchange(
    method: str,
    url: str,
    content: bytes | None,
    timeout_seconds: float,
    headers: Mapping[str, str] | None = None,
    most_bytes: int = ANSWER_BYTES,
) -> Answer | NotSent | Unclear:
    """One call and its answer, in `timeout_seconds`; of the answer's body no more than `most_bytes` is read."""
    with closing(Deadline(timeout_seconds)) as deadline, OneCall(deadline) as session:
        try:
            # Through `post` and `get`: a test of a site may stand in for these as well as for `send`.
            response = getattr(session, method.lower())(
                url,
                headers=_headers(content) | dict(headers or {}),
                data=content,
                stream=True,
                timeout=deadline.socket_seconds,
                allow_redirects=False,
            )
            return _read(response, deadline, most_bytes)
        except Exception as error:
            # Whatever went wrong and in whichever library, what counts is how far the request got.
            return _broken_off(deadline, error)


def _headers(content: bytes | None) -> dict[str, str]:
    headers = {
        "User-Agent": "Ringback",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if content is not None:
        headers["Content-Type"] = "application/json"
    return headers


def _log(outcome: str, answer: Answer | NotSent | Unclear, started: float) -> None:
    status = answer.status if isinstance(answer, Answer) else None
    milliseconds = (monotonic() - started) * 1000
    logger.info("Samespace call ended: %s, status %s, %d ms", outcome, status, milliseconds)


def _broken_off(deadline: Deadline, error: Exception) -> NotSent | Unclear:
    """What it means that a call ended with `error` in place of an answer: how far did it get?"""
    # Where a test stands in for the network no connection is asked for, and the error alone can tell.
    is_told = not deadline.was_opened and _is_of_an_answer(error)
    if not (deadline.was_sent or is_told):
        return NotSent(deadline.why_not_sent(error))
    if deadline.timed_out:
        return Unclear(deadline.too_late, None, "")
    return Unclear(f"no answer came: {type(error).__name__}", None, "")


def _is_of_an_answer(error: object) -> bool:
    """Whether an error says that an answer was lost, so that the request may have arrived.

    `requests` wraps what the others raise in its ConnectionError, which alone says that there was no connection.
    """
    if isinstance(error, requests.ConnectTimeout | ConnectionRefusedError | NewConnectionError):
        return False
    if isinstance(error, requests.ConnectionError):
        return any(map(_is_of_an_answer, error.args))
    return isinstance(error, _LOST_ANSWERS)


def _read(response: requests.Response, deadline: Deadline, most_bytes: int) -> Answer | Unclear:
    """The answer with the beginning of its body: an endless one must fill neither memory nor time."""
    with closing(_stream_of(response)) as stream:
        if deadline.timed_out:
            # http.client takes the end of the connection for the end of the headers.
            return Unclear(deadline.too_late, None, "")
        body, flaw = _beginning(stream, most_bytes)
        # Where no length was given, our own hanging up looks like the end of the body, too.
        deadline.stop_clock()
    if deadline.timed_out:
        flaw = deadline.too_late
    return Answer(response.status_code, response.headers.get("Retry-After"), body, flaw)


def _stream_of(response: requests.Response) -> BaseHTTPResponse:
    """The body as it comes; whole, where a test made the answer by hand."""
    if isinstance(response.raw, BaseHTTPResponse):
        return response.raw
    return HTTPResponse(BytesIO(response.content), preload_content=False)


def _beginning(stream: BaseHTTPResponse, most_bytes: int) -> tuple[bytes, str | None]:
    """What came of it, up to a byte more than is read, and what is wrong with it if anything is."""
    body = b""
    try:
        while len(body) <= most_bytes:
            # read1 and not read: what came before a break is kept for the operator.
            piece = stream.read1(most_bytes + 1 - len(body), decode_content=True)
            if not piece:
                return body, None
            body += piece
    except (HTTPError, HTTPException, OSError, ValueError):
        return body, "the answer broke off"
    return body, "the answer is too long"
