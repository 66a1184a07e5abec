"""Random keys, the hashes by which they are known again, and texts that are kept encrypted."""

import base64
import hashlib
import secrets
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ringback.keyed_hash import keyed_hash

_KEY_BYTES = 32
_CODE_BYTES = 10


class LockedOutError(Exception):
    """No key opens what is kept."""


def new_key() -> str:
    """256 random bits, as they stand in an address or a cookie."""
    return secrets.token_urlsafe(_KEY_BYTES)


def new_code() -> str:
    """80 random bits for a person to write down: four groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def hash_of(key: str) -> str:
    """What is kept of a random key. It takes no secret: nobody can try them all."""
    return hashlib.sha256(key.encode()).hexdigest()


class Safe:
    """Encrypts with a key that follows from SECRET_KEY: whoever gets hold of a back-up alone reads nothing."""

    def __init__(self, secret_keys: Sequence[str], purpose: str) -> None:
        """`secret_keys`: oldest first. The last one locks, each of them opens."""
        keys = [keyed_hash(key, f"Ringback: {purpose}") for key in reversed(secret_keys)]
        each = [Fernet(base64.urlsafe_b64encode(key)) for key in keys]
        self._newest, self._keys = each[0], MultiFernet(each)

    def lock(self, text: str) -> str:
        """Encrypt a text."""
        return self._keys.encrypt(text.encode()).decode()

    def open(self, locked: str) -> str:
        """Decrypt it. Raises LockedOutError."""
        try:
            return self._keys.decrypt(locked).decode()
        except InvalidToken:
            raise LockedOutError from None

    def is_old(self, locked: str) -> bool:
        """Whether an earlier key locked it."""
        try:
            self._newest.decrypt(locked)
        except InvalidToken:
            return True
        return False
