"""The description makes a typed client, without a warning, and the client works."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from tests.api.conftest import Program
from tests.conftest import PUBLIC_URL

GENERATOR = Path(sys.executable).with_name("openapi-python-client")


@pytest.fixture
def client(server: Program, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client in Python, made of the description, that talks to an app with the key of `server`."""
    description, plain = tmp_path / "openapi.json", tmp_path / "plain.json"
    description.write_bytes(server.gets("/openapi.json").get_data())
    plain.write_text(json.dumps({"post_hooks": []}))  # as it is made, not put in style
    command = [GENERATOR, "generate", "--path", description, "--config", plain, "--fail-on-warning"]
    made = subprocess.run(
        [*command, "--output-path", tmp_path / "made"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "arning" not in made.stdout + made.stderr
    monkeypatch.syspath_prepend(str(tmp_path / "made"))
    known = set(sys.modules)
    made_client = import_module("ringback_client").AuthenticatedClient(
        base_url=PUBLIC_URL, token=server.headers["Authorization"].removeprefix("Bearer ")
    )
    yield made_client.set_httpx_client(
        httpx.Client(transport=httpx.WSGITransport(app), base_url=PUBLIC_URL, headers=server.headers)
    )
    for name in set(sys.modules) - known:
        if name.startswith("ringback_client"):
            del sys.modules[name]


def test_a_typed_client_asks_follows_and_withdraws(client: Any) -> None:
    models = import_module("ringback_client.models")

    def calls(name: str, *path: str, **more: Any) -> Any:
        return import_module(f"ringback_client.api.default.{name}").sync(*path, client=client, **more)

    widget = calls("get_widget", "sales")
    assert (widget.company, widget.regions) == ("Acme Ltd", ["GB"])
    asked = models.NewRequest(name="Ann Example", phone="020 7946 0123", consent_shown=True)
    stored = calls("create_request", "sales", body=asked, idempotency_key="lead-1")
    assert stored == calls("create_request", "sales", body=asked, idempotency_key="lead-1")
    assert stored.requested_at.tzinfo
    (found,) = calls("list_requests", state=models.ListRequestsState.WAITING).requests
    assert (found.reference, found.phone, found.slot_starts_at) == (stored.reference, "+442079460123", None)
    assert calls("cancel_request", stored.reference).state == "cancelled"
    assert [event.kind for event in calls("get_request", stored.reference).events] == ["received", "cancelled"]
    assert calls("spoken", body=models.Spoken(phone="+442079460123")).withdrawn == []
    asked.phone = "1"
    refused = calls("create_request", "sales", body=asked)
    assert [(fault.field, fault.code) for fault in refused.errors] == [("phone", "too_short")]
