"""How often one address may ask: accepted requests count, mistakes do not, replays never."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask import Flask, request
from flask_limiter import _limits
from limits import parse_many
from pydantic import SecretStr

from ringback import phone
from ringback.outbox.request import Source
from ringback.web import limits
from ringback.web.request import change_time
from tests.conftest import PUBLIC_URL, WIDGET, Clock
from tests.faults import refusing, swallowing
from tests.running import free_port
from tests.visitor import Page, Visitor

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


def test_what_could_not_be_stored_costs_nothing(app: Flask, visitor: Visitor) -> None:
    def rename(table: str, name: str) -> None:
        with app.extensions["ringback"].database.write() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")

    rename("events", "elsewhere")
    failed = [visitor.sends(visitor.opens("/sales"), name="Ann", phone=NUMBERS[0]).status for _ in range(4)]
    rename("elsewhere", "events")

    assert failed == [503] * 4
    assert statuses_from(app, [visitor.address] * 4) == [303, 303, 303, 429]


def test_over_the_limit_the_answers_are_kept_and_it_is_said_when_to_come_back(visitor: Visitor) -> None:
    for number in NUMBERS[:3]:
        visitor.asks(phone=number)
    page = visitor.sends(visitor.opens("/sales"), name="Ann", phone=NUMBERS[3])

    assert page.status == 429
    assert 0 < int(page.response.headers["Retry-After"]) <= 60
    assert page.answers["name"] == "Ann"
    assert "Your answers are still here. Try again in a minute." in page.words
    assert "+44 20 7946 0000" in page.words


def test_nobody_over_a_limit_is_in_the_log_even_as_a_hash(
    app: Flask, visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert statuses_from(app, [visitor.address] * 4)[-1] == 429
    assert ": received" in caplog.text
    with app.test_request_context(environ_overrides={"REMOTE_ADDR": visitor.address}):
        assert limits.address_key() not in caplog.text


def test_a_replay_is_answered_whatever_the_limits_say(visitor: Visitor) -> None:
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
        ("2001:db8:1:2::1", "2001:0DB8:0001:0002:0:0:0:9", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("::ffff:c633:6407", "198.51.100.7", True),
        ("::ffff:198.51.100.7", "::ffff:198.51.100.8", False),
        ("198.51.100.7", "198.51.100.8", False),
        ("198.51.100.7:4567", "198.51.100.7", True),
        ("198.51.100.7:4567", "198.51.100.8:4567", False),
        ("[2001:db8:1:2::1]:4567", "2001:db8:1:2::9", True),
        ("[2001:db8:1:2::1]", "2001:db8:1:3::1", False),
        ("<script>", "1.1.1.1.1:4567", True),
    ],
)
def test_what_counts_as_one_address(app: Flask, one: str, other: str, same: bool) -> None:
    def key(address: str) -> str:
        with app.test_request_context(environ_overrides={"REMOTE_ADDR": address}):
            return limits.address_key()

    assert (key(one) == key(other)) is same
    assert one not in key(one)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:ffff::1", True),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", False),
    ],
)
def test_what_counts_as_one_site(app: Flask, one: str, other: str, same: bool) -> None:
    def key(address: str) -> str:
        with app.test_request_context(environ_overrides={"REMOTE_ADDR": address}):
            assert limits.site_key() != limits.address_key()
            return limits.site_key()

    assert (key(one) == key(other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:ffff:2::1", True),
        ("2001:db8:1:2::1", "2001:db9:1:2::1", False),
        ("198.51.100.7", "198.51.7.9", True),
        ("198.51.100.7", "198.52.100.7", False),
        ("::ffff:198.51.100.7", "198.51.7.9", True),
    ],
)
def test_what_counts_as_one_provider(app: Flask, one: str, other: str, same: bool) -> None:
    def source(address: str) -> Source:
        with app.test_request_context(environ_overrides={"REMOTE_ADDR": address}):
            return limits.source()

    assert (source(one).provider == source(other).provider) is same
    assert source(one).network != source(other).network


def statuses_from(app: Flask, addresses: list[str]) -> list[int]:
    """What each address is answered when it asks for a number of its own."""
    answers = []
    for number, address in zip(NUMBERS, addresses, strict=False):
        person = Visitor(app, address)
        answers.append(person.sends(person.opens("/sales"), name="Ann", phone=number).status)
    return answers


def test_an_ipv6_household_asks_as_often_as_an_address(app: Flask) -> None:
    assert statuses_from(app, [f"2001:db8:1:2:{turn}::9" for turn in range(4)]) == [303, 303, 303, 429]


def test_an_ipv4_address_gains_nothing_by_being_written_as_ipv6(app: Flask) -> None:
    ways = ["198.51.100.7", "::ffff:198.51.100.7", "::ffff:c633:6407", "::ffff:198.51.100.7"]

    assert statuses_from(app, ways) == [303, 303, 303, 429]
    assert statuses_from(app, ["::ffff:198.51.100.8"]) == [303], "a neighbour is another, mapped or not"


def test_an_ipv6_site_asks_as_often_as_so_many_networks_and_no_more(app: Flask) -> None:
    room = 3 * limits.NETWORKS_FOR_ONE
    site = [f"2001:db8:1:{turn:x}::1" for turn in range(room + 2)]

    assert statuses_from(app, site) == [303] * room + [429] * 2
    assert statuses_from(app, ["2001:db8:2::1"]) == [303], "another site"


def test_an_accepted_post_goes_through_each_limit_once(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself the limiter goes through all of a view's limits at every check: a fifth of what a post cost."""
    read: list[str] = []
    monkeypatch.setattr(_limits, "parse_many", lambda text: read.append(text) or parse_many(text))
    visitor.asks(phone=NUMBERS[0])
    read.clear()
    visitor.asks(phone=NUMBERS[1])

    assert len(read) == 3, "of posts, of what one address and what one site may ask"


def test_ipv4_has_no_wider_limit(app: Flask) -> None:
    many = [f"198.51.100.{turn}" for turn in range(3 * limits.NETWORKS_FOR_ONE + 2)]

    assert set(statuses_from(app, many)) == {303}


def counted_as(app: Flask, *forwarded: str, peer: str = "10.0.0.9", name: str = "X-Forwarded-For") -> str | None:
    """The address that a request is counted by."""
    seen: list[str | None] = []
    client = app.test_client(use_cookies=False)

    def look() -> None:
        seen.append(request.remote_addr)

    app.before_request_funcs[None] = [look, *app.before_request_funcs[None]]
    headers = [(name, line) for line in forwarded]
    environment = {"REMOTE_ADDR": peer}
    assert (
        client.get("/sales", base_url=PUBLIC_URL, headers=headers, environ_overrides=environment).status_code
        == 200
    )
    return seen[0]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, ["198.51.100.7"], "198.51.100.7"),
        (1, ["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
        (1, ["6.6.6.6,,  ,198.51.100.7"], "198.51.100.7"),
        (1, ["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
        (1, ["<script>, unknown, 198.51.100.7"], "198.51.100.7"),
        (1, ["2001:db8::1"], "2001:db8::1"),
        (2, ["198.51.100.7, 10.0.0.1"], "198.51.100.7"),
        (2, ["6.6.6.6, 198.51.100.7, 10.0.0.1"], "198.51.100.7"),
        (2, ["6.6.6.6, 198.51.100.7", "10.0.0.1"], "198.51.100.7"),
        (2, ["6.6.6.6", "198.51.100.7", "10.0.0.1"], "198.51.100.7"),
        (1, [""], "10.0.0.9"),
        (1, [], "10.0.0.9"),
        # Fewer entries than proxies: somebody went round one of them, and only the peer is sure.
        (2, ["6.6.6.6"], "10.0.0.9"),
        (3, ["6.6.6.6, 198.51.100.7"], "10.0.0.9"),
    ],
)
def test_proxies_are_counted_from_the_right(
    make_app: Callable[..., Flask], proxies: int, forwarded: list[str], address: str
) -> None:
    assert counted_as(make_app(environment={"trusted_proxies": proxies}), *forwarded) == address


@pytest.mark.parametrize("quoted", ['6.6.6.6, "', '"6.6.6.6', '6.6.6.6", "', '"6.6.6.6", "', '6.6.6.6, "\\"'])
@pytest.mark.parametrize("proxies", [1, 2])
def test_a_quotation_mark_moves_no_entry_out_of_its_place(
    make_app: Callable[..., Flask], proxies: int, quoted: str
) -> None:
    behind = ["198.51.100.7", "198.51.100.7, 10.0.0.1"][proxies - 1]
    app = make_app(environment={"trusted_proxies": proxies})

    assert counted_as(app, f"{quoted}, {behind}") in ("198.51.100.7", "10.0.0.9")


@pytest.mark.parametrize("written", ["[198.51.100.7", "198.51.100.777", "unknown", "_hidden", "<script>", "[]:1"])
def test_what_a_proxy_writes_that_is_no_address_counts_as_one_and_is_shown_nowhere(
    make_app: Callable[..., Flask], written: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(
        limits={"per_address": "1 per minute", "min_fill_seconds": 0}, environment={"trusted_proxies": 1}
    )
    first = Visitor(app, "10.0.0.9")
    page = first.sends(first.opens("/sales"), {"X-Forwarded-For": written}, name="Ann", phone=NUMBERS[0])
    second = first.sends(first.opens("/sales"), {"X-Forwarded-For": "nonsense"}, name="Ann", phone=NUMBERS[1])

    assert (page.status, second.status) == (303, 429)
    assert written not in page.html + second.html + caplog.text


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "Client-IP"]
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_what_a_visitor_writes_about_their_address_changes_nothing(
    make_app: Callable[..., Flask], name: str, proxies: int
) -> None:
    app = make_app(
        limits={"per_address": "2 per minute", "min_fill_seconds": 0}, environment={"trusted_proxies": proxies}
    )
    visitor = Visitor(app, "10.0.0.9" if proxies else "198.51.100.7")
    by_the_proxy = ", 198.51.100.7" if proxies and name == "X-Forwarded-For" else ""
    statuses = [
        visitor.sends(
            visitor.opens("/sales"), {name: f"192.0.2.{turn}{by_the_proxy}"}, name="Ann", phone=number
        ).status
        for turn, number in enumerate(NUMBERS[:3])
    ]

    assert statuses == [303, 303, 429]


def test_behind_a_declared_proxy_each_visitor_counts_alone(make_app: Callable[..., Flask]) -> None:
    app = make_app(
        limits={"per_address": "1 per minute", "min_fill_seconds": 0}, environment={"trusted_proxies": 1}
    )
    visitor = Visitor(app, "10.0.0.9")
    statuses = [
        visitor.sends(
            visitor.opens("/sales"), {"X-Forwarded-For": f"192.0.2.{turn // 2}"}, name="Ann", phone=number
        ).status
        for turn, number in enumerate(NUMBERS[:4])
    ]

    assert statuses == [303, 429, 303, 429]


def test_while_their_redis_is_away_processes_go_by_what_the_store_has(
    make_app: Callable[..., Flask], clock: Clock, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits.limiter, "_storage_dead", False)
    nobody = SecretStr(f"redis://127.0.0.1:{free_port()}/0")
    five = {"per_address": "3 per minute; 5 per hour", "min_fill_seconds": 0}
    apps = [make_app(store_url, limits=five, environment={"ratelimit_storage_uri": nobody}) for _ in "12"]
    numbers = iter(NUMBERS)

    def ask(app: Flask) -> Page:
        limits.limiter._fallback_limiter.storage.reset()  # another process has met this address never
        visitor = Visitor(app)
        return visitor.sends(visitor.opens("/sales"), name="Ann", phone=next(numbers))

    assert [ask(app).status for app in (*apps, *apps)] == [303, 303, 303, 429]
    refused = ask(apps[0])
    assert (refused.status, refused.response.headers["Retry-After"]) == (429, "60")
    assert Visitor(apps[1], "198.51.100.8").asks(phone=NUMBERS[30]).status == 200, "only who asked too often"
    clock.passes(minutes=2)
    assert [ask(app).status for app in (*apps, *apps)] == [303, 303, 429, 429]


@pytest.mark.parametrize("away", [refusing, swallowing])
def test_while_its_redis_is_away_a_process_counts_for_itself(
    make_app: Callable[..., Flask],
    away: Callable[[], AbstractContextManager[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # There is one limiter for all apps of a process, which is to forget at the end of this test that it was alone.
    monkeypatch.setattr(limits.limiter, "_storage_dead", False)
    with away() as url:
        redis = SecretStr(url.replace("http:", "redis:") + "/0")
        app = make_app(
            limits={"per_address": "3 per minute", "min_fill_seconds": 0},
            environment={"ratelimit_storage_uri": redis},
        )

        assert statuses_from(app, ["198.51.100.7"] * 4) == [303, 303, 303, 429]
        assert statuses_from(app, ["198.51.100.8"]) == [303]
        unassigned = Visitor(app, "198.51.100.9")
        asked = unassigned.sends(unassigned.opens("/sales"), name="Ann", phone="07700 900982")
        assert asked.status == 422
        assert unassigned.sends(asked).status == 303, "what the form itself remembers needs no Redis"


def test_stopping_numbers_is_limited_too(visitor: Visitor) -> None:
    statuses = [visitor.stops(number).status for number in NUMBERS[:6]]

    assert statuses == [303] * 5 + [429]


@pytest.mark.parametrize("whose", ["a request's", "nobody's"])
def test_every_route_that_takes_a_post_spends_a_limit_of_its_own(
    make_app: Callable[..., Flask], whose: str
) -> None:
    """Whatever is answered before: what is cancelled, erased or was never there is posted to no oftener."""
    hours = {"timezone": "Europe/London", "tue": ["09:00-17:00"]}
    limits = {"per_address": "3 per minute", "min_fill_seconds": 0}
    app = make_app(widgets={"sales": WIDGET | {"hours": hours}}, limits=limits)
    visitor = Visitor(app)
    id = visitor.asks().address.split("/")[-1].split("?")[0] if whose == "a request's" else "0" * 32
    posts = {rule.endpoint: rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    # Those of the console are for who is signed in; a form that was begun is counted no more, and not told so; the
    # API spends the form's limit once it has read what is asked (tests/api).
    posts = {view: rule for view, rule in posts.items() if not view.startswith(("console_", "funnel.", "api."))}

    assert {*posts.values()} >= {"/requests/<id>/cancel", "/requests/<id>/erase", "/requests/<id>/time", "/stop"}
    for post in posts.values():
        address = post.replace("<id>", id).replace("<key>", "sales")
        answers = [visitor.sends_by_hand(address, {"name": "", "phone": "1"}) for _ in range(37)]
        assert answers[0].status_code != 429, f"{address}: posts to other pages cost it none"
        assert answers[-1].status_code == 429, address
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60, address


def test_a_forwarded_address_that_nobody_declared_is_told_once(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        visitor.opens("/sales", **{"X-Forwarded-For": "192.0.2.1"})

    assert [record.message for record in caplog.records if "TRUSTED_PROXIES is 0" in record.message] == [
        "Ignoring X-Forwarded-For: TRUSTED_PROXIES is 0. Behind a proxy, set it to the number of proxies"
    ]
    assert "192.0.2.1" not in caplog.text


def test_a_post_too_many_is_not_even_checked(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visitor.opens("/sales")
    for _ in range(36):
        visitor.sends(page, name="", phone="1")
    read: list[str] = []
    monkeypatch.setattr(phone, "read", lambda typed, *more: read.append(typed))
    over = visitor.sends(page, name="Ann", phone=NUMBERS[0])

    assert (over.status, over.answers["name"], over.answers["phone"]) == (429, "Ann", NUMBERS[0])
    assert read == []


def test_a_post_too_many_to_change_a_time_is_not_even_checked(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = {"timezone": "Europe/London", "tue": ["09:00-17:00"]}
    limits = {"per_address": "3 per minute", "min_fill_seconds": 0}
    visitor = Visitor(make_app(widgets={"sales": WIDGET | {"hours": hours}}, limits=limits))
    address = f"{visitor.asks(when='slot', slot='2026-11-24T14:00Z').address}/time"
    statuses = [visitor.posts(address, {"when": "slot", "slot": "nonsense"}).status for _ in range(36)]
    monkeypatch.setattr(change_time, "_decide", None)

    assert statuses == [422] * 36
    assert visitor.posts(address, {"when": "slot", "slot": "nonsense"}).status == 429


def test_over_the_limit_only_what_a_form_led_to_before_is_told(visitor: Visitor) -> None:
    page = visitor.opens("/sales")
    answers = page.answers | {"name": "Ann", "phone": NUMBERS[0]}
    first = visitor.posts("/sales", answers)
    for _ in range(36):
        visitor.sends(visitor.opens("/sales"), name="", phone="1")

    assert visitor.posts("/sales", answers | {"name": "Bob"}).status == 429
    assert visitor.posts("/sales", visitor.opens("/sales").answers | {"phone": NUMBERS[1]}).status == 429
    assert visitor.posts("/sales", answers, {"Sec-Fetch-Site": "cross-site"}).status == 429
    assert visitor.posts("/sales", answers).location == first.location
