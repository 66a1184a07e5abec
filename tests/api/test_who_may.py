"""What is refused, each with its documented problem, and nothing stored."""

from collections.abc import Callable

import pytest
from flask import Flask

from ringback.outbox.operators.operations import Operations
from ringback.services import services_of
from ringback.web.bounds import BODY_BYTES
from tests.api.conftest import GOOD, SITE, Program
from tests.conftest import WIDGET

PATH = "/api/widgets/sales/requests"


def test_neither_token_nor_key_is_no_way_in(site_page: Program, operations: Operations) -> None:
    refused = site_page.asks()
    assert (refused.status_code, refused.get_json()["code"]) == (401, "key_missing")
    assert operations.listed() == []


@pytest.mark.parametrize("token", ["a.b", "x", "\ud800", "é" * 3000])
def test_a_token_that_is_none_is_refused(site_page: Program, operations: Operations, token: str) -> None:
    refused = site_page.asks(token=token)
    assert refused.status_code == 422
    assert operations.listed() == []


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "http://www.acme.test", "https://www.acme.test:444"]
)
def test_a_page_of_another_site_is_refused_and_may_not_read(
    app: Flask, operations: Operations, origin: str
) -> None:
    token = Program(app, origin=SITE).token()
    elsewhere = Program(app, origin=origin)
    refused = elsewhere.asks(token=token)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "foreign_origin")
    preflight = elsewhere.client.options(PATH, base_url="https://callback.acme.test", headers=elsewhere.headers)
    for answer in (refused, preflight, elsewhere.gets("/api/widgets/sales")):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in answer.vary
    assert operations.listed() == []


def test_a_page_of_the_site_may_send_json(site_page: Program) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    preflight = site_page.client.options(
        PATH, base_url="https://callback.acme.test", headers=site_page.headers | asked
    )
    assert preflight.headers["Access-Control-Allow-Origin"] == SITE
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in preflight.headers


@pytest.mark.parametrize("key", ["rbk_wrong", "wrong", "", "rbk_" + "é" * 300, "rbk_\x00"])
def test_a_wrong_key_is_refused(app: Flask, operations: Operations, key: str) -> None:
    refused = Program(app).posts(PATH, GOOD, Authorization=f"Bearer {key}" if key else "Basic YTpi")
    assert (refused.status_code, refused.get_json()["code"]) == (401, "wrong_key")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert operations.listed() == []


def test_a_key_that_was_removed_works_no_more(app: Flask, server: Program) -> None:
    assert server.gets("/api/requests").status_code == 200
    assert services_of(app).api_keys.remove("crm")
    assert server.gets("/api/requests").status_code == 401


def test_a_key_of_another_widget_finds_nothing_there(
    make_app: Callable[..., Flask], server_of: Callable[..., Program]
) -> None:
    app = make_app(widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}})
    helping, selling = server_of(app, "help"), server_of(app, "sales", name="shop")
    reference = selling.asks().get_json()["reference"]

    assert helping.asks("sales").status_code == 404
    assert helping.gets(f"/api/requests/{reference}").status_code == 404
    assert helping.posts(f"/api/requests/{reference}/cancel", {}).status_code == 404
    assert helping.gets("/api/requests?widget=sales").status_code == 404
    assert helping.gets("/api/requests").get_json() == {"requests": [], "next": None}
    assert helping.gets(f"/api/requests?after={reference}").status_code == 422
    assert helping.posts("/api/spoken", {"phone": "+442079460123"}).get_json() == {"withdrawn": []}
    assert selling.gets(f"/api/requests/{reference}").get_json()["state"] == "waiting"


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", ""),
        *("text/json", "application/json; charset=utf-16", "application/json; boundary=x", "application/ld+json"),
    ],
)
def test_what_is_not_called_json_is_refused(server: Program, operations: Operations, content_type: str) -> None:
    refused = server.sends_raw(b'{"phone": "020 7946 0123", "name": "Ann", "consent_shown": true}', content_type)
    assert (refused.status_code, refused.get_json()["code"]) == (415, "not_json")
    assert operations.listed() == []


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_the_character_set_of_json_may_be_said(server: Program, content_type: str) -> None:
    body = b'{"phone": "020 7946 0123", "name": "Ann", "consent_shown": true}'
    assert server.sends_raw(body, content_type).status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b"[]", 400, "not_an_object"),
        (b'"text"', 400, "not_an_object"),
        (b"\xff{}", 400, "malformed_json"),
        (b"\xef\xbb\xbf{}", 400, "malformed_json"),
        (b'{"x": NaN}', 400, "not_a_json_number"),
        (b'{"x": -Infinity}', 400, "not_a_json_number"),
        (b'{"x": ' + b"9" * 5000 + b"}", 400, "malformed_json"),
        (b'{"phone": "1", "phone": "2"}', 400, "duplicate_key"),
        (b'{"attributes": {"a": "1", "a": "2"}}', 400, "duplicate_key"),
        (b'{"x":' * 30 + b"1" + b"}" * 30, 400, "nested_too_deeply"),
        (b'{"x":' + b"[" * 30_000, 400, "malformed_json"),
        (b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", 400, "malformed_json"),
        (b'{"phone": 442079460123, "consent_shown": true}', 422, "invalid"),
        (b'{"phone": ["1"], "consent_shown": true}', 422, "invalid"),
        (b'{"phone": "1", "attributes": [], "consent_shown": true}', 422, "invalid"),
        (b'{"phone": "1", "attributes": {"plan": {"a": 1}}, "consent_shown": true}', 422, "invalid"),
        (b'{"phone": "1", "when": "never", "consent_shown": true}', 422, "invalid"),
        (b'{"phone": "1", "visitor_address": "here", "consent_shown": true}', 422, "invalid"),
        (b'{"phone": "\\ud800", "name": "\\u0000", "consent_shown": true}', 422, "invalid"),
        (b'{"x": "' + b"a" * BODY_BYTES + b'"}', 413, "too_large"),
    ],
)
def test_a_body_that_is_hostile_is_refused(
    server: Program, operations: Operations, body: bytes, status: int, code: str
) -> None:
    refused = server.sends_raw(body, "application/json")
    assert (refused.status_code, refused.get_json()["code"]) == (status, code)
    assert refused.content_type == "application/problem+json"
    assert operations.listed() == []


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, identity"])
def test_a_body_that_is_packed_is_refused(server: Program, operations: Operations, encoding: str) -> None:
    refused = server.posts(PATH, GOOD, **{"Content-Encoding": encoding})
    assert (refused.status_code, refused.get_json()["code"]) == (415, "encoded")
    assert operations.listed() == []


def test_posts_that_cannot_be_read_spend_the_limit_of_posts_too(make_app: Callable[..., Flask]) -> None:
    page = Program(make_app(limits={"min_fill_seconds": 0, "per_address": "1 per minute"}), origin=SITE)
    token = page.token()
    assert {page.sends_raw(b"{", "application/json").status_code for _ in range(12)} == {400}
    assert page.asks(token=token).status_code == 429


def test_64_kib_are_read_and_one_byte_more_is_not(server: Program) -> None:
    start, end = b'{"phone": "020 7946 0123", "name": "Ann", "consent_shown": true, "x": "', b'"}'
    filling = b"a" * (BODY_BYTES - len(start) - len(end))
    assert server.sends_raw(start + filling + b"a" + end, "application/json").status_code == 413
    assert server.sends_raw(start + filling + end, "application/json").status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/api/widgets/nobody", 404, "not_found"),
        ("POST", "/api/widgets/nobody/requests", 404, "not_found"),
        ("DELETE", "/api/requests", 405, "method_not_allowed"),
        ("GET", "/api/spoken", 405, "method_not_allowed"),
        ("GET", "/api/requests/RB-0000-0000", 404, "not_found"),
        ("GET", "/api/requests/%00", 404, "not_found"),
        ("GET", "/api/requests?state=asleep", 422, "invalid"),
        ("GET", "/api/requests?since=yesterday", 422, "invalid"),
        ("GET", "/api/requests?since=0001-01-01T00:00:00%2B14:00", 422, "invalid"),
        ("GET", "/api/requests?after=%00", 422, "invalid"),
        ("GET", "/api/requests?widget=nobody", 404, "not_found"),
    ],
)
def test_what_is_not_there_is_a_problem_too(
    server: Program, method: str, path: str, status: int, code: str
) -> None:
    refused = server.client.open(
        path, method=method, base_url="https://callback.acme.test", headers=server.headers, json={}
    )
    assert (refused.status_code, refused.get_json()["code"]) == (status, code)
    assert refused.content_type == "application/problem+json"
