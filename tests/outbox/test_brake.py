"""The brake: how many numbers one widget may have called, and who waits for a person first."""

from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from ringback.outbox.outbox import Receipt
from ringback.outbox.request import Held, Source
from ringback.store.tables import requests
from tests.outbox.asking import LIMITS, NUMBER, OTHER, Ringback, at_once
from tests.pairs import sqlite_first


def test_over_its_brake_a_widget_holds_what_comes_and_drops_nothing(opened: Callable[..., Ringback]) -> None:
    ringback = opened(limits=LIMITS | {"per_widget": "3 per day"})
    receipts = [ringback.asks(f"4420794601{turn:02}") for turn in range(5)]

    assert ringback.held(*receipts) == [None] * 3 + [Held.WIDGET_LIMIT] * 2
    late = {receipt.reference for receipt in receipts[3:]}
    assert (ringback.told("held"), ringback.told("brake")) == ([], ["widget sales"]), (
        "told of once, not one by one"
    )
    assert {request.reference for request in ringback.attention.listed(attention=True)} == late
    assert len(ringback.rings()) == 3
    assert ringback.attention.release(receipts[4].id)
    assert ringback.rings() == [("442079460104", [receipts[4].reference])]


def test_a_widgets_brake_is_not_anothers_and_comes_off_again(opened: Callable[..., Ringback]) -> None:
    ringback = opened(limits=LIMITS | {"per_widget": "1 per day"})
    ringback.asks("442079460101")

    assert ringback.held(ringback.asks("442079460102", widget="help")) == [None]
    assert ringback.held(ringback.asks("442079460103")) == [Held.WIDGET_LIMIT]
    ringback.clock.passes(days=1)
    assert ringback.held(ringback.asks("442079460104")) == [None]


def test_fifty_numbers_at_once_do_not_slip_past_the_brake(opened: Callable[..., Ringback]) -> None:
    ringback = opened(limits=LIMITS | {"per_widget": "20 per day"})
    receipts: list[Receipt] = []
    at_once([lambda turn=turn: receipts.append(ringback.asks(f"4420794601{turn:02}")) for turn in range(50)])

    assert Counter(ringback.held(*receipts)) == {None: 20, Held.WIDGET_LIMIT: 30}


def strangers(many: int, networks: str = "own") -> list[Source]:
    """So many addresses, each in a network of its own or all in one."""
    return [
        Source(f"address {turn}", networks if networks != "own" else f"network {turn}") for turn in range(many)
    ]


def number(turn: int) -> str:
    return f"44207946{turn:04}"


def test_over_the_brake_who_asks_for_much_is_held_and_others_are_called(opened: Callable[..., Ringback]) -> None:
    ringback = opened(limits=LIMITS | {"per_widget": "10 per hour"})
    one, *others = strangers(6)
    flood = [ringback.asks(number(turn), source=one) for turn in range(30)]
    customers = [ringback.asks(number(100 + turn), source=source) for turn, source in enumerate(others)]

    assert Counter(ringback.held(*flood)) == {None: 10, Held.WIDGET_LIMIT: 20}
    assert ringback.held(*customers) == [None] * 5
    again = [ringback.asks(number(200 + turn), source=others[0]) for turn in range(2)]
    assert ringback.held(*again) == [None, Held.WIDGET_LIMIT], "two from one source, not three"


def test_a_network_that_asks_for_much_is_held_however_many_addresses_it_has(
    opened: Callable[..., Ringback],
) -> None:
    ringback = opened(limits=LIMITS | {"per_widget": "10 per hour"})
    flood = [ringback.asks(number(turn), source=source) for turn, source in enumerate(strangers(40, "one"))]

    assert Counter(ringback.held(*flood)) == {None: 10, Held.WIDGET_LIMIT: 30}


def of_one_provider(many: int) -> list[Source]:
    """So many networks of one provider, an address of each."""
    return [Source(f"provider's {turn}", f"one provider's: {turn}") for turn in range(many)]


@sqlite_first
def test_a_provider_fills_no_brake_three_times_however_many_networks_it_has(
    opened: Callable[..., Ringback],
) -> None:
    ringback = opened(limits=LIMITS | {"per_widget": "60 per hour; 500 per day"})
    flood = [ringback.asks(number(turn), source=source) for turn, source in enumerate(of_one_provider(90) * 2)]
    customers = [ringback.asks(number(900 + turn), source=source) for turn, source in enumerate(strangers(20))]

    assert Counter(ringback.held(*flood)) == {None: 60, Held.WIDGET_LIMIT: 120}
    assert ringback.held(*customers) == [None] * 20
    assert ringback.told("brake_full") == []


def test_over_the_brake_one_network_that_asks_for_much_holds_no_other_customer_of_its_provider(
    opened: Callable[..., Ringback],
) -> None:
    ringback = opened(limits=LIMITS | {"per_widget": "60 per hour"})
    one, *others = of_one_provider(17)
    flood = [ringback.asks(number(turn), source=one) for turn in range(100)]
    customers = [ringback.asks(number(900 + turn), source=source) for turn, source in enumerate(others)]

    assert Counter(ringback.held(*flood)) == {None: 60, Held.WIDGET_LIMIT: 40}
    assert ringback.held(*customers) == [None] * 14 + [Held.WIDGET_LIMIT] * 2, (
        "a quarter of the brake, then a person"
    )


@sqlite_first
def test_a_hundred_sources_hold_a_widget_over_its_brake_and_it_is_told_when_nobody_is_called_any_more(
    opened: Callable[..., Ringback], caplog: pytest.LogCaptureFixture
) -> None:
    ringback = opened(limits=LIMITS | {"per_widget": "60 per hour; 500 per day"})
    flood = [ringback.asks(number(turn), source=source) for turn, source in enumerate(strangers(100) * 5)]
    assert Counter(ringback.held(*flood)) == {None: 180, Held.WIDGET_LIMIT: 320}, "two each, up to three times 60"
    assert ringback.held(ringback.asks(number(900), source=Source("Ann", "Ann's"))) == [Held.WIDGET_LIMIT]
    assert (ringback.told("brake"), ringback.told("brake_full")) == (["widget sales"], ["widget sales"])
    assert [record.getMessage() for record in caplog.records if record.name == "ringback.brake"] == [
        "widget sales: over per_widget; what comes from those who ask much is held, others are called",
        "widget sales: over three times per_widget; everything that comes is held",
    ]


@sqlite_first
def test_a_hundred_sources_hold_no_widget_for_the_day(opened: Callable[..., Ringback]) -> None:
    """What each asks for in an hour is little, and in a day it is not."""
    ringback = opened(limits=LIMITS | {"per_widget": "60 per hour; 500 per day"})
    for hour in range(3):
        for turn, source in enumerate(strangers(100) * 2):
            ringback.asks(number(1000 * hour + turn), source=source)
        ringback.clock.passes(hours=1)
    customers = []
    for turn, source in enumerate(strangers(100)):
        assert ringback.held(ringback.asks(number(4000 + turn), source=source)) == [Held.WIDGET_LIMIT]
        if turn % 5 == 0:
            customers.append(ringback.asks(number(5000 + turn), source=Source(f"Ann {turn}", f"Ann's {turn}")))

    assert ringback.held(*customers) == [None] * 20


def test_the_brake_counts_what_rings_and_each_number_once(opened: Callable[..., Ringback]) -> None:
    ringback = opened(limits={"per_widget": "3 per hour", "per_number": "9 per hour", "min_fill_seconds": 0})
    for _ in range(6):
        ringback.asks(NUMBER)
    ringback.outbox.stop(OTHER)
    ringback.asks(OTHER)
    ringback.outbox.cancel(ringback.asks(number(1)).id)
    receipts = [ringback.asks(number(2)), ringback.asks(number(3)), ringback.asks(number(4))]

    assert ringback.held(*receipts) == [None, None, Held.WIDGET_LIMIT]


def test_an_erased_request_counts_towards_the_brake_and_its_source(opened: Callable[..., Ringback]) -> None:
    ringback = opened(limits=LIMITS | {"per_widget": "3 per hour"})
    (one,) = strangers(1)
    for turn in range(3):
        receipt = ringback.asks(number(turn), source=one)
        ringback.rings()
        ringback.personal_data.erase(receipt.id)

    assert ringback.held(ringback.asks(number(7), source=one)) == [Held.WIDGET_LIMIT]
    assert ringback.held(ringback.asks(number(8), source=Source("other", "other"))) == [None]


def test_who_asked_is_forgotten_when_the_brake_looks_back_no_further(ringback: Ringback) -> None:
    receipt = ringback.asks(source=Source("address", "network"))
    ringback.rings()

    def known() -> tuple[str | None, str | None]:
        query = sa.select(requests.c.source, requests.c.source_network).where(requests.c.id == receipt.id)
        with ringback.database.read() as connection:
            row = connection.execute(query).one()
            return row.source, row.source_network

    ringback.personal_data.purge()
    assert known() == ("address", "network")
    for _ in range(2):
        ringback.clock.passes(hours=12, seconds=1)
        ringback.personal_data.purge()
    assert known() == (None, None)
