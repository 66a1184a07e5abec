"""The rules of one number: whoever asks, from wherever and by whichever widget, nobody is rung into despair."""

from collections.abc import Callable

import sqlalchemy as sa

from ringback.outbox.personal_data import Erasure
from ringback.outbox.request import Held
from ringback.store.tables import requests
from tests.outbox.asking import NUMBER, OTHER, Ringback

# --- how often a number may be asked for ---


def test_a_numbers_limit_holds_over_all_widgets(ringback: Ringback) -> None:
    receipts = [ringback.asks(widget=widget) for widget in ("sales", "help", "orders")]

    assert ringback.held(*receipts) == [None, None, Held.NUMBER_LIMIT]
    assert ringback.told() == [receipts[2].reference]


def test_a_numbers_limit_counts_what_was_handed_over_cancelled_or_held(ringback: Ringback) -> None:
    ringback.asks()
    ringback.rings()
    ringback.outbox.cancel(ringback.asks().id)
    receipts = [ringback.asks(), ringback.asks()]

    assert ringback.held(*receipts) == [Held.NUMBER_LIMIT] * 2


def test_a_numbers_limit_is_a_moving_window(ringback: Ringback) -> None:
    ringback.asks()
    ringback.clock.passes(minutes=59)
    ringback.asks()
    ringback.clock.passes(seconds=59)
    assert ringback.held(ringback.asks()) == [Held.NUMBER_LIMIT]
    ringback.clock.passes(minutes=59, seconds=1)

    assert ringback.held(ringback.asks()) == [None], "the first two have left the hour; the held one has not"
    assert ringback.held(ringback.asks()) == [Held.NUMBER_LIMIT]


def test_the_longer_of_two_windows_counts_too(ringback: Ringback) -> None:
    for _ in range(2):
        assert ringback.held(ringback.asks(), ringback.asks()) == [None, None]
        ringback.clock.passes(hours=2)

    assert ringback.held(ringback.asks()) == [Held.NUMBER_LIMIT], "four a day"
    ringback.clock.passes(hours=21)
    assert ringback.held(ringback.asks()) == [None]


def test_one_numbers_limit_is_not_anothers(ringback: Ringback) -> None:
    for _ in range(3):
        ringback.asks(NUMBER)

    assert ringback.held(ringback.asks(OTHER)) == [None]


# --- what is erased, and keys that change ---


def test_whoever_deletes_a_request_cannot_ask_anew_all_night(ringback: Ringback) -> None:
    for _ in range(2):
        receipt = ringback.asks()
        ringback.rings()
        assert ringback.personal_data.erase(receipt.id) is Erasure.DONE
    third = ringback.asks()

    assert ringback.held(third) == [Held.NUMBER_LIMIT]
    assert ringback.rings() == []
    assert ringback.held(ringback.asks(OTHER)) == [None]


def test_an_erased_request_counts_no_longer_than_any_other(ringback: Ringback) -> None:
    erased = [ringback.asks(), ringback.asks()]
    for receipt in erased:
        ringback.personal_data.erase(receipt.id)
    ringback.clock.passes(hours=1, seconds=-1)
    assert ringback.held(ringback.asks()) == [Held.NUMBER_LIMIT]
    ringback.clock.passes(seconds=1)

    assert ringback.held(ringback.asks()) == [None]


def test_a_purge_leaves_what_the_longest_window_still_looks_at(ringback: Ringback) -> None:
    for _ in range(4):
        ringback.personal_data.erase(ringback.asks().id)
        ringback.clock.passes(hours=2)
    ringback.personal_data.purge()

    assert ringback.held(ringback.asks()) == [Held.NUMBER_LIMIT], "four a day"


def test_what_is_left_of_a_number_goes_when_no_limit_looks_at_it_any_more(ringback: Ringback) -> None:
    receipt = ringback.asks()
    ringback.personal_data.erase(receipt.id)

    def left() -> tuple[str, str | None]:
        query = sa.select(requests.c.phone, requests.c.number_hash).where(requests.c.id == receipt.id)
        with ringback.database.read() as connection:
            row = connection.execute(query).one()
            return row.phone, row.number_hash

    ringback.personal_data.purge()
    phone, number_hash = left()
    assert phone == ""
    assert number_hash
    for _ in range(2):
        ringback.clock.passes(hours=12, seconds=1)
        ringback.personal_data.purge()
    assert left() == ("", None)


def test_stops_and_counts_outlive_a_change_of_keys(opened: Callable[..., Ringback]) -> None:
    before = opened(keys=("old",))
    before.outbox.stop(OTHER)
    for _ in range(2):
        before.personal_data.erase(before.asks().id)
    after = opened(keys=("old", "new"))

    assert after.held(after.asks(OTHER), after.asks(NUMBER)) == [Held.STOPPED, Held.NUMBER_LIMIT]
    after.outbox.stop(OTHER)
    assert after.attention.stopped() == 1, "the stop by the old key gave way to one by the new"
    alone = opened(keys=("new",))
    assert alone.held(alone.asks(OTHER)) == [Held.STOPPED]


def test_a_hash_tells_nothing_to_who_has_another_key(opened: Callable[..., Ringback]) -> None:
    one, other = (opened(keys=(key,)).outbox.number_rules for key in ("one", "two"))

    assert one.hash(NUMBER) != other.hash(NUMBER)
    assert one.hash(NUMBER) != one.hash(OTHER)
