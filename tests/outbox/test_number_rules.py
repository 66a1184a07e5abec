"""The rules of one number: whoever asks, from wherever and by whichever widget, nobody is rung into despair."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from pydantic import SecretStr

from ringback.outbox import transitions, turned_away
from ringback.outbox.breaker import UpstreamSignal
from ringback.outbox.claims import Claim, Settlement
from ringback.outbox.number_rules import NumberRules
from ringback.outbox.operations import Operations
from ringback.outbox.outbox import Outbox, Receipt
from ringback.outbox.personal_data import Erasure, PersonalData
from ringback.outbox.request import Answers, Held, Source, State
from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.database import Database
from ringback.store.tables import alerts, requests, stops
from tests.conftest import WIDGET, Clock, make_settings
from tests.visitor import Visitor

NUMBER, OTHER = "442079460123", "442079460199"
WIDGETS = {name: WIDGET | {"team_name": name.title()} for name in ("sales", "help", "orders")}
LIMITS = {"per_number": "2 per hour; 4 per day", "per_widget": "500 per day"}
TAKEN = Settlement(transitions.TAKEN)
BACK = Settlement(transitions.RETURN)


class Ringback:
    """What works on one store, with settings of its own."""

    def __init__(
        self, database: Database, url: str, clock: Clock, keys: tuple[str, ...] = ("the key",), **given: Any
    ) -> None:
        """`keys`: oldest first, as SECRET_KEY_FALLBACKS and SECRET_KEY have them."""
        *fallbacks, key = map(SecretStr, keys)
        settings = make_settings(url, **{"widgets": WIDGETS, "limits": LIMITS} | given).model_copy(
            update={"secret_key": key, "secret_key_fallbacks": tuple(fallbacks)}
        )
        self.database = database
        self.clock = clock
        self.outbox = Outbox(database, settings, clock)
        self.outbox.teams.register()
        self.attention = Operations(database, settings, clock)
        self.personal_data = PersonalData(database, settings, NumberRules(settings), clock)

    def asks(
        self, phone: str = NUMBER, widget: str = "sales", source: Source | None = None, **said: Any
    ) -> Receipt:
        """Somebody asks for a call to a number."""
        return self.outbox.accept(Answers(widget=widget, phone=phone, region="GB", **said), source=source)

    def held(self, *receipts: Receipt) -> list[Held | None]:
        """Why each of them is held."""
        return [found[0].held for receipt in receipts if (found := self.outbox.read(receipt.id))]

    def state(self, receipt: Receipt) -> State:
        found = self.outbox.read(receipt.id)
        assert found
        return found[0].state

    def takes(self) -> Claim:
        """The next that may go."""
        claim = self.outbox.claim("me")
        assert claim, "nothing may go"
        return claim

    def rings(self) -> list[tuple[str, list[str]]]:
        """Hand over all that is due: each number that is rung, with the references that the team gets."""
        rung = []
        while claim := self.outbox.claim("me"):
            assert self.outbox.settle(claim, TAKEN)
            if not claim.is_held:
                rung.append((claim.requests[0].answers.phone, [request.reference for request in claim.requests]))
        return rung

    def told(self, kind: str = "held") -> list[str]:
        """What alerts of a kind are about, oldest first."""
        query = sa.select(alerts.c.about).where(alerts.c.kind == kind).order_by(alerts.c.id)
        with self.database.read() as connection:
            return list(connection.execute(query).scalars())


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    database = Database(store_url)
    database.migrate("production")
    yield database
    database.close()


@pytest.fixture
def opened(database: Database, store_url: str, clock: Clock) -> Callable[..., Ringback]:
    """Open the store with settings of one's own."""
    return lambda **given: Ringback(database, store_url, clock, **given)


@pytest.fixture
def ringback(opened: Callable[..., Ringback]) -> Ringback:
    return opened()


# --- one hand-over for a number ---


def test_a_number_that_waits_at_several_widgets_is_called_by_each_and_read_out_to_none(ringback: Ringback) -> None:
    first = ringback.asks(widget="help", message="a")
    ringback.clock.passes(seconds=1)
    second = ringback.asks(widget="sales", message="b")
    claim = ringback.takes()

    assert claim.widget == "help"
    assert [request.answers.message for request in claim.requests] == ["a"]
    assert ringback.outbox.claim("another") is None, "the number is in the air"
    assert ringback.outbox.settle(claim, TAKEN)
    assert [ringback.state(receipt) for receipt in (first, second)] == [State.WITH_TEAM, State.WAITING]
    assert ringback.rings() == [(NUMBER, [second.reference])]


def test_each_that_joined_keeps_a_reference_a_page_and_a_cancel_of_its_own(ringback: Ringback) -> None:
    first, second = ringback.asks(), ringback.asks()
    assert len({first.id, second.id}) == len({first.reference, second.reference}) == 2
    assert ringback.outbox.cancel(second.id)

    assert ringback.rings() == [(NUMBER, [first.reference])]
    assert (ringback.state(first), ringback.state(second)) == (State.WITH_TEAM, State.CANCELLED)


def test_a_number_that_waits_keeps_no_other_number_waiting(ringback: Ringback) -> None:
    receipts = [ringback.asks(NUMBER), ringback.asks(OTHER)]

    assert ringback.rings() == [(NUMBER, [receipts[0].reference]), (OTHER, [receipts[1].reference])]


def test_what_is_held_joins_nothing_and_keeps_nothing_back(ringback: Ringback) -> None:
    rung = [ringback.asks(), ringback.asks()]
    held = ringback.asks()
    assert ringback.held(*rung, held) == [None, None, Held.NUMBER_LIMIT]

    assert ringback.rings() == [(NUMBER, [receipt.reference for receipt in rung])]


def test_a_number_over_its_limit_joins_no_call_that_is_in_the_air(ringback: Ringback) -> None:
    ringback.asks(), ringback.asks()
    claim = ringback.takes()
    late = ringback.asks()
    assert (ringback.state(late), ringback.held(late)) == (State.WAITING, [Held.NUMBER_LIMIT])

    ringback.outbox.settle(claim, TAKEN)
    assert ringback.state(late) is State.WAITING
    assert ringback.rings() == []


def test_what_is_held_changes_state_together_with_the_others_of_its_number(ringback: Ringback) -> None:
    receipts = [ringback.asks() for _ in range(4)]
    claim = ringback.takes()
    assert {ringback.state(receipt) for receipt in receipts} == {State.HANDING_OVER}
    ringback.outbox.settle(claim, Settlement(transitions.LOSE))

    assert {ringback.state(receipt) for receipt in receipts} == {State.UNKNOWN}
    assert ringback.held(*receipts) == [None, None, Held.NUMBER_LIMIT, Held.NUMBER_LIMIT]
    told = [receipt.reference for receipt in receipts]
    assert ringback.told("held") == told[2:]
    assert sorted(ringback.told("unknown")) == sorted(told[:2]), "what is held is told of once, as that"


def test_what_is_released_while_its_number_is_in_the_air_goes_when_that_is_down(ringback: Ringback) -> None:
    ringback.asks(), ringback.asks()
    claim = ringback.takes()
    held = ringback.asks()
    assert ringback.attention.release(held.id)

    assert ringback.outbox.claim("another") is None
    ringback.outbox.settle(claim, TAKEN)
    assert ringback.rings() == [(NUMBER, [held.reference])]


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


# --- the brake of a widget ---


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


# --- numbers that begin with one another ---

SWITCHBOARD = "4930901820"
LONGER = [SWITCHBOARD + end for end in ("1", "7", "12", "77")]


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


# --- "I did not ask for this" ---


def test_a_stop_holds_what_waits_and_what_comes_and_tells_the_operators(ringback: Ringback) -> None:
    waiting = ringback.asks()
    ringback.outbox.stop(NUMBER)
    later = ringback.asks(widget="help")

    assert ringback.held(waiting, later) == [Held.STOPPED] * 2
    assert ringback.told() == [waiting.reference, later.reference]
    assert ringback.rings() == []
    assert ringback.held(ringback.asks(OTHER)) == [None]


@pytest.mark.parametrize(("stopped", "lifted"), [(SWITCHBOARD, LONGER[3]), (LONGER[3], SWITCHBOARD), LONGER[:2]])
def test_a_stop_is_lifted_by_any_number_that_it_holds(ringback: Ringback, stopped: str, lifted: str) -> None:
    ringback.asks(SWITCHBOARD)
    ringback.outbox.stop(stopped)
    assert ringback.held(ringback.asks(lifted)) == [Held.STOPPED]

    assert ringback.outbox.unstop(lifted)
    assert Held.STOPPED not in ringback.held(ringback.asks(lifted), ringback.asks(stopped))
    assert ringback.attention.stopped() == 0


def test_a_stop_ends_by_itself_after_stop_days(opened: Callable[..., Ringback]) -> None:
    ringback = opened(privacy={"stop_days": 7})
    ringback.outbox.stop(NUMBER)
    ringback.clock.passes(days=7, seconds=-1)
    assert (ringback.held(ringback.asks()), ringback.attention.stopped()) == ([Held.STOPPED], 1)
    ringback.clock.passes(seconds=1)

    assert (ringback.held(ringback.asks()), ringback.attention.stopped()) == ([None], 0)


def test_a_stop_said_again_begins_anew(opened: Callable[..., Ringback]) -> None:
    ringback = opened(privacy={"stop_days": 7})
    ringback.outbox.stop(NUMBER)
    ringback.clock.passes(days=5)
    ringback.outbox.stop(NUMBER)
    assert ringback.attention.stopped() == 1
    ringback.clock.passes(days=5)

    assert ringback.held(ringback.asks()) == [Held.STOPPED]


def test_a_stop_that_is_ended_lets_the_next_ones_through_and_holds_what_it_held(ringback: Ringback) -> None:
    assert not ringback.outbox.unstop(NUMBER)
    ringback.outbox.stop(NUMBER)
    ringback.outbox.stop(OTHER)
    before = ringback.asks()
    assert ringback.outbox.unstop(NUMBER)

    assert ringback.held(before, ringback.asks(), ringback.asks(OTHER)) == [Held.STOPPED, None, Held.STOPPED]
    assert not ringback.outbox.unstop(NUMBER)


def test_a_stop_that_has_ended_by_itself_is_none_to_end(ringback: Ringback) -> None:
    ringback.outbox.stop(NUMBER)
    ringback.clock.passes(days=30)

    assert not ringback.outbox.unstop(NUMBER)


def alerts_of_stops(ringback: Ringback) -> int:
    with ringback.database.read() as connection:
        return len(connection.execute(sa.select(alerts).where(alerts.c.kind == "stops")).all())


def stop_each(ringback: Ringback, turns: range) -> None:
    for turn in turns:
        ringback.outbox.stop(f"4420794601{turn:02}")


def test_more_than_twenty_stops_in_an_hour_are_told_once_an_hour(ringback: Ringback) -> None:
    stop_each(ringback, range(20))
    assert alerts_of_stops(ringback) == 0
    stop_each(ringback, range(20))  # the same again are no more
    assert alerts_of_stops(ringback) == 0
    stop_each(ringback, range(20, 60))
    assert alerts_of_stops(ringback) == 1

    ringback.clock.passes(hours=1)
    stop_each(ringback, range(60, 80))
    assert alerts_of_stops(ringback) == 1
    stop_each(ringback, range(80, 81))
    assert alerts_of_stops(ringback) == 2


def test_stops_that_come_slowly_are_not_told_of(ringback: Ringback) -> None:
    for turn in range(40):
        stop_each(ringback, range(turn, turn + 1))
        ringback.clock.passes(minutes=3)

    assert alerts_of_stops(ringback) == 0


def test_many_stops_at_once_are_told_once(ringback: Ringback) -> None:
    at_once([lambda turn=turn: stop_each(ringback, range(turn, turn + 1)) for turn in range(30)])

    assert alerts_of_stops(ringback) == 1


def test_an_alert_of_a_clock_that_was_ahead_silences_none(ringback: Ringback) -> None:
    ringback.clock.passes(days=300)
    stop_each(ringback, range(21))
    ringback.clock.passes(days=-300)
    stop_each(ringback, range(30, 50))
    assert alerts_of_stops(ringback) == 1, "nor do its stops count"
    stop_each(ringback, range(50, 51))

    assert alerts_of_stops(ringback) == 2


def test_the_store_knows_a_stopped_number_by_a_hash_alone(ringback: Ringback) -> None:
    ringback.outbox.stop(NUMBER)
    with ringback.database.read() as connection:
        (row,) = connection.execute(sa.select(stops)).all()

    assert len(row.number_hash) == 64
    assert NUMBER not in str(row)


@pytest.mark.parametrize("silence", ["stop", "block", "range"])
def test_a_number_silenced_while_its_call_is_in_the_air_is_not_rung_again(
    ringback: Ringback, silence: str
) -> None:
    first = ringback.asks()
    claim = ringback.takes()
    why = silenced(ringback, silence)
    late = ringback.asks()
    assert (ringback.state(late), ringback.held(late)) == (State.WAITING, [why])
    ringback.outbox.settle(claim, BACK)

    assert ringback.held(first, late) == [why, why]
    assert ringback.rings() == []
    assert sorted(ringback.told()) == sorted([first.reference, late.reference])


@pytest.mark.parametrize("silence", ["stop", "block", "range"])
def test_what_may_be_sent_once_more_is_not_when_the_number_was_silenced(
    opened: Callable[..., Ringback], silence: str
) -> None:
    ringback = opened(delivery={"on_unknown": "resend"})
    receipt = ringback.asks()
    claim = ringback.takes()
    ringback.outbox.settle(claim, ringback.outbox.lost("no answer", claim))
    why = silenced(ringback, silence)
    ringback.clock.passes(minutes=10)
    ringback.outbox.expire()

    assert (ringback.state(receipt), ringback.held(receipt)) == (State.WAITING, [why])
    assert ringback.rings() == []


def test_a_stop_that_is_said_while_a_request_is_sent_once_more_holds_it(
    opened: Callable[..., Ringback], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the worst of moments: the number is stopped, what waits was looked for, nothing is committed."""
    ringback = opened(delivery={"on_unknown": "resend"})
    receipt = ringback.asks()
    claim = ringback.takes()
    ringback.outbox.settle(claim, ringback.outbox.lost("no answer", claim))
    ringback.clock.passes(minutes=10)
    looked, may_go_on = threading.Event(), threading.Event()
    hold = transitions.hold

    def slowly(*given: Any) -> int:
        count = hold(*given)
        looked.set()
        may_go_on.wait(2)
        return count

    monkeypatch.setattr(transitions, "hold", slowly)
    person = threading.Thread(target=ringback.outbox.stop, args=[NUMBER])
    hand_over = threading.Thread(target=ringback.outbox.expire)
    person.start()
    assert looked.wait(5)
    hand_over.start()
    hand_over.join(0.3)
    may_go_on.set()
    person.join()
    hand_over.join()

    assert (ringback.state(receipt), ringback.held(receipt)) == (State.WAITING, [Held.STOPPED])


def silenced(ringback: Ringback, silence: str) -> Held:
    """Silence the number in one of the ways there are."""
    if silence == "stop":
        ringback.outbox.stop(NUMBER)
        return Held.STOPPED
    digits, is_range = (NUMBER, False) if silence == "block" else (NUMBER[:6], True)
    ringback.attention.block(digits, is_range)
    return Held.BLOCKED


# --- blocks ---


def test_a_block_holds_what_waits_and_what_comes_and_tells_the_operators(ringback: Ringback) -> None:
    waiting, cancelled, other = ringback.asks(), ringback.asks(), ringback.asks(OTHER)
    ringback.outbox.cancel(cancelled.id)
    assert ringback.attention.block(NUMBER) == 1
    later = ringback.asks(widget="help")

    assert ringback.held(waiting, cancelled, other, later) == [Held.BLOCKED, None, None, Held.BLOCKED]
    assert ringback.told() == [waiting.reference, later.reference]
    assert ringback.rings() == [(OTHER, [other.reference])]


def test_a_block_is_of_the_whole_number_and_not_of_those_that_begin_so(ringback: Ringback) -> None:
    ringback.attention.block(NUMBER[:-1])

    assert ringback.held(ringback.asks()) == [None]


@pytest.mark.parametrize("beginning", ["4", "44", "44207946", NUMBER[:-1], NUMBER])
def test_a_range_of_any_length_blocks_what_begins_so(ringback: Ringback, beginning: str) -> None:
    waiting, abroad = ringback.asks(), ringback.asks("15550001234", "help")
    assert ringback.attention.block(beginning, is_range=True) == 1

    assert ringback.held(waiting, abroad, ringback.asks()) == [Held.BLOCKED, None, Held.BLOCKED]
    assert ringback.held(ringback.asks("15550001234", "help")) == [None]


@pytest.mark.parametrize("beginning", ["442079460124", "4420794601230", "20", "442079460123123", "43"])
def test_a_range_blocks_nothing_else(ringback: Ringback, beginning: str) -> None:
    waiting = ringback.asks()

    assert ringback.attention.block(beginning, is_range=True) == 0
    assert ringback.held(waiting, ringback.asks()) == [None, None]


def test_the_longest_number_there_is_can_be_blocked(ringback: Ringback) -> None:
    longest = "491234567890123"
    ringback.attention.block(longest)
    ringback.attention.block(longest[:-1], is_range=True)
    ringback.attention.unblock(longest)

    assert ringback.held(ringback.asks(longest), ringback.asks("491234567890199")) == [Held.BLOCKED, None]


def test_ranges_that_overlap_are_each_lifted_for_themselves(ringback: Ringback) -> None:
    ranges = [("44", True), ("442079", True), (NUMBER, True), (NUMBER, False)]
    assert [ringback.attention.block(*each) for each in ranges] == [0] * 4
    assert [(digits, is_range) for digits, is_range, _ in ringback.attention.blocked()] == sorted(ranges)

    for each in ranges:
        assert ringback.held(ringback.asks()) == [Held.BLOCKED]
        assert ringback.attention.unblock(*each)
    ringback.clock.passes(days=1)
    assert ringback.held(ringback.asks()) == [None]
    assert ringback.attention.blocked() == []


def test_a_block_is_made_once_and_lifted_once(ringback: Ringback) -> None:
    assert ringback.attention.block(NUMBER) == 0
    assert ringback.attention.block(NUMBER) is None
    assert ringback.attention.block(NUMBER, is_range=True) == 0
    assert ringback.attention.unblock(NUMBER)
    assert not ringback.attention.unblock(NUMBER)
    assert ringback.held(ringback.asks()) == [Held.BLOCKED], "the range still stands"


def test_what_is_held_stays_held_when_the_number_is_unblocked(ringback: Ringback) -> None:
    ringback.attention.block(NUMBER)
    held = ringback.asks()
    ringback.attention.unblock(NUMBER)
    later = ringback.asks()

    assert ringback.held(held, later) == [Held.BLOCKED, None]
    assert ringback.rings() == [(NUMBER, [later.reference])]
    assert [request.reference for request in ringback.attention.listed(attention=True)] == [held.reference]


@pytest.mark.parametrize("silence", ["stop", "block", "range"])
def test_an_operator_who_releases_a_request_has_it_rung(ringback: Ringback, silence: str) -> None:
    silenced(ringback, silence)
    receipt = ringback.asks()
    assert ringback.rings() == []
    assert ringback.state(receipt) is State.WITH_TEAM, "as any other, to whoever looks"

    assert ringback.attention.release(receipt.id)
    assert ringback.rings() == [(NUMBER, [receipt.reference])]
    assert ringback.told() == [receipt.reference]


def test_a_block_waits_for_a_request_that_is_being_accepted(
    ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the worst of moments: after the look at the blocks, before the commit."""
    looked, may_go_on = threading.Event(), threading.Event()
    check = NumberRules.check

    def slowly(*given: Any) -> Any:
        found = check(*given)
        looked.set()
        may_go_on.wait(2)
        return found

    monkeypatch.setattr(NumberRules, "check", slowly)
    receipts: list[Receipt] = []
    person = threading.Thread(target=lambda: receipts.append(ringback.asks()))
    operator = threading.Thread(target=ringback.attention.block, args=("4420", True))
    person.start()
    assert looked.wait(5)
    operator.start()
    operator.join(0.3)
    may_go_on.set()
    person.join()
    operator.join()

    assert ringback.held(*receipts) == [Held.BLOCKED]


ON_SUNDAYS = {"timezone": "Europe/London", "sun": ["09:00-17:00"]}


def test_a_block_and_a_look_around_in_the_same_moment_do_not_wait_for_each_other(
    opened: Callable[..., Ringback], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look around has what waits for the opening, and will look at the blocks for what is sent once more."""
    ringback = opened(delivery={"on_unknown": "resend"})
    unknown = ringback.asks(widget="help")
    claim = ringback.takes()
    ringback.outbox.settle(claim, ringback.outbox.lost("no answer", claim))
    waiting = ringback.asks(OTHER)
    ringback.clock.passes(minutes=10)
    widgets = WIDGETS | {"sales": WIDGETS["sales"] | {"hours": ON_SUNDAYS}}
    closed = opened(delivery={"on_unknown": "resend"}, widgets=widgets)
    look_around_while_blocking(monkeypatch, Outbox, "_wait_for_opening", closed.outbox.expire, ringback)

    assert ringback.state(unknown) is State.WAITING
    assert ringback.held(unknown, waiting) == [Held.BLOCKED, Held.BLOCKED]


def test_a_block_and_the_end_of_a_call_in_the_same_moment_do_not_wait_for_each_other(
    ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the call has what was turned away before, and will look at the blocks for its own number."""
    ringback.asks(OTHER)
    later = ringback.clock.now
    ringback.outbox.settle(
        ringback.takes(), Settlement(transitions.RETURN, "422", UpstreamSignal.MISCONFIGURED, later)
    )
    ringback.asks()
    claim = ringback.takes()
    refused = Settlement(transitions.RETURN, "not now", UpstreamSignal.REFUSED, later)

    def settle() -> None:
        assert ringback.outbox.settle(claim, refused)

    look_around_while_blocking(monkeypatch, turned_away, "try_again", settle, ringback)

    assert [request.held for request in ringback.attention.listed()] == [Held.BLOCKED, Held.BLOCKED]


def look_around_while_blocking(
    monkeypatch: pytest.MonkeyPatch, of: Any, step: str, act: Callable[[], object], ringback: Ringback
) -> None:
    """Do something, and after one step of it begin to block all numbers; nothing is committed until then."""
    has_rows, may_go_on = threading.Event(), threading.Event()
    take = getattr(of, step)

    def slowly(*given: Any) -> None:
        take(*given)
        has_rows.set()
        may_go_on.wait(0.5)

    def block() -> None:
        assert has_rows.wait(5)
        ringback.attention.block("44", True)
        may_go_on.set()

    monkeypatch.setattr(of, step, slowly)
    at_once([act, block])


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


# --- the race ---


def at_once(acts: list[Callable[[], object]]) -> None:
    """Do all of it in the same moment, and raise what one of them raised."""
    together = threading.Barrier(len(acts))
    faults: list[BaseException] = []

    def do(act: Callable[[], object]) -> None:
        together.wait()
        try:
            act()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=do, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


@pytest.fixture
def company(make_app: Callable[..., Flask], store_url: str, samespace: SandboxSamespace) -> Flask:
    """Three widgets behind a proxy, with the limits that everybody starts with."""
    return make_app(store_url, samespace.base_url, widgets=WIDGETS, environment={"trusted_proxies": 1})


def test_fifty_posts_at_once_for_one_number_are_one_call_by_each_widget_within_its_limit(
    company: Flask, samespace: SandboxSamespace
) -> None:
    forms = []
    for turn in range(50):
        person, by = Visitor(company, "10.0.0.9"), {"X-Forwarded-For": f"192.0.2.{turn + 1}"}
        forms.append((person, person.opens(f"/{list(WIDGETS)[turn % 3]}", **by), by))
    answers = {"name": "Ann", "phone": "020 7946 0123"}
    statuses: list[int] = []
    at_once(
        [
            lambda person=person, form=form, by=by: statuses.append(person.sends(form, by, **answers).status)
            for person, form, by in forms
        ]
    )
    assert statuses == [303] * 50

    hand_over_all(company)
    stored = company.extensions["ringback"].operations.listed()
    rung = [request for request in stored if request.held is None]
    assert {call.number for call in samespace.calls} == {NUMBER}
    assert len(samespace.calls) == len({request.answers.widget for request in rung})
    references = [reference for call in samespace.calls for reference in call.attributes["reference"].split(" / ")]
    assert sorted(references) == sorted(request.reference for request in rung)
    assert Counter(request.held for request in stored) == {None: 2, Held.NUMBER_LIMIT: 48}
    assert {request.state for request in stored} == {State.WITH_TEAM}


def test_an_operators_release_after_the_race_rings_once_more(company: Flask, samespace: SandboxSamespace) -> None:
    outbox, attention = company.extensions["ringback"].outbox, company.extensions["ringback"].operations
    receipts = [outbox.accept(Answers("sales", NUMBER, "GB")) for _ in range(4)]
    hand_over_all(company)
    for receipt in receipts[2:]:
        assert attention.release(receipt.id)
    hand_over_all(company)

    assert [call.attributes["reference"] for call in samespace.calls] == [
        " / ".join(receipt.reference for receipt in pair) for pair in (receipts[:2], receipts[2:])
    ]


def hand_over_all(app: Flask) -> None:
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    while claim := outbox.claim("test"):
        delivery.hand_over(claim)
