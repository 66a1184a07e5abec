"""A site owner's logo and font: theirs, from our own origin, and nothing in them runs."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.config.brand_files import FONT_BYTES, LOGO_BYTES, read_font, read_logo
from tests.config.test_settings import COMPLETE, faults, loaded
from tests.conftest import PUBLIC_URL, WIDGET
from tests.visitor import Visitor

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><script>alert(1)</script></svg>'
PNG = b"\x89PNG\r\n\x1a\n and what follows"
WOFF2 = b"wOF2 and what follows"


@pytest.fixture
def branded(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    """An app whose widget has both."""
    (tmp_path / "acme.svg").write_bytes(SVG)
    (tmp_path / "acme.woff2").write_bytes(WOFF2)
    own = {"logo": read_logo(tmp_path / "acme.svg"), "font": read_font(tmp_path / "acme.woff2")}
    return make_app(widgets={"sales": WIDGET | own, "help": {"team_name": "Help", "region": "GB"}})


@pytest.fixture
def browser(branded: Flask) -> FlaskClient:
    return branded.test_client()


def named_in(file: str) -> str:
    """The configuration with this file as a logo."""
    return COMPLETE.replace('brand = "#4F46E5"', f'brand = "#4F46E5"\nlogo = "{file}"')


def test_a_file_is_looked_for_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "acme.png").write_bytes(PNG)
    logo = loaded(tmp_path, named_in("pictures/acme.png")).widgets["sales"].logo

    assert logo
    assert (logo.content, logo.mimetype) == (PNG, "image/png")
    assert re.fullmatch(r"/static/own/[0-9a-f]{16}\.png", logo.url)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("acme.gif", b"GIF89a", "should be an SVG, PNG or WebP file, by its name (it is 'acme.gif')"),
        ("acme.svg", None, "should be a file; there is none at "),
        ("", None, "should be the name of a file"),
        ("acme.png", b"<html>", "is not a PNG file"),
        ("acme.webp", b"RIFF0000WAVE", "is not a WebP file"),
        ("acme.svg", b"<svg>", 'should be an SVG in UTF-8, which begins with <svg xmlns="http'),
        ("acme.svg", b"\xff\xfe<svg", "should be an SVG in UTF-8"),
        ("acme.png", PNG + bytes(LOGO_BYTES), "should be at most 64 KB; every visitor downloads it"),
    ],
)
def test_each_fault_of_a_file_is_told_at_the_start(
    tmp_path: Path, name: str, content: bytes | None, fault: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (told,) = faults(tmp_path, named_in(name))

    assert re.match(rf"{tmp_path}/ringback.toml: line \d+: widgets.sales.logo: {re.escape(fault)}", told)
    assert "\n" not in told


def test_a_font_is_of_the_one_kind_that_every_browser_takes(tmp_path: Path) -> None:
    (tmp_path / "acme.ttf").write_bytes(b"\0\1\0\0")
    (tmp_path / "acme.woff2").write_bytes(b"wOFF, the older kind")
    (tmp_path / "big.woff2").write_bytes(WOFF2 + bytes(FONT_BYTES))
    for name, fault in {"acme.ttf": "a WOFF2 file", "acme.woff2": "not a WOFF2", "big.woff2": "256 KB"}.items():
        with pytest.raises(ValueError, match=fault):
            read_font(tmp_path / name)


def test_the_logo_stands_for_the_company_and_has_its_name(branded: Flask) -> None:
    page = Visitor(branded).opens("/sales")
    (logo,) = page.all("header/img")

    assert (logo.get("alt"), page.text_of("header")) == ("Acme Ltd", "")
    other = Visitor(branded).opens("/help")
    assert other.all("header/img") == []
    assert other.text_of("header/bdi") == "Help"


def test_the_font_is_allowed_by_the_policy_of_the_page_and_by_that_alone(branded: Flask) -> None:
    page = Visitor(branded).opens("/sales")
    (style,) = page.all("style")
    (preload,) = [link for link in page.all("link") if link.get("rel") == "preload"]

    assert f"src:url({preload.get('href')})" in (style.text or "")
    assert "--own-font:ringback-own" in (style.text or "")
    assert "font-src 'self'" in page.response.headers["Content-Security-Policy"]
    assert "font-face" not in Visitor(branded).opens("/help").html


def test_own_files_may_be_kept_for_ever_and_run_nothing(browser: FlaskClient, branded: Flask) -> None:
    widget = branded.extensions["ringback"].settings.widgets["sales"]
    for file in (widget.logo, widget.font):
        answer = browser.get(file.url, base_url=PUBLIC_URL)
        assert (answer.status_code, answer.mimetype, answer.data) == (200, file.mimetype, file.content)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "script-src" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["acme.svg", "0123456789abcdef.svg", "..%2f..%2fringback.toml"])
def test_nothing_else_is_served_from_there(browser: FlaskClient, name: str) -> None:
    assert browser.get(f"/static/own/{name}", base_url=PUBLIC_URL).status_code == 404
