"""Whom the operators are told by."""

from collections.abc import Iterator

import pytest

from tests.faults import FaultServer, answer, response


@pytest.fixture
def receiver() -> Iterator[FaultServer]:
    """A receiver of webhooks that takes everything."""
    with FaultServer(answer(response(204))) as server:
        yield server
