"""Who signs in: whether name, password and code are right, without telling whether there is such an account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import sqlalchemy as sa

from ringback.accounts import passwords
from ringback.accounts.people import key_of
from ringback.accounts.second_factor import SecondFactor
from ringback.accounts.tries import Tries
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

    def __init__(self, database: Database, tries: Tries, second_factor: SecondFactor) -> None:
        self._database = database
        self._tries = tries
        self._second_factor = second_factor

    def by_password(self, name: str, password: str, code: str, addresses: Mapping[str, int]) -> Answer:
        """Check them. `addresses`: where it was sent from, as hashes, and how many tries each has.

        The same is done whether there is such an account or not.
        """
        account = f"account {key_of(name)}"
        if wait := self._tries.spend({account: PER_ACCOUNT, **addresses}):
            return TooMany(wait)
        with self._database.read() as connection:
            row = connection.execute(sa.select(operators).where(operators.c.key == key_of(name))).one_or_none()
        if not passwords.is_right(row.password if row else None, password) or row is None:
            return No.WRONG
        if row.second_factor and not code.strip():
            self._tries.give_back(account, *addresses)
            return No.NEEDS_CODE
        if row.second_factor and not self._second_factor.takes(row.id, row.second_factor, code):
            return No.WRONG_CODE
        self._tries.give_back(*addresses)
        self._tries.forget(account)
        if passwords.is_old(row.password):
            self._hash_anew(row.id, password)
        return Yes(row.name)

    def by_code(self, name: str, code: str, addresses: Mapping[str, int]) -> Answer:
        """Check the code of somebody whose password was right a moment ago."""
        account = f"account {key_of(name)}"
        if wait := self._tries.spend({account: PER_ACCOUNT, **addresses}):
            return TooMany(wait)
        with self._database.read() as connection:
            row = connection.execute(sa.select(operators).where(operators.c.key == key_of(name))).one_or_none()
        if row is None or not row.second_factor or not row.password:
            return No.WRONG
        if not self._second_factor.takes(row.id, row.second_factor, code):
            return No.WRONG_CODE
        self._tries.give_back(*addresses)
        self._tries.forget(account)
        return Yes(row.name)

    def knows_password(self, name: str, password: str) -> bool:
        """Whether somebody who is signed in knows their password. Counted as tries of the account."""
        account = f"account {key_of(name)}"
        if self._tries.spend({account: PER_ACCOUNT}):
            return False
        with self._database.read() as connection:
            kept = connection.execute(
                sa.select(operators.c.password).where(operators.c.key == key_of(name))
            ).scalar()
        if not passwords.is_right(kept, password):
            return False
        self._tries.give_back(account)
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
        return name_found

    def _hash_anew(self, operator_id: str, password: str) -> None:
        hashed = passwords.hashed(password)
        with self._database.write() as connection:
            connection.execute(operators.update().where(operators.c.id == operator_id).values(password=hashed))
