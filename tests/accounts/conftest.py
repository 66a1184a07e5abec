"""Accounts on both engines, with somebody in them."""

from collections.abc import Iterator

import pytest

from ringback.accounts.accounts import Accounts
from ringback.accounts.operator import Role
from ringback.store.database import Database
from tests.conftest import Clock, make_settings

PASSWORD = "four quiet words of mine"


@pytest.fixture
def store(store_url: str) -> Iterator[Database]:
    database = Database(store_url)
    database.migrate("production")
    yield database
    database.close()


@pytest.fixture
def accounts(store: Database, store_url: str, clock: Clock) -> Accounts:
    """Robin, who looks after sales, with a password."""
    accounts = Accounts(store, make_settings(store_url), clock)
    accounts.people.add("Robin", Role.OPERATOR, ["sales"], PASSWORD)
    return accounts
