"""A Samespace that pages, repeats, delays, reorders, loses and mistypes its records: nobody is falsely called."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copy
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


class HostileReports(CallReports):
    """Records with their faults, each with the number of the reading from which it can be found."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.records: list[tuple[int, datetime, dict[str, Any]]] = []
        self.reading = 0

    def page(self, window: Window, skip: int, limit: int = 0) -> ReportPage:
        inside = [
            record
            for appears, at, record in self.records
            if appears <= self.reading and window.start <= at <= window.end
        ]
        total = len(inside)
        shown = list(inside)
        if self.draw.random() < 0.2:  # reordered between two pages
            self.draw.shuffle(shown)
        some = shown[skip : skip + self.draw.choice([20, 100])]
        if some and self.draw.random() < 0.2:
            some[self.draw.randrange(len(some))] = self.draw.choice(inside)  # one is lost, another comes twice
        answer = {"total": self.draw.choice([total, str(total)]), "data": [self._mistyped(each) for each in some]}
        return read_page(json.dumps(answer).encode())

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
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    copy(sqlite_template, tmp_path / "ringback.db")
    database = Database(f"sqlite:///{tmp_path}/ringback.db")
    yield database
    database.close()


@pytest.mark.parametrize(("count", "seed"), [(200, 1), (200, 2), pytest.param(2_000, 3, marks=pytest.mark.long)])
def test_nobody_is_falsely_called_and_every_certain_call_is_found_within_two_readings(
    database: Database, tmp_path: Path, clock: Clock, count: int, seed: int
) -> None:
    draw, url = random.Random(seed), f"sqlite:///{tmp_path}/ringback.db"
    widgets = {key: WIDGET | {"team_name": team} for key, team in TEAMS.items()}
    ringback = Ringback(database, url, clock, widgets=widgets, limits=LIMITS)
    settings = make_settings(url, widgets=widgets)
    found, reports = Calls(database, settings, clock), HostileReports(draw)
    loop = CallReportLoop(found, NotCalled(database, settings, clock), settings, reports)
    clock.now = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    asked: dict[str, str] = {}  # the ids by reference
    due: dict[str, int] = {}  # by reference: the reading by which it has to be found
    while len(asked) < count or reports.reading < max(due.values(), default=0) + 1:
        # A number once in a round: who joins another shares its call.
        for last in draw.sample(range(3_000), min(count // 10, count - len(asked))):
            number = f"44207{last // 10:03}0{last % 10:03}"
            widget = draw.choice(list(TEAMS))
            receipt = ringback.asks(number, widget, message=draw.choice(["", *list(asked)[-3:]]))
            asked[receipt.reference] = receipt.id
            is_called, appears = draw.random() < 0.6, reports.reading + draw.randrange(1, 6)
            at = clock() + timedelta(seconds=draw.randrange(1, 20))
            if is_called:
                due[receipt.reference] = appears + 1
                sent = {"reference": receipt.reference, "message": draw.choice(list(asked))}
                reports.records.append((appears, at, record(draw, at, number, TEAMS[widget], custom_data=sent)))
            for _ in range(draw.choice([0, 0, 1, 2])):  # other calls of that day, of the same number and of others
                at = clock() + timedelta(minutes=draw.choice([draw.randrange(-3000, 3), 0, 1, 2]))
                quoted = {"message": receipt.reference}
                other = record(
                    draw,
                    at,
                    draw.choice([number, "442079990000"]),
                    draw.choice(["Sales", "Help", "Another"]),
                    direction=draw.choice(["in", "out"]),
                    custom_data=draw.choice([{}, quoted, {"reference": "RB-ZZZZ-ZZZZ"}]),
                )
                reports.records.append((appears, at, other))
        ringback.rings()
        clock.passes(minutes=1)
        reports.reading += 1
        assert loop.run_once()
        states = states_of(database)
        late = [each for each, reading in due.items() if reading <= reports.reading and states[each] != "called"]
        assert late == []
        assert [each for each, state in states.items() if state == "called" and each not in due] == []
    with database.read() as connection:
        rows = connection.execute(calls.select()).all()
    assert len({(row.uuid, row.request_id) for row in rows}) == len(rows)


def states_of(database: Database) -> dict[str, State]:
    with database.read() as connection:
        rows = connection.execute(sa.select(requests.c.reference, requests.c.state)).all()
    return {row.reference: State(row.state) for row in rows}
