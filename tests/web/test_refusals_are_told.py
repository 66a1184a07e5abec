"""What refuses everybody is in the log: the setting and the mend, once a minute, and nothing of who asked."""

import logging
from collections.abc import Callable

import pytest
from flask import Flask
from pydantic import SecretStr

from ringback.logs import Sparing
from tests.conftest import PUBLIC_URL
from tests.visitor import Visitor

BEHIND_TWO = {"trusted_proxies": 2}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def get(app: Flask, path: str = "/sales", host: str = "callback.acme.test", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(path, base_url=f"https://{host}", headers=named).status_code


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "ringback_app", "app:8000", "www.acme.test", "[::1]"])
def test_a_proxy_that_keeps_the_host_for_itself_is_told_of(
    app: Flask, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    """nginx sends the name of its upstream, Caddy and others the address."""
    statuses = [
        app.test_client().get(path, headers={"Host": host}).status_code for path in ("/sales", "/", "/static/x")
    ]

    assert statuses == [400, 400, 400]
    (line,) = warnings(caplog)
    assert line.startswith("PUBLIC_URL: its host is callback.acme.test, and a request for another host got 400.")
    assert "proxy_set_header Host $host" in line
    assert host not in line
    assert get(app, "/readyz", host="10.0.0.7") == 200


def test_a_sandbox_that_is_shown_to_others_says_that_it_answers_here_alone(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(environment={"sandbox": True, "public_url": "http://127.0.0.1:8000"})

    assert get(app, host="ringback.example.test") == 400
    (line,) = warnings(caplog)
    assert line.startswith("The sandbox answers to localhost, 127.0.0.1 and [::1] alone")


@pytest.mark.parametrize("origin", ["http://callback.acme.test", "https://callback.acme.test:8443", "null"])
def test_forms_that_are_refused_for_their_origin_are_told_of(
    app: Flask, visitor: Visitor, caplog: pytest.LogCaptureFixture, origin: str
) -> None:
    """As where visitors use http and PUBLIC_URL says https: browsers send no Sec-Fetch-Site then."""
    page = visitor.sends(visitor.opens("/sales"), {"Origin": origin}, name="Ann", phone="020 7946 0123")

    assert page.status == 403
    (line,) = warnings(caplog)
    assert line.startswith(f"PUBLIC_URL: it is {PUBLIC_URL}, and a form that was sent from another origin got 403")
    assert "correct PUBLIC_URL" in line


@pytest.mark.parametrize(("forwarded", "found"), [("", 0), ("192.0.2.1", 1)])
def test_a_proxy_that_names_nobody_is_told_of(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture, forwarded: str, found: int
) -> None:
    """All its visitors would share one limit, and everybody be refused."""
    app = make_app(environment=BEHIND_TWO)
    headers = {"X_Forwarded_For": forwarded} if forwarded else {}
    for _ in range(2):
        assert get(app, **headers) == 200

    (line,) = warnings(caplog)
    assert line.startswith(
        f"TRUSTED_PROXIES is 2, and a request came with fewer addresses in X-Forwarded-For ({found})"
    )
    assert "192.0.2" not in line


def test_what_looks_after_the_server_or_comes_through_all_proxies_is_not_told_of(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(environment=BEHIND_TWO)
    assert get(app, "/healthz") == 200
    assert get(app, "/readyz") == 200
    assert get(app, X_Forwarded_For="192.0.2.1, 10.0.0.1") == 200

    assert warnings(caplog) == []


def test_the_same_is_said_once_a_minute_with_how_often_it_came(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    tell = Sparing(logging.getLogger("ringback"), lambda: now[0])
    for passed in (0, 1, 58.9, 0.1, 0.1, 60):
        now[0] += passed
        tell("PUBLIC_URL: a sentence")
    tell("another")

    assert warnings(caplog) == [
        "PUBLIC_URL: a sentence",
        "PUBLIC_URL: a sentence (2 times more since this was said last)",
        "PUBLIC_URL: a sentence (1 times more since this was said last)",
        "another",
    ]


def test_what_is_said_is_not_kept_without_end(caplog: pytest.LogCaptureFixture) -> None:
    tell = Sparing(logging.getLogger("ringback"), lambda: 0.0)
    for number in range(1000):
        tell(f"line {number}")

    assert len(tell._said) <= 50


def test_a_form_of_another_machine_s_key_is_told_of(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    one = make_app()
    other = make_app(environment={"secret_key": SecretStr("the key of another machine, as long as it should be")})
    page = Visitor(one).opens("/sales")

    assert Visitor(other).sends(page, name="Ann", phone="020 7946 0123").status == 422
    (line,) = warnings(caplog)
    assert line.startswith("SECRET_KEY: a form came that another key signed")


def test_a_token_that_somebody_made_up_is_no_fault_of_ours(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    page = Visitor(app).opens("/sales")
    for made_up in ("x", "W10.x", "IngiLCJ5Il0.x", "ö"):
        assert Visitor(app).sends(page, name="Ann", phone="020 7946 0123", csrf_token=made_up).status == 422

    assert warnings(caplog) == []


def test_a_proxy_that_takes_the_path_away_is_told_of(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(environment={"public_url": f"{PUBLIC_URL}/call"})
    statuses = [
        app.test_client().get(path, base_url=PUBLIC_URL).status_code
        for path in ("/sales", "/embed.js", "/healthz", "/call/sales")
    ]

    assert statuses == [404, 404, 200, 200]
    (line,) = warnings(caplog)
    assert line.startswith("PUBLIC_URL: its path is /call, and a request for another path got 404.")
    assert "nginx: proxy_pass with nothing behind its host and port" in line


FRAMED = {"Sec_Fetch_Dest": "iframe", "Sec_Fetch_Site": "cross-site"}


@pytest.mark.parametrize(
    "page", ["https://shop.acme.test/", "http://www.acme.test/", "https://www.acme.test:8443/"]
)
def test_a_frame_that_browsers_keep_empty_is_told_of(
    app: Flask, caplog: pytest.LogCaptureFixture, page: str
) -> None:
    assert get(app, "/sales?embed=1", Referer=page, **FRAMED) == 200

    (line,) = warnings(caplog)
    assert line.startswith("widgets.sales.origins: a page whose origin is not among them framed this form")
    assert page not in line


def test_a_frame_that_browsers_show_is_not_told_of(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    for headers in (
        {"Referer": "https://www.acme.test/", **FRAMED},
        {"Referer": f"{PUBLIC_URL}/sales/install", "Sec_Fetch_Dest": "iframe", "Sec_Fetch_Site": "same-origin"},
        {"Referer": "https://shop.acme.test/", "Sec_Fetch_Dest": "document", "Sec_Fetch_Site": "cross-site"},
        FRAMED,  # a page that says nothing of itself
    ):
        assert get(app, "/sales?embed=1", **headers) == 200

    assert warnings(caplog) == []


def test_a_console_that_nobody_can_sign_in_to_without_its_cookie_is_told_of(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """As where it is opened over http and PUBLIC_URL says https: browsers keep no cookie then."""
    client = app.test_client(use_cookies=False)
    for _ in range(2):
        answer = client.post("/console/sign-in", base_url=PUBLIC_URL, data={"username": "ann", "password": "x"})
        assert answer.status_code == 400

    (line,) = warnings(caplog)
    assert line.startswith(
        f"PUBLIC_URL: it is {PUBLIC_URL}, and a form of the console that came without its cookie"
    )
    assert "have the proxy pass Cookie and Set-Cookie on" in line
