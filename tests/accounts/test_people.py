"""Who has an account: made, changed, taken away, and given a link that sets a password."""

import pyotp
import pytest
import sqlalchemy as sa

from ringback.accounts.accounts import Accounts
from ringback.accounts.operator import Operator, Role
from ringback.accounts.people import AccountError
from ringback.accounts.sign_in import No, Yes
from ringback.store.database import Database
from ringback.store.tables import metadata
from tests.accounts.conftest import PASSWORD
from tests.conftest import Clock

OTHER = "another five words to say"


def test_an_account_says_what_its_person_may_do_and_see(accounts: Accounts) -> None:
    accounts.people.add("Ann", Role.ADMIN, None)
    accounts.people.change("robin", Role.VIEWER, ["sales", "help"], "robin")

    ann, robin = accounts.people.listed()
    assert ann.operator == Operator("Ann", Role.ADMIN, None)
    assert robin.operator == Operator("Robin", Role.VIEWER, frozenset({"help", "sales"}), "robin")
    assert (ann.has_password, robin.has_password) == (False, True)


def test_one_name_has_one_account_whatever_the_case_of_its_letters(accounts: Accounts) -> None:
    for name in ("robin", "ROBIN", "  Robin "):
        with pytest.raises(AccountError, match="already"):
            accounts.people.add(name, Role.VIEWER, None)


def test_what_is_no_name_is_refused(accounts: Accounts) -> None:
    for name in ("", " ", "-", "a" * 65, "robin\x00", "<b>", "a/b", "a\nb/"):
        with pytest.raises(AccountError):
            accounts.people.add(name, Role.VIEWER, None)


def test_people_are_called_what_they_are_called(accounts: Accounts) -> None:
    for name in ("zoë", "Ann Example", "ann.example+x@acme.test", "o'neil", "李雷", "a"):
        accounts.people.add(name, Role.VIEWER, None)
        assert accounts.people.find(name)


def test_a_password_that_is_guessed_is_not_taken(accounts: Accounts) -> None:
    for password in ["short", "x" * 11, "y" * 201, "aaaaaaaaaaaa", "I am ROBIN of Acme", "ababababababab"]:
        with pytest.raises(AccountError) as error:
            accounts.people.set_password("Robin", password)
        assert error.value.field == "password"


def test_a_link_sets_a_password_once(accounts: Accounts) -> None:
    key = accounts.people.add("Ann", Role.ADMIN, None)
    assert key
    assert accounts.sign_in.by_password("Ann", OTHER, "", {}) == No.WRONG

    with pytest.raises(AccountError):
        accounts.people.set_password_by_link(key, "short")
    assert accounts.people.owner_of_link(key) == "Ann"
    assert accounts.people.set_password_by_link(key, OTHER)
    assert accounts.sign_in.by_password("ann", OTHER, "", {}) == Yes("Ann")
    assert not accounts.people.set_password_by_link(key, PASSWORD)
    assert accounts.people.owner_of_link(key) is None


def test_a_link_is_good_for_a_day(accounts: Accounts, clock: Clock) -> None:
    key = accounts.people.reset("Robin")
    assert key
    clock.passes(hours=23, minutes=59)
    assert accounts.people.owner_of_link(key) == "Robin"
    clock.passes(minutes=2)
    assert accounts.people.owner_of_link(key) is None
    assert not accounts.people.set_password_by_link(key, OTHER)


def test_a_link_ends_when_a_newer_one_is_made_or_a_password_is_set(accounts: Accounts) -> None:
    first = accounts.people.reset("Robin")
    second = accounts.people.reset("Robin")
    assert first
    assert second
    assert accounts.people.owner_of_link(first) is None
    accounts.people.set_password("Robin", OTHER)
    assert accounts.people.owner_of_link(second) is None


def test_a_reset_takes_away_every_way_in(accounts: Accounts) -> None:
    session = accounts.sessions.begin("Robin", "password", "")
    assert accounts.sign_in.by_subject("subject-1", "robin") == "Robin"
    accounts.people.reset("robin")

    assert session
    assert accounts.sessions.operator_of(session) is None
    assert accounts.sign_in.by_password("Robin", PASSWORD, "", {}) == No.WRONG
    account = accounts.people.find("robin")
    assert account
    assert (account.has_password, account.has_second_factor, account.passkeys) == (False, False, 0)
    assert account.link_until


def test_who_has_no_account_any_more_is_signed_out(accounts: Accounts) -> None:
    session = accounts.sessions.begin("Robin", "password", "")
    accounts.people.remove("ROBIN")
    assert session
    assert accounts.sessions.operator_of(session) is None
    assert accounts.people.listed() == []
    for act in (accounts.people.remove, accounts.people.reset):
        with pytest.raises(AccountError, match="no account"):
            act("Robin")


def test_an_account_of_the_same_name_made_later_is_another_one(accounts: Accounts) -> None:
    session = accounts.sessions.begin("Robin", "password", "")
    accounts.people.remove("Robin")
    accounts.people.add("Robin", Role.ADMIN, None, OTHER)
    assert session
    assert accounts.sessions.operator_of(session) is None


def test_nothing_that_signs_in_stands_in_the_store(accounts: Accounts, store: Database, clock: Clock) -> None:
    link = accounts.people.add("Ann", Role.ADMIN, None)
    secret = accounts.second_factor.new_secret()
    codes = accounts.second_factor.begin("Robin", secret, code_of(secret, clock))
    session = accounts.sessions.begin("Robin", "password", "")
    with store.read() as connection:
        rows = [str(row) for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    kept = "\n".join(rows)
    assert "Robin" in kept
    assert codes
    for told in (PASSWORD, link, secret, session, *codes):
        assert told
        assert told not in kept


def code_of(secret: str, clock: Clock) -> str:
    return pyotp.TOTP(secret).at(clock())
