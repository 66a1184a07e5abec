"""The promise that is measured, on fortnights that are made up, against a reckoning by brute force."""

import math
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from ringback import opening_hours
from ringback.config.widget import Hours
from ringback.outbox.calls.called import mark_called
from ringback.outbox.calls.measured_promise import Promises, promised_minutes
from ringback.outbox.request import Answers
from ringback.services import services_of
from ringback.store.database import Database
from tests.conftest import WIDGET, Clock, make_settings
from tests.outbox.asking import TAKEN, Ringback
from tests.visitor import Visitor

LIMITS = {"per_widget": "9999 per day", "per_number": "9999 per day", "min_fill_seconds": 0}
MEASURED = {"widgets": {"sales": WIDGET | {"promise_minutes": "measured"}}, "limits": LIMITS}
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]
HOURS = {"timezone": "Europe/London"} | {day: ["09:00-17:00"] for day in WEEKDAYS}
START = datetime(2026, 11, 9, 0, 0, tzinfo=UTC)  # a Monday
Fortnight = list[tuple[datetime, float]]  # asked at, and the minutes until the call


def steady(draw: random.Random) -> Fortnight:
    return [(START + timedelta(days=day, hours=10), draw.uniform(2, 30)) for day in range(14) for _ in range(4)]


def growing(draw: random.Random) -> Fortnight:
    return [
        (START + timedelta(days=day, hours=hour), 2 + day * 4 + draw.uniform(0, 9))
        for day in range(14)
        for hour in (8, 9.5, 10.5, 11.5, 13, 14)
    ]


def dead_week(draw: random.Random) -> Fortnight:
    """The first week somebody calls, the second nobody does."""
    return [(at, wait) for at, wait in steady(draw) if at < START + timedelta(days=7)]


def brute_force(fortnight: Fortnight, now: datetime) -> int | None:
    """Minute by minute: the least multiple of five within which three of four were called."""
    weekend, part = now.weekday() >= 5, now.hour // 6
    waits = [
        wait
        for at, wait in fortnight
        if now - timedelta(days=14) < at + timedelta(minutes=wait) <= now
        and (at.weekday() >= 5) == weekend
        and at.hour // 6 == part
    ]
    if len(waits) < 20:
        return None
    for minutes in range(5, 241, 5):
        if sum(wait <= minutes for wait in waits) * 4 >= len(waits) * 3:
            return minutes
    return None


def play(ringback: Ringback, fortnight: Fortnight) -> None:
    for index, (at, wait) in enumerate(sorted(fortnight)):
        ringback.clock.now = at
        receipt = ringback.asks(f"4420794{index:05}")
        claim = ringback.takes()
        ringback.outbox.settle(claim, TAKEN)
        called_at = at + timedelta(minutes=wait)
        with ringback.database.write() as connection:
            mark_called(connection, [receipt.id], called_at, max(called_at, at), "made up")


@pytest.fixture
def measuring(tmp_path: Path, sqlite_template: Path, clock: Clock) -> Iterator[Callable[..., Ringback]]:
    shutil.copy(sqlite_template, tmp_path / "ringback.db")
    url = f"sqlite:///{tmp_path}/ringback.db"
    database = Database(url)
    yield lambda **given: Ringback(database, url, clock, **(MEASURED | given))
    database.close()


@pytest.mark.parametrize("fortnight", [steady, growing, dead_week])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_fortnights_promise_is_what_brute_force_says(
    measuring: Callable[..., Ringback], fortnight: Callable[[random.Random], Fortnight], seed: int
) -> None:
    ringback, made_up = measuring(), fortnight(random.Random(seed))
    play(ringback, made_up)
    widget = make_settings("sqlite:///x", **MEASURED).widgets["sales"]
    promises = Promises(ringback.database, ringback.clock)
    said = []
    for hours in (10, 13, 24 * 7 + 10, 24 * 11 + 10, 24 * 13 + 16, 24 * 20 + 10):
        ringback.clock.now = START + timedelta(hours=24 + hours)
        found = promises.measured(widget)
        assert found.minutes == brute_force(made_up, ringback.clock()), (hours, found)
        said.append(found.minutes)
    assert any(said), "it says something"


@pytest.mark.parametrize("hours", [{}, {"hours": HOURS}], ids=["always open", "nine to five"])
@pytest.mark.parametrize("start", [datetime(2026, 10, 19, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC)], ids=str)
def test_a_fortnight_in_which_the_clocks_change_is_what_a_minute_by_minute_count_says(
    measuring: Callable[..., Ringback], start: datetime, hours: dict[str, object]
) -> None:
    """Asked on working days on the team's clock; some are called after a night, and some after the weekend."""
    zone, draw, fortnight = ZoneInfo("Europe/London"), random.Random(4), []
    for day in [*range(5), *range(7, 12)]:
        for _ in range(8):
            there = (start + timedelta(days=day)).replace(tzinfo=zone)
            asked = there + timedelta(hours=draw.choice([10, 13, 16]), minutes=draw.randrange(60))
            after = draw.choice([3, 8, 12, 20, 45, 70, 90, 60 * 17, 60 * 65])
            fortnight.append((asked.astimezone(UTC), float(after)))
    widgets = {"sales": WIDGET | {"promise_minutes": "measured", "timezone": "Europe/London"} | hours}
    ringback = measuring(widgets=widgets)
    play(ringback, fortnight)
    widget, said = make_settings("sqlite:///x", widgets=widgets).widgets["sales"], []
    for hour in (11, 14):
        ringback.clock.now = (start + timedelta(days=14)).replace(tzinfo=zone, hour=hour).astimezone(UTC)
        waits = [
            minutes_open(at, wait, zone if hours else None)
            for at, wait in fortnight
            if ringback.clock() - timedelta(days=14) < at + timedelta(minutes=wait) <= ringback.clock()
            and at.astimezone(zone).hour // 6 == hour // 6
        ]
        least = next(
            (each for each in range(5, 241, 5) if sum(wait <= each for wait in waits) * 4 >= len(waits) * 3), None
        )
        found = Promises(ringback.database, ringback.clock).measured(widget)
        assert (found.minutes, found.calls) == (least if len(waits) >= 20 else None, len(waits))
        said.append(found.minutes)
    assert any(said), "it says something"


def minutes_open(at: datetime, wait: float, zone: ZoneInfo | None) -> int:
    """One minute after the other: those in which somebody is there, from nine to five on working days."""
    minutes = [(at + timedelta(minutes=each)).astimezone(zone or UTC) for each in range(int(wait))]
    return sum(zone is None or (each.weekday() < 5 and 9 <= each.hour < 17) for each in minutes)


def test_three_of_four_waited_no_longer_rounded_up_to_five_minutes() -> None:
    def of(*minutes: float) -> int | None:
        return promised_minutes([timedelta(minutes=each) for each in minutes])

    assert of(*[1] * 19) is None
    assert of(*[1] * 20) == 5
    assert of(*[25] * 15, *[99] * 5) == 25
    assert of(*[25] * 14, *[99] * 6) == 100
    assert of(*[25.01] * 20) == 30
    assert of(*[240] * 20) == 240
    assert of(*[241] * 20) is None, "nobody waits for that"


def test_it_changes_once_an_hour_at_most_in_every_process(measuring: Callable[..., Ringback]) -> None:
    ringback = measuring()
    at = START + timedelta(hours=9)
    play(ringback, [(at, 7)] * 20)
    widget = make_settings("sqlite:///x", **MEASURED).widgets["sales"]
    for minutes, promised in ((61, 10), (120, 10), (122, 25)):
        ringback.clock.now = at + timedelta(minutes=minutes)
        found = Promises(ringback.database, ringback.clock).measured(widget)
        assert found.minutes == promised
        if minutes == 61:
            play(ringback, [(at + timedelta(minutes=62, seconds=index), 22) for index in range(90)])
    assert found.calls == 40, "of each hour the latest twenty"


def test_lateness_is_reckoned_from_the_number_that_is_shown(make_app: Callable[..., Flask], clock: Clock) -> None:
    app = make_app(**MEASURED)
    before = clock.now
    outbox, visitor = services_of(app).outbox, Visitor(app)
    assert "usually" not in visitor.opens("/sales").words
    clock.now = before - timedelta(hours=2)
    for index in range(20):
        id = outbox.accept(Answers(widget="sales", phone=f"4420794{index:05}", region="GB")).id
        claim = outbox.claim("me")
        assert claim
        outbox.settle(claim, TAKEN)
        with services_of(app).database.write() as connection:
            mark_called(connection, [id], clock() + timedelta(minutes=23), clock() + timedelta(minutes=23), "")
    clock.now = before + timedelta(minutes=61)
    assert "We usually call within 25 minutes." in visitor.opens("/sales").words
    id = outbox.accept(Answers(widget="sales", phone="442079460123", region="GB")).id
    found = outbox.read(id)
    assert found
    assert found[0].promised_by == clock() + timedelta(minutes=25)
    assert "We usually call within 25 minutes." in visitor.opens(f"/requests/{id}").words


def test_the_hours_in_which_nobody_is_there_are_not_waited() -> None:
    hours = Hours.model_validate(HOURS)
    friday, monday = datetime(2026, 11, 13, 16, 50, tzinfo=UTC), datetime(2026, 11, 16, 9, 5, tzinfo=UTC)
    assert opening_hours.open_time(hours, friday, monday) == timedelta(minutes=15)
    assert opening_hours.open_time(hours, monday, friday) == timedelta()
    assert opening_hours.open_time(None, friday, monday) == monday - friday
    assert math.isclose(opening_hours.open_time(hours, START, START + timedelta(days=14)) / timedelta(hours=1), 80)
