"""Whatever is sent, by the description or against it: no answer is undescribed, and none is a fault of ours."""

from collections.abc import Callable

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import Program
from tests.conftest import PUBLIC_URL

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("examples", [15, pytest.param(1_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_every_answer_is_one_that_is_described(
    make_app: Callable[..., Flask],
    server_of: Callable[..., Program],
    examples: int,
    mode: schemathesis.GenerationMode,
) -> None:
    app = make_app(limits={"min_fill_seconds": 0, "per_address": "100000 per minute"})
    server = server_of(app)
    server.asks()
    schema = schemathesis.openapi.from_dict(server.gets("/openapi.json").get_json())
    schema.app = app
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is schemathesis.GenerationMode.NEGATIVE and not operation.body:
            continue  # nothing in an address is against its description

        @given(operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=examples,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        def is_described(case: schemathesis.Case) -> None:
            answer = case.call(headers=server.headers, base_url=PUBLIC_URL)
            case.validate_response(answer, checks=CHECKS)

        is_described()
