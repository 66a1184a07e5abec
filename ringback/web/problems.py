"""Errors as other people's programs read them: problems by RFC 9457, each with a code that never changes."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response, json, request

# What is said where nothing more is known than the status.
CODES = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "too_many",
    500: "internal",
    503: "unavailable",
}


def is_for_programs() -> bool:
    """Whether a program asks, and not a browser for a page."""
    return request.path.startswith("/api/") or request.path in ("/api", "/openapi.json")


def problem(
    status: int,
    code: str | None = None,
    detail: str = "",
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer that is an error. `errors`: the fields at fault, each `{"field", "code", "message"}`."""
    code = code or CODES.get(status, "bad_request" if status < 500 else "internal")
    body: dict[str, Any] = {
        "type": f"urn:ringback:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
    }
    if detail:
        body["detail"] = detail
    if errors:
        body["errors"] = list(errors)
    return Response(json.dumps(body), status, headers, content_type="application/problem+json")
