"""The figures say what happened: counted as it happens, each request once, whatever becomes of it."""

import random
from collections.abc import Callable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from ringback.outbox import transitions
from ringback.outbox.calls.called import mark_called
from ringback.outbox.claims import Settlement
from ringback.outbox.figures.figure_counter import FigureCounter
from ringback.outbox.figures.figures import Figures, read_figures
from ringback.outbox.figures.tally import length_of, seconds_from, share_within
from ringback.outbox.request import Answers, Held
from ringback.store.figure_tables import COUNTS, figures
from ringback.store.tables import about, events
from tests.conftest import WIDGET, Clock
from tests.outbox.asking import NUMBER, OTHER, TAKEN, Ringback

TODAY = date(2026, 11, 24)
LOST = Settlement(transitions.LOSE, "no answer")
FAILED = Settlement(transitions.FAIL, "refused for good")
PAGE = "https://www.acme.test/pricing"
ON_ONE_ENGINE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture
def counter(ringback: Ringback) -> FigureCounter:
    return FigureCounter(ringback.database, ringback.outbox._settings, ringback.clock)


def counted(ringback: Ringback, counter: FigureCounter, first: date = TODAY, **of: set[str]) -> Figures:
    """What is counted, once all of it is."""
    while counter.count():
        pass
    return read_figures(ringback.database, first, TODAY, of.get("widgets"))


def numbers(found: Figures) -> dict[str, int]:
    return {name: found.total[name] for name in COUNTS if found.total[name]}


def test_a_request_is_counted_once_and_moves_from_figure_to_figure(
    ringback: Ringback, counter: FigureCounter, clock: Clock
) -> None:
    asked = ringback.asks()
    assert numbers(counted(ringback, counter)) == {"requests": 1}
    assert counted(ringback, counter).total.waiting == 1

    claim = ringback.takes()
    ringback.outbox.settle(claim, LOST)
    assert numbers(counted(ringback, counter)) == {"requests": 1, "unknown": 1}

    ringback.attention.resolve(asked.id, rang=False)
    assert numbers(counted(ringback, counter)) == {"requests": 1}
    ringback.outbox.settle(ringback.takes(), FAILED)
    assert numbers(counted(ringback, counter)) == {"requests": 1, "failed": 1, "late": 1}

    ringback.attention.retry(asked.id)
    clock.passes(minutes=20)
    ringback.outbox.settle(ringback.takes(), TAKEN)
    assert numbers(counted(ringback, counter)) == {"requests": 1, "handed_over": 1, "late": 1}
    assert counted(ringback, counter).delays == [(length_of(timedelta(minutes=20)), 1)]


def test_a_call_counts_by_its_wait_its_hour_and_whether_it_was_answered(
    ringback: Ringback, counter: FigureCounter, clock: Clock
) -> None:
    for number, minutes, said in (
        (1, 3, "answered: by a call report"),
        (2, 40, "voicemail: agent said so"),
        (3, 4, ""),
    ):
        asked = ringback.asks(f"4420794601{number:02}")
        ringback.outbox.settle(ringback.takes(), LOST if number == 2 else TAKEN)
        counted(ringback, counter)
        called_at = clock.now + timedelta(minutes=minutes)
        with ringback.database.write() as connection:
            mark_called(connection, [asked.id], called_at, called_at, said)

    found = counted(ringback, counter)
    assert numbers(found) == {
        "requests": 3,
        "handed_over": 3,
        "kept": 3,
        "called": 3,
        "answered": 1,
        "unanswered": 1,
        "call_kept": 2,
        "call_late": 1,
    }
    assert [(each.label, *each.of.values()) for each in found.calls_by_hour] == [("1T10", 3, 1, 1)]
    assert sum(each["called"] for each in found.calls_by_wait) == 3
    half = found.called_within(0.5)
    assert half
    assert 180 < half < 300


@ON_ONE_ENGINE
def test_an_unknown_that_rang_counts_from_when_it_was_sent(
    ringback: Ringback, counter: FigureCounter, clock: Clock
) -> None:
    asked = ringback.asks()
    clock.passes(minutes=2)
    ringback.outbox.settle(ringback.takes(), LOST)
    counted(ringback, counter)
    clock.passes(hours=3)
    ringback.attention.resolve(asked.id, rang=True)

    found = counted(ringback, counter)
    assert numbers(found) == {"requests": 1, "handed_over": 1, "kept": 1}
    assert found.delays == [(length_of(timedelta(minutes=2)), 1)]


def test_what_is_held_is_held_whatever_its_visitor_sees(ringback: Ringback, counter: FigureCounter) -> None:
    ringback.outbox.stop(NUMBER)
    held, other = ringback.asks(), ringback.asks(OTHER)
    ringback.rings()

    found = counted(ringback, counter)
    assert numbers(found) == {"requests": 2, "held": 1, "handed_over": 1, "kept": 1}
    assert [(each.label, each["requests"]) for each in found.by["held"]] == [(Held.STOPPED, 1)]

    ringback.attention.release(held.id)
    ringback.rings()
    ringback.outbox.cancel(other.id)  # too late: it changes nothing
    assert numbers(counted(ringback, counter)) == {"requests": 2, "handed_over": 2, "kept": 2}


def test_figures_are_told_apart_by_widget_language_page_and_campaign(
    ringback: Ringback, counter: FigureCounter
) -> None:
    ringback.asks(page=PAGE, language="de", attributes={"utm_campaign": "spring"})
    ringback.asks(OTHER, widget="help", page="https://elsewhere.test/x", attributes={"plan": "pro"})

    found = counted(ringback, counter)
    labels = {by: [(each.label, each["requests"]) for each in some] for by, some in found.by.items()}
    assert labels["widget"] == [("help", 1), ("sales", 1)]
    assert labels["language"] == [("de", 1), ("en", 1)]
    assert labels["page"] == [("(elsewhere)", 1), (PAGE, 1)]
    assert labels["campaign"] == [("spring", 1)]
    assert numbers(counted(ringback, counter, widgets={"help"})) == {"requests": 1}


@ON_ONE_ENGINE
def test_hours_and_days_are_those_of_the_teams_clock(opened: Callable[..., Ringback]) -> None:
    ringback = opened(widgets={"sales": WIDGET | {"hours": {"timezone": "Asia/Kolkata"}}})
    counter = FigureCounter(ringback.database, ringback.outbox._settings, ringback.clock)
    ringback.asks()  # Tuesday, 10:00 in London and 15:30 in Kolkata
    ringback.clock.passes(hours=9)  # Wednesday, 00:30 there
    ringback.asks(OTHER)

    while counter.count():
        pass
    found = read_figures(ringback.database, TODAY, TODAY + timedelta(days=1), None)
    assert [(each.label, each["requests"]) for each in found.days] == [("2026-11-24", 1), ("2026-11-25", 1)]
    assert found.week[1][15] == found.week[2][0] == 1


@ON_ONE_ENGINE
def test_what_visitors_browsers_say_is_bounded(ringback: Ringback, counter: FigureCounter) -> None:
    for number in range(130):
        ringback.asks(f"4420794600{number:02d}", page=f"https://www.acme.test/{number}")
    counted(ringback, counter)
    with ringback.database.read() as connection:
        pages = connection.execute(sa.select(figures.c.value).where(figures.c.by == "page")).scalars().all()
    assert len(pages) == 101
    assert "(others)" in pages


@ON_ONE_ENGINE
def test_figures_outlive_the_people_and_pages_do_not(
    ringback: Ringback, counter: FigureCounter, clock: Clock
) -> None:
    ringback.asks(page=PAGE)
    ringback.rings()
    before = numbers(counted(ringback, counter))
    ringback.personal_data.erase_number(NUMBER)
    clock.passes(days=40)
    ringback.asks(OTHER)

    found = counted(ringback, counter)
    assert numbers(found) == before
    assert found.by["page"] == []


def test_an_event_that_is_stored_later_than_one_with_a_higher_number_is_counted(
    ringback: Ringback, counter: FigureCounter
) -> None:
    """Two transactions of PostgreSQL may end in another order than they began."""
    if ringback.database.has_one_writer:
        return
    first = ringback.asks()
    counted(ringback, counter)
    with ringback.database.write() as slow:
        late = {"request_id": first.id, "at": ringback.clock.now, "kind": "cancelled"}
        slow.execute(events.insert(), late)
        ringback.asks(OTHER)
        assert numbers(counted(ringback, counter)) == {"requests": 2}
    assert numbers(counted(ringback, counter)) == {"requests": 2, "cancelled": 1}


@ON_ONE_ENGINE
def test_forms_are_counted_by_the_hour(ringback: Ringback, counter: FigureCounter) -> None:
    for count in ("shown", "shown", "begun", "refused", "sent"):
        counter.note("sales", count)
    assert numbers(counted(ringback, counter)) == {"shown": 2, "begun": 1, "sent": 1, "refused": 1}


@pytest.mark.parametrize("seed", range(2))
def test_counted_as_it_happens_or_all_at_the_end_it_is_the_same(
    ringback: Ringback, counter: FigureCounter, clock: Clock, seed: int
) -> None:
    chance = random.Random(seed)
    asked: list[str] = []
    for _ in range(80):
        _act(ringback, asked, chance)
        clock.passes(seconds=chance.choice([0, 30, 600]))
        if chance.random() < 0.5:
            counter.count()
    counted(ringback, counter)
    as_it_happened = _rows(ringback)
    with ringback.database.write() as connection:
        connection.execute(figures.delete())
        connection.execute(about.delete().where(about.c.key == "figures_counted"))
    counted(ringback, counter)

    assert {key: counts for key, counts in as_it_happened.items() if any(counts)} == _rows(ringback)
    total = sum(counts[0] for (by, *_), counts in as_it_happened.items() if by == "")
    assert total == len(asked)


def _act(ringback: Ringback, asked: list[str], chance: random.Random) -> None:
    """Something that may happen."""
    outbox, operators = ringback.outbox, ringback.attention
    number = f"44207946010{chance.randrange(6)}"
    some = chance.choice(asked) if asked else ""
    act = chance.choice(["ask", "ask", "call", "call", "call", "operate", "silence"])
    if act == "ask" or not asked:
        asked.append(outbox.accept(Answers(widget="sales", phone=number, region="GB", page=PAGE)).id)
    elif act == "call":
        if claim := outbox.claim("me"):
            outbox.settle(claim, chance.choice([TAKEN, TAKEN, LOST, FAILED, Settlement(transitions.RETURN)]))
    elif act == "silence":
        chance.choice([outbox.stop, outbox.unstop])(number)
    else:
        chance.choice(
            [
                outbox.cancel,
                operators.retry,
                operators.release,
                lambda id: operators.resolve(id, chance.random() < 0.5),
            ]
        )(some)


def _rows(ringback: Ringback) -> dict[tuple[str, ...], tuple[int, ...]]:
    with ringback.database.read() as connection:
        rows = connection.execute(sa.select(figures)).all()
    return {
        (row.by, row.hour, row.widget, row.value): tuple(getattr(row, name) for name in COUNTS) for row in rows
    }


# --- lengths ---


@pytest.mark.parametrize("seconds", [0.2, 1, 2, 59, 61, 900, 7200, 200_000])
def test_a_length_is_told_to_a_tenth(seconds: float) -> None:
    length = length_of(timedelta(seconds=seconds))
    assert seconds_from(length) <= seconds * 1.0001
    assert seconds < seconds_from(length + 1) * 1.0001


def test_half_of_them_and_nine_of_ten_lie_within(clock: Clock) -> None:
    lengths = [(length_of(timedelta(seconds=seconds)), 1) for seconds in range(10, 1010, 10)]
    for share, seconds in ((0.5, 500), (0.9, 900)):
        within = share_within(lengths, share)
        assert within is not None
        assert 0.9 * seconds < within < 1.1 * seconds
    assert share_within([], 0.5) is None
