"""How often one address may ask: accepted requests count, mistakes do not, replays never."""

from collections.abc import Callable

import pytest
from flask import Flask

from ringback import limits
from tests.visitor import Visitor

NUMBERS = [f"020 7946 01{index:02}" for index in range(40)]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(limits={"per_address": "3 per minute; 30 per hour", "min_fill_seconds": 0})


def test_only_accepted_requests_count(visitor: Visitor) -> None:
    for _ in range(6):
        assert visitor.sends(visitor.opens("/sales"), name="", phone="1").status == 422
    statuses = [
        visitor.sends(visitor.opens("/sales"), name="Ann", phone=NUMBERS[turn]).status for turn in range(4)
    ]

    assert statuses == [303, 303, 303, 429]


def test_over_the_limit_the_answers_are_kept_and_it_is_said_when_to_come_back(visitor: Visitor) -> None:
    for number in NUMBERS[:3]:
        visitor.asks(phone=number)
    page = visitor.sends(visitor.opens("/sales"), name="Ann", phone=NUMBERS[3])

    assert page.status == 429
    assert 0 < int(page.response.headers["Retry-After"]) <= 60
    assert page.answers["name"] == "Ann"
    assert "Your answers are still here. Try again in a minute." in page.words
    assert "+44 20 7946 0000" in page.words


def test_a_replay_is_answered_before_any_limit(visitor: Visitor) -> None:
    page = visitor.opens("/sales")
    answers = page.answers | {"name": "Ann", "phone": NUMBERS[0]}
    first = visitor.posts("/sales", answers)
    for number in NUMBERS[1:3]:
        visitor.asks(phone=number)

    for _ in range(70):
        assert visitor.posts("/sales", answers).location == first.location


def test_every_post_spends_a_wide_limit(visitor: Visitor) -> None:
    page = visitor.opens("/sales")
    statuses = [visitor.sends(page, name="", phone="1").status for _ in range(37)]

    assert statuses == [422] * 36 + [429]


def test_another_address_is_not_kept_waiting(app: Flask, visitor: Visitor) -> None:
    for number in NUMBERS[:3]:
        visitor.asks(phone=number)

    assert Visitor(app, "203.0.113.9").asks(phone=NUMBERS[3]).status == 200


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("<script>", "1.1.1.1:4567", True),
    ],
)
def test_what_counts_as_one_address(app: Flask, one: str, other: str, same: bool) -> None:
    def key(address: str) -> str:
        with app.test_request_context(environ_overrides={"REMOTE_ADDR": address}):
            return limits.address_key()

    assert (key(one) == key(other)) is same
    assert one not in key(one)


def test_a_forwarded_address_is_believed_only_from_a_declared_proxy(make_app: Callable[..., Flask]) -> None:
    for proxies, status in ((0, 429), (1, 303)):
        app = make_app(
            limits={"per_address": "1 per minute", "min_fill_seconds": 0}, environment={"trusted_proxies": proxies}
        )
        visitor = Visitor(app)
        sent = [
            visitor.sends(
                visitor.opens("/sales"), {"X-Forwarded-For": f"6.6.6.6, 192.0.2.{turn}"}, name="Ann", phone=number
            )
            for turn, number in enumerate(NUMBERS[10 * proxies : 10 * proxies + 2])
        ]
        assert [page.status for page in sent] == [303, status]


def test_stopping_numbers_is_limited_too(visitor: Visitor) -> None:
    statuses = [visitor.sends(visitor.opens("/stop"), phone=number).status for number in NUMBERS[:6]]

    assert statuses == [303] * 5 + [429]


def test_every_route_that_takes_a_post_is_limited_or_says_why_not(app: Flask) -> None:
    unlimited = {"pages.cancel": "its link is a key of 128 bits, and it only takes away"}
    limited = {"pages.ask": limits.per_post, "pages.stop": limits.per_stop}
    posts = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}

    assert posts == set(unlimited) | set(limited)


def test_a_forwarded_address_that_nobody_declared_is_told_once(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        visitor.opens("/sales", **{"X-Forwarded-For": "192.0.2.1"})

    assert [record.message for record in caplog.records if "TRUSTED_PROXIES is 0" in record.message] == [
        "X-Forwarded-For came, and is not believed: is there a proxy? TRUSTED_PROXIES is 0"
    ]
    assert "192.0.2.1" not in caplog.text
