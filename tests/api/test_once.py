"""`Idempotency-Key`: the same post is answered as before, and done once."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.outbox.operators.operations import Operations
from ringback.services import services_of
from ringback.store.program_tables import kept_answers
from tests.api.conftest import SITE, Program
from tests.api.test_asking import at_once
from tests.conftest import Clock


def test_the_same_key_gives_the_same_answer_whatever_happened_since(
    server: Program, app: Flask, operations: Operations
) -> None:
    first = server.asks("sales", "order-1")
    services_of(app).outbox.cancel(first.get_json()["status_url"].rpartition("/")[2])
    again, quoted = server.asks("sales", "order-1"), server.asks("sales", '"order-1"')
    in_capitals = server.asks("SALES", "order-1")
    for answer in (again, quoted, in_capitals):
        assert (answer.status_code, answer.get_data(), answer.location) == (201, first.get_data(), first.location)
    assert len(operations.listed()) == 1


def test_the_same_key_with_another_body_is_refused(server: Program, operations: Operations) -> None:
    assert server.asks("sales", "order-1").status_code == 201
    refused = server.asks("sales", "order-1", name="Somebody Else")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "idempotency_key_reused")
    assert server.posts("/api/spoken", {"phone": "+442079460123"}, "order-1").status_code == 422
    assert len(operations.listed()) == 1


def test_a_key_is_its_callers_own(server: Program, app: Flask, server_of: Callable[..., Program]) -> None:
    other = server_of(app, name="shop")
    assert server.asks("sales", "1").get_json() != other.asks("sales", "1", name="Bo").get_json()


def test_after_a_day_a_key_is_forgotten(server: Program, clock: Clock) -> None:
    assert server.asks("sales", "order-1").status_code == 201
    clock.passes(hours=24)
    assert server.posts("/api/spoken", {"phone": "+442079460123"}, "order-1").status_code == 200


@pytest.mark.parametrize("fields", [{}, {"name": "Bo Example"}], ids=["the same body", "another"])
def test_after_a_day_a_key_stands_for_another_request(
    server: Program, clock: Clock, operations: Operations, fields: dict[str, str]
) -> None:
    first = server.asks("sales", "lead-1")
    for days in (1, 2):
        clock.passes(hours=25)
        later, again = (server.asks("sales", "lead-1", **fields) for _ in range(2))
        assert later.status_code == 201
        assert later.get_data() == again.get_data() != first.get_data()
        assert len(operations.listed()) == 1 + days


def test_what_was_refused_is_not_kept(server: Program) -> None:
    assert server.asks("sales", "order-1", phone="1").status_code == 422
    assert server.asks("sales", "order-1").status_code == 201


@pytest.mark.parametrize("key", [" ", '""', "a" * 256, "é"])
def test_what_is_no_key_is_refused(server: Program, operations: Operations, key: str) -> None:
    refused = server.asks("sales", key)
    assert (refused.status_code, refused.get_json()["code"]) == (400, "idempotency_key")
    assert operations.listed() == []


def test_fifty_posts_at_once_with_one_key_are_one_request(
    make_app: Callable[..., Flask], server_of: Callable[..., Program], store_url: str
) -> None:
    app = make_app(store_url, limits={"min_fill_seconds": 0, "per_address": "100 per minute"})
    server = server_of(app)
    answers = []
    at_once([lambda: answers.append(server.asks("sales", "order-1")) for _ in range(50)])
    done = {answer.get_data() for answer in answers if answer.status_code == 201}
    assert len(done) == 1
    assert {answer.get_json()["code"] for answer in answers if answer.status_code != 201} <= {"under_way"}
    assert len(services_of(app).operations.listed()) == 1
    assert {server.asks("sales", "order-1").get_data()} == done


def test_over_the_limit_an_answer_is_given_again_and_no_key_is_kept(make_app: Callable[..., Flask]) -> None:
    app = make_app(limits={"min_fill_seconds": 0, "per_address": "1 per minute"})
    page = Program(app, origin=SITE)
    token = page.token()
    first = page.asks("sales", "kept", token=token)
    for turn in range(20):
        page.asks("sales", f"flood {turn}", token=page.token(), phone="020 7946 0199")
    assert page.asks("sales", "kept", token=token).get_data() == first.get_data()
    with services_of(app).database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(kept_answers)).scalar() == 1


def test_a_post_cut_off_before_its_answer_was_kept_is_not_done_twice(
    server: Program, app: Flask, clock: Clock, operations: Operations
) -> None:
    first = server.asks("sales", "order-1")
    with services_of(app).database.write() as connection:  # as a process leaves it that dies after the commit
        connection.execute(kept_answers.update().values(status=None, answer=None))
    assert server.asks("sales", "order-1").get_json()["code"] == "under_way"
    clock.passes(seconds=61)
    assert server.asks("sales", "order-1").get_data() == first.get_data()
    assert len(operations.listed()) == 1


def test_no_answer_that_is_kept_has_personal_data_in_it(server: Program, app: Flask) -> None:
    reference = server.asks("sales", "1").get_json()["reference"]
    server.posts(f"/api/requests/{reference}/cancel", {}, "2")
    with services_of(app).database.read() as connection:
        kept = str(connection.execute(sa.select(kept_answers)).all())
    assert "Ann Example" not in kept
    assert "7946" not in kept
