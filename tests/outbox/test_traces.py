"""What was erased is in none of the store's files, whoever was reading meanwhile."""

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.handover.loop import Delivery
from ringback.handover.outcomes import Accepted, Misconfigured, Refused, Unclear
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import PersonalData
from ringback.store.database import Database
from ringback.store.tables import metadata, requests, teams
from tests.conftest import Clock
from tests.outbox.persons import (
    AS_TYPED,
    COPIES,
    DELETED,
    LEFT_OVER,
    PAGE,
    PHONE,
    SECRETS,
    ask,
    deletes,
    said,
)
from tests.visitor import Visitor


@pytest.fixture
def app(make_app: Callable[..., Flask], store_url: str) -> Flask:
    return make_app(store_url)


def everything(database: Database, folder: Path) -> str:
    """The bytes of an SQLite store's files, of a row or not; every row of PostgreSQL's tables."""
    if database.is_sqlite:
        files = sorted(folder.glob("ringback.db*"))
        assert {file.name for file in files} == {f"ringback.db{end}" for end in ("", "-shm", "-wal", "-mark")}
        return "".join(file.read_bytes().decode("utf-8", "replace") for file in files)
    with database.read() as connection:
        tables = sa.inspect(connection).get_table_names()
        assert set(metadata.tables) <= set(tables)
        rows = [connection.exec_driver_sql(f'SELECT t::text FROM "{table}" t').scalars() for table in tables]
        return "\n".join(row for found in rows for row in found)


def left_over(database: Database, folder: Path) -> list[str]:
    text = everything(database, folder)
    return [word for word in [*LEFT_OVER, AS_TYPED, AS_TYPED[-9:]] if word in text]


def crowd(outbox: Outbox, numbers: range) -> dict[str, str]:
    """Other people's requests, withdrawn, so that SQLite has rows and pages to move about: id and number."""
    made = {}
    for number in numbers:
        phone = f"4420{number * 54_018_521 % 10**8:08}"
        id = ask(outbox, phone, name=f"Somebody {number}", message="x" * (number * 37 % 400))
        outbox.cancel(id)
        made[id] = phone
    return made


def asks_for_herself(visitor: Visitor) -> str:
    """A request full of words that can be found again; its id."""
    form = visitor.opens(f"/sales?plan=quixotine&page={PAGE}")
    sent = visitor.sends(form, phone=AS_TYPED, **SECRETS)
    return visitor.follows(sent).address.removeprefix("/requests/")


def is_quoted_by_samespace(outbox: Outbox, delivery: Delivery, clock: Clock, database: Database) -> None:
    """Every answer to her request, and to the one that goes out with it, repeats what Samespace was told."""
    quoted = json.dumps({"number": PHONE, "attributes": {**SECRETS, "page": PAGE}}).replace("/", "\\/")
    with database.write() as connection:
        connection.execute(teams.update().values(turned_away="another number"))  # so that hers pauses the team
    for outcome in (
        Misconfigured(404, quoted),
        Refused(f"+{PHONE}: {SECRETS['name']}?", quoted),
        Accepted(quoted),
    ):
        clock.passes(minutes=20)
        claim = outbox.claim("test")
        assert claim
        assert outbox.settle(claim, delivery.settlement_of(outcome, claim))
        if isinstance(outcome, Misconfigured):
            (team,) = outbox.teams.listed()
            assert team.paused_why == f"answered 404; see `requests show {claim.requests[0].reference}`"


@pytest.mark.parametrize("way", ["by the visitor", "by an operator", "by the purge"])
def test_nothing_of_an_erased_request_is_in_the_files(
    way: str, app: Flask, visitor: Visitor, outbox: Outbox, delivery: Delivery, clock: Clock, tmp_path: Path
) -> None:
    database = app.extensions["ringback"].database
    crowd(outbox, range(60))
    id = asks_for_herself(visitor)
    crowd(outbox, range(60, 120))
    is_quoted_by_samespace(outbox, delivery, clock, database)
    assert left_over(database, tmp_path) == LEFT_OVER, "it can be found while it is there"
    clock.passes(days=1)
    kept = list(crowd(outbox, range(120, 240)))
    if way == "by the visitor":
        deletes(visitor, visitor.opens(f"/requests/{id}"))
    elif way == "by an operator":
        assert said(app, "erase", "--phone", "+442079460123") == "Erased: 1.\n"
    else:
        clock.passes(days=29)
        assert said(app, "purge").startswith("Erased: 121. ")

    assert left_over(database, tmp_path) == []
    assert all(app.extensions["ringback"].personal_data.export(other) for other in kept)


def test_a_reply_that_quotes_one_person_goes_from_whoever_shared_the_call(
    visitor: Visitor, outbox: Outbox, delivery: Delivery, personal_data: PersonalData, clock: Clock
) -> None:
    mine = asks_for_herself(visitor)
    his = ask(outbox, name="Bob")
    claim = outbox.claim("test")
    assert claim
    assert len(claim.requests) == 2
    outbox.settle(claim, delivery.settlement_of(Unclear("half an answer", 200, f"{SECRETS['name']} / Bob"), claim))
    personal_data.erase(mine)

    exported = json.dumps(personal_data.export(his, for_operators=True))
    assert "Bob" in exported
    assert "uixotine" not in exported


def test_no_copy_that_sqlite_moved_away_is_left_of_any_of_a_hundred_numbers(
    make_app: Callable[..., Flask], clock: Clock, tmp_path: Path
) -> None:
    app = make_app()
    outbox, database = app.extensions["ringback"].outbox, app.extensions["ringback"].database
    made = crowd(outbox, range(COPIES))
    clock.passes(days=1)
    later = list(made)[::2]
    with database.write() as connection:
        connection.execute(requests.update().where(requests.c.id.in_(later)).values(changed_at=clock.now))
    clock.passes(days=29)
    assert app.extensions["ringback"].personal_data.purge().erased == COPIES // 2
    text = everything(database, tmp_path)

    assert [phone for id, phone in made.items() if id not in later and phone in text] == []
    assert all(made[id] in text for id in later)


def test_a_reader_in_the_way_does_not_fail_the_erasure_and_the_next_purge_sweeps(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    app = make_app()
    visitor, database = Visitor(app), app.extensions["ringback"].database
    id = asks_for_herself(visitor)
    reader = sqlite3.connect(tmp_path / "ringback.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM requests").fetchone()
    assert deletes(visitor, visitor.opens(f"/requests/{id}")).headline == DELETED
    assert left_over(database, tmp_path), "the log cannot be emptied under a reader"
    reader.close()

    assert app.extensions["ringback"].personal_data.purge().erased == 0
    assert left_over(database, tmp_path) == []


def test_what_was_erased_by_a_process_that_was_killed_is_swept_by_the_next_purge(
    make_app: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    visitor, database = Visitor(app), app.extensions["ringback"].database
    id = asks_for_herself(visitor)
    with monkeypatch.context() as power_cut:
        power_cut.setattr(Database, "sweep", lambda self: sys.exit())
        with pytest.raises(SystemExit):
            app.extensions["ringback"].personal_data.erase(id)
    assert left_over(database, tmp_path)

    app.extensions["ringback"].personal_data.purge()
    assert left_over(database, tmp_path) == []


def test_a_store_that_cannot_be_written_anew_erases_all_the_same(
    make_app: Callable[..., Flask], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    database = app.extensions["ringback"].database
    other = sqlite3.connect(tmp_path / "ringback.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert not database.sweep(0.1)
    assert "the store could not be swept (OperationalError: database is locked)" in caplog.text
    other.close()

    assert database.sweep()


def test_a_purge_that_erased_nothing_does_not_write_the_store_anew(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    personal_data = make_app().extensions["ringback"].personal_data
    monkeypatch.setattr(Database, "sweep", lambda self: pytest.fail("it was written anew"))

    assert personal_data.purge().erased == 0
