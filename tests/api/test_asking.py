"""A request asked for in JSON is judged as the form judges it, and stored in the same way."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from ringback.outbox.operators.operations import Operations
from ringback.outbox.request import Held, State
from ringback.services import services_of
from tests.api.conftest import GOOD, SITE, Program
from tests.conftest import WIDGET, Clock
from tests.phone.test_hostile_numbers import TABLE
from tests.visitor import Visitor

PATH = "/api/widgets/sales/requests"


def test_a_page_of_a_site_asks_with_the_token_it_was_given(site_page: Program, operations: Operations) -> None:
    answer = site_page.asks(
        token=site_page.token(), attributes={"plan": "pro", "other": "x"}, email="ann@example.com"
    )

    assert answer.status_code == 201
    told = answer.get_json()
    assert set(told) == {"reference", "state", "requested_at", "due_at", "status_url"}
    assert told["state"] == "waiting"
    assert answer.location == told["status_url"]
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert "Origin" in answer.vary
    (stored,) = operations.listed()
    assert (stored.reference, stored.answers.phone) == (told["reference"], "442079460123")
    assert stored.answers.attributes == {"plan": "pro"}
    assert site_page.gets(told["status_url"]).status_code == 200


def test_a_server_asks_with_its_key(server: Program, operations: Operations) -> None:
    assert server.asks().status_code == 201
    assert [request.state for request in operations.listed()] == [State.WAITING]


def test_what_a_page_agreed_to_is_on_record(site_page: Program, app: Flask) -> None:
    id = site_page.asks(token=site_page.token()).get_json()["status_url"].rpartition("/")[2]
    (agreed,) = services_of(app).personal_data.export(id, for_operators=True)["consents"]  # type: ignore[index]
    assert agreed["granted"] is True
    assert "Acme Ltd" in agreed["sentence"]


def test_the_widget_says_what_a_form_of_ones_own_needs(site_page: Program) -> None:
    said = site_page.gets("/api/widgets/SALES").get_json()
    assert (said["fields"], said["required"]) == (WIDGET["fields"], ["name"])
    assert (said["regions"], said["languages"], said["promise_minutes"]) == (["GB"], ["en"], 15)
    assert said["is_open"] is True
    assert "Acme Ltd" in said["consent"]["en"]


@pytest.mark.parametrize("consent", [None, False, "true", 1])
def test_a_request_whose_visitor_was_shown_no_sentence_is_refused(
    server: Program, operations: Operations, consent: Any
) -> None:
    answer = server.posts(PATH, {**GOOD, "consent_shown": consent})
    assert answer.status_code == 422
    assert [error["code"] for error in answer.get_json()["errors"]] == ["consent_not_shown"]
    assert operations.listed() == []


def test_fields_at_fault_are_named_with_codes_and_in_the_callers_language(
    make_app: Callable[..., Flask], server_of: Callable[..., Program]
) -> None:
    server = server_of(make_app(widgets={"sales": WIDGET | {"languages": ["en", "de"]}}))
    answer = server.asks(phone="0900 1", name="", email="ann", language="de")
    said = {error["field"]: (error["code"], error["message"]) for error in answer.get_json()["errors"]}
    assert answer.content_type == "application/problem+json"
    assert {field: code for field, (code, _) in said.items()} == {
        "name": "empty",
        "phone": said["phone"][0],
        "email": "not_an_email",
    }
    assert "Geben Sie" in said["name"][1]


def test_a_number_nobody_has_is_asked_about_once_and_then_taken(server: Program) -> None:
    first, second = (
        server.asks("sales", "one", phone="07700 900123"),
        server.asks("sales", "one", phone="07700 900123"),
    )
    assert first.status_code == 422
    assert [error["code"] for error in first.get_json()["errors"]] == ["check_number"]
    assert second.status_code == 201


def test_readings_of_a_number_are_offered_to_send_in_its_place(
    make_app: Callable[..., Flask], server_of: Callable[..., Program]
) -> None:
    server = server_of(make_app(widgets={"sales": WIDGET | {"regions": ["GB", "IN"]}}))
    answer = server.asks(phone="98765 43210", country="GB")
    (error,) = answer.get_json()["errors"]
    assert error["options"] == ["+919876543210"]
    assert server.asks(phone="+919876543210").status_code == 201


def of_form(app: Flask, widget: str, number: str) -> tuple[int, list[str]]:
    page = Visitor(app, "198.51.100.1").sends(Visitor(app).opens(f"/{widget}"), phone=number, name="Ann")
    return page.status, page.errors if page.status != 303 else []


REGIONS = list(dict.fromkeys(regions for _, regions, _ in TABLE))


@pytest.mark.parametrize(
    ("served", "most"),
    [(["GB", "DE", "US CA"], 10), pytest.param(REGIONS, len(TABLE), marks=pytest.mark.long)],
    ids=["some", "all"],
)
def test_the_api_says_of_every_hostile_number_what_the_form_says(
    make_app: Callable[..., Flask],
    server_of: Callable[..., Program],
    store_url: str,
    served: list[str],
    most: int,
) -> None:
    widgets = {
        f"to-{regions.replace(' ', '-').lower()}": WIDGET
        | {"region": regions.split()[0], "regions": regions.split()}
        for regions in served
    }
    app = make_app(store_url, widgets=widgets, limits={"min_fill_seconds": 0, "per_address": "9000 per minute"})
    server = server_of(app)
    tried = 0
    for regions, widget in zip(served, widgets, strict=True):
        for number in list(dict.fromkeys(typed for typed, of, _ in TABLE if of == regions))[:most]:
            status, errors = of_form(app, widget, number)
            answer = server.asks(widget, phone=number, visitor_address="198.51.100.2")
            assert answer.status_code == (201 if status == 303 else status), number
            if errors:
                assert [error["message"] for error in answer.get_json()["errors"]] == errors, number
            tried += 1
    assert tried == (30 if most < len(TABLE) else len({(typed, of) for typed, of, _ in TABLE}))


def test_numbers_over_their_limit_look_as_any_other_and_are_held(server: Program, operations: Operations) -> None:
    answers = [server.asks(visitor_address=f"198.51.100.{turn}") for turn in range(4)]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert {tuple(answer.get_json()) for answer in answers} == {tuple(answers[0].get_json())}
    assert {answer.get_json()["state"] for answer in answers} == {"waiting"}
    assert sorted(str(request.held) for request in operations.listed()) == ["None", "None"] + ["number_limit"] * 2


def test_a_visitors_address_is_limited_over_form_and_api_together(
    make_app: Callable[..., Flask], server_of: Callable[..., Program]
) -> None:
    app = make_app(limits={"min_fill_seconds": 0, "per_address": "2 per minute"})
    server, visitor = server_of(app), Visitor(app, "198.51.100.9")
    assert visitor.asks().status == 200
    assert server.asks(visitor_address="198.51.100.9").status_code == 201
    refused = server.asks(visitor_address="198.51.100.9", phone="020 7946 0199")
    assert (refused.status_code, refused.get_json()["code"]) == (429, "too_many")
    assert int(refused.headers["Retry-After"]) > 0
    assert server.asks(visitor_address="198.51.100.10", phone="020 7946 0199").status_code == 201


def test_a_stopped_number_is_stored_held_and_answered_as_any_other(
    server: Program, app: Flask, operations: Operations
) -> None:
    services_of(app).outbox.stop("442079460123")
    assert server.asks().status_code == 201
    assert [request.held for request in operations.listed()] == [Held.STOPPED]


def test_fifty_posts_at_once_with_one_token_are_one_request(
    make_app: Callable[..., Flask], store_url: str
) -> None:
    app = make_app(store_url)
    page = Program(app, origin=SITE)
    token, answers = page.token(), []
    at_once([lambda: answers.append(page.asks(token=token)) for _ in range(50)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.get_data() for answer in answers}) == 1
    assert len(services_of(app).operations.listed()) == 1


def at_once(acts: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_token_with_other_answers_is_refused(site_page: Program, operations: Operations) -> None:
    token = site_page.token()
    assert site_page.asks(token=token).status_code == 201
    again = site_page.asks(token=token, name="Somebody Else")
    assert (again.status_code, again.get_json()["code"]) == (422, "already_sent")
    assert len(operations.listed()) == 1


def test_a_token_that_was_used_is_answered_even_over_the_limit(make_app: Callable[..., Flask]) -> None:
    page = Program(make_app(limits={"min_fill_seconds": 0, "per_address": "1 per minute"}), origin=SITE)
    token = page.token()
    first = page.asks(token=token)
    for _ in range(15):
        page.asks(token=page.token(), phone="020 7946 0199")
    assert page.asks(token=token).get_data() == first.get_data()


def test_too_quick_a_page_is_asked_to_send_again(make_app: Callable[..., Flask], clock: Clock) -> None:
    page = Program(make_app(limits={"min_fill_seconds": 2}), origin=SITE)
    token = page.token()
    assert page.asks(token=token).get_json()["code"] == "too_quick"
    clock.passes(seconds=3)
    assert page.asks(token=token).status_code == 201


def test_a_box_that_was_left_empty_is_no_consent(
    make_app: Callable[..., Flask], server_of: Callable[..., Program]
) -> None:
    server = server_of(make_app(widgets={"sales": WIDGET | {"consent": "checkbox"}}))
    refused = server.asks(consent=False)
    assert [(error["field"], error["code"]) for error in refused.get_json()["errors"]] == [
        ("consent", "not_agreed")
    ]
    assert server.asks().status_code == 201


def test_a_paused_widget_says_so(server: Program, app: Flask, clock: Clock) -> None:
    services_of(app).outbox.slots.pause("sales", "Back on Monday.", clock.now)
    refused = server.asks()
    assert (refused.status_code, refused.get_json()["code"]) == (503, "paused")
    assert refused.get_json()["detail"] == "Back on Monday."
