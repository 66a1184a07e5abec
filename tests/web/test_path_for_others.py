"""A PUBLIC_URL with a path: the console, programs, and what leads to us from elsewhere."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from ringback.accounts.operator import Role
from ringback.outbox.request import Answers
from ringback.sandbox.samespace import SandboxSamespace
from ringback.services import services_of
from tests.cli.test_cli import said
from tests.console.signing_in import PASSWORD, sign_in, tree_of
from tests.faults import FaultServer, answer, response

HOST, PATH = "https://www.acme.test", "/callback"
NUMBER = "442079460123"


@pytest.fixture
def under(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Makes an app under the path, with more settings."""

    def make(base_url: str = "", environment: dict[str, Any] | None = None, **tables: Any) -> Flask:
        given = {"public_url": f"{HOST}{PATH}"} | (environment or {})
        return make_app(environment=given, **({"base_url": base_url} if base_url else {}), **tables)

    return make


def at_the_door(app: Flask) -> FlaskClient:
    services_of(app).accounts.people.add("robin", Role.ADMIN, None, PASSWORD)
    return app.test_client()


def ask(app: Flask, **more: Any) -> Any:
    return services_of(app).outbox.accept(Answers("sales", NUMBER, "GB", **more))


def test_an_operator_signs_in_where_they_wanted_to_go_and_out_again(under: Callable[..., Flask]) -> None:
    client = at_the_door(under())
    sent_away = client.get("/console/audit?who=x")
    signed_in = sign_in(client)
    assert sent_away.location == f"{PATH}/console/sign-in"
    assert signed_in.location == f"{PATH}/console/audit?who=x"
    for cookie in signed_in.headers.getlist("Set-Cookie"):
        # A name that begins so is refused by browsers with any other path.
        assert cookie.startswith("__Host-ringback"), cookie
        assert {"Path=/", "Secure", "HttpOnly"} <= set(cookie.split("; ")), cookie

    token = next(
        field.get("value", "")
        for field in tree_of(client.get("/console/requests")).iter("input")
        if field.get("name") == "csrf_token"
    )
    signed_out = client.post("/console/sign-out", data={"csrf_token": token})
    assert signed_out.location.startswith(f"{PATH}/console/")
    assert client.get("/console/requests").location == f"{PATH}/console/sign-in"


def test_nobody_is_led_to_the_site_around_us_by_signing_in(under: Callable[..., Flask]) -> None:
    client = at_the_door(under())
    client.get("/console/requests")
    with client.session_transaction("/console/sign-in") as session:
        session["wanted"] = "/console/audit"  # of the site around us
    assert sign_in(client).location == f"{PATH}/console/"


def test_every_link_of_the_consoles_pages_stays_under_the_path(under: Callable[..., Flask]) -> None:
    app = under()
    client, reference = at_the_door(app), ask(app).reference
    sign_in(client)
    pages = ("requests", f"requests/{reference}", "figures", "wall", "widgets", "teams", "numbers", "audit")
    pages += ("operators", "account", "api-keys", "webhooks")
    for page in (*(f"/console/{page}" for page in pages), "/sales/install"):
        shown = client.get(page)
        assert shown.status_code == 200, page
        assert "form-action 'self'" in shown.headers["Content-Security-Policy"]
        for element in tree_of(shown).iter():
            for name, value in element.attrib.items():
                if name in ("href", "src", "action") or (str(name).startswith("data-") and value.startswith("/")):
                    own = value.removeprefix(HOST)
                    assert not own.startswith("/") or own.startswith(f"{PATH}/") or own == PATH, (page, value)


def test_a_passkey_is_for_the_host_alone_which_is_all_that_a_browser_knows(under: Callable[..., Flask]) -> None:
    client = at_the_door(under())
    options = json.loads(client.get("/console/sign-in/passkey").data)
    assert options["rpId"] == "www.acme.test"
    form = tree_of(client.get("/console/sign-in"))
    (asks,) = (each.get("data-options") for each in form.iter("form") if each.get("data-options"))
    assert asks == f"{PATH}/console/sign-in/passkey"


def test_the_sign_on_comes_back_under_the_path(under: Callable[..., Flask]) -> None:
    issuer = "https://sign-on.acme.test"
    app = under(environment={"oidc_issuer": issuer, "oidc_client_id": "x", "oidc_client_secret": SecretStr("y")})
    with responses.RequestsMock() as provider:
        known = {"issuer": issuer, "authorization_endpoint": f"{issuer}/authorize"}
        provider.get(f"{issuer}/.well-known/openid-configuration", json=known)
        leaves = app.test_client().get("/console/sign-in/provider")
    (back,) = parse_qs(urlsplit(leaves.location).query)["redirect_uri"]
    assert back == f"{HOST}{PATH}/console/sign-in/provider/back"


def test_the_agent_gets_addresses_that_lead_somewhere(
    under: Callable[..., Flask], samespace: SandboxSamespace
) -> None:
    app = under(samespace={"space_id": "acme", "base_url": samespace.base_url, "outcome_links": True})
    ask(app)
    services_of(app).delivery.run_once()
    given = samespace.calls[-1].attributes
    for name in ("page", "stop_url", "outcome_url"):
        assert given[name].startswith(f"{HOST}{PATH}/"), name
        assert app.test_client().get(given[name].removeprefix(HOST), base_url=HOST).status_code == 200, name
    page = app.test_client().get(given["outcome_url"].removeprefix(HOST), base_url=HOST)
    (form,) = tree_of(page).iter("form")
    assert (form.get("action") or PATH).startswith(PATH)


def test_programs_are_told_addresses_under_the_path(under: Callable[..., Flask]) -> None:
    app = under()
    key = services_of(app).api_keys.add("crm", ())
    client = app.test_client()
    stored = client.post(
        "/api/widgets/sales/requests",
        json={"name": "Ann", "phone": "020 7946 0123", "consent_shown": True},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert stored.status_code == 201, stored.text
    assert stored.location == stored.get_json()["status_url"]
    assert stored.location.startswith(f"{HOST}{PATH}/requests/")
    assert client.get("/openapi.json").get_json()["servers"] == [{"url": f"{HOST}{PATH}"}]
    for more in ("", "/calendar.ics"):
        address = stored.location.removeprefix(HOST) + more
        assert client.get(address, base_url=HOST).status_code in (200, 404)


def test_links_that_are_sent_to_operators_lead_to_the_console(under: Callable[..., Flask]) -> None:
    with FaultServer(answer(response(204))) as receiver:
        app = under(alerts={"webhook": f"{receiver.base_url}/ringback"})
        said(app, "alerts", "test")
        told = receiver.requests[-1].decode()
    assert f"{HOST}{PATH}/console/requests" in told
    printed = said(app, "operators", "add", "robin")
    link = next(word for word in printed.split() if word.startswith("https://"))
    assert link.startswith(f"{HOST}{PATH}/console/password/")
    assert app.test_client().get(link.removeprefix(HOST), base_url=HOST).status_code == 200


def test_where_the_console_has_a_host_of_its_own_alerts_lead_there(under: Callable[..., Flask]) -> None:
    with FaultServer(answer(response(204))) as receiver:
        app = under(
            environment={"console_host": "console.acme.test"}, alerts={"webhook": f"{receiver.base_url}/ringback"}
        )
        said(app, "alerts", "test")
        told = receiver.requests[-1].decode()
    console = "https://console.acme.test"
    assert f"{console}{PATH}/console/requests" in told
    assert app.test_client().get(f"{PATH}/console/sign-in", base_url=console).status_code == 200


def test_the_install_page_and_the_preview_have_the_whole_address(under: Callable[..., Flask]) -> None:
    client = at_the_door(under())
    sign_in(client)
    page = client.get("/sales/install")
    assert f"{HOST}{PATH}/embed.js" in page.text
    assert f"{HOST}{PATH}/sales" in page.text
    preview = client.get("/sales/install/preview")
    assert preview.status_code == 200
    assert "frame-src 'self'" in preview.headers["Content-Security-Policy"]
    assert f'"{HOST}{PATH}/embed.js"' in preview.text


def test_the_script_trusts_messages_of_the_host_not_of_an_address(under: Callable[..., Flask]) -> None:
    """A browser names an origin, never a path: what is compared with it has none."""
    app = under()
    framed = app.test_client().get("/sales?embed=1")
    assert "frame-ancestors https://www.acme.test" in framed.headers["Content-Security-Policy"]
    assert f"frame-ancestors {HOST}{PATH}" not in framed.headers["Content-Security-Policy"]
