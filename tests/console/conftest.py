"""Somebody who is signed in."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Operator, Role
from ringback.console import access


@pytest.fixture
def console(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FlaskClient]:
    """Signs somebody in: `console(Role.VIEWER, {"sales"})` is a client with their cookie."""

    def sign_in(
        role: Role = Role.ADMIN, widgets: set[str] | None = None, name: str = "robin", samespace_user: str = ""
    ) -> FlaskClient:
        who = Operator(name, role, frozenset(widgets) if widgets is not None else None, samespace_user)
        monkeypatch.setattr(access, "_signed_in", lambda: who)
        return app.test_client()

    return sign_in
