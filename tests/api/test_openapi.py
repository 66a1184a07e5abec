"""The description of the API is valid, and what it shows works."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from ringback.web.bounds import BODY_BYTES
from tests.api.conftest import Program
from tests.conftest import PUBLIC_URL


@pytest.fixture
def description(server: Program) -> Any:
    return server.gets("/openapi.json").get_json()


def test_the_description_is_valid(description: Any) -> None:
    validate(description)
    assert description["openapi"].startswith("3.1")
    assert description["servers"] == [{"url": "https://callback.acme.test"}]


# A body, its type, and headers: each is refused for another reason.
REFUSED: list[tuple[bytes, str, dict[str, str]]] = [
    (b"{}", "text/plain", {}),
    (b"{", "application/json", {}),
    (b'"' + b"a" * BODY_BYTES + b'"', "application/json", {}),
    (b"{}", "application/json", {"Content-Encoding": "gzip"}),
    (b"{}", "application/json", {"Idempotency-Key": "é"}),
    (b"{}", "application/json", {"Authorization": "Bearer rbk_wrong"}),
    (b"{}", "application/json", {"Authorization": ""}),
    *[(b"{}", "application/json", {"Authorization": "Bearer rbk_wrong"})] * 15,  # until it is too many
]


def test_every_refusal_of_a_post_is_described(
    make_app: Callable[..., Flask], server_of: Callable[..., Program], description: Any
) -> None:
    server = server_of(make_app(limits={"min_fill_seconds": 0, "per_address": "1 per minute"}), name="other")
    reference = server.asks(visitor_address="198.51.100.3").get_json()["reference"]
    for path, operations in description["paths"].items():
        if "post" not in operations:
            continue
        seen = {
            server.client.post(
                path.format(widget="sales", reference=reference),
                base_url=PUBLIC_URL,
                data=body,
                content_type=content_type,
                headers=server.headers | headers,
            ).status_code
            for body, content_type, headers in REFUSED
        }
        assert {413, 415, 401, 429} <= seen, path
        assert {str(status) for status in seen} <= set(operations["post"]["responses"]), path


def test_the_examples_shown_can_be_posted(server: Program, description: Any) -> None:
    tried = 0
    for path, operations in description["paths"].items():
        body = operations.get("post", {}).get("requestBody")
        if body:
            name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            for example in description["components"]["schemas"][name]["examples"]:
                answer = server.posts(path.format(widget="sales"), example)
                assert answer.status_code in (200, 201), answer.get_data()
                tried += 1
    assert tried == 2
