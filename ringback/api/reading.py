"""What a program sends, read strictly: JSON that says one thing only, of a bounded size and depth."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from flask import Response, request
from pydantic import BaseModel, ValidationError

from ringback.web.problems import problem

Body = TypeVar("Body", bound=BaseModel)

_DEEPEST = 20
_CHARSETS = ("utf-8", "utf8")
# Of pydantic's kinds of errors, those that say more than that a value is of the wrong type.
_CODES = {"missing": "missing", "literal_error": "not_allowed", "value_error": "malformed"}


class ProblemError(Exception):
    """An answer that ends the work on a post."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


def refuse(status: int, code: str, detail: str = "", **more: Any) -> ProblemError:
    """The error to raise for a problem."""
    return ProblemError(problem(status, code, detail, **more))


def read_json() -> Mapping[str, Any]:
    """The object in the body. Raises ProblemError, and 413 for one of more than 64 KiB."""
    mimetype, parameters = request.mimetype, dict(request.mimetype_params)
    charset = parameters.pop("charset", "utf-8").lower()
    if mimetype != "application/json" or parameters or charset not in _CHARSETS:
        raise refuse(415, "not_json", "Send JSON, with Content-Type: application/json.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        # None is unpacked: a small body could become one of any size.
        raise refuse(415, "encoded", "Send the JSON as it is, without Content-Encoding.")
    try:
        sent = json.loads(
            request.get_data(cache=False).decode(), object_pairs_hook=_object, parse_constant=_no_number
        )
    except ProblemError:
        raise
    except (ValueError, RecursionError):
        raise refuse(400, "malformed_json", "The body is not JSON in UTF-8.") from None
    if not isinstance(sent, dict):
        raise refuse(400, "not_an_object", "The body should be a JSON object.")
    if _is_deeper(sent, _DEEPEST):
        raise refuse(400, "nested_too_deeply", f"The body is nested more than {_DEEPEST} deep.")
    return sent


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise refuse(400, "duplicate_key", "A key is in the same object twice: which one is meant?")
    return read


def _no_number(_name: str) -> None:
    raise refuse(400, "not_a_json_number", "NaN and Infinity are not JSON.")


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner)


def checked(model: type[Body], sent: Mapping[str, Any]) -> Body:
    """The body as a model. Raises ProblemError (422), with a line for each field at fault."""
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        errors = [_fault(fault) for fault in error.errors(include_url=False, include_input=False)]
        raise refuse(422, "invalid", "Some fields are not as they should be.", errors=errors) from None


def _fault(fault: Any) -> dict[str, str]:
    kind = fault["type"]
    field = ".".join(str(part) for part in fault["loc"])
    code = "consent_not_shown" if field == "consent_shown" else _CODES.get(kind, "wrong_type")
    # A name that was sent may be of any length, and hold what is no text.
    named = field[:100].encode(errors="replace").decode()
    return {"field": named, "code": code, "message": fault["msg"].removeprefix("Value error, ")}
