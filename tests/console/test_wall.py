"""The wall: who waits, how long, and whether promises hold."""

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from ringback.outbox.request import Answers
from ringback.services import services_of
from tests.conftest import Clock

Console = Callable[..., FlaskClient]


def test_the_wall_says_who_waits_and_what_is_at_risk(
    make_app: Callable[..., Flask], console: Console, clock: Clock, app: Flask
) -> None:
    outbox = services_of(app).outbox
    outbox.stop("442079460125")
    for number in ("442079460123", "442079460124", "442079460125"):
        outbox.accept(Answers("sales", number, "GB"))  # the last of them is held, and waits for nobody
    client = console(Role.VIEWER)
    page = client.get("/console/wall").text
    assert "none past it" in page
    assert "<dt>Waiting</dt><dd>2</dd>" in page

    clock.passes(minutes=11)
    assert "within five minutes" in client.get("/console/wall").text
    clock.passes(minutes=5)
    page = client.get("/console/wall").text
    assert "<dt>Promises at risk</dt><dd>2</dd>" in page
    assert "2 past it already" in page
    assert "<dt>Longest wait</dt><dd>16 min</dd>" in page


def test_a_wall_is_of_the_widgets_that_one_may_see(
    make_app: Callable[..., Flask], console: Console, app: Flask
) -> None:
    services_of(app).outbox.accept(Answers("sales", "442079460123", "GB"))
    client = console(Role.VIEWER, {"help"})
    page = client.get("/console/wall").text
    assert "<dt>Waiting</dt><dd>0</dd>" in page
    assert client.get("/console/wall?widget=sales").status_code == 404
    assert "<dt>Waiting</dt><dd>1</dd>" in console(Role.VIEWER).get("/console/wall?widget=sales").text
