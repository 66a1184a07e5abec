"""A post that is sent again is answered as before: `Idempotency-Key`
(https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request

from ringback.accounts.kept_answers import KeptAnswer, OtherBodyError, UnderWayError
from ringback.api.reading import refuse
from ringback.services import services

_LONGEST = 255


def name_of(caller: str) -> str | None:
    """The key of this post, among those of its caller, as 64 hex digits; None where it came with none.

    Raises ProblemError (400) for one that is no key.
    """
    sent = request.headers.get("Idempotency-Key")
    if sent is None:
        return None
    key = sent.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or len(key) > _LONGEST or not (key.isascii() and key.isprintable()):
        raise refuse(400, "idempotency_key", f"Idempotency-Key should be 1 to {_LONGEST} printable characters.")
    return hashed([caller, key])


def once(
    name: str | None, sent: Mapping[str, Any], answer: Callable[[], Response], is_over_limit: bool = False
) -> Response:
    """The answer; with a key, for all posts that have it, and kept if it is no refusal.

    Over the limit nothing is written: there may be a flood of them, each with a key of its own.
    """
    if name is None:
        return answer()
    address = request.path.lower().rstrip("/")  # widgets and references are found in any case
    kept, body_hash = services().kept_answers, hashed([address, sent])
    try:
        before = kept.find(name, body_hash) if is_over_limit else kept.begin(name, body_hash)
    except UnderWayError:
        raise refuse(409, "under_way", "The first post with this Idempotency-Key is being answered.") from None
    except OtherBodyError:
        detail = "This Idempotency-Key came with something else before."
        raise refuse(422, "idempotency_key_reused", detail) from None
    if before:
        return _as_response(before)
    if is_over_limit:
        return answer()
    try:
        response = answer()
        if response.status_code >= 300:
            kept.drop(name)
            return response
    except BaseException:
        kept.drop(name)
        raise
    text = json.dumps({"body": response.get_data(as_text=True), "location": response.location})
    kept.keep(name, KeptAnswer(response.status_code, text))
    return response


def _as_response(kept: KeptAnswer) -> Response:
    said = json.loads(kept.text)
    response = Response(said["body"], kept.status, content_type="application/json")
    if said["location"]:
        response.headers["Location"] = said["location"]
    return response


def hashed(what: Any) -> str:
    """64 hex digits of it."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
