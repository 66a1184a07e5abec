"""Single sign-on, with a real provider in a thread."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from canaille import create_app as create_provider
from canaille.backends import Backend
from flask import Flask
from joserfc.jwk import JWKRegistry
from pydantic import SecretStr
from pytest_iam import Server
from werkzeug.test import TestResponse

from ringback.accounts.operator import Role
from ringback.console import single_sign_on
from ringback.services import services_of
from tests.conftest import PUBLIC_URL
from tests.console.signing_in import words_of
from tests.running import free_port

SECRET = "a secret for tests only"
BACK = f"{PUBLIC_URL}/console/sign-in/provider/back"


@pytest.fixture(scope="module")
def provider() -> Iterator[Server]:
    """A provider that knows Ringback. Unlike the plugin's own fixture it leaves no app context for other tests."""
    key, port = JWKRegistry.generate_key("RSA", 2048), free_port()
    key.ensure_kid()
    configuration: dict[str, Any] = {
        "TESTING": True,
        "ENV_FILE": None,
        "SECRET_KEY": "a key for tests only, of the provider",
        "WTF_CSRF_ENABLED": False,
        "PREFERRED_URL_SCHEME": "http",
        "SERVER_NAME": f"localhost:{port}",
        "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [key.as_dict(private=True)]},
    }
    configuration["CANAILLE"]["ACL"] = {"DEFAULT": {"PERMISSIONS": ["use_oidc"]}}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # it speaks no TLS
        root = logging.getLogger()
        level, filters = root.level, list(root.filters)
        app = create_provider(config=configuration)
        root.setLevel(level)  # it quietens all of this process, and the tests that come after it
        root.filters = filters
        server = Server(app, port, Backend.instance)
        with app.app_context():
            client = server.models.Client(
                client_id="ringback",
                client_secret=SECRET,
                client_name="Ringback",
                contacts=["ann@acme.test"],
                redirect_uris=[BACK],
                grant_types=["authorization_code"],
                response_types=["code"],
                scope=["openid", "profile", "email"],
                token_endpoint_auth_method="client_secret_basic",
            )
            server.backend.save(client)
            client.audience = [client]
            server.backend.save(client)
        thread = threading.Thread(target=server.httpd.serve_forever)
        thread.start()
        yield server
        server.httpd.shutdown()
        server.httpd.server_close()
        thread.join()


@pytest.fixture
def app(make_app: Callable[..., Flask], provider: Server) -> Flask:
    return make_app(
        environment={
            "oidc_issuer": provider.url.rstrip("/"),
            "oidc_client_id": "ringback",
            "oidc_client_secret": SecretStr(SECRET),
        }
    )


@pytest.fixture
def person(provider: Server) -> Iterator[Callable[..., None]]:
    """Somebody the provider knows, and has just signed in."""
    users = []

    def known(name: str, **more: str) -> None:
        with provider.app.app_context():
            user = provider.models.User(
                user_name=name, family_name="Doe", formatted_name="Doe", emails=[f"{name}@acme.test"], **more
            )
            provider.backend.save(user)
            users.append(user)
            provider.login(user)
            provider.consent(user)

    yield known
    provider.logout()
    with provider.app.app_context():
        # It looks for any code of a client, and a code that was not used would be taken for the next one's.
        codes = provider.backend.query(provider.models.AuthorizationCode)
        for each in [*codes, *users]:
            provider.backend.delete(each)


def goes_round(
    app: Flask,
    provider: Server,
    client: Any = None,
    meanwhile: Callable[[], None] = lambda: None,
    **altered: str,
) -> TestResponse:
    """To the provider and back; `altered`: parts of the address that one comes back with."""
    client = client or app.test_client()
    leaves = client.get("/console/sign-in/provider")
    assert leaves.status_code == 302, leaves.text
    asked = parse_qs(urlsplit(leaves.location).query)
    assert asked["code_challenge_method"] == ["S256"]
    comes = provider.test_client.get(leaves.location)
    assert comes.location.startswith(BACK), comes.text
    meanwhile()
    given = {name: value for name, (value,) in parse_qs(urlsplit(comes.location).query).items()} | altered
    looked_at = client.head("/console/sign-in/provider/back", query_string=given)  # as mail programs do
    assert (looked_at.status_code, looked_at.location) == (303, "/console/sign-in")
    answer: TestResponse = client.get("/console/sign-in/provider/back", query_string=given)
    return answer


def test_who_has_an_account_of_that_name_is_signed_in(
    app: Flask, provider: Server, person: Callable[..., None]
) -> None:
    services_of(app).accounts.people.add("Robin", Role.VIEWER, None)
    person("robin")
    client = app.test_client()
    assert client.get("/console/sign-in").text.count("Sign in with your company account") == 1
    client.get("/console/audit?who=x")
    answer = goes_round(app, provider, client)
    assert (answer.status_code, answer.location) == (303, "/console/audit?who=x")
    assert client.get("/console/requests").status_code == 200
    (session,) = services_of(app).accounts.sessions.listed("Robin")
    assert session.way == "single sign-on"


def test_nobody_gets_an_account_by_it(app: Flask, provider: Server, person: Callable[..., None]) -> None:
    person("stranger")
    client = app.test_client()
    answer = goes_round(app, provider, client)
    assert answer.status_code == 403
    assert "have no account here" in words_of(answer)
    assert client.get("/console/requests").status_code == 303
    assert services_of(app).accounts.people.listed() == []


def test_what_somebody_calls_themselves_is_no_name(
    app: Flask, provider: Server, person: Callable[..., None]
) -> None:
    for name in ("robin", "mallory@acme.test"):
        services_of(app).accounts.people.add(name, Role.ADMIN, None)
    # The address is not verified, and the name that is shown is of their own choice.
    person("mallory", display_name="robin")
    assert goes_round(app, provider).status_code == 403


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"email": "Ann@acme.test", "email_verified": True}, "Ann@acme.test"),
        ({"email": "ann@acme.test", "email_verified": False}, "subject"),
        ({"email": "ann@acme.test", "email_verified": "true"}, "subject"),
        ({"email": "ann@acme.test"}, "subject"),
        ({"email": "other@acme.test", "email_verified": True}, "subject"),
        ({"preferred_username": "ann@acme.test"}, "subject"),
        ({"sub": "ann@acme.test"}, ""),
    ],
)
def test_an_account_is_found_by_a_verified_address_or_by_the_subject(
    app: Flask, claims: dict[str, Any], name: str
) -> None:
    services_of(app).accounts.people.add("ann@acme.test", Role.VIEWER, None)
    with app.app_context():
        assert single_sign_on._name_in({"sub": "subject"} | claims) == name


def test_an_answer_that_is_not_to_our_question_signs_nobody_in(
    app: Flask, provider: Server, person: Callable[..., None]
) -> None:
    services_of(app).accounts.people.add("robin", Role.VIEWER, None)
    person("robin")
    answer = goes_round(app, provider, state="another")
    assert answer.status_code == 502
    assert "did not work" in words_of(answer)


@pytest.mark.parametrize("secret", ["code_verifier", "nonce"])
def test_a_code_that_was_caught_on_its_way_signs_nobody_else_in(
    app: Flask, provider: Server, person: Callable[..., None], secret: str
) -> None:
    services_of(app).accounts.people.add("robin", Role.VIEWER, None)
    person("robin")
    client = app.test_client()

    def other_browser() -> None:
        with client.session_transaction("/console/") as session:
            (asked,) = [each for each in session if each.startswith("_state_")]
            known = session[asked]
            known["data"][secret] = "x" * 43
            session[asked] = known

    answer = goes_round(app, provider, client, meanwhile=other_browser)
    assert answer.status_code == 502
    assert client.get("/console/requests").status_code == 303


def test_an_answer_without_a_question_signs_nobody_in(app: Flask) -> None:
    for query in ("", "?code=x&state=y", "?error=access_denied&error_description=<b>"):
        answer = app.test_client().get(f"/console/sign-in/provider/back{query}")
        assert answer.status_code == 502
        assert "<b>" not in answer.text


def test_a_provider_that_is_away_is_told_plainly(make_app: Callable[..., Flask]) -> None:
    app = make_app(environment={"oidc_issuer": f"http://localhost:{free_port()}", "oidc_client_id": "ringback"})
    answer = app.test_client().get("/console/sign-in/provider")
    assert answer.status_code == 502
    assert "use your password" in words_of(answer)


def test_check_tries_the_provider(app: Flask, provider: Server, make_app: Callable[..., Flask]) -> None:
    away = make_app(environment={"oidc_issuer": f"http://localhost:{free_port()}", "oidc_client_id": "ringback"})
    for asked, said in ((app, "answers."), (away, "does not answer (ConnectionError).")):
        output = asked.test_cli_runner().invoke(args=["check", "--live"]).output
        issuer = services_of(asked).settings.oidc_issuer
        assert f"The single sign-on at {issuer} {said}" in output


def test_without_a_provider_there_is_no_way_to_it(make_app: Callable[..., Flask]) -> None:
    client = make_app().test_client()
    assert "company account" not in client.get("/console/sign-in").text
    assert client.get("/console/sign-in/provider").status_code == 404
