"""Numbers of which one begins with the other ring one telephone, and count as one."""

from collections import Counter
from collections.abc import Callable

import pytest

from ringback.outbox.outbox import Receipt
from ringback.outbox.request import Held
from tests.outbox.asking import LIMITS, LONGER, SWITCHBOARD, Ringback, at_once


def test_numbers_that_begin_with_the_shortest_one_seen_count_as_one(ringback: Ringback) -> None:
    receipts = [ringback.asks(digits) for digits in (SWITCHBOARD, *LONGER)]

    assert ringback.held(*receipts) == [None, None, *[Held.NUMBER_LIMIT] * 3]
    assert ringback.held(ringback.asks("4930901821")) == [None], "another line"


def test_a_shorter_number_counts_what_was_asked_for_by_longer_ones(ringback: Ringback) -> None:
    longer = [ringback.asks(digits) for digits in LONGER[:2]]
    assert ringback.held(*longer) == [None, None], "nobody knows yet that it is one line"
    assert ringback.held(ringback.asks(SWITCHBOARD), ringback.asks(LONGER[2])) == [Held.NUMBER_LIMIT] * 2


def test_where_numbers_have_one_length_each_is_one_line(ringback: Ringback) -> None:
    short, longer = "44207946012", "442079460123"
    receipts = [ringback.asks(digits) for digits in (short, short, longer, longer)]

    assert ringback.held(*receipts) == [None] * 4


@pytest.mark.parametrize(("stopped", "asked"), [(SWITCHBOARD, LONGER[3]), (LONGER[3], SWITCHBOARD)])
def test_a_stop_is_of_the_whole_line(ringback: Ringback, stopped: str, asked: str) -> None:
    waits = ringback.asks(asked)
    ringback.outbox.stop(stopped)

    assert ringback.held(waits, ringback.asks(asked)) == [Held.STOPPED] * 2
    assert ringback.rings() == []


@pytest.mark.parametrize(("blocked", "asked"), [(SWITCHBOARD, LONGER[3]), (LONGER[3], SWITCHBOARD)])
def test_a_block_is_of_the_whole_line(ringback: Ringback, blocked: str, asked: str) -> None:
    waits = ringback.asks(asked)
    ringback.attention.block(blocked)

    assert ringback.held(waits, ringback.asks(asked)) == [Held.BLOCKED] * 2
    assert ringback.rings() == []


def test_erased_requests_of_a_line_still_count(ringback: Ringback) -> None:
    for digits in LONGER[:2]:
        ringback.personal_data.erase(ringback.asks(digits).id)

    assert ringback.held(ringback.asks(SWITCHBOARD)) == [Held.NUMBER_LIMIT]
    assert ringback.held(ringback.asks(LONGER[0])) == [Held.NUMBER_LIMIT]


def test_two_numbers_of_one_line_at_once_are_counted_one_after_the_other(opened: Callable[..., Ringback]) -> None:
    ringback = opened(limits=LIMITS | {"per_number": "1 per hour"})
    ringback.outbox.cancel(ringback.asks(SWITCHBOARD).id)
    ringback.clock.passes(hours=1)
    receipts: list[Receipt] = []
    at_once([lambda digits=digits: receipts.append(ringback.asks(digits)) for digits in LONGER])

    assert Counter(ringback.held(*receipts)) == {None: 1, Held.NUMBER_LIMIT: 3}


@pytest.mark.parametrize(
    ("short", "others"),
    [
        ("4930901", "493090182000"),  # Berlin
        ("4315344", "4315344412"),  # Vienna
        ("39066982", "39066982345"),  # Rome
        ("3522612", "35226123456"),  # Luxembourg
        ("35891234", "35891234567"),  # Helsinki
        ("27821234", "27821234567"),
    ],
)
def test_a_short_beginning_of_a_whole_area_silences_none_of_its_numbers(
    opened: Callable[..., Ringback], short: str, others: str
) -> None:
    ringback = opened(limits=LIMITS | {"per_number": "1 per hour"})
    ringback.asks(short)
    ringback.outbox.stop(short)
    ringback.attention.block(short)

    assert ringback.held(ringback.asks(others)) == [None]


@pytest.mark.parametrize("digits", ["49151123456789", "4915112345678901", "493090182012345"])
def test_digits_too_many_after_a_stopped_number_ring_nobody_assigned_or_not(
    ringback: Ringback, digits: str
) -> None:
    digits, stopped = digits[:15], "4915112345678" if digits.startswith("49151") else SWITCHBOARD
    waits = ringback.asks(digits)
    ringback.outbox.stop(stopped)

    assert ringback.held(waits, ringback.asks(digits)) == [Held.STOPPED] * 2


def test_the_thousand_numbers_behind_one_that_nobody_asked_for_have_a_limit_of_their_own(
    ringback: Ringback,
) -> None:
    behind = [f"{SWITCHBOARD}{end:02}" for end in range(30)]
    receipts = [ringback.asks(digits) for digits in behind]

    assert ringback.held(*receipts) == [None] * 10 + [Held.NUMBER_LIMIT] * 20
    assert ringback.held(ringback.asks("493090182100")) == [None], "elsewhere"


def test_what_was_erased_counts_for_its_neighbours_too(ringback: Ringback) -> None:
    for end in range(10):
        ringback.personal_data.erase(ringback.asks(f"{SWITCHBOARD}{end:02}").id)

    assert ringback.held(ringback.asks(f"{SWITCHBOARD}99")) == [Held.NUMBER_LIMIT]
