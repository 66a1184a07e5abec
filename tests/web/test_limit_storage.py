"""What one process counts: no more in a window than its limit, and nothing is kept that has run out."""

import pytest

from ringback.web.limit_storage import ProcessMemory

NOON = 1_795_435_200.0


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> ProcessMemory:
    return ProcessMemory(clock=clock)


def test_a_window_moves_with_the_time(memory: ProcessMemory, clock: Clock) -> None:
    hits = []
    for _ in range(6):
        hits.append(memory.acquire_entry("ann", 2, 60))
        clock.now += 25

    assert hits == [True, True, False, True, True, False]


def test_it_tells_how_many_there_were_and_since_when(memory: ProcessMemory, clock: Clock) -> None:
    memory.acquire_entry("ann", 5, 60)
    clock.now += 30
    memory.acquire_entry("ann", 5, 60)

    assert memory.get_moving_window("ann", 5, 60) == (NOON, 2)
    clock.now += 45
    assert memory.get_moving_window("ann", 5, 60) == (NOON + 30, 1)
    assert memory.get_moving_window("bob", 5, 60) == (NOON + 75, 0)


def test_a_counter_begins_anew_when_it_has_run_out(memory: ProcessMemory, clock: Clock) -> None:
    assert [memory.incr("ann", 30), memory.incr("ann", 30), memory.get("ann")] == [1, 2, 2]
    assert memory.get_expiry("ann") == NOON + 30
    clock.now += 30
    assert memory.get("ann") == 0
    assert memory.incr("ann", 30) == 1


def test_nothing_is_kept_that_has_run_out(memory: ProcessMemory, clock: Clock) -> None:
    for address in range(100):
        memory.acquire_entry(f"window {address}", 5, 60)
        memory.incr(f"counter {address}", 60)
    clock.now += 30
    memory.acquire_entry("late", 5, 60)
    clock.now += 31
    memory.acquire_entry("later", 5, 60)

    assert memory.reset() == 2


def test_a_key_can_be_forgotten(memory: ProcessMemory) -> None:
    memory.acquire_entry("ann", 1, 60)
    memory.clear("ann")

    assert memory.acquire_entry("ann", 1, 60)
