"""Programs: a page of a site of one's own, and a server with a key."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from ringback.services import services_of
from tests import privacy
from tests.conftest import PUBLIC_URL

SITE = "https://www.acme.test"
GOOD = {"name": "Ann Example", "phone": "020 7946 0123", "consent_shown": True}


class Program:
    """Posts JSON, with a key or from a page of a site."""

    def __init__(self, app: Flask, key: str = "", origin: str = "", address: str = "198.51.100.7") -> None:
        self.client = app.test_client(use_cookies=False)
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.headers |= {"Origin": origin} if origin else {}
        self.address = address

    def gets(self, path: str, **headers: str) -> TestResponse:
        return self._sends("GET", path, headers)

    def posts(self, path: str, body: Any, idempotency_key: str = "", **headers: str) -> TestResponse:
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        privacy.submits({name: value for name, value in body.items() if isinstance(value, str)})
        return self._sends("POST", path, headers, json=body)

    def asks(self, widget: str = "sales", idempotency_key: str = "", **fields: Any) -> TestResponse:
        """Post a good request, with these fields in place of its own."""
        return self.posts(f"/api/widgets/{widget}/requests", GOOD | fields, idempotency_key)

    def token(self, widget: str = "sales") -> str:
        return str(self.gets(f"/api/widgets/{widget}").get_json()["token"])

    def sends_raw(self, body: bytes, content_type: str, path: str = "/api/widgets/sales/requests") -> TestResponse:
        return self._sends("POST", path, {}, data=body, content_type=content_type)

    def _sends(self, method: str, path: str, headers: dict[str, str], **more: Any) -> TestResponse:
        return self.client.open(
            path,
            method=method,
            base_url=PUBLIC_URL,
            headers=self.headers | headers,
            environ_overrides={"REMOTE_ADDR": self.address},
            **more,
        )


@pytest.fixture
def server_of() -> Callable[..., Program]:
    """A server with a fresh key of an app, for some of its widgets or all."""

    def make(app: Flask, *widgets: str, name: str = "crm") -> Program:
        key = services_of(app).api_keys.add(name, widgets)
        assert key
        return Program(app, key)

    return make


@pytest.fixture
def server(app: Flask, server_of: Callable[..., Program]) -> Program:
    return server_of(app)


@pytest.fixture
def site_page(app: Flask) -> Program:
    return Program(app, origin=SITE)
