"""The description of the API (OpenAPI 3.1), made of the models that do the reading."""

from functools import cache
from typing import Any

from flask import Blueprint, Response, jsonify, url_for
from pydantic.json_schema import models_json_schema

from ringback.api.models import (
    Cancelled,
    FoundWhole,
    Listed,
    NewRequest,
    Problem,
    Spoken,
    Stored,
    WidgetInfo,
    Withdrawn,
)
from ringback.outbox.selection import STATES

blueprint = Blueprint("openapi", __name__)

_REF = "#/components/schemas/{model}"
_SENT = (NewRequest, Spoken)
_ANSWERED = (WidgetInfo, Stored, FoundWhole, Listed, Cancelled, Withdrawn, Problem)
_WIDGET = {"name": "widget", "in": "path", "required": True, "schema": {"type": "string", "examples": ["sales"]}}
_REFERENCE = {
    "name": "reference",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "examples": ["RB-7F3K-92QD"]},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
    "description": "The same key with the same body gives the same answer for 24 hours.",
}
_WHY = {
    400: "The body is no JSON object that can be read, or a header is wrong",
    401: "There is no key, or none that works",
    403: "A page of another site sent it",
    404: "It is not there, or not for this key",
    409: "Too late; or the first post with this Idempotency-Key is being answered",
    410: "Its visitor has deleted it",
    413: "More than 64 KiB",
    415: "Not application/json",
    422: "Fields at fault, in errors",
    429: "Too many; Retry-After says when to come back",
    500: "A fault of ours",
    503: "It could not be stored, or the widget is paused",
}


@blueprint.get("/openapi.json")
def show_description() -> Response:
    """The description, for anybody."""
    root = url_for("api.list_requests", _external=True).removesuffix("/api/requests")
    return jsonify(_description() | {"servers": [{"url": root}]})


@cache
def _description() -> dict[str, Any]:
    kinds = [(model, "validation") for model in _SENT] + [(model, "serialization") for model in _ANSWERED]
    _, schemas = models_json_schema(kinds, ref_template=_REF)  # type: ignore[arg-type]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ringback",
            "version": "1",
            "description": "Ask for calls, and follow what becomes of them.",
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "rbk_…"}},
        },
    }


def _paths() -> dict[str, Any]:
    query = [
        _asked("state", {"type": "string", "enum": list(STATES)}),
        _asked("widget", {"type": "string"}),
        _asked("since", {"type": "string"}, "Asked for since: a time with its offset, or 30m, 2h, 3d"),
        _asked("after", {"type": "string"}, "The `next` of the page before"),
    ]
    listed = _operation("listRequests", "List requests, the oldest first", Listed, (401, 404, 422), query=query)
    ask = _operation(
        "createRequest",
        "Ask for a call",
        Stored,
        (400, 401, 403, 404, 409, 410, 413, 415, 422, 429),
        status=201,
        body=NewRequest,
    )
    ask["security"] = [{"key": []}, {}]
    ask["responses"]["201"]["headers"] = {"Location": {"schema": {"type": "string"}}}
    show = _operation("getWidget", "What a form of your own needs", WidgetInfo, (404,), is_open=True)
    cancel = _operation(
        "cancelRequest", "Withdraw a request", Cancelled, (400, 401, 404, 409, 413, 415, 422, 429), is_post=True
    )
    spoken = _operation(
        "spoken",
        "Withdraw what waits for a number: you have spoken",
        Withdrawn,
        (400, 401, 409, 413, 415, 422, 429),
        body=Spoken,
    )
    return {
        "/api/widgets/{widget}": {"parameters": [_WIDGET], "get": show},
        "/api/widgets/{widget}/requests": {"parameters": [_WIDGET], "post": ask},
        "/api/requests": {"get": listed},
        "/api/requests/{reference}": {
            "parameters": [_REFERENCE],
            "get": _operation("getRequest", "One request, as it is", FoundWhole, (401, 404)),
        },
        "/api/requests/{reference}/cancel": {"parameters": [_REFERENCE], "post": cancel},
        "/api/spoken": {"post": spoken},
    }


def _asked(name: str, schema: dict[str, Any], description: str = "") -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": "query", "schema": schema}
    return parameter | {"description": description} if description else parameter


def _operation(
    name: str,
    summary: str,
    answer: type[Any],
    refusals: tuple[int, ...],
    status: int = 200,
    body: type[Any] | None = None,
    query: list[dict[str, Any]] | None = None,
    is_post: bool = False,
    is_open: bool = False,
) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": name, "summary": summary}
    operation["security"] = [] if is_open else [{"key": []}]
    operation["parameters"] = [*(query or []), *([_IDEMPOTENCY_KEY] if body or is_post else [])]
    if body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(body)}}}
    done = {"description": "Done", "content": {"application/json": {"schema": _schema(answer)}}}
    problems = {"application/problem+json": {"schema": _schema(Problem)}}
    refused = {str(each): {"description": _WHY[each], "content": problems} for each in (*refusals, 500, 503)}
    if too_many := refused.get("429"):
        too_many["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "In seconds"}}
    operation["responses"] = {str(status): done} | refused
    return operation


def _schema(model: type[Any]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
