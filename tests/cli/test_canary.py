"""A request that tries the way: stored, taken, called by nobody, and nothing is left of it."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self

import pytest
import responses
from flask import Flask
from pydantic import SecretStr

from ringback.sandbox.samespace import SandboxSamespace
from ringback.store.tables import metadata
from ringback.web.form.canary import HEADER, canary_id, new_canary
from tests.cli.test_cli import said
from tests.conftest import PUBLIC_URL, Clock
from tests.visitor import Visitor

Made = Callable[..., Flask]


@pytest.fixture
def site(make_app: Made) -> Iterator[Callable[[Flask], None]]:
    """Serve an app at PUBLIC_URL, as if it ran elsewhere."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:

        def serve(app: Flask) -> None:
            def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
                given = app.test_client().open(
                    request.path_url,
                    method=request.method,
                    data=request.body,
                    content_type=request.headers.get("Content-Type"),
                    headers={HEADER: request.headers[HEADER]} if HEADER in request.headers else {},
                )
                return given.status_code, dict(given.headers), given.data

            for method in ("GET", "POST"):
                web.add_callback(method, f"{PUBLIC_URL}/sales", answer)

        serve.web = web  # type: ignore[attr-defined]
        yield serve


def rows(app: Flask) -> dict[str, int]:
    with app.extensions["ringback"].database.read() as connection:
        return {
            table.name: connection.exec_driver_sql(f"SELECT count(*) FROM {table.name}").scalar() or 0
            for table in metadata.sorted_tables
        }


@pytest.fixture
def taken(make_app: Made) -> Iterator[Callable[[Flask], None]]:
    """A hand-over beside it."""
    stopping, threads = threading.Event(), []

    def start(app: Flask) -> None:
        def run() -> None:
            while not stopping.wait(0.05):
                app.extensions["ringback"].delivery._last_expiry = 0.0
                app.extensions["ringback"].delivery.run_once()

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    yield start
    stopping.set()
    for thread in threads:
        thread.join()


def test_it_is_stored_and_taken_and_leaves_nothing_behind(
    make_app: Made, site: Any, taken: Any, samespace: SandboxSamespace
) -> None:
    boxes = {
        "widgets": {
            "sales": {"team_name": "S", "region": "DE", "fields": ["name", "email"], "required": ["email"]}
        }
    }
    app = make_app(base_url=samespace.base_url, environment={"metrics_token": SecretStr("t")}, **boxes)
    site(app)
    taken(app)
    site.web.get("https://ping.acme.test/1", status=200)
    before = rows(app)

    assert "Stored and taken" in said(app, "canary", "--ping", "https://ping.acme.test/1")
    assert rows(app) == before
    assert samespace.calls == []
    assert [call.request.url for call in site.web.calls][-1] == "https://ping.acme.test/1"


class Healthchecks(HTTPServer):
    """What Healthchecks does with a ping: it notes that it came, and answers."""

    def __init__(self, status: int = 200) -> None:
        self.pings: list[str] = []
        pings = self.pings

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pings.append(self.path)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}/8c6f1f9a"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


def test_a_dead_mans_switch_hears_of_it_when_all_is_well_and_else_hears_nothing(
    make_app: Made, site: Any, taken: Any, samespace: SandboxSamespace
) -> None:
    app = make_app(base_url=samespace.base_url)
    site(app)
    site.web.add_passthru("http://127.0.0.1")
    with Healthchecks() as healthchecks, Healthchecks(status=500) as broken:
        assert "nobody took it" in said(app, "canary", "--wait", "0.2", "--ping", healthchecks.address, status=1)
        assert healthchecks.pings == []
        taken(app)
        said(app, "canary", "--ping", healthchecks.address)
        assert healthchecks.pings == ["/8c6f1f9a"]
        told = said(app, "canary", "--ping", broken.address, status=1)

    assert "No good answer: HTTPError." in told
    assert "8c6f1f9a" not in told, "its address is a key"
    gone = said(app, "canary", "--ping", broken.address, status=1)
    assert "No good answer: ConnectionError." in gone


def test_it_says_where_the_way_ends_and_pings_nobody(make_app: Made, site: Any, tmp_path: Any) -> None:
    app = make_app()
    ping = ("--ping", "https://ping.acme.test/1")
    assert "No good answer: ConnectionError." in said(app, "canary", *ping, status=1)
    site(app)
    assert "nobody took it within 0.2 s" in said(app, "canary", "--wait", "0.2", *ping, status=1)
    assert rows(app)["canaries"] == 0
    with app.extensions["ringback"].database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE canaries RENAME TO gone")
    assert "answered 503 to the form: it was not stored" in said(app, "canary", status=1)


def test_a_site_with_another_store_is_told(make_app: Made, site: Any, tmp_path: Any) -> None:
    other = make_app(f"sqlite:///{tmp_path}/other.db")
    site(other)

    assert "it is not in this store" in said(make_app(), "canary", status=1)


def test_nobody_else_can_send_one_nor_this_one_twice(app: Flask, visitor: Visitor, clock: Clock) -> None:
    def sends(signed: str) -> int:
        form = visitor.opens("/sales")
        return visitor.sends(form, {HEADER: signed}, name="Ann", phone="020 7946 0123").status

    id, signed = new_canary(["a key for tests only"], clock.now)
    assert sends(signed) == 204
    assert sends(signed) == 422
    for other in (
        new_canary(["another key"], clock.now)[1],
        f"{id}.",
        signed[1:],
        "ü",
        ".",
        f"{id[:-1]}{'01'[id[-1] == '0']}.{signed[33:]}",
    ):
        assert canary_id(other, ["a key for tests only"], clock.now) is None
    clock.passes(minutes=7)
    assert sends(signed) == 303, "a request like any other"
    assert canary_id(new_canary(["k"], datetime(2038, 1, 20, tzinfo=UTC))[1], ["k"], clock.now) is None
