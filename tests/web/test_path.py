"""A PUBLIC_URL with a path: everything lives under it, and nothing of the site around it is ours."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

HOST, PATH = "https://www.acme.test", "/callback"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(environment={"public_url": f"{HOST}{PATH}"})


def get(app: Flask, path: str) -> TestResponse:
    """As a proxy passes it on: whole."""
    return app.test_client().get(path, base_url=f"{HOST}/")


def own_links(response: TestResponse) -> set[str]:
    """The addresses on a page that lead to its own host."""
    found = re.findall(r'(?:href|src|action|data-\w+)="(/[^"]*|https://www\.acme\.test[^"]*)"', response.text)
    return {link.removeprefix(HOST).split("?")[0] for link in found if "privacy" not in link}


def test_a_request_is_made_shown_and_withdrawn_under_the_path(app: Flask) -> None:
    form = get(app, "/callback/sales")
    links = own_links(form)
    assert form.status_code == 200
    assert {"/callback/sales", "/callback/static/ringback.css"} <= links

    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form.text)
    assert token
    answers = {"csrf_token": token[1], "name": "Ann", "phone": "020 7946 0123"}
    stored = app.test_client().post(
        "/callback/sales",
        base_url=f"{HOST}/",
        data=answers,
        headers={"Origin": HOST, "Sec-Fetch-Site": "same-origin"},
    )
    assert stored.status_code == 303
    confirmation = get(app, stored.location)
    assert stored.location.startswith("/callback/requests/")
    assert [link for link in links | own_links(confirmation) if not link.startswith(PATH)] == []
    for link in sorted(links | own_links(confirmation)):
        with get(app, link) as response:
            assert response.status_code in (200, 405), link
    origin_alone = app.test_client().post(
        "/callback/sales", base_url=f"{HOST}/", data=answers, headers={"Origin": HOST}
    )
    assert origin_alone.status_code == 303


def test_nothing_is_answered_beside_the_path_but_what_machines_look_at(app: Flask) -> None:
    for path in ("/", "/sales", "/callbacks", "/callback-sales", "/static/ringback.css", "/embed.js", "/stop"):
        assert get(app, path).status_code == 404, path
    for path in ("/healthz", "/readyz", "/callback/healthz", "/callback/readyz"):
        assert get(app, path).status_code == 200, path
        assert app.test_client().get(path, base_url="http://10.0.0.7:8000/").status_code == 200, path
    for path in ("/callback", "/callback/", "/callback/SALES", "/callback/sales/", "/callback/stop"):
        assert get(app, path).status_code == 200, path


def test_the_script_is_made_for_the_path_and_its_host_is_left_alone(app: Flask) -> None:
    script = get(app, "/callback/embed.js")

    assert f'"{HOST}{PATH}/sales"' in script.text
    assert "Strict-Transport-Security" not in script.headers
    assert get(app, "/callback/console/").status_code == 303
    assert get(app, "/callback/console/").location.startswith("/callback/console/")


def test_a_page_of_the_site_around_it_is_told_to_the_agent_and_our_own_are_not(app: Flask) -> None:
    pages = {}
    for page in ("/prices", "/callback/sales", "/callbacks"):
        form = app.test_client().get(
            "/callback/sales", base_url=f"{HOST}/", headers={"Referer": f"{HOST}{page}?x=1"}
        )
        found = re.search(r'name="page"[^>]*value="([^"]*)"', form.text)
        pages[page] = found[1] if found else ""

    assert pages == {"/prices": f"{HOST}/prices", "/callback/sales": "", "/callbacks": f"{HOST}/callbacks"}


def test_a_test_client_asks_below_the_path_by_itself(app: Flask) -> None:
    response = app.test_client().get("/sales")

    assert response.status_code == 200
    assert [link for link in own_links(response) if not link.startswith(PATH)] == []
