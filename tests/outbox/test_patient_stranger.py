"""One patient stranger, a day long, at the full rate that the limits allow: nobody else notices.

The requests are given to the outbox with the source that the web would have found: how often one address may ask
is Flask-Limiter's to count, by a clock that no test can turn. `per_address` is kept to here by hand.
"""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from limits import parse

from ringback.config.settings import LimitSettings
from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.outbox import Outbox, Receipt
from ringback.outbox.request import Answers, Source
from tests.conftest import Clock
from tests.pairs import sqlite_first

DAY = timedelta(days=1)
CUSTOMERS = 20
# What one address may ask for in an hour, and the brake: as everybody starts with, and a fifth of it.
AN_HOUR = parse(LimitSettings().per_address.split(";")[1])
FIFTH = (AN_HOUR.amount // 5, "12 per hour; 100 per day")
FULL = (AN_HOUR.amount, LimitSettings().per_widget)


class Day:
    """A day at one widget: who asks, who is called."""

    def __init__(self, outbox: Outbox, clock: Clock, an_hour: int) -> None:
        self.outbox = outbox
        self.clock = clock
        self.an_hour = an_hour
        self.rung: set[str] = set()
        self.numbers = iter(f"4420794{turn:05}" for turn in range(100_000))

    def asks(self, source: Source) -> Receipt:
        return self.outbox.accept(Answers("sales", next(self.numbers), "GB"), source=source)

    def passes(self, strangers: int) -> list[Receipt]:
        """Strangers ask as fast as they may; customers come at any time. What the customers asked for."""
        chance = random.Random(15)  # the same day every time
        steps = 24 * self.an_hour
        coming = sorted(chance.sample(range(steps), CUSTOMERS))
        customers = []
        for step in range(steps):
            for stranger in range(strangers):
                self.asks(Source(f"stranger {stranger}", f"network {stranger}"))
            if step in coming:
                customers.append(self.asks(Source(f"customer {step}", f"{step}: their network")))
            self.hands_over()
            self.clock.passes(seconds=DAY.total_seconds() / steps)
        return customers

    def hands_over(self) -> None:
        while claim := self.outbox.claim("test"):
            self.outbox.settle(claim, Settlement(transitions.TAKEN))
            if not claim.is_held:
                self.rung |= {request.reference for request in claim.requests}


@pytest.fixture(params=[FIFTH, pytest.param(FULL, marks=pytest.mark.long)], ids=["a fifth", "as it comes"])
def day(request: pytest.FixtureRequest, make_app: Callable[..., Flask], store_url: str, clock: Clock) -> Day:
    an_hour, per_widget = request.param
    app = make_app(store_url, limits={"per_widget": per_widget, "min_fill_seconds": 0})
    return Day(app.extensions["ringback"].outbox, clock, an_hour)


# The rules are one engine's as much as the other's; what a day of it costs is not.
@sqlite_first
def test_ten_sources_at_full_rate_for_a_day_keep_no_customer_from_being_called(day: Day) -> None:
    customers = day.passes(strangers=10)

    assert [receipt.reference in day.rung for receipt in customers] == [True] * CUSTOMERS
    assert len(day.rung) < 600 * day.an_hour / AN_HOUR.amount, "and most of what they asked for rang nobody"


@sqlite_first
def test_one_source_alone_changes_nothing_for_anybody(day: Day) -> None:
    customers = day.passes(strangers=1)

    assert [receipt.reference in day.rung for receipt in customers] == [True] * CUSTOMERS
