"""Given out and erased: what becomes of what is known about a person, on both engines."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import Erasure, PersonalData
from ringback.outbox.request import Held, State
from ringback.store.database import Database
from ringback.store.tables import consents, events, requests
from tests.conftest import Clock
from tests.outbox.persons import (
    DELETED,
    PAGE,
    PHONE,
    SECRETS,
    TAKEN,
    ask,
    count,
    deletes,
    erase_page,
    said,
    state_of,
)
from tests.visitor import Visitor


@pytest.fixture
def app(make_app: Callable[..., Flask], store_url: str) -> Flask:
    return make_app(store_url)


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
