"""What Prometheus reads: right with any number of processes, and from the store alone."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from werkzeug.test import TestResponse

from ringback.handover.outcomes import Busy, Misconfigured, Refused
from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.figures import tallies
from ringback.outbox.operators.by_hand import DialState
from ringback.outbox.request import Answers, EventKind
from ringback.store.failures import StoreError
from tests.conftest import WIDGET, Clock
from tests.visitor import Visitor

TOKEN = "a token for tests"
WIDGETS = {"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}}
Made = Callable[..., Flask]


def make(make_app: Made, url: str = "", **tables: Any) -> Flask:
    environment = {"metrics_token": SecretStr(TOKEN)} | tables.pop("environment", {})
    return make_app(url, environment=environment, **{"widgets": WIDGETS} | tables)


def scrape(app: Flask, token: str = TOKEN, **given: Any) -> TestResponse:
    return app.test_client().get("/metrics", headers={"Authorization": f"Bearer {token}"}, **given)


def read(app: Flask) -> dict[str, float]:
    """Every sample by its name and labels, as `ringback_waiting{sales}`."""
    response = scrape(app)
    assert response.status_code == 200, response.text
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = ",".join(value for _, value in sorted(sample.labels.items(), reverse=True))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def ask(app: Flask, phone: str, widget: str = "sales") -> None:
    app.extensions["ringback"].outbox.accept(Answers(widget, phone, "GB"))


def asks_anyhow(app: Flask) -> int:
    visitor = Visitor(app)
    return visitor.sends(visitor.opens("/sales"), name="Ann", phone="020 7946 0123").status


def end(app: Flask, settlement: Settlement) -> None:
    outbox = app.extensions["ringback"].outbox
    assert outbox.settle(outbox.claim("me"), settlement)


def test_it_answers_to_its_token_alone_on_any_host_and_not_at_all_without_one(make_app: Made) -> None:
    app = make(make_app)

    assert scrape(app, base_url="http://10.0.0.7:8000").status_code == 200
    for wrong in ("", TOKEN[:-1], f"{TOKEN} ", "ü"):
        refused = scrape(app, wrong) if wrong.strip() != TOKEN else app.test_client().get("/metrics")
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert scrape(make_app()).status_code == 404


def test_what_happened_to_requests_is_counted_whoever_is_asked(
    make_app: Made, store_url: str, clock: Clock
) -> None:
    app, another = make(make_app, store_url), make(make_app, store_url)
    outbox = app.extensions["ringback"].outbox
    outbox.stop("442079460109")
    for place in range(6):
        ask(app, f"44207946010{place}")
    ask(app, "442079460109")
    clock.passes(seconds=7)
    end(app, Settlement(transitions.TAKEN))
    end(app, Settlement(transitions.LOSE))
    end(app, Settlement(transitions.FAIL))
    outbox.cancel(outbox.claim("me") and ask_id(app, "442079460104"))
    expected = {"accepted": 7, "with_team": 1, "unknown": 1, "failed": 1, "held": 1, "cancelled": 1, "called": 0}

    for each in (app, another):
        found = read(each)
        assert {kind: found[f"ringback_requests_total{{sales,{kind}}}"] for kind in expected} == expected
        assert found["ringback_requests_total{help,accepted}"] == 0
        assert found["ringback_handover_seconds_count"] == 1
        assert found["ringback_handover_seconds_sum"] == 7
        within = [found[f"ringback_handover_seconds_bucket{{{bound}}}"] for bound in ("5.0", "10.0", "+Inf")]
        assert within == [0, 1, 1]


def ask_id(app: Flask, phone: str) -> str:
    with app.extensions["ringback"].database.read() as connection:
        return str(connection.exec_driver_sql(f"SELECT id FROM requests WHERE phone = '{phone}'").scalar())


def test_what_only_its_visitor_is_shown_is_not_counted(make_app: Made, clock: Clock) -> None:
    app = make(make_app)
    outbox, operations = app.extensions["ringback"].outbox, app.extensions["ringback"].operations
    outbox.stop("442079460109")
    ask(app, "442079460109")
    end(app, Settlement(transitions.TAKEN))
    assert read(app)["ringback_requests_total{sales,with_team}"] == 0

    operations.release(ask_id(app, "442079460109"))
    end(app, Settlement(transitions.TAKEN))
    assert read(app)["ringback_requests_total{sales,with_team}"] == 1


@pytest.mark.parametrize("is_shown", [False, True])
def test_what_was_held_and_is_called_by_hand_counts_as_with_the_team_once(
    make_app: Made, clock: Clock, is_shown: bool
) -> None:
    """`is_shown`: its visitor's page said so before."""
    app = make(make_app)
    services = app.extensions["ringback"]
    services.outbox.stop("442079460109")
    ask(app, "442079460109")
    if is_shown:
        end(app, Settlement(transitions.TAKEN))
    dial = services.by_hand.begin_dial(ask_id(app, "442079460109"), "robin", "once", "they wrote to us")
    services.by_hand.end_dial(dial, DialState.TAKEN, "yes")
    assert read(app)["ringback_requests_total{sales,with_team}"] == 1


def test_counted_once_and_for_all_it_stays_the_same(make_app: Made, store_url: str, clock: Clock) -> None:
    app = make(make_app, store_url)
    for place in range(5):
        ask(app, f"44207946010{place}")
        end(app, Settlement(transitions.TAKEN))
    before = read(app)
    app.extensions["ringback"].upkeep.turn()
    assert read(app) == before
    with app.extensions["ringback"].database.write() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE kind = 'received'")
    ask(app, "442079460105")

    after = read(app)
    assert after["ringback_requests_total{sales,accepted}"] == 6
    assert after["ringback_requests_total{sales,with_team}"] == 5
    app.extensions["ringback"].upkeep.turn()
    assert read(app) == after


def test_what_is_committed_late_is_not_missed(make_app: Made, postgres_url: str) -> None:
    """PostgreSQL numbers an event before it is committed, and others may be committed first."""
    app = make(make_app, postgres_url)
    services = app.extensions["ringback"]
    ask(app, "442079460101")
    ask(app, "442079460102")
    with services.database.write() as connection:
        transitions.record(connection, [ask_id(app, "442079460101")], services.clock(), EventKind.CANCELLED)
        services.outbox.cancel(ask_id(app, "442079460102"))
        services.tallies.fold()

    assert read(app)["ringback_requests_total{sales,cancelled}"] == 2
    services.tallies.fold()
    assert read(app)["ringback_requests_total{sales,cancelled}"] == 2


def test_how_things_stand_is_told(make_app: Made, clock: Clock) -> None:
    app = make(make_app)
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    for place in range(4):
        ask(app, f"44207946010{place}")
    ask(app, "442079460109", "help")
    for _ in "12":
        claim = outbox.claim("me")
        outbox.settle(claim, delivery.settlement_of(Misconfigured(404, "no such team"), claim))
    clock.passes(minutes=20)
    end(app, Settlement(transitions.LOSE))

    found = read(app)
    assert found["ringback_waiting{sales}"] + found["ringback_waiting{help}"] == 4
    assert found["ringback_oldest_waiting_seconds"] == 1200
    assert found["ringback_attention{unknown}"] == 1
    assert found["ringback_attention{late}"] == 4
    assert found["ringback_attention{held}"] == 0
    assert found["ringback_teams_paused"] == 1
    assert found["ringback_breaker_open"] == 0
    claim = outbox.claim("me")
    outbox.settle(claim, delivery.settlement_of(Busy(90, 503), claim))
    assert read(app)["ringback_breaker_open"] == 1
    assert any(name.startswith("ringback_build_info") for name in found)


def test_a_team_that_refuses_is_not_taken_for_a_hand_over_that_has_died(make_app: Made, clock: Clock) -> None:
    app = make(make_app)
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    ask(app, "442079460101")
    for minutes in (0, 10, 10, 10):
        clock.passes(minutes=minutes)
        claim = outbox.claim("me")
        assert claim
        outbox.settle(claim, delivery.settlement_of(Refused("nobody there", "{}"), claim))
    clock.passes(seconds=59)
    assert read(app)["ringback_oldest_waiting_seconds"] > 1800
    assert read(app)["ringback_stuck"] == 0

    clock.passes(hours=1)
    assert read(app)["ringback_stuck"] == 1


def test_a_scrape_counts_two_portions_at_most_and_shows_no_number_that_creeps(
    make_app: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make(make_app)
    monkeypatch.setattr("ringback.outbox.figures.tallies._AT_ONCE", 4)
    monkeypatch.setattr("ringback.outbox.figures.tallies._AFTER", tallies._AFTER.limit(4))
    for place in range(10):
        ask(app, f"44207946010{place}")

    found = read(app)
    assert found["ringback_oldest_waiting_seconds"] == 0
    assert [name for name in found if name.startswith("ringback_requests_total")] == []
    assert read(app)["ringback_requests_total{sales,accepted}"] == 10


def test_who_is_turned_away_is_counted_whichever_process_is_asked(make_app: Made) -> None:
    limits = {"min_fill_seconds": 0, "per_address": "2 per minute", "per_number": "1 per day"}
    app, another = make(make_app, limits=limits), make(make_app, limits=limits)
    statuses = [asks_anyhow(app) for _ in "1234"]
    app.extensions["ringback"].tallies.flush()

    found = read(another)
    assert statuses == [303, 303, 429, 429]
    assert found["ringback_limited_total{per_address}"] == 2
    assert found["ringback_limited_total{per_number}"] == 1


def test_what_the_store_did_not_take_is_counted_once_it_works_again(make_app: Made) -> None:
    app = make(make_app)
    database = app.extensions["ringback"].database
    for _ in "123":
        with pytest.raises(StoreError), database.write():
            raise StoreError("the disk is full")

    assert read(app)["ringback_store_failures_total"] == 3


def test_what_is_asked_of_the_store_finds_an_index(make_app: Made) -> None:
    """So that it costs the same after a million requests."""
    app, asked = make(make_app), []
    database = app.extensions["ringback"].database
    ask(app, "442079460101")

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    read(app)
    sa.event.remove(database.engine, "before_cursor_execute", note)
    selects = [each for each in asked if each[0].startswith("SELECT")]
    with database.read() as connection:
        plans = [
            row.detail
            for select in selects
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {select[0]}", select[1])
        ]

    assert len(selects) >= 4
    assert [
        plan
        for plan in plans
        # An index with nothing in it but what is in the air at the moment may be gone through.
        if not plan.endswith("USING INDEX requests_handing_over")
        and ((plan.startswith("SCAN") and "requests" in plan) or plan == "SCAN events")
    ] == []


def test_without_a_token_nothing_is_counted(make_app: Made) -> None:
    app = make_app(limits={"min_fill_seconds": 0, "per_address": "1 per minute"})
    for _ in "123":
        asks_anyhow(app)
    app.extensions["ringback"].tallies.flush()
    app.extensions["ringback"].tallies.fold()

    with app.extensions["ringback"].database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM tallies").scalar() == 0
