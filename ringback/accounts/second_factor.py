"""A second factor: six digits from an app, each good once; and codes to write down, for when the phone is lost."""

import logging
import re

import pyotp
import sqlalchemy as sa
from pyotp.exceptions import OTPVerificationError

from ringback.accounts.secrets import LockedOutError, Safe, hash_of, new_code
from ringback.clock import Clock
from ringback.outbox import audit
from ringback.store.account_tables import operators, recovery_codes
from ringback.store.database import Database

log = logging.getLogger("ringback")

_ISSUER = "Ringback"
_STEPS = 1  # before and after this half minute: clocks differ, and typing takes a while
_RECOVERY_CODES = 8


LOCKED_OUT = (
    "The second factor of an operator opens with none of our keys: put the SECRET_KEY it was kept with into "
    "SECRET_KEY_FALLBACKS, or give them a new link with `flask --app app operators reset`."
)


class SecondFactor:
    """The second factors of all operators."""

    def __init__(self, database: Database, safe: Safe, clock: Clock) -> None:
        self._database = database
        self._safe = safe
        self._clock = clock

    def lock_up(self) -> None:
        """Encrypt anew what an earlier key locked, so that it can be retired."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(operators).where(operators.c.second_factor.is_not(None))).all()
        for row in rows:
            if not self._safe.is_old(row.second_factor):
                continue
            try:
                locked = self._safe.lock(self._safe.open(row.second_factor))
            except LockedOutError:
                log.error(LOCKED_OUT)
                continue
            same = sa.and_(operators.c.id == row.id, operators.c.second_factor == row.second_factor)
            with self._database.write() as connection:
                connection.execute(operators.update().where(same).values(second_factor=locked))

    def new_secret(self) -> str:
        """What an app is told; nothing is kept of it before `begin`."""
        return pyotp.random_base32()

    def address_of(self, name: str, secret: str) -> str:
        """What stands in the picture that an app reads."""
        return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=_ISSUER)

    def begin(self, name: str, secret: str, code: str) -> list[str] | None:
        """Ask for codes of this secret from now on, and return those to write down. None: this is none of it."""
        step = self._step_of(secret, code)
        if step is None:
            return None
        codes = [new_code() for _ in range(_RECOVERY_CODES)]
        with self._database.write() as connection:
            changed = (
                operators.update()
                .where(operators.c.name == name)
                .values(second_factor=self._safe.lock(secret), second_factor_step=step)
                .returning(operators.c.id)
            )
            operator_id = connection.execute(changed).scalar_one()
            connection.execute(recovery_codes.delete().where(recovery_codes.c.operator_id == operator_id))
            rows = [{"hash": hash_of(code), "operator_id": operator_id} for code in codes]
            connection.execute(recovery_codes.insert(), rows)
            audit.note(connection, self._clock(), f"console:{name}", "second factor on", [f"operator {name}"])
        return codes

    def end(self, name: str) -> None:
        """Ask for no code any more."""
        with self._database.write() as connection:
            nothing = {"second_factor": None, "second_factor_step": None}
            changed = operators.update().where(operators.c.name == name).values(**nothing)
            operator_id = connection.execute(changed.returning(operators.c.id)).scalar()
            connection.execute(recovery_codes.delete().where(recovery_codes.c.operator_id == operator_id))
            audit.note(connection, self._clock(), f"console:{name}", "second factor off", [f"operator {name}"])

    def takes(self, operator_id: str, locked: str, code: str) -> bool:
        """Whether a code is right, and was not used before."""
        code = re.sub(r"[\s-]", "", code).lower()
        if re.fullmatch("[0-9]{6}", code):
            return self._takes_digits(operator_id, locked, code)
        return self._takes_recovery(operator_id, code)

    def _takes_digits(self, operator_id: str, locked: str, code: str) -> bool:
        try:
            step = self._step_of(self._safe.open(locked), code)
        except LockedOutError:
            log.error(LOCKED_OUT)
            return False
        if step is None:
            return False
        # Two who send the same code at once: the second changes no row.
        is_new = sa.or_(operators.c.second_factor_step.is_(None), operators.c.second_factor_step < step)
        changed = operators.update().where(operators.c.id == operator_id, is_new).values(second_factor_step=step)
        with self._database.write() as connection:
            return connection.execute(changed).rowcount > 0

    def _takes_recovery(self, operator_id: str, code: str) -> bool:
        grouped = "-".join(code[start : start + 4] for start in range(0, len(code), 4))
        used = recovery_codes.delete().where(
            recovery_codes.c.operator_id == operator_id, recovery_codes.c.hash == hash_of(grouped)
        )
        with self._database.write() as connection:
            return connection.execute(used).rowcount > 0

    def _step_of(self, secret: str, code: str) -> int | None:
        """The half minute whose code this is, around now."""
        typed = re.sub(r"\s", "", code)
        try:
            return pyotp.TOTP(secret).verify_and_get_timecode(typed, for_time=self._clock(), valid_window=_STEPS)
        except OTPVerificationError:
            return None
