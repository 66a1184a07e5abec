"""The figures in a browser: pictures, each with its table, and the tables as CSV."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from ringback.outbox import transitions
from ringback.outbox.calls.called import mark_called
from ringback.outbox.claims import Settlement
from ringback.outbox.request import Answers
from ringback.services import services_of
from tests.conftest import WIDGET, Clock
from tests.console.signing_in import words_of
from tests.visitor import Visitor

Console = Callable[..., FlaskClient]
FORMULA = '=HYPERLINK("https://evil.test")'


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    widgets = {
        "sales": WIDGET | {"attributes": ["plan", "utm_campaign"]},
        "help": WIDGET | {"team_name": "Help", "attributes": ["utm_campaign"]},
    }
    return make_app(widgets=widgets)


@pytest.fixture
def asked(app: Flask, clock: Clock) -> Flask:
    """Two requests: one at each widget, the first of them handed over."""
    outbox = services_of(app).outbox
    campaign = {"utm_campaign": FORMULA}
    outbox.accept(Answers("sales", "442079460123", "GB", page="https://www.acme.test/a", attributes=campaign))
    claim = outbox.claim("test")
    assert claim
    outbox.settle(claim, Settlement(transitions.TAKEN))
    clock.passes(hours=1)
    outbox.accept(Answers("help", "442079460124", "GB", language="de", attributes={"utm_campaign": "autumn"}))
    while services_of(app).figures.count():
        pass
    return app


def table(answer_text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer_text)))


def test_the_figures_are_of_the_days_and_the_widget_in_the_address(asked: Flask, console: Console) -> None:
    client = console(Role.VIEWER)
    page = client.get("/console/figures").text
    assert "2026-10-28" in page  # four weeks, today among them
    assert "1 of 2" in page
    assert "https://www.acme.test/a" in page
    assert "Looks like" not in page

    days = table(client.get("/console/figures.csv?from=2026-11-23&to=2026-11-24&widget=help").text)
    assert days[0][:3] == ["Day", "Requests", "Handed over"]
    assert [day[:3] for day in days[1:]] == [["2026-11-23", "0", "0"], ["2026-11-24", "1", "0"]]
    assert "autumn" not in client.get("/console/figures?to=2026-11-23").text


@pytest.mark.parametrize(
    "name",
    [
        "days",
        "hours",
        "delays",
        "held",
        "funnel",
        "widgets",
        "languages",
        "pages",
        "campaigns",
        "calls",
        "answered",
    ],
)
def test_each_picture_has_its_table_as_csv(asked: Flask, console: Console, name: str) -> None:
    client = console(Role.VIEWER)
    answer = client.get(f"/console/figures.csv?table={name}")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert f"ringback-{name}-" in answer.headers["Content-Disposition"]
    assert len({len(row) for row in table(answer.text)}) == 1
    is_linked = f"table={name}&amp;from=" in client.get("/console/figures").text
    assert is_linked == (name != "answered")  # there was no call


def test_the_figures_of_calls_say_how_many_were_answered_after_which_wait(
    asked: Flask, console: Console, clock: Clock
) -> None:
    assert "Of no call in these days is anything known" in console(Role.VIEWER).get("/console/figures").text
    outbox, at = services_of(asked).outbox, clock.now
    for number, minutes, word in ((1, 2, "answered"), (2, 3, "no_answer"), (3, 20, "voicemail")):
        id = outbox.accept(Answers("sales", f"4420794601{number:02}", "GB")).id
        with services_of(asked).database.write() as connection:
            mark_called(
                connection, [id], at + timedelta(minutes=minutes), at + timedelta(hours=1), f"{word}: said"
            )
    while services_of(asked).figures.count():
        pass
    client = console()
    assert table(client.get("/console/figures.csv?table=calls").text)[1:] == [
        ["1 to 5 min", "2", "1", "1", "0", "50"],
        ["15 to 30 min", "1", "0", "1", "0", "0"],
    ]
    assert table(client.get("/console/figures.csv?table=answered").text)[1:] == [
        ["Tue 11:00", "3", "1", "2", "0", "33"]
    ]
    assert "table=answered&amp;from=" in client.get("/console/figures").text
    page = words_of(client.get("/console/figures"))
    assert "Answered 33 % 1 of 3 known" in page


def test_no_spreadsheet_computes_what_a_stranger_wrote(asked: Flask, console: Console) -> None:
    rows = table(console(Role.VIEWER).get("/console/figures.csv?table=campaigns").text)
    assert [row[0] for row in rows[1:]] == [f"'{FORMULA}", "autumn"]


@pytest.mark.parametrize("query", ["from=yesterday", "from=0001-01-01", "to=9999-12-31", "from=2026-13-40"])
def test_a_day_that_is_none_is_said_so(asked: Flask, console: Console, query: str) -> None:
    page = console(Role.VIEWER).get(f"/console/figures?{query}")
    assert page.status_code == 200
    assert "A day is written as 2026-11-24." in page.text


def test_more_than_a_year_is_cut_and_said_so_and_days_the_wrong_way_round_are_turned(
    asked: Flask, console: Console
) -> None:
    client = console(Role.VIEWER)
    assert "Shown is one year" in client.get("/console/figures?from=2020-01-01").text
    assert len(table(client.get("/console/figures.csv?from=2026-11-24&to=2026-11-20").text)) == 6


def test_who_is_bound_to_a_widget_sees_its_figures_alone(asked: Flask, console: Console) -> None:
    client = console(Role.ADMIN, {"help"})
    page = client.get("/console/figures").text
    assert "autumn" in page
    for word in ("sales", "HYPERLINK", "acme.test/a"):
        assert word not in page
    for address in ("figures", "figures.csv"):
        assert client.get(f"/console/{address}?widget=sales").status_code == 404
        assert client.get(f"/console/{address}?widget=nothing").status_code == 404
    assert "sales" not in client.get("/console/figures.csv?table=widgets").text


# --- forms ---


def test_forms_are_counted_shown_begun_sent_and_refused(app: Flask, console: Console) -> None:
    visitor, client = Visitor(app), console(Role.VIEWER)
    form = visitor.opens("/sales")
    visitor.client.head("/sales")
    assert visitor.client.post("/sales/begun").status_code == 204
    wrong = visitor.sends(form, name="Ann", phone="12")
    assert visitor.sends(wrong, phone="020 7946 0123").status == 303
    assert visitor.sends(wrong, phone="020 7946 0123").status == 303
    services_of(app).figures.count()

    rows = dict(table(client.get("/console/figures.csv?table=funnel").text)[1:])
    assert rows == {"Form shown": "1", "Begun": "1", "Sent and stored": "1", "Sent and not stored": "1"}


def test_a_stranger_cannot_say_begun_for_ever_nor_of_what_is_not_there(app: Flask, console: Console) -> None:
    client = app.test_client()
    assert client.post("/nothing/begun").status_code == 404
    for _ in range(50):
        assert client.post("/sales/begun", data="x" * 1000).status_code == 204
    services_of(app).figures.count()
    rows = dict(table(console(Role.VIEWER).get("/console/figures.csv?table=funnel").text)[1:])
    assert rows["Begun"] == "30"
