"""What MDN's HTTP Observatory would give each page, by its published rules (mdn-http-observatory 1.4.8).

Those of its rules that look at one answer are here, without exceptions: what fails one of them fails. That the
site is on browsers' preload list, and what the proxy redirects, is not the application's.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ringback.accounts.operator import Role
from tests.conftest import WIDGET
from tests.console.conftest import console as console
from tests.console.test_roles import ROWS, asks
from tests.visitor import Visitor

HALF_A_YEAR = 15_768_000
PRIVATE = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}})


def score(answer: TestResponse) -> int:
    """As the Observatory adds it up; what it would take points off for is an error here."""
    headers = answer.headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert "unsafe" not in str(policy)
    assert not re.search(r"\b(http|data|https):(?!//)|\*", str(policy)), "no scheme and no star"
    assert int(re.findall(r"max-age=(\d+)", headers["Strict-Transport-Security"])[0]) >= HALF_A_YEAR
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    sources = re.findall(r"<script[^>]*>", answer.get_data(as_text=True))
    assert [source for source in sources if not re.search(r'src="/[^/]', source)] == [], "our own scripts alone"
    cookies = headers.getlist("Set-Cookie")
    assert all("Secure" in each and "HttpOnly" in each and "SameSite" in each for each in cookies)
    return (
        100
        + (10 if policy["default-src"] == "'none'" else 5)
        + (5 if cookies else 0)
        + (5 if headers["Referrer-Policy"] in PRIVATE else 0)
        + (5 if "frame-ancestors" in policy else 0)
        + (10 if headers["Cross-Origin-Resource-Policy"] in ("same-origin", "same-site") else 0)
    )


def visitors_pages(app: Flask) -> Iterator[tuple[str, TestResponse]]:
    visitor = Visitor(app)
    status = visitor.sends(visitor.opens("/sales"), name="Ann Example", phone="020 7946 0123").location
    posted = visitor.opens("/sales")
    yield "the form, to be mended", visitor.sends(posted, name="", phone="1").response
    paths = [
        "/",
        "/sales",
        "/sales?embed=1",
        "/sales?lang=de&theme=dark",
        "/stop",
        "/stop?embed=1",
        "/nothing/here",
    ]
    paths += [status, f"{status}?embed=1", *(f"{status}/{each}" for each in ("time", "erase"))]
    for path in paths:
        yield path.replace(status, "/requests/<id>"), visitor.opens(path).response


def consoles_pages(app: Flask, client: FlaskClient) -> Iterator[tuple[str, TestResponse]]:
    for row in ROWS:
        if row.startswith("GET /console") and not row.endswith((".json", ".csv")):
            answer = asks(app, client, row)
            if answer.mimetype == "text/html":
                yield row, answer


def test_every_page_of_visitors_is_given_120_or_more(app: Flask) -> None:
    found = {name: score(answer) for name, answer in visitors_pages(app)}

    assert len(found) == 12
    assert {name for name, points in found.items() if points < 120} == set()
    assert {name for name, points in found.items() if points < 130 and "embed=1" not in name} == set()


def test_every_page_of_the_console_is_given_130_or_more(app: Flask, console: Callable[..., FlaskClient]) -> None:
    client = console(Role.ADMIN)
    found: dict[str, Any] = {row: score(answer) for row, answer in consoles_pages(app, client)}
    found["sign-in"] = score(app.test_client().get("/console/sign-in"))

    assert len(found) >= 15
    assert {row for row, points in found.items() if points < 130} == set()


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'"),
        ("X-Content-Type-Options", ""),
    ],
)
def test_a_page_that_is_worse_is_found(app: Flask, header: str, value: str) -> None:
    answer = Visitor(app).opens("/sales").response
    answer.headers[header] = value
    with pytest.raises(AssertionError):
        score(answer)
