"""The description of the API is valid, and what it shows works."""

from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.api.conftest import Program


@pytest.fixture
def description(server: Program) -> Any:
    return server.gets("/openapi.json").get_json()


def test_the_description_is_valid(description: Any) -> None:
    validate(description)
    assert description["openapi"].startswith("3.1")
    assert description["servers"] == [{"url": "https://callback.acme.test"}]


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
