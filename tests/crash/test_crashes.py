"""Killed at every named point, and at any instant: nothing accepted is lost, nobody is rung twice.

`make crash` is the same with a thousand kills on each engine, and prints the table of docs/reliability.md.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ringback.outbox.request import State
from tests.crash.stores import postgres_store, sqlite_store
from tests.crash.storm import Storm
from tests.crash.victim import PASSED_ONCE, Fault, Point

pytestmark = pytest.mark.xdist_group("crash")

NewStore = Callable[[], str]
ALL_WELL = (State.WITH_TEAM, 1)
# Long enough that nothing but the kill makes an unknown, however busy the machine.
PATIENT = {"timeout_seconds": 4, "lease_seconds": 5}

# What becomes of the request that was there when the process was killed, once another has started: the state
# it ends in (None: it was never stored), and how often it rings.
ENDS: dict[Point, tuple[State | None, int]] = {
    Point.INSERTING: (None, 0),
    Point.ACCEPTING: (None, 0),
    Point.ACCEPTED: (State.WITH_TEAM, 1),
    Point.CLAIMING: (State.WITH_TEAM, 1),
    Point.CLAIMED: (State.UNKNOWN, 0),
    Point.SENT: (State.UNKNOWN, 1),
    Point.ANSWERED: (State.UNKNOWN, 1),
    Point.SETTLING: (State.UNKNOWN, 1),
    Point.SETTLED: (State.WITH_TEAM, 1),
}
# From the claim on the visitor is being told at the same time; here they cannot have been.
NOT_TOLD = (Point.INSERTING, Point.ACCEPTING, Point.ACCEPTED)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def new_store(request: pytest.FixtureRequest) -> Iterator[NewStore]:
    """Makes empty stores of one engine."""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_server")
        yield lambda: postgres_store(server)
        return
    with tempfile.TemporaryDirectory(prefix="ringback-crash-") as folder:
        yield lambda: sqlite_store(Path(folder))


@pytest.fixture(scope="module")
def crashed(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Point, Storm]]:
    """A store for each point. A process is killed there with its second request; another goes on."""
    with ExitStack() as stack:
        storms = {}
        for point in Point:
            storm = storms[point] = stack.enter_context(Storm(new_store(), tmp_path_factory.mktemp("crash")))
            nth = 1 if point in PASSED_ONCE else 2
            storm.start(requests=2, one_by_one=True, point=point, nth=nth, **PATIENT)
            storm.wait()
        for storm in storms.values():
            storm.start(requests=1, **PATIENT)  # all at once: each has to wait for the lease of the dead
        for storm in storms.values():
            storm.wait()
        yield storms


@pytest.mark.parametrize("point", list(Point), ids=lambda point: point.name.lower())
def test_a_kill_at_a_named_point_ends_as_it_should(crashed: dict[Point, Storm], point: Point) -> None:
    storm = crashed[point]
    verdict = storm.verdict()
    ends = {number: (state, storm.samespace.rings[number]) for number, state in storm.stored().values()}
    ends_by_order = [ends[number] for number in sorted(ends)]

    assert (verdict.kills, verdict.kills_at_points, verdict.surprises) == (1, 1, [])
    assert (verdict.lost, verdict.doubled) == ([], [])
    if point in PASSED_ONCE:
        assert ends_by_order == [ALL_WELL], "the store is whole, and takes what comes"
        return
    hit = [ENDS[point]] if ENDS[point][0] else []
    assert ends_by_order == [ALL_WELL, *hit, ALL_WELL], "that before, that which was hit, that after"
    assert verdict.accepted == 2 or point not in NOT_TOLD


@pytest.mark.parametrize("kills", [10, pytest.param(1000, marks=pytest.mark.long)])
def test_kills_at_any_instant_lose_nothing_and_ring_nobody_twice(
    new_store: NewStore, tmp_path: Path, kills: int
) -> None:
    with Storm(new_store(), tmp_path) as storm:
        storm.rage(kills)
        storm.calm_down()
        verdict = storm.verdict()

    assert verdict.kills == kills
    assert verdict.accepted > 0
    assert (verdict.lost, verdict.doubled, verdict.surprises) == ([], [], [])


@pytest.mark.parametrize(
    ("fault", "point", "lost", "doubled"),
    [(Fault.REQUEUE, Point.SENT, 0, 1), (Fault.TELL_EARLY, Point.ACCEPTING, 1, 0)],
)
def test_a_deliberate_fault_is_seen(tmp_path: Path, fault: Fault, point: Point, lost: int, doubled: int) -> None:
    with Storm(sqlite_store(tmp_path), tmp_path, fault) as storm:
        storm.start(requests=1, point=point)
        storm.wait()
        storm.calm_down()
        verdict = storm.verdict()

    assert (len(verdict.lost), len(verdict.doubled)) == (lost, doubled)
