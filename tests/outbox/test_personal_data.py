"""Given out, erased, purged: what becomes of what is known about a person, on both engines."""

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.handover.loop import Delivery
from ringback.handover.outcomes import Accepted, Misconfigured, Refused, Unclear
from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import Erasure, PersonalData
from ringback.outbox.purge_loop import PurgeLoop
from ringback.outbox.request import Answers, Held, State
from ringback.store.database import Database
from ringback.store.tables import about, alerts, consents, events, metadata, requests, stops, teams
from tests.conftest import WIDGET, Clock
from tests.visitor import Page, Visitor

PHONE = "442079460123"
DELETED = "This request has been deleted"
TAKEN = Settlement(transitions.TAKEN)
# Words that stand nowhere else in the store.
SECRETS = {
    "name": "Zoë Quixotine",
    "email": "zoe@quixotine.test",
    "company": "Quixotine & Daughters",
    "message": "Softly “please”,\nbehind the greenhouse",
}
PAGE = "https://www.acme.test/greenhouses"
COPIES = 300
AS_TYPED = "(020) 7946 0123"
LEFT_OVER = ["2079460123", "uixotine", "greenhouse", "Softly"]


@pytest.fixture
def app(make_app: Callable[..., Flask], store_url: str) -> Flask:
    return make_app(store_url)


def said(app: Flask, *command: str, status: int = 0) -> str:
    result = app.test_cli_runner().invoke(args=["requests", *command])
    assert result.exit_code == status, result.output
    return result.output


def ask(outbox: Outbox, phone: str = PHONE, **words: Any) -> str:
    return outbox.accept(Answers("sales", phone, "GB", **words)).id


def state_of(outbox: Outbox, id: str) -> State:
    found = outbox.read(id)
    assert found
    return found[0].state


def count(database: Database, what: sa.FromClause, *which: sa.ColumnElement[bool]) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(what).where(*which)).scalar_one()


def erase_page(visitor: Visitor, page: Page) -> Page:
    """Where the link on a confirmation leads."""
    (link,) = [link for link in page.all("a") if link.get("id") == "erase"]
    return visitor.opens(link.get("href", ""))


def deletes(visitor: Visitor, page: Page) -> Page:
    return visitor.follows(visitor.sends(erase_page(visitor, page)))


# --- a visitor deletes their details ---


def test_a_visitor_is_asked_first_and_then_the_details_are_gone(visitor: Visitor, database: Database) -> None:
    page = visitor.asks()
    asked = erase_page(visitor, page)

    assert asked.headline == "Delete your details?"
    assert "nobody will call you for it" in asked.words
    assert visitor.opens(page.address).status == 200, "being asked deletes nothing"
    assert visitor.follows(visitor.sends(asked)).headline == DELETED
    assert count(database, consents) == 0
    assert count(database, requests, requests.c.erased_at.is_(None)) == 0


def test_everything_about_a_deleted_request_answers_that_it_is_gone(visitor: Visitor) -> None:
    page = visitor.asks()
    deletes(visitor, page)

    for answer in (
        visitor.opens(page.address),
        visitor.opens(f"{page.address}/export"),
        visitor.opens(f"{page.address}/erase"),
        visitor.posts(f"{page.address}/cancel", {}),
        visitor.posts(f"{page.address}/erase", {}),
    ):
        assert (answer.status, answer.headline) == (410, DELETED), answer.address
    status = visitor.opens(f"{page.address}.json")
    assert (status.status, status.response.get_json()) == (410, {"error": DELETED})


def test_the_page_of_a_deleted_request_has_the_widgets_colours_may_stand_in_its_frame_and_leads_on(
    visitor: Visitor,
) -> None:
    page = visitor.asks()
    deletes(visitor, page)
    gone = visitor.opens(f"{page.address}?embed=1&theme=dark")

    assert "frame-ancestors https://www.acme.test" in gone.response.headers["Content-Security-Policy"]
    assert gone.all("a")[0].get("href") == "/sales?embed=1&theme=dark"


def test_what_waits_is_withdrawn_and_never_handed_over(visitor: Visitor, outbox: Outbox, clock: Clock) -> None:
    deletes(visitor, visitor.asks())
    clock.passes(hours=3)

    assert outbox.claim("test") is None
    assert outbox.expire() == []


def test_another_persons_request_for_the_number_is_handed_over_all_the_same(
    visitor: Visitor, outbox: Outbox
) -> None:
    gone, kept = visitor.asks(message="mine"), visitor.asks(name="Bob", message="his")
    deletes(visitor, gone)
    claim = outbox.claim("test")

    assert claim
    assert [request.answers.message for request in claim.requests] == ["his"]
    assert visitor.opens(kept.address).status == 200


def test_what_is_being_handed_over_is_deleted_a_moment_later(visitor: Visitor, outbox: Outbox) -> None:
    page = visitor.asks()
    asked = erase_page(visitor, page)
    claim = outbox.claim("test")
    assert claim
    too_early = visitor.sends(asked)

    assert (too_early.status, too_early.headline) == (409, "Delete your details?")
    assert "It is being passed to the team right now. Try again in a minute." in too_early.words
    assert "what the team at Acme Ltd already has" in too_early.words
    assert outbox.settle(claim, TAKEN)
    assert visitor.follows(visitor.sends(too_early)).headline == DELETED
    assert state_of(outbox, claim.requests[0].id) is State.WITH_TEAM, "what it came to is still known"


def test_deleting_twice_is_harmless(visitor: Visitor, personal_data: PersonalData, database: Database) -> None:
    page = visitor.asks()
    asked = erase_page(visitor, page)
    visitor.sends(asked)
    events_before = count(database, events)

    assert visitor.sends(asked).status == 410
    assert personal_data.erase(page.address.removeprefix("/requests/")) is Erasure.GONE
    assert count(database, events) == events_before


def test_a_deletion_from_another_site_is_refused(visitor: Visitor) -> None:
    page = visitor.asks()
    asked = erase_page(visitor, page)

    assert visitor.sends(asked, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert visitor.sends(asked, {"Origin": "https://evil.test"}).status == 403
    assert visitor.opens(page.address).status == 200


def test_the_form_of_a_deleted_request_sent_again_asks_first(visitor: Visitor) -> None:
    form = visitor.opens("/sales")
    page = visitor.follows(visitor.sends(form, name="Ann", phone="020 7946 0123"))
    deletes(visitor, page)
    again = visitor.sends(form, name="Ann", phone="020 7946 0123")

    assert again.status == 422
    assert "You already sent this form." in again.words


def test_an_erased_request_still_counts_against_its_number(make_app: Callable[..., Flask], store_url: str) -> None:
    app = make_app(
        store_url, limits={"min_fill_seconds": 0, "per_number": "2 per hour", "per_address": "99/minute"}
    )
    visitor, operations = Visitor(app), app.extensions["ringback"].operations
    for _ in "12":
        deletes(visitor, visitor.asks())
    visitor.asks()

    (request,) = operations.listed()
    assert request.held is Held.NUMBER_LIMIT


def test_what_is_deleted_is_on_no_list_and_found_by_no_reference(
    app: Flask, outbox: Outbox, personal_data: PersonalData, operations: Operations, clock: Clock
) -> None:
    outbox.stop(PHONE)
    held = ask(outbox)
    other = ask(outbox, "442079460199")
    claim = outbox.claim("test")
    assert claim
    assert outbox.settle(claim, Settlement(transitions.LOSE if not claim.is_held else transitions.TAKEN))
    references = [request.reference for request in operations.listed()]
    for id in (held, other):
        assert personal_data.erase(id) is Erasure.DONE

    assert operations.listed() == operations.listed(attention=True) == []
    for reference in references:
        assert operations.find(reference) is None
        for command in ("show", "retry", "release"):
            assert f"There is no request {reference}." in said(app, command, reference, status=1)
    clock.passes(days=1)
    assert not outbox.is_stuck(timedelta(seconds=60))
    assert outbox.expire() == []
    assert outbox.claim("test") is None


def test_an_unknown_that_would_be_sent_once_more_is_not_once_it_is_deleted(
    make_app: Callable[..., Flask], store_url: str, clock: Clock
) -> None:
    app = make_app(store_url, delivery={"on_unknown": "resend"})
    outbox = app.extensions["ringback"].outbox
    id = ask(outbox)
    claim = outbox.claim("test")
    outbox.settle(claim, outbox.lost("no answer", claim))
    app.extensions["ringback"].personal_data.erase(id)
    clock.passes(hours=1)

    assert outbox.expire() == []
    assert outbox.claim("test") is None


# --- a visitor downloads their data ---


def test_a_visitor_gets_all_that_is_kept_as_a_file(visitor: Visitor) -> None:
    form = visitor.opens(f"/sales?plan=pro&page={PAGE}%3Fsecret=1")
    page = visitor.follows(visitor.sends(form, phone="020 7946 0123", **SECRETS))
    reference = page.all("main")[0].get("data-reference")
    answer = visitor.opens(f"{page.address}/export").response

    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{reference}.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    sentence = "By selecting “Request call” you ask Acme Ltd to call you on this number about your request."
    data = answer.get_json()
    (consent,) = data.pop("consents")
    assert (consent["sentence"], consent["page"]) == (sentence, PAGE)
    assert data == {
        "reference": reference,
        "widget": "sales",
        "state": "waiting",
        "requested_at": "2026-11-24T10:00:00+00:00",
        "due_at": "2026-11-24T10:00:00+00:00",
        "slot_starts_at": None,
        "slot_ends_at": None,
        "zone": "",
        "phone": "+442079460123",
        "region": "GB",
        **SECRETS,
        "page": PAGE,
        "attributes": {"plan": "pro"},
        "language": "en",
        "events": [{"at": "2026-11-24T10:00:00+00:00", "kind": "received"}],
    }


def test_the_file_does_not_tell_that_a_request_is_held(
    visitor: Visitor, outbox: Outbox, operations: Operations, clock: Clock
) -> None:
    outbox.stop(PHONE)
    held, other = visitor.asks(), visitor.asks(phone="020 7946 0199")
    for _ in "12":
        claim = outbox.claim("test")
        assert claim
        later = clock.now + timedelta(hours=1)
        outbox.settle(claim, Settlement(transitions.RETURN, "why: for operators", next_attempt_at=later))
    (id,) = [request.id for request in operations.listed() if request.held]
    assert operations.release(id)
    files = [visitor.opens(f"{page.address}/export").response.get_json() for page in (held, other)]
    for file in files:
        del file["reference"], file["phone"]

    assert files[0] == files[1]
    assert {event["kind"] for event in files[0]["events"]} == {"received", "attempted"}
    assert "operator" not in json.dumps(files)


def test_the_file_has_none_of_what_samespace_said(visitor: Visitor, outbox: Outbox) -> None:
    page = visitor.asks()
    claim = outbox.claim("test")
    assert claim
    outbox.settle(claim, Settlement(transitions.TAKEN, "accepted: for operators"))
    happened = visitor.opens(f"{page.address}/export").response.get_json()["events"]

    assert [sorted(event) for event in happened] == [["at", "kind"]] * 3
    assert happened[-1]["kind"] == "with_team"


# --- an operator exports and erases by number ---


def test_an_operator_exports_everything_about_a_number(app: Flask, outbox: Outbox, clock: Clock) -> None:
    ask(outbox, name="Zoë")
    outbox.stop(PHONE)
    clock.passes(minutes=1)
    ask(outbox, message="again")
    ask(outbox, "442079460199", name="Somebody else")
    output = said(app, "export", "--phone", "+44 (0)20 7946 0123".replace("(0)", ""))

    exported = json.loads(output)
    assert [(one["name"], one["message"], one["held"]) for one in exported] == [
        ("Zoë", "", "stopped"),
        ("", "again", "stopped"),
    ]
    assert {"at": "2026-11-24T10:00:00+00:00", "kind": "held", "detail": "stopped"} in exported[0]["events"]
    assert "Zoë" in output, "as people write it"
    assert json.loads(said(app, "export", "--phone", "+442079460000")) == []


def test_an_operator_erases_everything_about_a_number(app: Flask, outbox: Outbox, operations: Operations) -> None:
    mine = [ask(outbox, name="Ann") for _ in range(3)]
    ask(outbox, "442079460199", name="Bob")

    assert said(app, "erase", "--phone", "+44 20 7946 0123") == "Erased: 3.\n"
    assert said(app, "erase", "--phone", "+44 20 7946 0123") == "Erased: 0.\n"
    assert [request.answers.name for request in operations.listed()] == ["Bob"]
    assert all(found and found[0].erased_at for found in map(outbox.read, mine))


def test_an_operator_is_told_of_what_is_on_its_way_and_erases_it_a_moment_later(
    app: Flask, outbox: Outbox
) -> None:
    ask(outbox)
    claim = outbox.claim("test")
    assert claim
    output = said(app, "erase", "--phone", "+442079460123", status=1)

    assert output == "Erased: 0.\nError: Changing at this moment: 1. Try again in a minute.\n"
    outbox.settle(claim, TAKEN)
    assert said(app, "erase", "--phone", "+442079460123") == "Erased: 1.\n"


@pytest.mark.parametrize("phone", ["02079460123", "442079460123", "+44 20", "+44abc", ""])
@pytest.mark.parametrize("command", ["export", "erase"])
def test_a_number_without_its_country_code_is_refused(app: Flask, command: str, phone: str) -> None:
    assert "should be a telephone number in full, with its country code" in said(
        app, command, "--phone", phone, status=2
    )


# --- the purge ---


def settle(outbox: Outbox, transition: transitions.Transition) -> None:
    claim = outbox.claim("test")
    assert claim
    assert outbox.settle(claim, Settlement(transition, next_attempt_at=claim.requests[0].requested_at))


def bring_to(outbox: Outbox, state: State) -> str:
    """A request in this state."""
    id = ask(outbox, name="Ann")
    ends = {
        State.WITH_TEAM: transitions.TAKEN,
        State.UNKNOWN: transitions.LOSE,
        State.FAILED: transitions.FAIL,
    }
    if state in ends:
        settle(outbox, ends[state])
    elif state is State.CANCELLED:
        outbox.cancel(id)
    assert state_of(outbox, id) is state
    return id


ENDED = [state for state in State if state not in (State.WAITING, State.HANDING_OVER)]


def ended(outbox: Outbox, phone: str = PHONE, **said: str) -> str:
    """A request that waits for nobody any more."""
    id = ask(outbox, phone, **said)
    assert outbox.cancel(id)
    return id


@pytest.mark.parametrize("state", ENDED)
def test_what_was_not_changed_for_the_retention_days_is_erased(
    state: State, outbox: Outbox, personal_data: PersonalData, clock: Clock
) -> None:
    id = bring_to(outbox, state)
    clock.passes(days=30, seconds=-1)
    assert personal_data.purge().erased == 0, "not a second early"
    clock.passes(seconds=1)

    assert personal_data.purge().erased == 1
    found = outbox.read(id)
    assert found
    assert found[0].erased_at == clock.now
    assert (found[0].answers.phone, found[0].answers.name) == ("", "")
    assert found[0].state is state


def test_what_waits_is_never_purged(outbox: Outbox, personal_data: PersonalData, clock: Clock) -> None:
    id = bring_to(outbox, State.WAITING)
    clock.passes(days=400)

    assert personal_data.purge().erased == 0
    assert state_of(outbox, id) is State.WAITING


def test_a_call_that_is_booked_for_later_than_that_is_kept_until_it_is_over(
    make_app: Callable[..., Flask], store_url: str, clock: Clock
) -> None:
    hours = {"timezone": "Europe/London", "mon": ["09:00-17:00"], "tue": ["09:00-17:00"], "days_ahead": 7}
    widgets = {"sales": WIDGET | {"hours": hours}}
    app = make_app(store_url, widgets=widgets, privacy={"retention_days": 7})
    outbox, personal_data = app.extensions["ringback"].outbox, app.extensions["ringback"].personal_data
    start = clock.now + timedelta(days=6)
    booked = Answers("sales", PHONE, "GB", slot_starts_at=start, slot_ends_at=start + timedelta(minutes=30))
    id = outbox.accept(booked).id
    outbox.cancel(id)

    def erased_by(at: datetime) -> int:
        while clock.now < at:
            clock.now = min(clock.now + timedelta(hours=12), at)
            done = personal_data.purge()
        return done.left

    assert erased_by(clock.now + timedelta(days=7)) == 0, (
        "it ended when it was cancelled, and was due six days later"
    )
    assert erased_by(start + timedelta(days=7, seconds=-1)) == 0
    assert erased_by(start + timedelta(days=7)) == 1


@pytest.mark.parametrize("leap", [timedelta(days=40), timedelta(days=366), timedelta(days=-40)])
def test_a_clock_that_leapt_purges_nothing_until_it_ran_steadily_for_an_hour(
    app: Flask, outbox: Outbox, personal_data: PersonalData, clock: Clock, leap: timedelta
) -> None:
    id = ended(outbox)
    clock.passes(hours=1)
    assert said(app, "purge") == "Erased: 0. Left without personal data: 0.\n"
    clock.now += leap
    for _ in range(3):
        assert "The clock has leapt" in said(app, "purge", status=1)
        clock.passes(minutes=15)
    assert personal_data.export(id), "nothing is gone"
    assert personal_data.purge().clock_leapt
    clock.now -= leap
    assert personal_data.purge().clock_leapt, "put right, it has leapt again"
    clock.passes(hours=1)

    assert not personal_data.purge().clock_leapt
    assert personal_data.export(id)


def test_retention_counts_from_the_last_change(
    outbox: Outbox, operations: Operations, personal_data: PersonalData, clock: Clock
) -> None:
    id = bring_to(outbox, State.UNKNOWN)
    clock.passes(days=29)
    assert operations.resolve(id, rang=True)
    clock.passes(days=29)
    assert personal_data.purge().erased == 0
    clock.passes(days=1)

    assert personal_data.purge().erased == 1


def test_a_site_owner_says_for_how_long(make_app: Callable[..., Flask], store_url: str, clock: Clock) -> None:
    app = make_app(store_url, privacy={"retention_days": 3})
    ended(app.extensions["ringback"].outbox)
    clock.passes(days=3)

    assert app.extensions["ringback"].personal_data.purge().erased == 1


def test_a_purge_says_what_it_erased_and_what_is_left_and_the_next_finds_nothing(
    app: Flask, outbox: Outbox, personal_data: PersonalData, clock: Clock
) -> None:
    assert personal_data.last_purge() is None
    personal_data.erase(ask(outbox))
    ended(outbox)
    ended(outbox, "442079460199")
    clock.passes(days=30)
    ended(outbox, "442079460188")

    assert said(app, "purge") == "Erased: 2. Left without personal data: 3.\n"
    assert said(app, "purge") == "Erased: 0. Left without personal data: 3.\n"
    assert personal_data.last_purge() == clock.now


def test_more_requests_than_fit_in_one_transaction_are_purged_at_once(
    outbox: Outbox, database: Database, personal_data: PersonalData, clock: Clock
) -> None:
    ended(outbox)
    with database.write() as connection:
        row = dict(connection.execute(sa.select(requests)).one()._mapping)
        many = [row | {"id": f"{index:032}", "reference": f"RB-{index:09}"} for index in range(450)]
        connection.execute(requests.insert(), many)
    clock.passes(days=30)
    done = personal_data.purge()

    assert (done.erased, done.left) == (451, 451)
    assert count(database, requests, requests.c.phone != "") == 0


def test_processes_that_purge_at_once_do_no_harm(
    outbox: Outbox, personal_data: PersonalData, database: Database, clock: Clock
) -> None:
    for index in range(20):
        ended(outbox, f"44207946{index:04}")
    clock.passes(days=30)
    with ThreadPoolExecutor(8) as pool:
        done = [purge for _ in range(5) for purge in pool.map(lambda _: personal_data.purge(), range(8))]

    assert sum(purge.erased for purge in done) == 20
    assert count(database, about, about.c.key == "purged_at") == 1


def test_alerts_are_dropped_with_what_they_told_of_but_not_the_newest(
    outbox: Outbox, database: Database, personal_data: PersonalData, clock: Clock
) -> None:
    for _ in range(3):
        bring_to(outbox, State.FAILED)
    clock.passes(days=31)
    personal_data.purge()
    (newest,) = told(database)
    clock.passes(hours=1)
    bring_to(outbox, State.FAILED)
    personal_data.purge()

    assert told(database)[-1] > newest, "channels go by the number: it is never given twice"


def told(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.execute(sa.select(alerts.c.id).order_by(alerts.c.id)).scalars())


def test_stops_are_dropped_four_weeks_after_they_have_run_out(
    outbox: Outbox, database: Database, personal_data: PersonalData, clock: Clock
) -> None:
    outbox.stop(PHONE)
    clock.passes(days=30 + 27)
    personal_data.purge()
    assert count(database, stops) == 1
    clock.passes(days=1)
    personal_data.purge()

    assert count(database, stops) == 0


def test_the_hash_of_a_number_is_dropped_when_no_limit_looks_back_to_it(
    outbox: Outbox, database: Database, personal_data: PersonalData, clock: Clock
) -> None:
    hashed = requests.c.number_hash.is_not(None)
    personal_data.erase(ask(outbox))
    clock.passes(hours=23)
    personal_data.purge()
    assert count(database, requests, hashed) == 1, "four per day are counted for a day"
    clock.passes(hours=1, seconds=1)
    personal_data.purge()

    assert count(database, requests, hashed) == 0


# --- by itself ---


@pytest.fixture
def purge_loop(app: Flask) -> Iterator[PurgeLoop]:
    purge_loop = app.extensions["ringback"].purge_loop
    yield purge_loop
    purge_loop.stop(10)


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)  # another thread writes; the store can only be asked


def count_of_housekeepers() -> int:
    return [thread.name for thread in threading.enumerate()].count("purge")


def test_the_purge_runs_by_itself(
    purge_loop: PurgeLoop, outbox: Outbox, personal_data: PersonalData, clock: Clock
) -> None:
    id = ended(outbox)
    clock.passes(days=30)
    others = count_of_housekeepers()
    purge_loop.start()
    purge_loop.start()
    wait_for(lambda: personal_data.last_purge() is not None)

    assert personal_data.export(id) is None
    assert count_of_housekeepers() == others + 1


def test_the_purge_goes_on_after_a_store_that_failed(
    purge_loop: PurgeLoop,
    outbox: Outbox,
    database: Database,
    personal_data: PersonalData,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("ringback.outbox.purge_loop.EVERY_SECONDS", 0.02)
    id = ended(outbox, name="Quixotine")
    clock.passes(days=30)
    rename(database, "events", "elsewhere")
    purge_loop.start()
    wait_for(lambda: "purge: the store did not answer" in caplog.text)
    assert "Quixotine" not in caplog.text
    rename(database, "elsewhere", "events")

    wait_for(lambda: personal_data.export(id) is None)


def test_a_purge_that_the_store_did_not_let_happen_is_said_so(app: Flask, database: Database) -> None:
    rename(database, "alerts", "elsewhere")
    assert "The store did not answer; nothing is lost, try again." in said(app, "purge", status=1)
    rename(database, "elsewhere", "alerts")


def rename(database: Database, table: str, name: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


# --- nothing of it is left in the store ---


def everything(database: Database, folder: Path) -> str:
    """The bytes of an SQLite store's files, of a row or not; every row of PostgreSQL's tables."""
    if database.is_sqlite:
        files = sorted(folder.glob("ringback.db*"))
        assert {file.name for file in files} == {"ringback.db", "ringback.db-shm", "ringback.db-wal"}
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


# --- somebody who is reading while something is erased ---


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
    assert "the store could not be swept (OperationalError)" in caplog.text
    other.close()

    assert database.sweep()


def test_a_purge_that_erased_nothing_does_not_write_the_store_anew(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    personal_data = make_app().extensions["ringback"].personal_data
    monkeypatch.setattr(Database, "sweep", lambda self: pytest.fail("it was written anew"))

    assert personal_data.purge().erased == 0
