"""What `/static/…` answers: our style sheets and scripts, as few bytes as they can be, kept for ever."""

import gzip
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import PUBLIC_URL

ZIPPED = {"Accept-Encoding": "gzip, br"}


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize("name", ["ringback.css", "form.js", "confirmation.js", "frame.js"])
def test_a_file_comes_without_its_comments_and_compressed(browser: FlaskClient, name: str) -> None:
    plain = browser.get(f"/static/{name}", base_url=PUBLIC_URL)
    zipped = browser.get(f"/static/{name}", base_url=PUBLIC_URL, headers=ZIPPED)

    assert "/*" in Path("static", name).read_text(encoding="utf-8")
    assert "/*" not in plain.text
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Accept-Encoding"
    assert plain.headers["ETag"] != zipped.headers["ETag"]


AUTO = r'@media \(prefers-color-scheme:dark\)\{(:root\[data-theme="auto"\][^{}]*\{[^{}]*\})\}'


def rules(css: str) -> str:
    """A style sheet without comments and without the white space that means nothing."""
    plain = " ".join(re.sub(r"/\*.*?\*/", " ", css, flags=re.DOTALL).split())
    return re.sub(r" ?([{};,>]|: | !) ?", lambda found: found[1].strip(), plain).replace(";}", "}")


def test_a_style_sheet_says_what_its_source_says(browser: FlaskClient) -> None:
    served = browser.get("/static/ringback.css", base_url=PUBLIC_URL).text

    assert re.sub(AUTO, "", rules(served)) == rules(Path("static/ringback.css").read_text(encoding="utf-8"))


def test_dark_is_the_same_whether_it_is_asked_for_or_the_systems(browser: FlaskClient) -> None:
    served = rules(browser.get("/static/ringback.css", base_url=PUBLIC_URL).text)
    dark = re.findall(r':root\[data-theme="dark"\][^{}]*\{[^{}]*\}', served)

    assert any("--page:" in rule for rule in dark)
    assert re.findall(AUTO, served) == [rule.replace("dark", "auto", 1) for rule in dark]


def test_it_may_be_kept_for_ever_and_is_not_sent_again(browser: FlaskClient) -> None:
    first = browser.get("/static/ringback.css", base_url=PUBLIC_URL, headers=ZIPPED)
    again = browser.get(
        "/static/ringback.css", base_url=PUBLIC_URL, headers=ZIPPED | {"If-None-Match": first.headers["ETag"]}
    )

    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert (again.status_code, again.data) == (304, b"")


def test_other_files_are_what_they_were(browser: FlaskClient) -> None:
    icon = browser.get("/static/icon.svg", base_url=PUBLIC_URL)

    assert icon.data == Path("static/icon.svg").read_bytes()
    icon.close()
    assert browser.get("/static/nothing.css", base_url=PUBLIC_URL).status_code == 404


def test_a_page_comes_compressed_to_who_can_read_it(browser: FlaskClient) -> None:
    plain = browser.get("/stop", base_url=PUBLIC_URL)
    zipped = browser.get("/stop", base_url=PUBLIC_URL, headers=ZIPPED)

    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert "<h1" in gzip.decompress(zipped.data).decode()
    assert int(zipped.headers["Content-Length"]) == len(zipped.data) < len(plain.data)


def test_a_page_has_one_script_in_a_frame_and_alone(browser: FlaskClient) -> None:
    for address in ("/sales", "/sales?embed=1", "/stop", "/stop?embed=1", "/nowhere?embed=1"):
        page = browser.get(address, base_url=PUBLIC_URL).text

        assert page.count("<script") == 1, address
        source = re.search(r'<script type="module" src="([^"]+)"', page)
        assert source
        assert browser.get(source[1], base_url=PUBLIC_URL).status_code == 200
