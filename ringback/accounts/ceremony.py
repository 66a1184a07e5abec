"""What passes between the site and an operator's device, by WebAuthn."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import webauthn
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

if TYPE_CHECKING:
    from ringback.accounts.passkeys import Site

_REQUIRED = UserVerificationRequirement.REQUIRED
# What a browser sends can be wrong in any way.
_FAULTS = (WebAuthnException, ValueError, KeyError, TypeError)


def _expected(site: "Site", challenge: str) -> dict[str, Any]:
    """What has to be signed, by a device that checked whose it is."""
    return {
        "expected_challenge": challenge.encode(),
        "expected_rp_id": site.host,
        "expected_origin": site.origin,
        "require_user_verification": True,
    }


def creation_options(site: "Site", challenge: str, name: str, user_id: bytes, known: Iterable[str]) -> str:
    """What a browser is told to make a passkey, as JSON. `known`: the ids of those that there are."""
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name="Ringback",
        user_name=name,
        user_id=user_id,
        challenge=challenge.encode(),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(each)) for each in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_REQUIRED
        ),
    )
    return webauthn.options_to_json(options)


def made(credential: str, site: "Site", challenge: str) -> VerifiedRegistration | None:
    """The passkey that a browser made. None where it did not make it for this challenge, here."""
    try:
        return webauthn.verify_registration_response(
            credential=credential,
            **_expected(site, challenge),
        )
    except _FAULTS:
        return None


def request_options(site: "Site", challenge: str) -> str:
    """What a browser is told to sign in with a passkey, as JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=challenge.encode(), user_verification=_REQUIRED
    )
    return webauthn.options_to_json(options)


def id_in(credential: str) -> str | None:
    """Which passkey a browser says that it used, in its one spelling."""
    try:
        return text_of(base64url_to_bytes(json.loads(credential)["id"]))
    except _FAULTS:
        return None


def text_of(id_: bytes) -> str:
    return bytes_to_base64url(id_)


def signed(
    credential: str, site: "Site", challenge: str, public_key: bytes, sign_count: int
) -> VerifiedAuthentication | None:
    """What the device signed. None where it is not this challenge, for here, by that passkey."""
    try:
        return webauthn.verify_authentication_response(
            credential=credential,
            **_expected(site, challenge),
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
        )
    except _FAULTS:
        return None
