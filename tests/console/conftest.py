"""Somebody who is signed in."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from ringback.services import services_of
from tests.console.signing_in import PASSWORD, sign_in


@pytest.fixture
def console(app: Flask) -> Callable[..., FlaskClient]:
    """Signs somebody in: `console(Role.VIEWER, {"sales"})` is a client with their cookie. Their name is robin."""

    def signed_in(role: Role = Role.ADMIN, widgets: set[str] | None = None, name: str = "robin") -> FlaskClient:
        people = services_of(app).accounts.people
        if people.find(name) is None:
            people.add(name, role, widgets, PASSWORD)
        else:
            people.change(name, role, widgets, "")
        client = app.test_client()
        assert sign_in(client, name).status_code == 303
        return client

    return signed_in
