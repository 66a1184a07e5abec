"""A number that is none in the chosen country, and is one in another that is served: what may have been meant."""

import re
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


def digits_of(shown: str) -> str:
    return re.sub("[^0-9]", "", shown)


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
            [
                ("12125552368", "+1 212-555-2368 (United States)"),
                ("912125552368", "+91 212 555 2368 (India)"),
                ("442125552368", "+44 21 2555 2368 (United Kingdom)"),
            ],
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


def test_a_number_nobody_may_have_is_offered_after_what_it_is_elsewhere(caller: Visitor, app: Flask) -> None:
    page = caller.sends(caller.opens("/sales"), name="Ann", country="GB", phone="07700 900982")
    offered = [
        ("917700900982", "+91 77009 00982 (India)"),
        ("447700900982", "+44 7700 900982 (United Kingdom)"),
    ]
    assert (page.errors, readings(page)) == ([CHECK], offered)
    assert caller.sends(page).status == 303
    assert rung(app) == [("447700900982", "GB")]


@pytest.mark.parametrize("written", ["(212) 555-0123", "212 555 0123", "2125550123", "212.555.0123"])
def test_what_is_not_written_as_in_the_chosen_country_is_rung_only_once_it_is_selected(
    make_app: Callable[..., Flask], written: str
) -> None:
    """The country was left as it was: what the number is elsewhere comes first."""
    app = make_app(widgets={"sales": WIDGET | {"regions": ["GB", "US"]}})
    caller = Visitor(app)
    page = caller.sends(caller.opens("/sales"), name="Ann", phone=written)

    assert page.errors == [CHECK]
    assert readings(page) == [
        ("12125550123", "+1 212-555-0123 (United States)"),
        ("442125550123", "+44 21 2555 0123 (United Kingdom)"),
    ]
    again = caller.sends(page)
    assert (again.status, again.errors, rung(app)) == (422, [CHECK], []), "it has to be selected"
    done = caller.follows(caller.sends(page, reading="12125550123"))
    assert rung(app) == [("12125550123", "US")]
    assert "+1 212-555-0123 (United States)" in done.words


def test_what_is_no_number_here_may_be_one_elsewhere_that_nobody_knows(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(widgets={"sales": AMERICAN})
    caller = Visitor(app)
    page = caller.sends(caller.opens("/sales"), name="Ann", phone="07700 900982")

    offered = [("447700900982", "+44 7700 900982 (United Kingdom)")]
    assert (page.errors, readings(page)) == ([CHECK], offered)
    assert caller.sends(page).errors == [CHECK]
    assert caller.sends(page, reading="447700900982").status == 303
    assert rung(app) == [("447700900982", "GB")]


def test_the_number_of_the_chosen_country_can_be_selected_all_the_same(caller: Visitor, app: Flask) -> None:
    page = caller.sends(caller.opens("/sales"), name="Ann", phone="(212) 555-0123")

    assert caller.sends(page, reading="442125550123").status == 303
    assert rung(app) == [("442125550123", "GB")]


AMERICAN = WIDGET | {"region": "US", "regions": ["US", "GB"]}


@pytest.mark.parametrize(
    ("typed", "american", "british"),
    [
        ("20 7946 0958", "+1 207-946-0958 (United States)", "+44 20 7946 0958 (United Kingdom)"),
        ("2079460958", "+1 207-946-0958 (United States)", "+44 20 7946 0958 (United Kingdom)"),
        ("7725 234567", "+1 772-523-4567 (United States)", "+44 7725 234567 (United Kingdom)"),
    ],
)
def test_a_number_of_two_countries_is_asked_about_where_nobody_chose_the_country(
    make_app: Callable[..., Flask], typed: str, american: str, british: str
) -> None:
    app = make_app(widgets={"sales": AMERICAN})
    caller = Visitor(app)
    page = caller.sends(caller.opens("/sales"), name="Ann", phone=typed)
    ours, theirs = digits_of(american), digits_of(british)

    asked = f"Check your phone number. If {american} is right, select Request call again"
    assert (page.errors, readings(page)) == ([asked], [(theirs, british)])
    assert caller.sends(page, reading=theirs).status == 303
    again = caller.sends(caller.opens("/sales"), name="Ann", phone=typed)
    assert caller.sends(again).status == 303
    assert rung(app) == [(theirs, "GB"), (ours, "US")]


def test_an_old_number_of_another_country_is_asked_about_where_it_is_one_here_by_chance(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(widgets={"sales": WIDGET | {"region": "US", "regions": ["US", "CO"]}})
    caller = Visitor(app)
    page = caller.sends(caller.opens("/sales"), name="Ann", phone="57 1 234 5678")

    assert "If +1 571-234-5678 (United States) is right" in page.errors[0]
    assert [digits for digits, _shown in readings(page)] == ["576012345678"]
    assert caller.sends(page, reading="576012345678").status == 303
    assert caller.sends(caller.opens("/sales"), name="Ann", phone="(571) 234-5679").status == 303
    assert rung(app) == [("576012345678", "CO"), ("15712345679", "US")]


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("(207) 946-0958", "US"),
        ("207 946 0958", "US"),
        ("1 207 946 0958", "US"),
        ("+1 207 946 0958", "US"),
        ("020 7946 0958", "GB"),
        ("20 7946 0958", "GB"),  # the country that was selected
    ],
)
def test_a_number_is_not_asked_about_where_it_is_clear_whose_it_is(
    make_app: Callable[..., Flask], typed: str, country: str
) -> None:
    caller = Visitor(make_app(widgets={"sales": AMERICAN}))

    assert caller.sends(caller.opens("/sales"), name="Ann", phone=typed, country=country).status == 303


def test_a_number_of_the_departments_overseas_is_rung_there(make_app: Callable[..., Flask]) -> None:
    regions = ["FR", "RE", "GP", "MQ", "GF"]
    limits = {"min_fill_seconds": 0, "per_address": "500 per minute"}
    app = make_app(widgets={"sales": WIDGET | {"region": "FR", "regions": regions}}, limits=limits)
    caller = Visitor(app)
    for typed in ("0692 12 34 56", "+33 692 12 34 57", "0690 30 12 34", "0696 20 12 34", "0694 20 12 34"):
        assert caller.sends(caller.opens("/sales"), name="Ann", phone=typed).status == 303
    asked = caller.sends(caller.opens("/sales"), name="Ann", phone="0693 56 12 34")
    assert "If +262 693 56 12 34 (Réunion) is right" in asked.errors[0]
    assert caller.sends(asked).status == 303

    assert rung(app) == [
        ("262692123456", "RE"),
        ("262692123457", "RE"),
        ("590690301234", "GP"),
        ("596696201234", "MQ"),
        ("594694201234", "GF"),
        ("262693561234", "RE"),
    ]


@pytest.mark.parametrize(
    ("region", "typed", "digits", "said"),
    [
        (
            "CO",
            "+57 1 234 5678",
            "576012345678",
            "Phone numbers in Colombia have changed. Yours is now +57 601 2345678. "
            "Select it, or enter another number",
        ),
        (
            "CO",
            "(571) 234 5678",
            "576012345678",
            "Phone numbers in Colombia have changed. Yours is now +57 601 2345678. "
            "Select it, or enter another number",
        ),
        (
            "BJ",
            "97 12 34 56",
            "2290197123456",
            "Phone numbers in Benin have changed. Yours is now +229 01 97 12 34 56. "
            "Select it, or enter another number",
        ),
        (
            "BR",
            "(11) 8123-4567",
            "5511981234567",
            "Phone numbers in Brazil have changed. Yours is now +55 11 98123-4567. "
            "Select it, or enter another number",
        ),
    ],
)
def test_a_number_of_a_plan_that_changed_is_told_as_it_is_today_and_rung_so(
    make_app: Callable[..., Flask], region: str, typed: str, digits: str, said: str
) -> None:
    app = make_app(widgets={"sales": WIDGET | {"region": region}})
    caller = Visitor(app)
    page = caller.sends(caller.opens("/sales"), name="Ann", phone=typed)

    assert (page.errors, readings(page)[0][0]) == ([said], digits)
    assert caller.sends(page).errors == [said]
    assert caller.sends(page, reading=digits).status == 303
    assert rung(app) == [(digits, region)]


@pytest.mark.parametrize(
    ("regions", "typed", "offered"),
    [
        (["BJ", "CI"], "07 12 34 56", ["2250707123456"]),
        (["BJ", "CI"], "22 41 12 34", ["2290122411234", "2252722411234"]),
        (["CO", "PE"], "(01) 323 4567", ["576013234567", "5113234567"]),
        (["US", "BR"], "(11) 8123-4567", ["5511981234567"]),
    ],
)
def test_an_old_number_may_be_of_another_country_that_is_served(
    make_app: Callable[..., Flask], regions: list[str], typed: str, offered: list[str]
) -> None:
    app = make_app(widgets={"sales": WIDGET | {"region": regions[0], "regions": regions}})
    caller = Visitor(app)
    page = caller.sends(caller.opens("/sales"), name="Ann", phone=typed)

    assert (page.errors, [digits for digits, _shown in readings(page)]) == ([CHECK], offered)
    assert caller.sends(page, reading=offered[-1]).status == 303
    assert rung(app) == [(offered[-1], regions[-1])]


@pytest.mark.parametrize("typed", ["98765 43210", "085 123 4567", "98234 56789"])
def test_of_a_number_in_no_known_range_nobody_says_what_it_costs(
    make_app: Callable[..., Flask], typed: str
) -> None:
    caller = Visitor(make_app())
    page = caller.sends(caller.opens("/sales"), name="Ann", phone=typed)

    assert page.errors == ["Check the country and the area code of your phone number"]


def test_what_a_spreadsheet_added_is_asked_about(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    caller = Visitor(app)
    page = caller.sends(caller.opens("/sales"), name="Ann", phone="2079460958.0")

    assert "If +44 20 7946 0958 (United Kingdom) is right" in page.errors[0]
    assert caller.sends(page).status == 303
    assert rung(app) == [("442079460958", "GB")]


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
