"""“I did not ask for this”: only the number that a person has seen in full is stopped, and only one in use."""

from collections.abc import Callable

import phonenumbers
import pytest
import sqlalchemy as sa
from flask import Flask
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ringback import phone
from ringback.store.tables import stops
from ringback.web import limits
from tests.conftest import WIDGET
from tests.visitor import Page, Visitor

REGIONS = ["GB", "DE", "FR", "IE", "US"]
# What the regions of two widgets come to; the second's are in nobody's mind when the first one's form is built.
WIDGETS = {
    "sales": WIDGET | {"regions": ["GB", "DE", "FR"]},
    "help": WIDGET | {"team_name": "Help", "region": "US", "regions": ["US", "IE", "GB"]},
}


@pytest.fixture
def abroad(make_app: Callable[..., Flask]) -> Flask:
    """An app that calls into several countries."""
    return make_app(widgets=WIDGETS, limits={"min_fill_seconds": 0, "per_address": "500 per minute"})


@pytest.fixture
def caller(abroad: Flask) -> Visitor:
    return Visitor(abroad)


def stopped(app: Flask) -> int:
    with app.extensions["ringback"].database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(stops)).scalar_one())


def is_stopped(app: Flask, digits: str) -> bool:
    outbox = app.extensions["ringback"].outbox
    with app.extensions["ringback"].database.read() as connection:
        return outbox.number_rules.why_silent(connection, digits, app.extensions["ringback"].clock()) == "stopped"


def shown(page: Page) -> list[str]:
    """The rows of the page that asks whether it is this number."""
    return ["".join(row.itertext()).strip() for row in page.all("dd")]


def options(page: Page) -> list[tuple[str, str]]:
    return [(option.get("value", ""), option.text or "") for option in page.all("option")]


# --- two steps ---


def test_a_number_is_stopped_once_it_was_seen_in_full(visitor: Visitor, app: Flask) -> None:
    asked = visitor.sends(visitor.opens("/stop"), phone="020 7946 0123")

    assert (asked.status, asked.headline) == (200, "Stop calls to this number?")
    assert shown(asked) == ["+44 20 7946 0123", "United Kingdom"]
    assert stopped(app) == 0
    assert visitor.follows(visitor.sends(asked)).headline == "Calls to your number are stopped"
    assert is_stopped(app, "442079460123")


def test_the_number_is_in_no_title_and_no_address(visitor: Visitor) -> None:
    asked = visitor.sends(visitor.opens("/stop"), phone="020 7946 0123")
    done = visitor.sends(asked)

    assert "0123" not in asked.title + asked.action + done.location


def test_another_number_than_the_one_that_was_seen_is_asked_about_anew(visitor: Visitor, app: Flask) -> None:
    asked = visitor.sends(visitor.opens("/stop"), phone="020 7946 0123")
    again = visitor.sends(asked, phone="020 7946 0199")

    assert shown(again)[0] == "+44 20 7946 0199"
    assert stopped(app) == 0


@pytest.mark.parametrize("confirmed", ["", "y", "0", "+442079460123", "020 7946 0123", "44207946012", "\u0664"])
def test_what_is_not_the_number_that_was_seen_confirms_nothing(
    visitor: Visitor, app: Flask, confirmed: str
) -> None:
    asked = visitor.sends(visitor.opens("/stop"), phone="020 7946 0123", confirmed=confirmed)

    assert asked.headline == "Stop calls to this number?"
    assert stopped(app) == 0


def test_whoever_goes_back_finds_what_was_typed(caller: Visitor, abroad: Flask) -> None:
    asked = caller.sends(caller.opens("/stop"), phone="030 90 18 20", country="DE")
    form = caller.posts(asked.action, asked.answers | {"change": "y"})

    assert (form.status, form.errors) == (200, [])
    assert (form.answers["phone"], form.answers["country"]) == ("030 90 18 20", "DE")
    assert stopped(abroad) == 0
    assert shown(caller.sends(form))[0] == "+49 30 901820"


def test_a_plain_post_of_the_fields_is_enough_where_flasks_protection_is_off(abroad: Flask) -> None:
    abroad.config["WTF_CSRF_ENABLED"] = False
    person = Visitor(abroad)
    asked = person.posts("/stop", {"phone": "030 901820", "country": "DE"})
    assert person.posts("/stop", asked.answers).status == 303
    assert is_stopped(abroad, "4930901820")

    assert person.posts("/stop", {"phone": "+353 1 555 0123", "confirmed": "35315550123"}).status == 303
    assert is_stopped(abroad, "35315550123")


def test_a_stop_that_another_site_sends_stops_nothing(visitor: Visitor, app: Flask) -> None:
    asked = visitor.sends(visitor.opens("/stop"), phone="020 7946 0123")

    assert visitor.sends(asked, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert visitor.sends(asked, csrf_token="x").status == 422
    assert stopped(app) == 0


# --- whose number it is ---


def test_where_one_country_is_called_no_country_is_asked_for(visitor: Visitor) -> None:
    assert "country" not in visitor.opens("/stop").answers


def test_the_countries_of_all_widgets_can_be_chosen_and_none_is_beforehand(caller: Visitor) -> None:
    page = caller.opens("/stop")

    assert [value for value, _ in options(page)] == ["", "GB", "DE", "FR", "US", "IE"]
    assert options(page)[:2] == [("", "Select the country"), ("GB", "United Kingdom (+44)")]
    assert page.answers["country"] == ""


@pytest.mark.parametrize("country", ["", "XX", "JP", "gb", "GB "])
@pytest.mark.parametrize(
    "typed", ["020 7946 0123", "2025550123", "442079460123", "0303 1234567", "+020 7946 0123"]
)
def test_a_number_of_no_country_is_not_guessed_at(
    caller: Visitor, abroad: Flask, typed: str, country: str
) -> None:
    page = caller.sends(caller.opens("/stop"), phone=typed, country=country)

    assert page.status == 422
    assert page.errors == [
        "Select the country of your phone number, or start the number with + and the country code"
    ]
    assert page.answers["phone"] == typed


@pytest.mark.parametrize(
    "typed", ["+353 1 555 0123", "00353 1 555 0123", "(+353) 1 555 0123", "++353 (0)1 555 0123"]
)
@pytest.mark.parametrize("country", ["", "US", "GB", "IE"])
def test_a_number_with_its_country_code_says_it_whatever_is_chosen(
    caller: Visitor, typed: str, country: str
) -> None:
    page = caller.sends(caller.opens("/stop"), phone=typed, country=country)

    assert shown(page) == ["+353 1 555 0123", "Ireland"]


def test_what_a_chosen_country_dials_for_a_plus_is_read_as_one(caller: Visitor) -> None:
    page = caller.sends(caller.opens("/stop"), phone="011 353 1 555 0123", country="US")

    assert shown(page) == ["+353 1 555 0123", "Ireland"]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("kind", [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE])
def test_a_national_spelling_stops_the_number_of_its_own_country_or_asks(
    caller: Visitor, abroad: Flask, region: str, kind: int
) -> None:
    number = phonenumbers.example_number_for_type(region, kind)
    typed = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    digits = phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]

    assert caller.stops(typed).status == 422
    assert stopped(abroad) == 0
    assert caller.stops(typed, country=region).status == 303
    assert is_stopped(abroad, digits)


def test_no_number_that_is_not_in_use_is_stopped(caller: Visitor, abroad: Flask) -> None:
    for typed, country in [("07700 900982", "GB"), ("+44 7700 900982", ""), ("0044 7700 900982", "IE")]:
        page = caller.stops(typed, country=country)
        assert page.errors == [
            "Check your phone number. As far as we know, +44 7700 900982 is not in use. "
            "If it is right, ask the team that calls you to block it"
        ]
    confirmed = caller.sends(caller.opens("/stop"), phone="+44 7700 900982", confirmed="447700900982")

    assert confirmed.status == 422
    assert stopped(abroad) == 0


def test_a_number_of_berlin_that_is_a_british_one_too_stops_the_one_that_was_meant(caller: Visitor) -> None:
    typed = "030 3123 4567"
    assert phone.read(typed, "GB", {"GB"}).assigned
    asked = [caller.sends(caller.opens("/stop"), phone=typed, country=country) for country in ("DE", "GB")]

    assert [shown(page) for page in asked] == [
        ["+49 30 31234567", "Germany"],
        ["+44 303 123 4567", "United Kingdom"],
    ]


def test_only_numbers_that_are_called_can_be_stopped(caller: Visitor) -> None:
    page = caller.stops("+33 1 09 75 83 51".replace("33", "34"), country="FR")

    assert page.status == 422
    assert page.errors[0].startswith("We can only call numbers in these countries:")


def test_an_empty_form_is_told_one_thing(caller: Visitor) -> None:
    assert caller.sends(caller.opens("/stop")).errors == ["Enter your phone number"]


def test_the_number_keeps_its_order_in_arabic(make_app: Callable[..., Flask]) -> None:
    visitor = Visitor(make_app(widgets={"sales": WIDGET | {"languages": ["ar"]}}))
    asked = visitor.sends(visitor.opens("/stop"), phone="020 7946 0123")

    assert asked.tree is not None
    assert asked.tree.get("dir") == "rtl"
    assert [(bdi.get("dir"), bdi.text) for bdi in asked.all("bdi")] == [("ltr", "+44 20 7946 0123")]
    assert shown(asked)[1] == "المملكة المتحدة"


# --- how often ---


def test_only_what_stops_a_number_spends_the_limit_of_stops(visitor: Visitor) -> None:
    for number in range(20):
        assert visitor.sends(visitor.opens("/stop"), phone=f"020 7946 01{number:02}").status == 200

    assert [visitor.stops(f"020 7946 01{number:02}").status for number in range(6)] == [303] * 5 + [429]


def test_whoever_stops_too_many_keeps_the_number_and_learns_when(visitor: Visitor) -> None:
    for number in range(5):
        visitor.stops(f"020 7946 01{number:02}")
    page = visitor.stops("020 7946 0123")

    assert page.status == 429
    assert int(page.response.headers["Retry-After"]) > 3500
    assert page.answers["phone"] == "020 7946 0123"


def test_every_post_spends_a_limit_before_anything_is_read(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(make_app(limits={"min_fill_seconds": 0, "per_address": "1 per minute"}))
    page = visitor.opens("/stop")
    assert [visitor.sends(page, phone="1").status for _ in range(12)] == [422] * 12

    monkeypatch.setattr(phone, "read", lambda *_: pytest.fail("was read"))
    over = visitor.sends(page, phone="1")
    assert (over.status, over.answers["phone"]) == (429, "1")


def test_the_networks_of_an_ipv6_site_share_what_they_may_stop(app: Flask) -> None:
    people = [Visitor(app, f"2001:db8:1:{turn:x}::1") for turn in range(72)]
    statuses = [person.stops(f"020 7946 01{turn:02}").status for turn, person in enumerate(people)]

    assert statuses == [303] * 40 + [429] * 32
    assert Visitor(app, "2001:db8:2::1").stops("020 7946 0199").status == 303


@pytest.mark.parametrize(
    ("address", "neighbour", "stranger"),
    [
        ("198.51.{site}.{turn}", "198.51.200.1", "198.52.1.1"),
        ("2001:db8:{site}:{turn}::1", "2001:db8:200::1", "2001:db9::1"),
    ],
)
def test_the_sites_of_a_provider_share_what_they_may_stop(
    app: Flask, monkeypatch: pytest.MonkeyPatch, address: str, neighbour: str, stranger: str
) -> None:
    monkeypatch.setattr(limits, "NETWORKS_FOR_ONE", 2)
    monkeypatch.setattr(limits, "SITES_FOR_ONE", 2)
    who = [address.format(site=site, turn=turn) for site in range(3) for turn in range(11)]
    statuses = [Visitor(app, one).stops(f"020 7946 01{turn:02}").status for turn, one in enumerate(who)]

    assert statuses == ([303] * 10 + [429]) * 2 + [429] * 11
    assert Visitor(app, neighbour).stops("020 7946 0199").status == 429
    assert Visitor(app, stranger).stops("020 7946 0199").status == 303


def test_what_an_address_tries_over_its_limit_costs_its_site_nothing(make_app: Callable[..., Flask]) -> None:
    app = make_app(limits={"min_fill_seconds": 0, "per_address": "50 per minute"})
    eager = Visitor(app, "2001:db8:1:1::1")
    for turn in range(50):
        eager.stops(f"020 7946 01{turn:02}")

    assert Visitor(app, "2001:db8:1:2::1").stops("020 7946 0199").status == 303
