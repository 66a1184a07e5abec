"""What the sandbox's Samespace answers to each call, as the vendor documents it."""

import json
import re
from collections.abc import Set
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from ringback.sandbox.samespace import _Server

BODY_BYTES = 64 * 1024
TEAM_CALL = "/apiv1/team/make_call"
CLICK_TO_CALL = "/apiv1/make_call"
TOKEN_RESET = "/router/api/v2/token/reset"  # noqa: S105 (an address, not a secret)
SESSIONS = "/manage/api/analytics/sessions"
NOT_LOGGED_IN = "Cant make call! Not logged In"
IDLE_SECONDS = 30.0


class Mode(StrEnum):
    """How the pretend Samespace behaves."""

    ANSWERS = "answers"
    REFUSES = "refuses"  # nobody is logged in: `success: false`, with status 200
    SLOW = "slow"  # takes a call at once, says so after `slow_seconds`; the root still answers at once
    DOWN = "down"  # the port refuses connections, and those that are open break


class _BadRequestError(Exception):
    """The request is not as the vendor's page has it."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: "_Server"
    server_version = "SandboxSamespace"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(HTTPStatus.OK, {"success": True})
        else:
            self._answer(HTTPStatus.NOT_FOUND, _no("There is nothing at this address."))

    def do_POST(self) -> None:
        try:
            answer = self._take()
        except _BadRequestError as fault:
            # What is left of the body unread must not be taken for the next request.
            self.close_connection = True
            self._answer(fault.status, _no(fault.message))
            return
        sandbox = self.server.sandbox
        if sandbox.mode == Mode.SLOW and self.server.stopping.wait(sandbox.slow_seconds):
            self.close_connection = True
            return
        self._answer(HTTPStatus.OK, answer)

    def _take(self) -> dict[str, Any]:
        check = _CHECKS.get(self.path)
        if check is None:
            raise _BadRequestError(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
        body = self._json_body()
        check(body)
        if self.path == SESSIONS:
            return self._sessions(body)
        if self.path == TOKEN_RESET:
            return {"success": True, "auth_token": str(uuid4())}
        if self.server.sandbox.mode == Mode.REFUSES:
            return _no(NOT_LOGGED_IN)
        if self.path == TEAM_CALL:
            self.server.sandbox.record(body)
        if self.path == CLICK_TO_CALL:
            return {"success": True, "callId": self.server.sandbox.record_dial(body)}
        return {"success": True}

    def _sessions(self, body: dict[str, Any]) -> dict[str, Any]:
        if not self.headers.get("x-api-key"):
            raise _BadRequestError(HTTPStatus.UNAUTHORIZED, "x-api-key is missing.")
        return self.server.sandbox.call_log.sessions(body)

    def _json_body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,9}", length):
            raise _BadRequestError(HTTPStatus.LENGTH_REQUIRED, "Content-Length is missing.")
        if int(length) > BODY_BYTES:
            raise _BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
        content = self.rfile.read(int(length))
        if self.headers.get_content_type() != "application/json":
            raise _BadRequestError(HTTPStatus.BAD_REQUEST, "Content-Type should be application/json.")
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            raise _BadRequestError(HTTPStatus.BAD_REQUEST, "The body is not JSON.") from None
        if not isinstance(body, dict):
            raise _BadRequestError(HTTPStatus.BAD_REQUEST, "The body should be a JSON object.")
        return body

    def _answer(self, status: HTTPStatus, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the requests are on the dock page, and stderr is the application's."""


def _no(message: str) -> dict[str, Any]:
    return {"success": False, "message": message}


def _check_team_call(body: dict[str, Any]) -> None:
    _check_keys(body, {"space_id", "team_name", "number", "attributes"})
    _check_strings(body, "space_id", "team_name", "number")
    _check_digits(body["number"])
    attributes = body["attributes"]
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise _BadRequestError(HTTPStatus.BAD_REQUEST, "attributes should be an object of strings.")


def _check_click_to_call(body: dict[str, Any]) -> None:
    _check_keys(body, {"username", "number"}, {"callerId", "custom"})
    _check_strings(body, "username", "number", *(["callerId"] if "callerId" in body else []))
    _check_digits(body["number"])
    if not isinstance(body.get("custom", {}), dict):
        raise _BadRequestError(HTTPStatus.BAD_REQUEST, "custom should be an object.")


def _check_token_reset(body: dict[str, Any]) -> None:
    _check_keys(body, {"cloud_id", "auth_token"})
    _check_strings(body, "cloud_id", "auth_token")


def _check_sessions(body: dict[str, Any]) -> None:
    _check_keys(body, {"filters", "limit", "skip"})
    filters = body["filters"]
    if not isinstance(filters, dict):
        raise _BadRequestError(HTTPStatus.BAD_REQUEST, "filters should be an object.")
    _check_keys(filters, {"start_time", "end_time", "type"})
    try:
        start, end = (datetime.fromisoformat(filters[name]) for name in ("start_time", "end_time"))
        is_short = end - start <= timedelta(days=31) and int(body["limit"]) > 0 <= int(body["skip"])
    except (TypeError, ValueError):
        is_short = False
    if not is_short:
        raise _BadRequestError(HTTPStatus.BAD_REQUEST, "A query is for a month at most, from a time to a time.")


def _check_keys(body: dict[str, Any], required: Set[str], optional: Set[str] = frozenset()) -> None:
    if not required <= body.keys() <= required | optional:
        wanted = ", ".join(sorted(required | optional))
        raise _BadRequestError(HTTPStatus.BAD_REQUEST, f"The keys should be {wanted}.")


def _check_strings(body: dict[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(body[name], str) or not body[name]:
            raise _BadRequestError(HTTPStatus.BAD_REQUEST, f"{name} should be a string that is not empty.")


def _check_digits(number: str) -> None:
    if not re.fullmatch(r"[0-9]+", number):
        raise _BadRequestError(HTTPStatus.BAD_REQUEST, "number should be digits with the country code, no plus.")


_CHECKS = {
    TEAM_CALL: _check_team_call,
    CLICK_TO_CALL: _check_click_to_call,
    TOKEN_RESET: _check_token_reset,
    SESSIONS: _check_sessions,
}
