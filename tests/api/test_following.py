"""A program with a key follows requests: what is true of them, in pages; withdraws them, and says "spoken"."""

import pytest
from flask import Flask

from ringback.outbox.request import Answers
from ringback.services import services_of
from tests.api.conftest import Program
from tests.cli.test_cli_people import said
from tests.conftest import Clock
from tests.visitor import Visitor


def test_a_request_is_shown_as_it_is_and_not_as_its_visitor_sees_it(server: Program, app: Flask) -> None:
    outbox = services_of(app).outbox
    outbox.stop("442079460123")
    asked = server.asks(attributes={"plan": "pro"}, email="ann@example.com").get_json()
    shown = server.gets(f"/api/requests/{asked['reference'].lower()}").get_json()
    assert (shown["state"], shown["reason"]) == ("held", "stopped")
    assert (shown["phone"], shown["email"]) == ("+442079460123", "ann@example.com")
    assert shown["attributes"] == {"plan": "pro"}
    assert [event["kind"] for event in shown["events"]] == ["received", "held"]
    assert server.gets(asked["status_url"] + ".json").get_json()["state"] == "waiting"


def test_pages_of_requests_follow_each_other_and_miss_none(server: Program, app: Flask, clock: Clock) -> None:
    outbox = services_of(app).outbox
    stored = []
    for turn in range(250):
        clock.passes(seconds=turn % 3)  # some in the same moment
        stored.append(outbox.accept(Answers("sales", f"44207946{turn:04}", "GB")).reference)
    seen, after = [], ""
    while True:
        page = server.gets(f"/api/requests?{after}").get_json()
        seen += [request["reference"] for request in page["requests"]]
        if page["next"] is None:
            break
        assert len(page["requests"]) == 100
        after = f"after={page['next']}"
    assert sorted(seen) == sorted(stored)
    times = {request.reference: request.requested_at for request in services_of(app).operations.listed(limit=None)}
    assert [times[reference] for reference in seen] == sorted(times.values())


def test_requests_are_found_by_state_widget_and_time(server: Program, app: Flask, clock: Clock) -> None:
    first = server.asks().get_json()["reference"]
    clock.passes(hours=3)
    second = server.asks(phone="020 7946 0199").get_json()["reference"]
    assert server.posts(f"/api/requests/{second}/cancel", {}).get_json() == {
        "reference": second,
        "state": "cancelled",
    }

    def found(query: str) -> list[str]:
        return [request["reference"] for request in server.gets(f"/api/requests?{query}").get_json()["requests"]]

    assert found("") == [first, second]
    assert found("state=waiting") == [first]
    assert found("state=cancelled&widget=SALES") == [second]
    assert found("since=2h") == [second]
    assert found("since=2026-11-24T12:00:00%2B00:00") == [second]
    assert found("since=2026-11-24T12:00:00Z") == [second]


def test_a_request_that_does_not_wait_cannot_be_withdrawn(server: Program, app: Flask) -> None:
    reference = server.asks().get_json()["reference"]
    assert services_of(app).outbox.claim("test")
    refused = server.posts(f"/api/requests/{reference}/cancel", {})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "too_late")


def test_what_waits_for_somebody_we_have_spoken_with_is_withdrawn(
    server: Program, app: Flask, clock: Clock
) -> None:
    before = server.asks().get_json()
    at = clock.now.isoformat()
    clock.passes(minutes=5)
    after = server.asks(visitor_address="198.51.100.1").get_json()
    other = server.asks(phone="020 7946 0199").get_json()

    assert server.posts("/api/spoken", {"phone": "020 7946 0123", "at": at}).get_json() == {
        "withdrawn": [before["reference"]]
    }
    states = {each["reference"]: each["state"] for each in server.gets("/api/requests").get_json()["requests"]}
    assert states == {
        before["reference"]: "cancelled",
        after["reference"]: "waiting",
        other["reference"]: "waiting",
    }
    shown = server.gets(f"/api/requests/{before['reference']}").get_json()
    assert shown["events"][-1]["detail"] == "spoken already"
    assert server.posts("/api/spoken", {"phone": "+44 20 7946 0123"}).get_json() == {
        "withdrawn": [after["reference"]]
    }


def test_the_visitors_page_says_that_they_have_spoken(server: Program, app: Flask) -> None:
    url = server.asks().get_json()["status_url"]
    server.posts("/api/spoken", {"phone": "+442079460123"})
    page = Visitor(app).opens(url)
    assert page.headline == "You have spoken already"
    assert "Acme Ltd" in page.words


@pytest.mark.parametrize("body", [{}, {"phone": "x"}, {"phone": 1}, {"phone": "020 7946 0123", "at": "noon"}])
def test_who_says_they_have_spoken_says_with_whom_and_when(server: Program, body: dict[str, object]) -> None:
    assert server.posts("/api/spoken", body).status_code == 422


def test_a_key_is_made_shown_once_listed_and_removed(app: Flask, clock: Clock) -> None:
    key = said(app, "api-keys", "add", "crm", "--widget", "Sales").split()[0]
    assert key.startswith("rbk_")
    assert "never used" in said(app, "api-keys", "list")
    assert Program(app, key).asks().status_code == 201
    listed = said(app, "api-keys", "list")
    assert "crm  sales" in listed
    assert "last used 2026-11-24 10:00:00+00:00" in listed
    assert key not in listed
    with services_of(app).database.read() as connection:
        assert key not in str(connection.exec_driver_sql("select * from api_keys").all())
    said(app, "api-keys", "add", "crm", status=1)
    said(app, "api-keys", "add", "other", "--widget", "nobody", status=1)
    said(app, "api-keys", "remove", "crm")
    assert Program(app, key).asks().status_code == 401
    said(app, "api-keys", "remove", "crm", status=1)
