"""The sandbox's console has a day to show, of numbers that are nobody's, and none of it is ever rung."""

from pathlib import Path

import sqlalchemy as sa

from ringback.outbox.figures.figures import read_figures
from ringback.outbox.operators.request_list import RequestList
from ringback.sandbox.history import make_up
from ringback.store.database import Database
from ringback.store.tables import requests
from tests.conftest import WIDGET, Clock, make_settings
from tests.outbox.asking import Ringback

DEMO = {"demo": WIDGET | {"attributes": ["plan"]}}


def test_a_day_is_made_up_once_of_every_kind_and_nothing_of_it_waits(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path}/ringback.db"
    database = Database(url)
    database.migrate("sandbox")
    ringback = Ringback(database, url, clock, widgets=DEMO)
    settings = make_settings(url, widgets=DEMO)
    made = make_up(database, settings, clock.now)
    assert made > 25
    assert make_up(database, settings, clock.now) == 0

    totals = RequestList(database, settings, clock).totals(attention=False)
    assert {"called", "with_team", "unknown", "failed", "held", "cancelled"} == set(totals.kinds)
    assert ringback.outbox.claim("me") is None, "nobody of them is rung"
    with database.read() as connection:
        numbers = connection.execute(sa.select(requests.c.phone)).scalars().all()
    assert all(number.startswith("4420794609") for number in numbers)  # London's, of films and books
    today = clock.now.date()
    assert read_figures(database, today.replace(day=today.day - 1), today, None).total["requests"] == made
    database.close()
