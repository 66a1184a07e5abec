"""A store of its own for each test, on both engines, and Ringback on it."""

from collections.abc import Callable, Iterator

import pytest

from ringback.store.database import Database
from tests.conftest import Clock
from tests.outbox.asking import Ringback


@pytest.fixture
def migrated(store_url: str) -> Iterator[Database]:
    database = Database(store_url)
    database.migrate("production")
    yield database
    database.close()


@pytest.fixture
def opened(migrated: Database, store_url: str, clock: Clock) -> Callable[..., Ringback]:
    """Open the store with settings of one's own."""
    return lambda **given: Ringback(migrated, store_url, clock, **given)


@pytest.fixture
def ringback(opened: Callable[..., Ringback]) -> Ringback:
    return opened()
