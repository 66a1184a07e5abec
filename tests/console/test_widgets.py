"""What operators see of widgets, teams and numbers in a browser, and what they do about them."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ringback.accounts.operator import Role
from ringback.services import services_of
from ringback.store.call_tables import measured_promises
from ringback.store.tables import teams
from tests.conftest import WIDGET, Clock
from tests.console.signing_in import words_of

HOURS = {"timezone": "Europe/London", "tue": ["09:00-17:30"], "thu": ["09:00-17:30"], "closed": ["2026-12-31"]}
Console = Callable[..., FlaskClient]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    widgets = {
        "sales": WIDGET | {"hours": HOURS, "languages": ["en", "de"]},
        "help": WIDGET | {"team_name": "Help", "promise_minutes": "measured"},
        "orders": WIDGET | {"team_name": "Orders", "promise_minutes": 20},
    }
    return make_app(widgets=widgets)


def sent(client: FlaskClient, page: str, address: str, **answers: str) -> TestResponse:
    """A form of a page, sent."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert token
    return client.post(address, data={"csrf_token": token[1], **answers})


def test_the_widgets_page_says_what_is_open_and_why_and_which_days_are_closed(
    console: Console, clock: Clock
) -> None:
    page = console(Role.VIEWER).get("/console/widgets").text
    assert "It closes 17:30." in page
    assert "Thu 31 Dec 2026" in page
    assert 'href="/sales?lang=de"' in page
    assert "It has no opening hours: it is always open." in page

    clock.passes(hours=9)
    assert "It is outside its opening hours. It opens Thu 26 Nov, 09:00." in console().get("/console/widgets").text


def test_a_widget_is_paused_with_words_and_an_end_and_resumed(console: Console, app: Flask, clock: Clock) -> None:
    client, slots = console(Role.OPERATOR), services_of(app).outbox.slots
    answer = sent(
        client, "/console/widgets", "/console/widgets/sales/pause", words="Back at one.", until="2026-11-24T13:00"
    )
    assert (answer.status_code, answer.location) == (303, "/console/widgets#sales")
    assert slots.pauses()["sales"].ends_at == clock.now + timedelta(hours=3)
    page = client.get("/console/widgets").text
    assert "Back at one." in page
    assert "13:00" in page
    assert "Back at one." in client.get("/sales").text

    clock.passes(hours=3)
    assert "Back at one." not in client.get("/sales").text
    sent(client, "/console/widgets", "/console/widgets/sales/pause")
    assert sent(client, "/console/widgets", "/console/widgets/sales/resume").status_code == 303
    assert slots.pauses() == {}


@pytest.mark.parametrize(
    ("until", "words", "sentence"),
    [
        ("2026-11-24T10:00", "", "This time is over."),
        ("tomorrow", "", "Choose a day and a time"),
        ("", "x" * 501, "Write up to 500 letters"),
    ],
)
def test_a_pause_that_cannot_be_is_told_with_what_was_typed(
    console: Console, app: Flask, clock: Clock, until: str, words: str, sentence: str
) -> None:
    answer = sent(
        console(Role.OPERATOR), "/console/widgets", "/console/widgets/sales/pause", until=until, words=words
    )
    assert answer.status_code == 422
    assert sentence in answer.text
    assert services_of(app).outbox.slots.pauses() == {}


def test_a_paused_team_is_shown_with_why_and_resumed(console: Console, app: Flask, clock: Clock) -> None:
    services = services_of(app)
    with services.database.write() as connection:
        pause = (
            teams.update().where(teams.c.name == "Help").values(paused_at=clock.now, paused_why="403: no <team>")
        )
        connection.execute(pause)
    client = console(Role.OPERATOR)
    assert "403: no &lt;team&gt;" in client.get("/console/teams").text
    assert sent(client, "/console/teams", "/console/teams/resume", team="Help").status_code == 303
    assert [team.paused_at for team in services.outbox.teams.listed()] == [None, None, None]


def test_a_team_that_refuses_is_not_said_to_take_calls(console: Console, app: Flask, clock: Clock) -> None:
    refuses = {"refuses": True, "refuses_since": clock.now, "refused_why": "Not logged In"}
    with services_of(app).database.write() as connection:
        connection.execute(teams.update().where(teams.c.name == "Help").values(**refuses))
    page = words_of(console(Role.VIEWER).get("/console/teams"))
    assert "Help Refuses Widget help Refuses since 10:00 Why Not logged In It took no call" in page
    assert page.count("Takes calls") == 2


def test_the_teams_page_says_when_nobody_hands_over(console: Console, app: Flask, clock: Clock) -> None:
    services = services_of(app)
    services.outbox.heartbeat.beat()
    assert "Requests are handed over." in words_of(console(Role.VIEWER).get("/console/teams"))
    clock.passes(minutes=5)
    page = words_of(console(Role.VIEWER).get("/console/teams"))
    assert "Nobody hands over since 10:00." in page
    assert "Requests are handed over." not in page


def test_a_breaker_that_is_open_is_shown_and_reset(console: Console, app: Flask, clock: Clock) -> None:
    services = services_of(app)
    with services.database.write() as connection:
        services.outbox.breaker._open(connection, 1, clock.now, 0)
    client = console(Role.OPERATOR)
    assert "Not reached" in client.get("/console/teams").text
    assert sent(client, "/console/teams", "/console/teams/breaker/reset").status_code == 303
    assert services.outbox.breaker.status(clock.now).state == "closed"
    assert "Reached" in client.get("/console/teams").text


def test_numbers_and_ranges_are_blocked_and_unblocked(console: Console, app: Flask) -> None:
    client, operations = console(Role.OPERATOR), services_of(app).operations
    for number in ("+44 20 7946 0123", "+4470*"):
        assert sent(client, "/console/numbers", "/console/numbers/block", number=number).status_code == 303
    assert [each[:2] for each in operations.blocked()] == [("442079460123", False), ("4470", True)]
    assert "+4470*" in client.get("/console/numbers").text
    sent(client, "/console/numbers", "/console/numbers/unblock", digits="4470", is_range="yes")
    assert [each[:2] for each in operations.blocked()] == [("442079460123", False)]


@pytest.mark.parametrize(
    ("form", "number", "sentence"),
    [
        ("block", "0044 20 7946 0123", "should be a telephone number in full"),
        ("block", "+*", "should be the beginning of a number"),
        ("unstop", "+44 20 7946 0123", "This number is not stopped."),
        ("unstop", "<b>", "should be a telephone number in full"),
    ],
)
def test_a_number_that_is_none_is_told_with_what_was_typed(
    console: Console, form: str, number: str, sentence: str
) -> None:
    answer = sent(console(Role.OPERATOR), "/console/numbers", f"/console/numbers/{form}", number=number)
    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_stop_is_counted_and_ended(console: Console, app: Flask) -> None:
    outbox, client = services_of(app).outbox, console(Role.OPERATOR)
    outbox.stop("442079460123")
    assert "<dd>1</dd>" in client.get("/console/numbers").text
    assert sent(client, "/console/numbers", "/console/numbers/unstop", number="+442079460123").status_code == 303
    assert services_of(app).operations.stopped() == 0


def test_who_is_bound_to_a_widget_learns_nothing_of_others(console: Console, app: Flask, clock: Clock) -> None:
    client = console(Role.ADMIN, {"help"})
    for address in ("/console/widgets", "/console/teams"):
        page = client.get(address).text
        assert "Help" in page
        assert "sales" not in page.lower()
    own = "/console/widgets"
    assert sent(client, own, "/console/widgets/sales/pause").status_code == 404
    assert sent(client, own, "/console/widgets/sales/resume").status_code == 404
    assert sent(client, own, "/console/teams/resume", team="Sales").status_code == 404
    assert sent(client, own, "/console/teams/breaker/reset").status_code == 404
    assert client.get("/console/numbers").status_code == 404
    for act in ("block", "unblock", "unstop"):
        assert sent(client, own, f"/console/numbers/{act}", number="+44 20 7946 0123").status_code == 404
        assert sent(client, own, f"/console/numbers/{act}", number="nonsense").status_code == 404
    assert services_of(app).outbox.slots.pauses() == {}


def test_a_viewer_reads_and_changes_nothing(console: Console) -> None:
    client = console(Role.VIEWER)
    for address in ("/console/widgets", "/console/teams", "/console/numbers"):
        page = client.get(address)
        assert page.status_code == 200
        assert "<form" not in page.text.partition("<main")[2]
    assert client.post("/console/numbers/block").status_code in (400, 404)
    assert client.post("/console/widgets/sales/pause").status_code in (400, 404)


def test_each_act_is_written_down_with_who_did_it_and_no_number(console: Console, app: Flask) -> None:
    client = console(Role.OPERATOR)
    sent(client, "/console/widgets", "/console/widgets/sales/pause")
    sent(client, "/console/widgets", "/console/widgets/sales/resume")
    sent(client, "/console/numbers", "/console/numbers/block", number="+4470*")
    sent(client, "/console/numbers", "/console/numbers/unblock", digits="4470", is_range="yes")
    acts = [
        (act.who, act.act, act.about)
        for act in reversed(services_of(app).audit.listed())
        if act.about != "operator robin"
    ]
    assert acts == [
        ("console:robin", "pause", "widget sales"),
        ("console:robin", "resume", "widget sales"),
        ("console:robin", "block", "range"),
        ("console:robin", "unblock", "range"),
    ]


def test_a_measured_promise_shows_how_it_came_about_and_why_nothing_is_promised(
    console: Console, app: Flask, clock: Clock
) -> None:
    from_nothing = words_of(console(Role.VIEWER).get("/console/widgets"))
    assert "“We usually call within 20 minutes.”" in from_nothing
    assert "Measured from 0 first calls of the last 14 days, of people who asked on weekdays," in from_nothing
    assert "06:00 to 12:00, 20 of each hour at most." in from_nothing
    assert "That is too few to promise anything: it takes 20." in from_nothing

    with services_of(app).database.write() as connection:
        connection.execute(
            measured_promises.update().values(minutes=25, calls=31, measured_at=clock.now - timedelta(minutes=1))
        )
    page = words_of(console().get("/console/widgets"))
    assert "“We usually call within 25 minutes.” Measured from 31 first calls" in page
    assert "Three of four waited 25 minutes at most (rounded up to 5 minutes)" in page
    clock.passes(minutes=40)
    with services_of(app).database.write() as connection:
        connection.execute(measured_promises.update().values(minutes=None, calls=31, measured_at=clock.now))
    assert "Three of four were not called within 4 hours" in words_of(console().get("/console/widgets"))
