"""Who has an account: made, changed, taken away, and given a link that sets a password."""

import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.accounts import passwords
from ringback.accounts.operator import Operator, Role
from ringback.accounts.secrets import hash_of, new_key
from ringback.accounts.sessions import operator_in
from ringback.clock import SKEW, Clock
from ringback.outbox import audit
from ringback.store.account_tables import RESET, operators, passkeys, recovery_codes, sessions
from ringback.store.database import Database

LINK_LIVES = timedelta(days=1)
# An e-mail address is a name, too.
_NAME = re.compile(r"\w(?:[\w .@+'’-]{0,62}[\w.])?")


class AccountError(Exception):
    """What cannot be done to an account, as a sentence. `field`: of the form, where one is at fault."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Account:
    """An operator as those who manage accounts see them. `link_until`: of a link that still sets a password."""

    operator: Operator
    made_at: datetime
    has_password: bool
    has_second_factor: bool
    passkeys: int
    link_until: datetime | None


class People:
    """All accounts. `by`: who does it, for the list of what was done."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def listed(self) -> list[Account]:
        """All of them, by name."""
        with self._database.read() as connection:
            rows = connection.execute(_ACCOUNTS.order_by(operators.c.key)).all()
        return [self._account(row) for row in rows]

    def find(self, name: str) -> Account | None:
        """The account of this name, whatever the case of its letters."""
        with self._database.read() as connection:
            row = connection.execute(_ACCOUNTS.where(operators.c.key == key_of(name))).one_or_none()
        return self._account(row) if row else None

    def add(
        self, name: str, role: Role, widgets: Iterable[str] | None, password: str = "", *, by: str = "cli"
    ) -> str | None:
        """Make an account. Without a password: the key of a link that sets one. Raises AccountError."""
        name = _clean(name)
        link = self._new_password_or_link(name, password)
        values = {
            "id": secrets.token_hex(16),
            "name": name,
            "key": key_of(name),
            "role": role.name.lower(),
            "widgets": _listed(widgets),
            "made_at": self._clock(),
        }
        with self._database.write() as connection:
            if connection.execute(sa.select(operators.c.id).where(operators.c.key == key_of(name))).first():
                raise AccountError(f"There is an account {name} already.", "name")
            connection.execute(operators.insert().values(**values, **link.values))
            self._note(connection, by, "add", name)
        return link.key

    def change(
        self, name: str, role: Role, widgets: Iterable[str] | None, samespace_user: str, *, by: str = "cli"
    ) -> None:
        """Change what somebody may do and see; it holds from their next page on. Raises AccountError."""
        values = {"role": role.name.lower(), "widgets": _listed(widgets), "samespace_user": samespace_user}
        with self._database.write() as connection:
            _change(connection, name, **values)
            self._note(connection, by, "change", name)

    def remove(self, name: str, *, by: str = "cli") -> None:
        """Take an account away, and sign its person out. Raises AccountError."""
        with self._database.write() as connection:
            id_ = _id_of(connection, name)
            _forget_ways_in(connection, id_)
            connection.execute(operators.delete().where(operators.c.id == id_))
            self._note(connection, by, "remove", name)

    def reset(self, name: str, password: str = "", *, by: str = "cli") -> str | None:
        """Take away every way in, and sign the person out. Without a password: the key of a link that sets one.

        The single sign-on opens the account again once they are in by the new link or password: before that,
        whoever they are reset against would come back by it.

        Raises AccountError.
        """
        link = self._new_password_or_link(name, password)
        nothing: dict[str, object] = {"second_factor": None, "second_factor_step": None}
        with self._database.write() as connection:
            id_ = _id_of(connection, name)
            nothing["subject"] = f"{RESET}{id_}"
            _forget_ways_in(connection, id_)
            connection.execute(operators.update().where(operators.c.id == id_).values(**nothing, **link.values))
            self._note(connection, by, "reset", name)
        return link.key

    def owner_of_link(self, key: str) -> str | None:
        """Whose password a link sets; None where it sets none any more."""
        with self._database.read() as connection:
            return connection.execute(sa.select(operators.c.name).where(self._link(key))).scalar()

    def set_password_by_link(self, key: str, password: str) -> bool:
        """Set a password once, and sign its owner out elsewhere. False: the link is used or old.

        Raises AccountError.
        """
        name = self.owner_of_link(key)
        if name is None:
            return False
        values = {"password": _hashed(password, name), "link": None, "link_until": None}
        with self._database.write() as connection:
            changed = operators.update().where(self._link(key)).values(**values).returning(operators.c.id)
            id_ = connection.execute(changed).scalar()
            if id_:
                connection.execute(sessions.delete().where(sessions.c.operator_id == id_))
                self._note(connection, f"console:{name}", "password", name)
        return id_ is not None

    def set_password(self, name: str, password: str, *, by: str = "cli") -> None:
        """Set a password; who may, is for others to check. Raises AccountError."""
        hashed = _hashed(password, name)
        with self._database.write() as connection:
            _change(connection, name, password=hashed, link=None, link_until=None)
            self._note(connection, by, "password", name)

    def _note(self, connection: sa.Connection, by: str, act: str, name: str) -> None:
        kept = connection.execute(sa.select(operators.c.name).where(operators.c.key == key_of(name))).scalar()
        audit.note(connection, self._clock(), by, act, [f"operator {kept or name}"])

    def _new_password_or_link(self, name: str, password: str) -> "_Link":
        if password:
            return _Link(None, {"password": _hashed(password, name), "link": None, "link_until": None})
        key = new_key()
        until = self._clock() + LINK_LIVES
        return _Link(key, {"password": None, "link": hash_of(key), "link_until": until})

    def _link(self, key: str) -> sa.ColumnElement[bool]:
        now = self._clock()
        lives = operators.c.link_until.between(now, now + LINK_LIVES + SKEW)
        return sa.and_(operators.c.link == hash_of(key), lives)

    def _account(self, row: sa.Row[tuple[object, ...]]) -> Account:
        is_live = row.link_until is not None and row.link_until >= self._clock()
        return Account(
            operator=operator_in(row),
            made_at=row.made_at,
            has_password=row.password is not None,
            has_second_factor=row.second_factor is not None,
            passkeys=row.passkeys,
            link_until=row.link_until if is_live else None,
        )


@dataclass(frozen=True)
class _Link:
    """The key of a link that sets a password, if there is one, and the columns of either way."""

    key: str | None
    values: dict[str, object]


_KEYS = sa.select(sa.func.count()).where(passkeys.c.operator_id == operators.c.id).scalar_subquery()
_ACCOUNTS = sa.select(operators, _KEYS.label("passkeys"))


def key_of(name: str) -> str:
    """A name as it is compared. No name has a NUL in it, and PostgreSQL takes none."""
    return unicodedata.normalize("NFKC", " ".join(name.replace("\0", " ").split())).casefold()


def _clean(name: str) -> str:
    """A name as it is kept. Raises AccountError."""
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not _NAME.fullmatch(name):
        raise AccountError(
            "A name is an e-mail address, or has 1 to 64 letters, digits, and . _ - + @ ' between them.",
            "name",
        )
    return name


def _hashed(password: str, name: str) -> str:
    if fault := passwords.fault_of(password, name):
        raise AccountError(fault, "password")
    return passwords.hashed(password)


def _listed(widgets: Iterable[str] | None) -> list[str] | None:
    return None if widgets is None else sorted(set(widgets))


def _id_of(connection: sa.Connection, name: str) -> str:
    query = sa.select(operators.c.id).where(operators.c.key == key_of(name)).with_for_update()
    found = connection.execute(query).scalar()
    if found is None:
        raise AccountError(f"There is no account {name}.", "name")
    return str(found)


def _change(connection: sa.Connection, name: str, **values: object) -> None:
    same = operators.c.key == key_of(name)
    if connection.execute(operators.update().where(same).values(**values)).rowcount == 0:
        raise AccountError(f"There is no account {name}.", "name")


def _forget_ways_in(connection: sa.Connection, operator_id: str) -> None:
    for table in (sessions, passkeys, recovery_codes):
        connection.execute(table.delete().where(table.c.operator_id == operator_id))
