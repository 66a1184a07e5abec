"""Passkeys: what no device signed is worth nothing, whatever it looks like."""

import json

from ringback.accounts.accounts import Accounts
from ringback.accounts.passkeys import Site
from tests.conftest import Clock

SITE = Site("callback.acme.test", "https://callback.acme.test")
NOTHINGS = [
    "",
    "{}",
    "[]",
    "null",
    "1",
    '{"id": "AAAA"}',
    '{"id": 1}',
    '{"id": null}',
    '{"id": "\\u0000"}',
    '{"id": "\\ud800"}',
]


def test_what_no_device_signed_is_nobodys(accounts: Accounts) -> None:
    for credential in NOTHINGS:
        challenge = accounts.passkeys.challenge()
        assert accounts.passkeys.owner_of(credential, SITE, challenge) is None
        assert not accounts.passkeys.add("Robin", credential, SITE, accounts.passkeys.challenge(), "x")
    for odd in ("x", "\0" * 3):
        assert not accounts.passkeys.remove("Robin", odd.replace("\0", ""))


def test_a_browser_is_asked_to_make_no_second_one_and_to_check_that_it_is_its_person(accounts: Accounts) -> None:
    options = json.loads(accounts.passkeys.creation_options("Robin", SITE, accounts.passkeys.challenge()))
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["excludeCredentials"] == []
    assert options["rp"]["id"] == SITE.host


def test_a_challenge_is_good_once_and_soon(accounts: Accounts, clock: Clock) -> None:
    passkeys = accounts.passkeys
    challenge = passkeys.challenge()
    assert passkeys._is_fresh(challenge)
    assert not passkeys._is_fresh(challenge)
    late = passkeys.challenge()
    clock.passes(minutes=16)
    assert not passkeys._is_fresh(late)
    clock.passes(minutes=-32)
    assert not passkeys._is_fresh(late)
    for odd in ("", "x", "1.", ".", "\0"):
        assert not passkeys._is_fresh(odd)
