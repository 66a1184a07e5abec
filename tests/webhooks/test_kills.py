"""A process is killed between a change and its webhook: each event is told, and none that did not happen."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import pytest
import sqlalchemy as sa

from ringback.factory import create_app
from ringback.services import services_of
from ringback.store.database import Database
from ringback.store.tables import events, requests
from ringback.webhooks.deliveries import LEASE
from tests.conftest import make_settings
from tests.webhooks.receiver import Receiver

TYPES = {name: f"request.{name}" for name in ("with_team", "failed", "unknown", "cancelled")}
TYPES["received"] = "request.accepted"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


def happened(database: Database) -> dict[str, list[str]]:
    """What the store says became of each request, as receivers are to be told."""
    query = sa.select(requests.c.reference, events.c.kind).join_from(requests, events).order_by(events.c.id)
    found: dict[str, list[str]] = {}
    with database.read() as connection:
        for reference, kind in connection.execute(query):
            if kind in TYPES:
                found.setdefault(reference, []).append(TYPES[kind])
    return found


def told(receiver: Receiver) -> dict[str, list[str]]:
    """What was told of each request, in order, and what was told twice once."""
    found: dict[str, list[str]] = {}
    for each in receiver.told:
        types = found.setdefault(each.event["data"]["reference"], [])
        if each.type not in types:
            types.append(each.type)
    return found


@pytest.mark.parametrize("kills", [3, pytest.param(300, marks=pytest.mark.long)])
def test_killed_at_any_moment_each_event_is_told_in_order_and_no_other(
    store_url: str, receiver: Receiver, kills: int
) -> None:
    command = [sys.executable, "-m", "tests.webhooks.lives", store_url, receiver.url(), str(kills)]
    subprocess.run(command, check=True)

    webhooks = [{"url": receiver.url(), "allow_private": True}]
    settings = make_settings(store_url, webhooks=webhooks)
    # The leases of the last that died have ended.
    services = services_of(create_app(settings, lambda: datetime.now(UTC) + LEASE))
    services.webhooks.start()
    expected = happened(services.database)
    events_to_tell = sum(map(len, expected.values()))
    # By the ids alone: this is looked at whenever one comes.
    receiver.waits_for(
        lambda: len({each.headers["webhook-id"] for each in receiver.told}) >= events_to_tell, seconds=120
    )
    services.webhooks.stop(10)
    services.database.close()
    assert told(receiver) == expected
    assert len(expected) >= kills
    assert all(first != second for types in expected.values() for first, second in pairwise(types))
