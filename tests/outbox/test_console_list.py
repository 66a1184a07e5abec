"""The console's list: what is at risk first, pages that miss nothing, true counts, and a search that finds."""

from datetime import timedelta

import pytest

from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.operators.console_list import ConsoleList
from ringback.outbox.operators.console_view import PAGE, VIEWS, View
from ringback.outbox.request import State
from ringback.store.tables import requests
from tests.outbox.asking import TAKEN, Ringback

NUMBERS = iter(f"4420794{number:05}" for number in range(100_000))


@pytest.fixture
def console_list(ringback: Ringback) -> ConsoleList:
    return ConsoleList(ringback.database, ringback.outbox._settings, ringback.clock)


def asks(ringback: Ringback, widget: str = "sales", **said: str) -> str:
    """A new person's request; its reference."""
    ringback.clock.passes(seconds=1)
    return ringback.asks(next(NUMBERS), widget, **said).reference


def ends(ringback: Ringback, settlement: Settlement, widget: str = "sales", **said: str) -> str:
    """A request whose hand-over ends so."""
    reference = asks(ringback, widget, **said)
    claim = ringback.takes()
    assert claim.requests[0].reference == reference
    ringback.outbox.settle(claim, settlement)
    return reference


def one_of_each(ringback: Ringback) -> dict[str, str]:
    made = {
        "with_team": ends(ringback, TAKEN),
        "unknown": ends(ringback, Settlement(transitions.LOSE)),
        "failed": ends(ringback, Settlement(transitions.FAIL)),
    }
    made["cancelled"] = asks(ringback)
    ringback.outbox.cancel(ringback.attention.find(made["cancelled"]) or "")
    ringback.attention.block("4420794", is_range=True)
    made["held"] = asks(ringback)
    ringback.attention.unblock("4420794", is_range=True)
    made["late"] = asks(ringback)
    ringback.clock.passes(minutes=16)
    made["waiting"] = asks(ringback)
    return made


def references(console_list: ConsoleList, **view: object) -> list[str]:
    return [request.reference for request in console_list.page(View(**view)).requests]  # type: ignore[arg-type]


def test_what_is_at_risk_comes_first_and_what_is_over_last(ringback: Ringback, console_list: ConsoleList) -> None:
    made = one_of_each(ringback)
    order = ("late", "unknown", "failed", "held", "waiting")
    found = references(console_list)

    assert found[:5] == [made[each] for each in order]
    assert set(found[5:]) == {made["cancelled"], made["with_team"]}
    assert references(console_list, state="attention") == [made[each] for each in order[:4]]


def test_each_view_has_what_is_so_and_the_counts_say_how_many(
    ringback: Ringback, console_list: ConsoleList
) -> None:
    made = one_of_each(ringback)
    wanted = {name: [made[name]] for name in made} | {"waiting": [made["late"], made["waiting"]]}
    for name, expected in wanted.items():
        assert references(console_list, state=name) == expected

    counts = console_list.counts(View(state="late", typed="nobody"))
    assert set(counts) == set(VIEWS)
    assert {name: count.number for name, count in counts.items()} == {
        **{name: len(found) for name, found in wanted.items()},
        "handing_over": 0,
        "called": 0,
        "not_called": 0,
        "attention": 4,
    }


def test_of_two_that_wait_the_earlier_promise_comes_first(ringback: Ringback, console_list: ConsoleList) -> None:
    first, second = asks(ringback), asks(ringback)
    assert references(console_list) == [first, second]
    ringback.clock.passes(minutes=16)
    newest = asks(ringback)
    assert references(console_list) == [first, second, newest]


def test_the_pages_have_everything_once_whatever_comes_meanwhile(
    ringback: Ringback, console_list: ConsoleList
) -> None:
    made = {asks(ringback) for _ in range(PAGE + 20)}
    for _ in range(PAGE):
        ringback.outbox.cancel(ringback.attention.find(made_one := asks(ringback)) or "")
        made.add(made_one)
    seen: list[str] = []
    after = ""
    while True:
        page = console_list.page(View(after=after))
        seen += [request.reference for request in page.requests]
        asks(ringback)
        if not (after := page.after):
            break
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


def test_pages_of_the_same_moment_miss_nothing(ringback: Ringback, console_list: ConsoleList) -> None:
    made = {ringback.asks(next(NUMBERS)).reference for _ in range(2 * PAGE + 1)}
    first = console_list.page(View())
    second = console_list.page(View(after=first.after))
    third = console_list.page(View(after=second.after))
    assert {r.reference for page in (first, second, third) for r in page.requests} == made
    assert third.after == ""


def test_an_address_that_never_was_ours_is_the_first_page(ringback: Ringback, console_list: ConsoleList) -> None:
    reference = asks(ringback)
    for after in ("nonsense", "late~x~y", "late~9999-99-99~RB", "over~", "~~", "\u0000"):
        assert references(console_list, after=after) == [reference]


def test_who_is_bound_to_widgets_sees_and_counts_no_others(ringback: Ringback, console_list: ConsoleList) -> None:
    mine = asks(ringback, "sales", name="Ann Smith")
    theirs = asks(ringback, "help", name="Ann Jones")
    bound = frozenset({"sales"})

    assert references(console_list, widgets=bound) == [mine]
    assert references(console_list, widgets=bound, typed="ann") == [mine]
    assert references(console_list, widgets=bound, typed=theirs) == []
    assert references(console_list, widgets=bound, widget="help") == []
    assert console_list.counts(View(widgets=bound))["waiting"].number == 1
    assert console_list.counts(View(widgets=bound, widget="help"))["waiting"].number == 0
    assert console_list.find(theirs, bound) is None
    assert console_list.arrived(View(widgets=bound), ringback.clock() - timedelta(hours=1)).number == 1


def test_a_request_is_found_however_it_is_typed(ringback: Ringback, console_list: ConsoleList) -> None:
    receipt = ringback.asks("442079460123", name="Ann Müller-Smith", email="ann.smith@example.com")
    ringback.asks("447400123456", name="Bob Jones", email="bob@example.com")
    names = ("ann", "SMITH", "smith ann", "Ann Smi", "müller", "Muller", "ann.smith@example.com", "Ann.Smith@Ex")
    numbers = ("020 7946 0123", "+44 20 7946 0123", "+44 (0)20 7946-0123", "00442079460123", "0207946")
    reference = receipt.reference
    for typed in (*names, *numbers, reference, reference.lower(), reference.replace("-", ""), reference[3:]):
        assert references(console_list, typed=typed) == [reference], typed


def test_what_is_not_there_is_not_found(ringback: Ringback, console_list: ConsoleList) -> None:
    ringback.asks("442079460123", name="Ann Smith", email="ann@example.com")
    for typed in ("%", "_", "'", "nobody", "ann jones", "@", "0000", "\u0000", "\\", "🙂", "9" * 300):
        assert references(console_list, typed=typed) == [], typed


def test_a_search_keeps_to_the_state_and_the_days(ringback: Ringback, console_list: ConsoleList) -> None:
    over = ends(ringback, TAKEN, name="Ann Smith")
    ringback.clock.passes(days=2)
    now = asks(ringback, name="Ann Smith")
    day = ringback.clock() - timedelta(days=1)

    assert references(console_list, typed="smith", state="with_team") == [over]
    assert references(console_list, typed="smith", asked_from=day) == [now]
    assert references(console_list, asked_to=day) == [over]
    assert console_list.counts(View(asked_to=day))["waiting"].number == 0


def test_what_was_erased_is_in_no_list_and_found_by_nothing(ringback: Ringback, console_list: ConsoleList) -> None:
    receipt = ringback.asks("442079460123", name="Ann Smith")
    ringback.personal_data.erase(receipt.id)
    assert references(console_list) == []
    for typed in ("smith", "442079460123", receipt.reference):
        assert references(console_list, typed=typed) == []


def test_what_has_come_since_is_counted(ringback: Ringback, console_list: ConsoleList) -> None:
    asks(ringback)
    since = ringback.clock()
    assert console_list.arrived(View(), since).number == 0
    asks(ringback)
    asks(ringback, "help")
    assert console_list.arrived(View(), since).number == 2
    assert console_list.arrived(View(widget="help"), since).number == 1


def test_other_requests_of_the_number_are_shown(ringback: Ringback, console_list: ConsoleList) -> None:
    first, second = ringback.asks(), ringback.asks(widget="help")
    request = console_list.find(first.reference, None)
    assert request
    assert request.state is State.WAITING
    assert [other.reference for other in console_list.others(request, None)] == [second.reference]
    assert console_list.others(request, frozenset({"sales"})) == []


def test_what_nobody_called_needs_a_person_and_stands_with_the_team(
    ringback: Ringback, console_list: ConsoleList
) -> None:
    before, forgotten, after = (ends(ringback, TAKEN) for _ in range(3))
    with ringback.database.write() as connection:
        mine = requests.c.reference == forgotten
        connection.execute(requests.update().where(mine).values(not_called_at=ringback.clock()))

    assert references(console_list, state="attention") == [forgotten]
    assert references(console_list, state="not_called") == [forgotten]
    assert references(console_list) == references(console_list, state="with_team") == [forgotten, after, before]
    counts = console_list.counts(View())
    assert (str(counts["attention"]), str(counts["not_called"]), str(counts["with_team"])) == ("1", "1", "3")
    assert ringback.attention.totals().kinds == {"not_called": 1}
