"""Who signs in: whether name, password and code are right, without telling whether there is such an account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import sqlalchemy as sa

from ringback.accounts import passwords
from ringback.accounts.people import key_of
from ringback.accounts.second_factor import SecondFactor
from ringback.accounts.secrets import hash_of
from ringback.accounts.tries import Tries
from ringback.clock import Clock
from ringback.outbox import audit
from ringback.store.account_tables import operators
from ringback.store.database import Database

# In `tries.WINDOW`. An office signs in from one address.
PER_ACCOUNT = 10
PER_ADDRESS = 30


class No(Enum):
    """Why somebody is not signed in."""

    WRONG = "wrong"  # the name or the password: which, is not told
    NEEDS_CODE = "needs code"
    WRONG_CODE = "wrong code"


@dataclass(frozen=True)
class TooMany:
    """Too many tries. `wait`: until the next."""

    wait: timedelta


@dataclass(frozen=True)
class Yes:
    """Name, password and code are right."""

    name: str


Answer = Yes | No | TooMany


class SignIn:
    """Password, and code where there is a second factor."""

    def __init__(self, database: Database, tries: Tries, second_factor: SecondFactor, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._tries = tries
        self._second_factor = second_factor

    def by_password(
        self, name: str, password: str, code: str, addresses: Mapping[str, int], browser: str = ""
    ) -> Answer:
        """Check them. `addresses`: where it was sent from, as hashes, and how many tries each has.

        `browser`: of one in which they signed in before, which is counted alone. The same is done whether there
        is such an account or not.
        """
        counted = _counted(name, addresses, browser)
        if wait := self._tries.spend(counted):
            return TooMany(wait)
        row = self._row(name)
        if not passwords.is_right(row.password if row else None, password) or row is None:
            return No.WRONG
        if row.second_factor and not code.strip():
            self._tries.give_back(*counted)
            return No.NEEDS_CODE
        if row.second_factor and not self._second_factor.takes(row.id, row.second_factor, code):
            return No.WRONG_CODE
        if passwords.is_old(row.password):
            self._hash_anew(row.password, password)
        return self._let_in(row.name, counted)

    def by_code(self, name: str, code: str, addresses: Mapping[str, int], stamp: str, browser: str = "") -> Answer:
        """Check the code of somebody whose password was right a moment ago, when the account had this `stamp`."""
        counted = _counted(name, addresses, browser)
        if wait := self._tries.spend(counted):
            return TooMany(wait)
        row = self._row(name)
        if row is None or not row.second_factor or _stamp(row) != stamp:  # another password, or reset
            return No.WRONG
        if not self._second_factor.takes(row.id, row.second_factor, code):
            return No.WRONG_CODE
        return self._let_in(row.name, counted)

    def stamp(self, name: str) -> str:
        """What changes with an account's password; "" where there is none to change."""
        row = self._row(name)
        return _stamp(row) if row else ""

    def knows_password(self, name: str, password: str) -> bool:
        """Whether somebody who is signed in knows their password. Counted apart: strangers use up none of it."""
        own = f"own {_account(name)}"
        if self._tries.spend({own: PER_ACCOUNT}):
            return False
        row = self._row(name)
        if row is None or not passwords.is_right(row.password, password):
            return False
        self._tries.give_back(own)
        return True

    def by_subject(self, subject: str, name: str) -> str | None:
        """Who signs in by the single sign-on; None where nobody has such an account.

        `subject`: who they are to it, which never changes: once it came with a name it keeps the account, and
        another that comes with the same name does not get it. `name`: what an account is found by the first time.
        """
        with self._database.write() as connection:
            known = sa.select(operators.c.name).where(operators.c.subject == subject)
            if found := connection.execute(known).scalar():
                return str(found)
            free = sa.and_(operators.c.key == key_of(name), operators.c.subject.is_(None))
            joined = operators.update().where(free).values(subject=subject).returning(operators.c.name)
            name_found: str | None = connection.execute(joined).scalar()
            if name_found:
                act = f"console:{name_found}", "single sign-on joined", [f"operator {name_found}"]
                audit.note(connection, self._clock(), *act)
        return name_found

    def _row(self, name: str) -> sa.Row[tuple[object, ...]] | None:
        with self._database.read() as connection:
            return connection.execute(sa.select(operators).where(operators.c.key == key_of(name))).one_or_none()

    def _let_in(self, name: str, counted: Mapping[str, int]) -> Yes:
        """Forget the tries of the account; of the address only this one: no account of one's own buys others."""
        mine, *addresses = counted
        self._tries.give_back(*addresses)
        self._tries.forget(mine)
        return Yes(name)

    def _hash_anew(self, kept: str, password: str) -> None:
        hashed = passwords.hashed(password)
        with self._database.write() as connection:
            connection.execute(operators.update().where(operators.c.password == kept).values(password=hashed))


def _counted(name: str, addresses: Mapping[str, int], browser: str) -> dict[str, int]:
    """What a try counts for: the account first. A browser that is known is no stranger's, at any address."""
    if browser:
        return {f"browser {browser} {_account(name)}": PER_ACCOUNT}
    return {_account(name): PER_ACCOUNT, **addresses}


def _stamp(row: sa.Row[tuple[object, ...]]) -> str:
    return hash_of(f"{row.id} {row.password}")


def _account(name: str) -> str:
    return f"account {key_of(name)}"
