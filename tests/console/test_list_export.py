"""The list of requests as a file."""

import csv
import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from ringback.outbox.request import Answers
from ringback.services import Services, services_of
from tests.conftest import WIDGET


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    widgets = {"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}}
    return make_app(widgets=widgets, limits={"per_widget": "1000 per hour"})


@pytest.fixture
def services(app: Flask) -> Services:
    return services_of(app)


def ask(services: Services, phone: str, widget: str = "sales", name: str = "Ann Smith") -> str:
    return services.outbox.accept(Answers(widget=widget, phone=phone, region="GB", name=name)).reference


def exported(client: FlaskClient, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/console/requests.csv{query}")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))


def test_all_that_the_address_asks_for_is_in_the_file(
    services: Services, console: Callable[..., FlaskClient]
) -> None:
    references = {ask(services, f"4420794609{place:02}") for place in range(60)}
    other = ask(services, "442079460800", name="Zoe")
    client = console(Role.OPERATOR)

    assert {row["reference"] for row in exported(client)} == {*references, other}
    (row,) = exported(client, "?q=zoe")
    assert (row["reference"], row["name"], row["phone"], row["state"]) == (other, "Zoe", "442079460800", "Waiting")


def test_no_cell_is_computed_by_a_spreadsheet(services: Services, console: Callable[..., FlaskClient]) -> None:
    ask(services, "442079460958", name='=HYPERLINK("https://evil.test")')

    (row,) = exported(console(Role.OPERATOR))
    assert row["name"].startswith("'=")


def test_who_took_it_is_written_down_and_only_what_is_theirs_is_in_it(
    services: Services, console: Callable[..., FlaskClient]
) -> None:
    mine, _theirs = ask(services, "442079460958"), ask(services, "442079460959", widget="help")

    assert [row["reference"] for row in exported(console(Role.OPERATOR, {"sales"}))] == [mine]
    (act,) = [act for act in services.audit.listed() if act.act == "export"]
    assert (act.who, act.about) == ("console:robin", "list")
