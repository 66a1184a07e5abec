"""Who may see what: every page of the console names the least role it is for."""

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from tests.visitor import Visitor


def test_every_page_of_the_console_names_a_role(app: Flask) -> None:
    views = [rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/console")]
    assert views
    assert [view for view in views if "console_role" not in app.view_functions[view].__dict__] == []


def test_the_console_sends_who_is_not_signed_in_to_sign_in(visitor: Visitor) -> None:
    answer = visitor.client.get("/console/requests")
    assert (answer.status_code, answer.location) == (303, "/console/sign-in")


def test_who_is_signed_in_sees_the_list(console: Callable[..., FlaskClient]) -> None:
    assert console(Role.VIEWER).get("/console/requests").status_code == 200
