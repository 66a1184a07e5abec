"""Passkeys: a key in the operator's own device, which checks that it is them. It replaces password and code."""

import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ringback.accounts.tries import WINDOW, Tries
from ringback.clock import Clock
from ringback.outbox import audit
from ringback.store.account_tables import operators, passkeys
from ringback.store.database import Database

_CHALLENGE_BYTES = 32


@dataclass(frozen=True)
class Site:
    """The site that a passkey is for: its host name, and its origin."""

    host: str
    origin: str


@dataclass(frozen=True)
class Passkey:
    """A passkey as its owner sees it."""

    id: str
    name: str
    made_at: datetime
    used_at: datetime | None


class Passkeys:
    """The passkeys of all operators. What checks them is loaded when the first one comes: a tenth of a start."""

    def __init__(self, database: Database, tries: Tries, clock: Clock) -> None:
        self._database = database
        self._tries = tries
        self._clock = clock

    def challenge(self) -> str:
        """What a device has to sign, once and soon: it says when it was made."""
        return f"{int(self._clock().timestamp())}.{secrets.token_urlsafe(_CHALLENGE_BYTES)}"

    def creation_options(self, name: str, site: Site, challenge: str) -> str:
        """What a browser is told to make a passkey, as JSON."""
        from ringback.accounts import ceremony

        with self._database.read() as connection:
            id_ = connection.execute(sa.select(operators.c.id).where(operators.c.name == name)).scalar_one()
            known = connection.execute(sa.select(passkeys.c.id).where(passkeys.c.operator_id == id_)).scalars()
            return ceremony.creation_options(site, challenge, name, bytes.fromhex(id_), known)

    def add(self, name: str, credential: str, site: Site, challenge: str, label: str) -> bool:
        """Keep a passkey that a browser made. False where it did not make it for this challenge, here."""
        from ringback.accounts import ceremony

        if not self._is_fresh(challenge):
            return False
        made = ceremony.made(credential, site, challenge)
        if made is None:
            return False
        made_id = ceremony.text_of(made.credential_id)
        with self._database.write() as connection:
            if connection.execute(sa.select(passkeys.c.id).where(passkeys.c.id == made_id)).first():
                return False
            connection.execute(
                passkeys.insert().values(
                    id=made_id,
                    operator_id=sa.select(operators.c.id).where(operators.c.name == name).scalar_subquery(),
                    public_key=made.credential_public_key,
                    sign_count=made.sign_count,
                    name=label,
                    made_at=self._clock(),
                )
            )
            audit.note(connection, self._clock(), f"console:{name}", "add passkey", [f"operator {name}"])
        return True

    def request_options(self, site: Site, challenge: str) -> str:
        """What a browser is told to sign in with a passkey, as JSON."""
        from ringback.accounts import ceremony

        return ceremony.request_options(site, challenge)

    def owner_of(self, credential: str, site: Site, challenge: str) -> str | None:
        """Who signs in with what a browser sent; None if it is not right."""
        from ringback.accounts import ceremony

        if not self._is_fresh(challenge):
            return None
        id_ = ceremony.id_in(credential)
        if id_ is None:
            return None
        with self._database.read() as connection:
            known = connection.execute(
                sa.select(passkeys, operators.c.name.label("owner")).join(operators).where(passkeys.c.id == id_)
            ).one_or_none()
        if known is None:
            return None
        signed = ceremony.signed(credential, site, challenge, known.public_key, known.sign_count)
        if signed is None:
            return None
        values = {"sign_count": signed.new_sign_count, "used_at": self._clock()}
        with self._database.write() as connection:
            connection.execute(passkeys.update().where(passkeys.c.id == id_).values(**values))
        return str(known.owner)

    def _is_fresh(self, challenge: str) -> bool:
        """Whether a challenge is young enough that its use would still be known, and was not used."""
        at, _, _ = challenge.partition(".")
        if not at.isdecimal() or not 0 <= self._clock().timestamp() - int(at) < WINDOW.total_seconds():
            return False
        return self._tries.is_first(f"passkey {challenge}")

    def listed(self, name: str) -> list[Passkey]:
        """An operator's passkeys, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(passkeys).join(operators).where(operators.c.name == name).order_by(passkeys.c.made_at)
            ).all()
        return [Passkey(row.id, row.name, row.made_at, row.used_at) for row in rows]

    def remove(self, name: str, passkey_id: str) -> bool:
        """Take one of an operator's passkeys away. False if there is none such."""
        theirs = sa.select(operators.c.id).where(operators.c.name == name).scalar_subquery()
        mine = sa.and_(passkeys.c.id == passkey_id, passkeys.c.operator_id == theirs)
        with self._database.write() as connection:
            if connection.execute(passkeys.delete().where(mine)).rowcount == 0:
                return False
            audit.note(connection, self._clock(), f"console:{name}", "remove passkey", [f"operator {name}"])
            return True
