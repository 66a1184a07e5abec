"""Several processes on one PostgreSQL take and hand over at once, and none does what another does."""

from collections import Counter
from pathlib import Path

import pytest

from ringback.outbox.request import State
from tests.crash.storm import Storm

pytestmark = pytest.mark.xdist_group("crash")

PROCESSES = 4
# Nobody is killed here, so an answer that is slow to come must not look like one that was lost.
PATIENT = {"timeout_seconds": 20, "lease_seconds": 30}


@pytest.mark.parametrize("count", [300, pytest.param(2000, marks=pytest.mark.long)])
def test_each_request_reaches_samespace_exactly_once(postgres_url: str, tmp_path: Path, count: int) -> None:
    with Storm(postgres_url, tmp_path) as storm:
        for _ in range(PROCESSES):
            storm.start(requests=count // PROCESSES, **PATIENT)
        storm.wait()
        verdict = storm.verdict()

    assert verdict.accepted == count
    assert Counter(storm.samespace.rings.values()) == {1: count}
    assert Counter(state for _, state in storm.stored().values()) == {State.WITH_TEAM: count}
    assert verdict.surprises == []
