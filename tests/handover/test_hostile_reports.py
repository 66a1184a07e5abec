"""A Samespace that pages, repeats, delays, reorders, loses and mistypes its records: nobody is falsely called."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ringback.handover.call_records import ReportPage, read_page
from ringback.handover.call_reports import CallReportLoop, CallReports
from ringback.outbox.calls.calls import Calls, Window
from ringback.outbox.calls.not_called import NotCalled
from ringback.outbox.request import State
from ringback.store.call_tables import calls
from ringback.store.database import Database
from ringback.store.tables import requests
from tests.conftest import WIDGET, Clock, make_settings
from tests.outbox.asking import Ringback

TEAMS = {"sales": "Sales", "help": "Help"}
LIMITS = {"per_number": "99999 per day", "per_widget": "99999 per day", "min_fill_seconds": 0}


@dataclass
class Kept:
    """A record, from which reading on it can be found, and until which: some are lost again."""

    appears: int
    at: datetime
    record: dict[str, Any]
    gone: int

    def is_there(self, reading: int, window: Window) -> bool:
        return self.appears <= reading < self.gone and window.start <= self.at <= window.end


# What no reader should trip over.
_NO_RECORDS: list[Any] = [
    None,
    {"uuid": None, "start_time": "2026-11-24T10:00:00Z"},
    {"uuid": "a\x00b\ud800", "start_time": "2026-11-24T10:00:00Z", "callee": "9" * 5_000, "direction": "out"},
    {"uuid": "\u202e" * 500, "start_time": {"$date": {"$numberLong": "1795514400000"}}, "team_name": "\x00" * 500},
    {"uuid": 7, "start_time": "9999-12-31T23:59:59Z", "callee": 10**60, "direction": ["out"]},
    {"uuid": 8, "start_time": "0001-01-01T00:00:00+14:00", "custom_data": [[[[[[[[[["RB-AAAA-AAAA"]]]]]]]]]]},
    {"uuid": 9, "start_time": "2026-11-24T10:00:00Z", "custom_data": "{" * 9_000},
]


class HostileReports(CallReports):
    """Records with their faults, each with the number of the reading from which it can be found."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.records: list[Kept] = []
        self.reading = 0

    def has(self, appears: int, record: dict[str, Any]) -> None:
        gone = appears + self.draw.choice([2, 9_999, 9_999])  # found within two readings, or never
        self.records.append(Kept(appears, datetime.fromisoformat(record["start_time"]), record, gone))

    def page(self, window: Window, skip: int, limit: int = 0) -> ReportPage:
        inside = [each.record for each in self.records if each.is_there(self.reading, window)]
        total = len(inside)
        shown = list(inside)
        if self.draw.random() < 0.2:  # reordered between two pages
            self.draw.shuffle(shown)
        some = shown[skip : skip + self.draw.choice([20, 100, 100])]
        if some and self.draw.random() < 0.2:
            some[self.draw.randrange(len(some))] = self.draw.choice(inside)  # one is lost, another comes twice
        rows: list[Any] = [self._mistyped(each) for each in some]
        if rows and self.draw.random() < 0.1:
            rows += self.draw.choices(_NO_RECORDS, k=3)
        said = self.draw.choice([total, str(total), total + 1])
        return read_page(json.dumps({"total": said, "data": rows}).encode())

    def _mistyped(self, record: dict[str, Any]) -> dict[str, Any]:
        def any_time(text: str | None) -> object:
            if text is None:
                return self.draw.choice([None, "null", ""])
            return self.draw.choice([text, {"$date": text}, f'ISODate("{text}")'])

        custom = record["custom_data"]
        return record | {
            "start_time": any_time(record["start_time"]),
            "answer_time": any_time(record["answer_time"]),
            "callee": self.draw.choice([record["callee"], int(record["callee"]), "+" + record["callee"]]),
            "custom_data": self.draw.choice([custom, json.dumps(custom), {"attributes": custom}]),
        }


def record(draw: random.Random, at: datetime, number: str, team: str, **more: Any) -> dict[str, Any]:
    written = at.isoformat()
    made = {"uuid": f"{draw.getrandbits(128):032x}", "direction": "out", "type": "team", "callee": number}
    made |= {"team_name": team, "start_time": written, "end_time": written, "custom_data": {}}
    return made | {"answer_time": written if draw.random() < 0.4 else None, "status": "failed"} | more


@pytest.fixture
def ringback(store_url: str, clock: Clock) -> Iterator[Ringback]:
    database = Database(store_url)
    widgets = {key: WIDGET | {"team_name": team} for key, team in TEAMS.items()}
    yield Ringback(database, store_url, clock, widgets=widgets, limits=LIMITS)
    database.close()


class Day:
    """A day on which many ask, some are called, and much else is in the records."""

    def __init__(self, ringback: Ringback, reports: HostileReports, draw: random.Random) -> None:
        self.ringback, self.reports, self.draw = ringback, reports, draw
        self.asked: list[str] = []  # references
        self.due: dict[str, int] = {}  # by reference: the reading by which it has to be found

    def somebody_asks(self, last: int) -> None:
        number, widget = f"44207{last // 10:03}0{last % 10:03}", self.draw.choice(list(TEAMS))
        quotes = self.draw.choice(["", *self.asked[-3:]])
        reference = self.ringback.asks(number, widget, message=quotes).reference
        self.asked.append(reference)
        appears = self.reports.reading + self.draw.randrange(1, 6)
        if self.draw.random() < 0.6:
            at = self.ringback.clock() + timedelta(seconds=self.draw.randrange(1, 20))
            sent = {"reference": reference, "message": self.draw.choice(self.asked)}
            called = record(self.draw, at, number, TEAMS[widget], custom_data=sent)
            self.reports.has(appears, called)
            self.due[reference] = appears + 1
            if self.draw.random() < 0.2:  # before, it said less
                self.reports.has(appears - 1, called | {"custom_data": {}, "answer_time": None, "end_time": None})
        elif self.draw.random() < 0.3:  # its reference does not come back: no more than probable
            at = self.ringback.clock() + timedelta(seconds=self.draw.randrange(1, 20))
            self.reports.has(appears, record(self.draw, at, number, TEAMS[widget]))
        for _ in range(self.draw.choice([0, 0, 1, 2])):
            self.reports.has(appears, self._another_call(number, reference))

    def _another_call(self, number: str, reference: str) -> dict[str, Any]:
        """Of that day or the days before, of the same number or another, by any team, in or out."""
        minutes = self.draw.choice([self.draw.randrange(-3000, 3), 0, 1, 2])
        quoted = self.draw.choice([{}, {"message": reference}, {"reference": "RB-ZZZZ-ZZZZ"}])
        return record(
            self.draw,
            self.ringback.clock() + timedelta(minutes=minutes),
            self.draw.choice([number, "442079990000"]),
            self.draw.choice(["Sales", "Help", "Another"]),
            direction=self.draw.choice(["in", "out"]),
            custom_data=quoted,
        )


@pytest.mark.parametrize(("count", "seed"), [(60, 1), pytest.param(2_000, 3, marks=pytest.mark.long)])
def test_nobody_is_falsely_called_and_every_certain_call_is_found_within_two_readings(
    ringback: Ringback, store_url: str, count: int, seed: int
) -> None:
    draw, clock, database = random.Random(seed), ringback.clock, ringback.database
    settings = make_settings(store_url, widgets={key: WIDGET | {"team_name": team} for key, team in TEAMS.items()})
    reports = HostileReports(draw)
    loop = CallReportLoop(
        Calls(database, settings, clock), NotCalled(database, settings, clock), settings, reports
    )
    day = Day(ringback, reports, draw)
    while len(day.asked) < count or reports.reading < max(day.due.values()) + 1:
        # A number once in a round: who joins another shares its call.
        for last in draw.sample(range(3_000), min(count // 10, count - len(day.asked))):
            day.somebody_asks(last)
        ringback.rings()
        clock.passes(minutes=1)
        reports.reading += 1
        assert loop.run_once()
        called = references_of_called(database)
        assert [
            each for each, reading in day.due.items() if reading <= reports.reading and each not in called
        ] == []
        assert called <= set(day.due)
    with database.read() as connection:
        rows = connection.execute(calls.select()).all()
    assert len({(row.uuid, row.request_id) for row in rows}) == len(rows)
    assert any(not row.is_certain for row in rows), (
        "some are probable, and nobody's page says that they were called"
    )


def references_of_called(database: Database) -> set[str]:
    with database.read() as connection:
        query = sa.select(requests.c.reference).where(requests.c.state == State.CALLED)
        return set(connection.execute(query).scalars())
