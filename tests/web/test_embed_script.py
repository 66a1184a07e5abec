"""What `/embed.js` answers: every page of a customer's site pays for it."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import WIDGET

PUBLIC_URL = "https://callback.acme.test"
LIMIT_BYTES = 3_500
ZIPPED = {"Accept-Encoding": "gzip, br"}


@pytest.fixture
def site(app: Flask) -> FlaskClient:
    return app.test_client()


def test_the_script_is_light(site: FlaskClient) -> None:
    answer = site.get("/embed.js", base_url=PUBLIC_URL, headers=ZIPPED)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(answer.data) <= LIMIT_BYTES


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_script_is_light_where_there_are_several_forms(make_app: Callable[..., Flask], count: int) -> None:
    forms = {
        "sales": WIDGET | {"brand": "#4f46e5", "attributes": ["plan"]},
        "support": WIDGET | {"brand": "#0f766e", "attributes": ["order"]},
        "werkstatt": WIDGET | {"brand": "#b91c1c"},
    }
    site = make_app(widgets={key: forms[key] for key in list(forms)[:count]}).test_client()

    assert len(site.get("/embed.js", base_url=PUBLIC_URL, headers=ZIPPED).data) <= LIMIT_BYTES


def test_what_is_served_is_the_source_without_its_comments(site: FlaskClient) -> None:
    served = site.get("/embed.js", base_url=PUBLIC_URL).text
    source = Path("static/embed.js").read_text(encoding="utf-8")

    assert "Ringback's embed script" in source
    assert "Ringback's embed script" not in served
    assert "showModal" in served
    zipped = site.get("/embed.js", base_url=PUBLIC_URL, headers=ZIPPED).data
    assert gzip.decompress(zipped).decode() == served


def test_a_browser_that_has_the_script_gets_nothing_again(site: FlaskClient) -> None:
    first = site.get("/embed.js", base_url=PUBLIC_URL, headers=ZIPPED)
    again = site.get("/embed.js", base_url=PUBLIC_URL, headers=ZIPPED | {"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert "Accept-Encoding" in first.headers["Vary"]
    assert (again.status_code, again.data) == (304, b"")
    assert site.get("/embed.js", base_url=PUBLIC_URL).headers["ETag"] != first.headers["ETag"]


def test_nobody_elses_page_loads_what_is_not_for_it(app: Flask, site: FlaskClient) -> None:
    """Every answer says so, but for the script, and what stands in a frame of a page that isolates itself."""
    places = {"<key>": "sales", "<id>": "0" * 32, "<name>": "form.js", "<path:filename>": "icon.svg"}
    paths = [rule.rule for rule in app.url_map.iter_rules()]
    for place, value in places.items():
        paths = [path.replace(place, value) for path in paths]
    for path in [*paths, "/no/where"]:
        for method in ("GET", "POST"):
            answer = site.open(path, method=method, base_url=PUBLIC_URL)
            expected = "cross-origin" if (path, method) == ("/embed.js", "GET") else "same-origin"
            assert answer.headers["Cross-Origin-Resource-Policy"] == expected, path
            answer.close()
    framed = site.get("/sales?embed=1", base_url=PUBLIC_URL)
    assert framed.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_any_site_may_load_the_script_even_one_that_isolates_itself(site: FlaskClient) -> None:
    headers = site.get("/embed.js", base_url=PUBLIC_URL).headers

    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in headers
