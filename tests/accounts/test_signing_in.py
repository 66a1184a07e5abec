"""Name, password and code: who is let in, how often one may try, and what that tells."""

import threading

import pyotp
import pytest
from pydantic import SecretStr

from ringback.accounts import passwords
from ringback.accounts.accounts import Accounts
from ringback.accounts.api_keys import ApiKeys
from ringback.accounts.operator import Role
from ringback.accounts.sign_in import PER_ACCOUNT, Answer, No, TooMany, Yes
from ringback.outbox.audit import Audit
from ringback.store.database import Database
from tests.accounts.conftest import PASSWORD
from tests.conftest import Clock, make_settings


def tries(accounts: Accounts, name: str = "Robin", password: str = PASSWORD, code: str = "") -> Answer:
    return accounts.sign_in.by_password(name, password, code, {"address 1": 30})


def test_a_name_and_its_password_sign_in(accounts: Accounts) -> None:
    for name in ("Robin", "robin", " ROBIN "):
        assert tries(accounts, name) == Yes("Robin")


def test_a_password_is_the_same_on_every_keyboard(accounts: Accounts) -> None:
    accounts.people.set_password("Robin", "cafe\u0301 au lait, s'il vous plait")
    assert tries(accounts, password="caf\u00e9 au lait, s'il vous plait") == Yes("Robin")


def test_what_is_wrong_is_not_told(accounts: Accounts) -> None:
    for name, password in (("Robin", "wrong"), ("nobody", PASSWORD), ("", ""), ("Robin", ""), ("\0", PASSWORD)):
        assert tries(accounts, name, password) == No.WRONG


def test_as_much_is_done_for_a_name_that_nobody_has(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts.people.add("Ann", Role.ADMIN, None)  # has no password yet
    compared: list[str] = []
    verify = passwords._HASHER.verify

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            compared.append(kept.rpartition("$")[0].rpartition("$")[0])
            return verify(kept, password)

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    for name in ("Robin", "Ann", "nobody"):
        assert tries(accounts, name, "wrong") == No.WRONG
    assert len(compared) == 3
    assert len(set(compared)) == 1, "with the same parameters"


@pytest.mark.parametrize("name", ["Robin", "nobody"])
def test_an_account_may_be_tried_so_often_whether_there_is_one_or_not(
    accounts: Accounts, clock: Clock, name: str
) -> None:
    answers = [tries(accounts, name, "wrong") for _ in range(PER_ACCOUNT + 1)]
    assert answers[:-1] == [No.WRONG] * PER_ACCOUNT
    assert isinstance(answers[-1], TooMany)
    assert isinstance(tries(accounts, name, PASSWORD), TooMany), "not even with the right one"
    clock.passes(minutes=15)
    assert tries(accounts, name, "wrong") == No.WRONG


def test_an_address_may_try_so_often_over_all_names(accounts: Accounts) -> None:
    answers = [tries(accounts, f"name{number}", "wrong") for number in range(31)]
    assert answers[:-1] == [No.WRONG] * 30
    assert isinstance(answers[-1], TooMany)
    assert isinstance(tries(accounts), TooMany)


def test_tries_that_were_refused_count_for_nothing(accounts: Accounts, clock: Clock) -> None:
    for _ in range(PER_ACCOUNT):
        tries(accounts, password="wrong")
    clock.passes(minutes=14)
    assert isinstance(tries(accounts), TooMany)
    clock.passes(minutes=1)
    assert tries(accounts) == Yes("Robin")


def test_signing_in_gives_the_tries_of_the_account_back_and_not_those_of_the_address(accounts: Accounts) -> None:
    accounts.people.add("Mallory", Role.VIEWER, None, "nobody else is to know")
    for _ in range(PER_ACCOUNT - 1):
        tries(accounts, password="wrong")
    assert tries(accounts) == Yes("Robin")
    for number in range(21):
        assert tries(accounts, f"name{number}", "wrong") == No.WRONG
    assert isinstance(tries(accounts, "another", "wrong"), TooMany)


def test_tries_at_the_same_moment_are_all_counted(accounts: Accounts) -> None:
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda: answers.append(tries(accounts, password="wrong")))
        for _ in range(PER_ACCOUNT + 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(No.WRONG) == PER_ACCOUNT


def test_tries_of_a_clock_that_was_wrong_bind_nobody(accounts: Accounts, clock: Clock) -> None:
    clock.passes(days=300)
    for _ in range(PER_ACCOUNT):
        tries(accounts, password="wrong")
    clock.passes(days=-300)
    assert tries(accounts) == Yes("Robin")


def with_second_factor(accounts: Accounts, clock: Clock) -> tuple[pyotp.TOTP, list[str]]:
    secret = accounts.second_factor.new_secret()
    codes = accounts.second_factor.begin("Robin", secret, pyotp.TOTP(secret).at(clock()))
    assert codes
    clock.passes(seconds=90)
    return pyotp.TOTP(secret), codes


def test_a_second_factor_begins_with_a_code_of_it(accounts: Accounts) -> None:
    assert accounts.second_factor.begin("Robin", accounts.second_factor.new_secret(), "000000") is None
    assert tries(accounts) == Yes("Robin")


def test_with_a_second_factor_a_code_is_needed_too(accounts: Accounts, clock: Clock) -> None:
    totp, _ = with_second_factor(accounts, clock)
    assert tries(accounts) == No.NEEDS_CODE
    assert tries(accounts, password="wrong") == No.WRONG
    assert tries(accounts, code="000000") == No.WRONG_CODE
    assert tries(accounts, password="wrong", code=totp.at(clock())) == No.WRONG
    code = totp.at(clock())
    assert tries(accounts, code=f"{code[:3]} {code[3:]}") == Yes("Robin")


def test_a_code_works_once(accounts: Accounts, clock: Clock) -> None:
    totp, _ = with_second_factor(accounts, clock)
    code, before = totp.at(clock()), totp.at(clock(), counter_offset=-1)
    assert tries(accounts, code=code) == Yes("Robin")
    assert tries(accounts, code=code) == No.WRONG_CODE
    assert tries(accounts, code=before) == No.WRONG_CODE, "nor does one that was shown before it"
    clock.passes(seconds=30)
    assert tries(accounts, code=totp.at(clock())) == Yes("Robin")


def test_a_code_of_a_minute_ago_is_too_old(accounts: Accounts, clock: Clock) -> None:
    totp, _ = with_second_factor(accounts, clock)
    assert tries(accounts, code=totp.at(clock(), counter_offset=-2)) == No.WRONG_CODE
    assert tries(accounts, code=totp.at(clock(), counter_offset=2)) == No.WRONG_CODE
    assert tries(accounts, code=totp.at(clock(), counter_offset=-1)) == Yes("Robin")


def test_what_is_no_code_is_wrong_and_nothing_else(accounts: Accounts, clock: Clock) -> None:
    with_second_factor(accounts, clock)
    for code in ("٠٠٠٠٠٠", "12345", "1234567", "\x00", "é" * 6, "a" * 100_000):
        assert tries(accounts, code=code) == No.WRONG_CODE


def test_codes_can_be_tried_only_so_often(accounts: Accounts, clock: Clock) -> None:
    totp, _ = with_second_factor(accounts, clock)
    for _ in range(PER_ACCOUNT):
        assert tries(accounts, code="000000") == No.WRONG_CODE
    assert isinstance(tries(accounts, code=totp.at(clock())), TooMany)


def test_each_recovery_code_works_once(accounts: Accounts, clock: Clock) -> None:
    _, codes = with_second_factor(accounts, clock)
    assert len(set(codes)) == 8
    assert tries(accounts, code=codes[0]) == Yes("Robin")
    assert tries(accounts, code=codes[0]) == No.WRONG_CODE
    assert tries(accounts, code=codes[1].upper().replace("-", " ")) == Yes("Robin")


def test_without_the_key_of_the_store_the_second_factor_holds(
    accounts: Accounts, clock: Clock, store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    totp, codes = with_second_factor(accounts, clock)
    other = make_settings(store_url).model_copy(update={"secret_key": SecretStr("another key, for tests only")})
    elsewhere = Accounts(accounts.sign_in._database, other, clock)
    assert tries(elsewhere, code=totp.at(clock())) == No.WRONG_CODE
    assert "SECRET_KEY_FALLBACKS" in caplog.text
    assert tries(elsewhere, code=codes[0]) == Yes("Robin")


def test_an_old_key_can_be_retired_once_ringback_has_started_with_the_new_one(
    accounts: Accounts, clock: Clock, store_url: str
) -> None:
    totp, _ = with_second_factor(accounts, clock)
    settings, store = make_settings(store_url), accounts.sign_in._database
    new = SecretStr("another key, for tests only")
    both = settings.model_copy(update={"secret_key": new, "secret_key_fallbacks": (settings.secret_key,)})
    Accounts(store, both, clock).second_factor.lock_up()
    alone = Accounts(store, settings.model_copy(update={"secret_key": new}), clock)
    assert tries(alone, code=totp.at(clock())) == Yes("Robin")


def test_the_single_sign_on_keeps_an_account_for_who_came_first(accounts: Accounts) -> None:
    assert accounts.sign_in.by_subject("issuer|1", "nobody") is None
    assert accounts.sign_in.by_subject("issuer|1", "ROBIN") == "Robin"
    assert accounts.sign_in.by_subject("issuer|2", "robin") is None
    assert accounts.sign_in.by_subject("issuer|1", "renamed") == "Robin"


def test_after_a_reset_the_single_sign_on_opens_nothing_until_the_person_is_in_again(accounts: Accounts) -> None:
    assert accounts.sign_in.by_subject("issuer|1", "robin") == "Robin"
    link = accounts.people.reset("Robin")
    assert link
    assert accounts.sign_in.by_subject("issuer|1", "robin") is None
    assert accounts.people.set_password_by_link(link, PASSWORD)
    assert accounts.sign_in.by_subject("issuer|1", "robin") is None
    assert accounts.sessions.begin("Robin", "link", "Firefox")
    assert accounts.sign_in.by_subject("issuer|1", "robin") == "Robin"


def test_whatever_changes_how_somebody_signs_in_is_in_the_audit_without_what_signs_in(
    accounts: Accounts, clock: Clock, store: Database
) -> None:
    for _ in range(3):
        key = accounts.sessions.begin("Robin", "password", "Firefox")
    assert key
    accounts.people.set_password("Robin", "another four quiet words", by="console:Robin")
    assert accounts.sessions.end("Robin", accounts.sessions.id_of(key))
    accounts.sessions.end_others("Robin", key)
    with_second_factor(accounts, clock)
    accounts.second_factor.end("Robin")
    accounts.sign_in.by_subject("issuer|1", "robin")
    link = accounts.people.reset("Robin", by="cli:root")
    assert link
    accounts.people.set_password_by_link(link, PASSWORD)
    accounts.people.remove("Robin", by="cli:root")
    keys = ApiKeys(store, clock)
    keys.add("crm", by="cli:root")
    keys.remove("crm", by="cli:root")
    keys.remove("crm", by="cli:root")

    acts = [(act.who, act.act, act.about) for act in reversed(Audit(store).listed())]
    assert acts == [
        ("cli", "add", "operator Robin"),
        ("console:Robin", "password", "operator Robin"),
        ("console:Robin", "end session", "operator Robin"),
        ("console:Robin", "end sessions", "operator Robin"),
        ("console:Robin", "second factor on", "operator Robin"),
        ("console:Robin", "second factor off", "operator Robin"),
        ("console:Robin", "single sign-on joined", "operator Robin"),
        ("cli:root", "reset", "operator Robin"),
        ("console:Robin", "password", "operator Robin"),
        ("cli:root", "remove", "operator Robin"),
        ("cli:root", "add", "API key crm"),
        ("cli:root", "remove", "API key crm"),
    ]
