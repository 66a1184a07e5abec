"""On the disk before anybody is told: one flush for all who wait, and nobody told what a flush did not keep."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from ringback.store.database import Database
from ringback.store.failures import StoreError
from ringback.store.group_commit import GroupCommit
from ringback.store.tables import about


class Disk:
    """The disk as a flush reaches it: counts, is slow when told to, fails when told to."""

    def __init__(self) -> None:
        self.flushes: list[int] = []  # bytes of the file at each
        self.fails = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.began = threading.Event()

    def flush(self, file: int) -> None:
        self.flushes.append(os.fstat(file).st_size)
        self.began.set()
        assert self.may_go_on.wait(10)
        if self.fails:
            raise OSError("input/output error")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr("ringback.store.group_commit._to_disk", disk.flush)
    return disk


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_bytes(b"written")
    return path


def in_threads(do: Callable[[], None], count: int) -> list[threading.Thread]:
    threads = [threading.Thread(target=do) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_who_comes_during_a_flush_waits_for_the_next_and_shares_it(disk: Disk, file: Path) -> None:
    shared = GroupCommit(file)
    disk.may_go_on.clear()
    first = in_threads(shared.wait, 1)
    assert disk.began.wait(10)
    others = in_threads(shared.wait, 20)
    while shared._came < 21:
        threading.Event().wait(0.001)
    assert all(thread.is_alive() for thread in first + others)
    disk.may_go_on.set()
    for thread in first + others:
        thread.join(10)

    assert len(disk.flushes) == 2


def test_everybody_is_told_of_a_flush_that_failed_and_the_next_is_another_matter(disk: Disk, file: Path) -> None:
    shared, ends = GroupCommit(file), []

    def wait() -> None:
        try:
            shared.wait()
            ends.append("kept")
        except OSError:
            ends.append("lost")

    disk.fails = True
    disk.may_go_on.clear()
    threads = in_threads(wait, 1)
    assert disk.began.wait(10)
    threads += in_threads(wait, 5)
    while shared._came < 6:
        threading.Event().wait(0.001)
    disk.may_go_on.set()
    for thread in threads:
        thread.join(10)
    disk.fails = False
    wait()

    assert ends == ["lost"] * 6 + ["kept"]
    assert len(disk.flushes) == 3


def test_who_is_interrupted_leaves_the_flush_to_the_next(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, flushed = GroupCommit(file), []

    def interrupted(_do: object) -> None:
        raise gevent.Timeout

    with monkeypatch.context() as patch:
        patch.setattr("ringback.store.group_commit._outside", interrupted)
        with pytest.raises(gevent.Timeout):
            shared.wait()
    monkeypatch.setattr("ringback.store.group_commit._to_disk", flushed.append)
    shared.wait()

    assert len(flushed) == 1


def test_a_log_that_was_taken_away_needs_no_flush(disk: Disk, tmp_path: Path) -> None:
    GroupCommit(tmp_path / "gone").wait()

    assert disk.flushes == []


# --- in the store ---


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/ringback.db")
    database.migrate("production")
    yield database
    database.close()


def test_a_write_returns_when_what_it_committed_is_on_the_disk(
    store: Database, disk: Disk, tmp_path: Path
) -> None:
    log = tmp_path / "ringback.db-wal"
    before = log.stat().st_size
    with store.write() as connection:
        connection.execute(about.insert().values(key="a", value="b" * 9_000))

    assert len(disk.flushes) == 1
    assert disk.flushes[0] == log.stat().st_size > before


def test_a_write_that_changes_nothing_costs_no_flush(store: Database, disk: Disk) -> None:
    with store.write() as connection:
        connection.execute(about.update().where(about.c.key == "nobody").values(value="x"))
    with pytest.raises(ZeroDivisionError), store.write() as connection:
        connection.execute(about.insert().values(key="a", value=str(1 / 0)))

    assert disk.flushes == []


def test_what_the_disk_did_not_take_is_not_called_stored(store: Database, disk: Disk) -> None:
    disk.fails = True
    with pytest.raises(StoreError), store.write() as connection:
        connection.execute(about.insert().values(key="a", value="b"))
