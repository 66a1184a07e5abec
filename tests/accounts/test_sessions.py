"""Who is signed in, for how long, and how that is ended from the other side."""

from ringback.accounts.accounts import Accounts
from ringback.accounts.operator import Operator, Role
from tests.conftest import Clock

ROBIN = Operator("Robin", Role.OPERATOR, frozenset({"sales"}))


def begin(accounts: Accounts, name: str = "Robin", browser: str = "Firefox on Linux") -> str:
    key = accounts.sessions.begin(name, "password", browser)
    assert key
    return key


def test_a_session_knows_whose_it_is(accounts: Accounts) -> None:
    assert accounts.sessions.operator_of(begin(accounts)) == ROBIN
    for other in ("", "another", "\x00"):
        assert accounts.sessions.operator_of(other) is None
    assert accounts.sessions.begin("nobody", "password", "") is None


def test_a_session_lasts_twelve_hours_however_much_it_is_used(accounts: Accounts, clock: Clock) -> None:
    key = begin(accounts)
    for _ in range(11):
        clock.passes(hours=1)
        assert accounts.sessions.operator_of(key) == ROBIN
    clock.passes(minutes=59)
    assert accounts.sessions.operator_of(key) == ROBIN
    clock.passes(minutes=1)
    assert accounts.sessions.operator_of(key) is None


def test_what_an_admin_changes_holds_for_who_is_signed_in(accounts: Accounts) -> None:
    key = begin(accounts)
    accounts.people.change("Robin", Role.VIEWER, None, "")
    assert accounts.sessions.operator_of(key) == Operator("Robin", Role.VIEWER, None)


def test_sessions_are_listed_and_one_is_ended_from_another(accounts: Accounts, clock: Clock) -> None:
    here = begin(accounts)
    clock.passes(minutes=1)
    there = begin(accounts, browser="Safari on iPhone")
    phone, computer = accounts.sessions.listed("Robin")
    assert (phone.browser, computer.browser) == ("Safari on iPhone", "Firefox on Linux")

    assert accounts.sessions.end("Robin", phone.id)
    assert accounts.sessions.operator_of(there) is None
    assert accounts.sessions.operator_of(here) == ROBIN
    assert not accounts.sessions.end("Robin", phone.id)


def test_nobody_ends_the_session_of_another(accounts: Accounts) -> None:
    accounts.people.add("Ann", Role.ADMIN, None)
    key = begin(accounts, "Ann")
    assert not accounts.sessions.end("Robin", accounts.sessions.listed("Ann")[0].id)
    assert accounts.sessions.end_others("Robin", "") == 0
    assert accounts.sessions.operator_of(key)


def test_all_others_are_ended_at_once(accounts: Accounts) -> None:
    here, others = begin(accounts), [begin(accounts) for _ in range(3)]
    assert accounts.sessions.end_others("Robin", here) == 3
    assert accounts.sessions.operator_of(here) == ROBIN
    assert [accounts.sessions.operator_of(other) for other in others] == [None] * 3


def test_a_session_shows_when_it_was_used_last(accounts: Accounts, clock: Clock) -> None:
    key = begin(accounts)
    clock.passes(hours=2)
    accounts.sessions.operator_of(key)
    assert accounts.sessions.listed("Robin")[0].seen_at == clock.now


def test_a_session_of_a_clock_that_was_wrong_is_none(accounts: Accounts, clock: Clock) -> None:
    clock.passes(days=300)
    key = begin(accounts)
    clock.passes(days=-300)
    assert accounts.sessions.operator_of(key) is None
