"""A number that is none in the chosen country, and is one in another that is served: what may have been meant."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.store.tables import requests
from tests.conftest import WIDGET
from tests.visitor import Page, Visitor

CHECK = "Check the country of your phone number"
REGIONS = ["GB", "US", "FR", "IN"]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app that calls into several countries."""
    limits = {"min_fill_seconds": 0, "per_address": "500 per minute"}
    return make_app(widgets={"sales": WIDGET | {"regions": REGIONS}}, limits=limits)


@pytest.fixture
def caller(app: Flask) -> Visitor:
    return Visitor(app)


def readings(page: Page) -> list[tuple[str, str]]:
    """The digits of each number that is offered, and its words."""
    ids = {radio.get("id"): radio.get("value", "") for radio in page.all("input[@name='reading']")}
    return [(ids[label.get("for")], label.text or "") for label in page.all("label") if label.get("for") in ids]


def rung(app: Flask) -> list[tuple[str, str]]:
    with app.extensions["ringback"].database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(requests.c.phone, requests.c.region))]


@pytest.mark.parametrize(
    ("country", "typed", "offered"),
    [
        ("GB", "98765 43210", [("919876543210", "+91 98765 43210 (India)")]),
        ("US", "06 12 34 56 78", [("33612345678", "+33 6 12 34 56 78 (France)")]),
        ("US", "030 3123 4567", [("443031234567", "+44 303 123 4567 (United Kingdom)")]),
        (
            "US",
            "020 7946 0958",
            [("442079460958", "+44 20 7946 0958 (United Kingdom)"), ("912079460958", "+91 20 7946 0958 (India)")],
        ),
        (
            "GB",
            "(212) 555-2368",
            [("12125552368", "+1 212-555-2368 (United States)"), ("912125552368", "+91 212 555 2368 (India)")],
        ),
    ],
)
def test_what_a_number_is_elsewhere_is_offered_in_full_and_rung_once_it_is_selected(
    caller: Visitor, app: Flask, country: str, typed: str, offered: list[tuple[str, str]]
) -> None:
    page = caller.sends(caller.opens("/sales"), name="Ann", country=country, phone=typed)

    assert (page.status, readings(page)) == (422, offered)
    digits, _words = offered[0]
    assert caller.sends(page, reading=digits).status == 303
    assert [number for number, _region in rung(app)] == [digits]


def test_a_number_that_is_refused_where_it_was_read_is_accused_of_nothing(caller: Visitor) -> None:
    """India's begin as Britain's premium-rate numbers do."""
    page = caller.sends(caller.opens("/sales"), name="Ann", country="GB", phone="98765 43210")

    assert page.errors == [CHECK]


def test_a_number_nobody_may_have_is_shown_as_it_was_read_beside_the_others(caller: Visitor, app: Flask) -> None:
    page = caller.sends(caller.opens("/sales"), name="Ann", country="GB", phone="07700 900982")
    asked = "Check your phone number. If +44 7700 900982 (United Kingdom) is right, select Request call again"
    assert (page.errors, readings(page)) == ([asked], [("917700900982", "+91 77009 00982 (India)")])
    assert caller.sends(page).status == 303
    assert rung(app) == [("447700900982", "GB")]


def test_without_a_selection_nothing_is_guessed(caller: Visitor, app: Flask) -> None:
    page = caller.sends(caller.opens("/sales"), name="Ann", country="GB", phone="98765 43210")
    again = caller.sends(page)

    assert (again.status, again.errors) == (422, [CHECK])
    assert rung(app) == []


@pytest.mark.parametrize("reading", ["12125550000", "447700900982", "4930901820", "x", "+919876543210"])
def test_a_reading_that_was_not_offered_counts_as_none(caller: Visitor, app: Flask, reading: str) -> None:
    fields = {"name": "Ann", "country": "GB", "phone": "98765 43210", "reading": reading}

    assert caller.sends(caller.opens("/sales"), **fields).errors == [CHECK]
    assert rung(app) == []


def test_a_reading_that_was_selected_stands_no_longer_once_the_number_is_another(
    caller: Visitor, app: Flask
) -> None:
    page = caller.sends(caller.opens("/sales"), name="Ann", country="GB", phone="98765 43210")

    assert caller.sends(page, reading="919876543210", phone="020 7946 0123").status == 303
    assert rung(app) == [("442079460123", "GB")]


def test_a_number_with_its_country_code_has_one_reading(caller: Visitor) -> None:
    page = caller.sends(caller.opens("/sales"), name="Ann", country="US", phone="+44 909 876 5432")

    assert page.errors == ["We cannot call premium-rate numbers. Enter another number"]
    assert readings(page) == []


def test_where_a_number_is_right_in_the_chosen_country_nothing_else_is_offered(
    caller: Visitor, app: Flask
) -> None:
    assert caller.sends(caller.opens("/sales"), name="Ann", country="GB", phone="030 3123 4567").status == 303
    assert rung(app) == [("443031234567", "GB")]


def test_the_page_that_stops_calls_offers_them_too(caller: Visitor) -> None:
    page = caller.sends(caller.opens("/stop"), country="GB", phone="98765 43210")
    assert (page.errors, readings(page)) == ([CHECK], [("919876543210", "+91 98765 43210 (India)")])

    asked = caller.sends(page, reading="919876543210")
    assert asked.headline == "Stop calls to this number?"
    assert "+91 98765 43210" in asked.words
    assert caller.sends(asked).status == 303
