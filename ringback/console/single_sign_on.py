"""Single sign-on by OpenID Connect, with PKCE. What it is made of is loaded where there is a provider."""

import logging
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Response, current_app, redirect, request, url_for

from ringback.config.settings import Settings
from ringback.console import access
from ringback.console.entrance import begin
from ringback.console.page import page
from ringback.services import services
from ringback.web.page import Answer

if TYPE_CHECKING:
    from authlib.integrations.flask_client import FlaskOAuth2App

log = logging.getLogger("ringback")

blueprint = access.pages("single_sign_on", __name__)

_NAME = "single_sign_on"
_PATIENCE_SECONDS = 5  # a worker that waits for it answers nobody


def init_app(app: Flask, settings: Settings) -> None:
    """Know the provider, where one is set."""
    if settings.oidc_issuer:
        app.extensions[_NAME] = _client(app, settings)


def _faults() -> tuple[type[Exception], ...]:
    """What can go wrong between a browser, a provider and the way to it."""
    from authlib.integrations.base_client import OAuthError
    from joserfc.errors import JoseError

    return OAuthError, JoseError, OSError, RuntimeError, ValueError, KeyError, TypeError


def is_set() -> bool:
    """Whether there is a single sign-on."""
    return bool(services().settings.oidc_issuer)


def fault_of(settings: Settings) -> str | None:
    """What keeps the provider from being used, or None."""
    try:
        metadata = _client(Flask("ringback"), settings).load_server_metadata()
    except _faults() as error:
        return f"does not answer ({type(error).__name__})"
    return _wrong_issuer(metadata, settings)


@blueprint.get("/sign-in/provider")
@access.needs(None)
def leave() -> Answer:
    """To the provider."""
    client = _known()
    if client is None:
        return _sorry("There is no single sign-on here.", 404)
    address = services().settings.console_url + url_for("console_single_sign_on.come_back")
    try:
        if _wrong_issuer(client.load_server_metadata(), services().settings):
            raise ValueError("another issuer")
        return cast(Response, client.authorize_redirect(address))
    except _faults() as error:
        return _failed(error)


@blueprint.get("/sign-in/provider/back")
@access.needs(None)
def come_back() -> Answer:
    """From the provider, with who they are."""
    client = _known()
    if client is None:
        return _sorry("There is no single sign-on here.", 404)
    if request.method == "HEAD":  # who looks at a link first spends no code
        return redirect(url_for("console_sign_in.sign_in"), 303)
    try:
        issuer = client.load_server_metadata()["issuer"]
        meant = {"iss": {"values": [issuer]}, "aud": {"values": [client.client_id]}}
        who = client.authorize_access_token(claims_options=meant)["userinfo"]
        subject = f"{who['iss']}|{who['sub']}"
    except _faults() as error:
        return _failed(error)
    name = services().accounts.sign_in.by_subject(subject, _name_in(who))
    if name is None:
        return _sorry(
            "You are known to your company’s sign-on, and have no account here. Ask an admin for one.", 403
        )
    return begin(name, "single sign-on")


def _name_in(who: dict[str, Any]) -> str:
    """What an account is found by: an e-mail address that the provider has verified, or its own name for them.

    That is the subject, which no two people have. The preferred user name is what somebody likes to be called, and
    may be the name of another; so may an address that is only claimed.
    """
    email, name = str(who.get("email") or ""), str(who["sub"])
    if email and who.get("email_verified") is True and services().accounts.people.find(email):
        return email
    return "" if "@" in name else name


def _known() -> "FlaskOAuth2App | None":
    return current_app.extensions.get(_NAME)


def _client(app: Flask, settings: Settings) -> "FlaskOAuth2App":
    from authlib.integrations.flask_client import OAuth

    secret = settings.oidc_client_secret
    return OAuth(app).register(
        _NAME,
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        server_metadata_url=f"{settings.oidc_issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile email",
            "code_challenge_method": "S256",
            "default_timeout": _PATIENCE_SECONDS,
            "trust_env": False,  # no proxy of the environment, as for all that leaves here
        },
    )


def _wrong_issuer(metadata: dict[str, Any], settings: Settings) -> str | None:
    said = str(metadata.get("issuer", ""))
    return None if said.rstrip("/") == settings.oidc_issuer else f"says that it is {said or 'nobody'}"


def _failed(error: Exception) -> Answer:
    # Without its words, which may quote what was sent.
    log.warning("OIDC_ISSUER: a single sign-on failed (%s)", type(error).__name__)
    return _sorry("Your company’s sign-on did not work this time. Try again, or use your password.", 502)


def _sorry(sentence: str, status: int) -> Response:
    return page("sign_in_failed.html", "You are not signed in", status, sentence=sentence)
