"""The key in the address by which an agent says what became of a call: the reference, signed.

Nothing of it is kept in the store, and it opens nothing else: not the visitor's page, whose key is another.
"""

import base64
import re
from collections.abc import Iterable
from secrets import compare_digest

from ringback.keyed_hash import keyed_hash
from ringback.outbox.request import REFERENCE_LETTERS

_SIGNATURE_BYTES = 16
_KEY = re.compile(rf"([{REFERENCE_LETTERS}]{{4}})([{REFERENCE_LETTERS}]{{4}})-([A-Za-z0-9_-]{{22}})")


def outcome_key(secret_key: str, reference: str) -> str:
    """The key of a request; always the same for the same."""
    return f"{reference[3:].replace('-', '')}-{_signature(secret_key, reference)}"


def reference_of(secret_keys: Iterable[str], key: str) -> str | None:
    """Whose key it is, by any of our secrets; None for what we have not signed."""
    parts = _KEY.fullmatch(key)
    if parts is None:
        return None
    reference = f"RB-{parts[1]}-{parts[2]}"
    signed = [compare_digest(_signature(secret, reference), parts[3]) for secret in secret_keys]
    return reference if any(signed) else None


def _signature(secret_key: str, reference: str) -> str:
    signature = keyed_hash(secret_key, f"Ringback: what became of the call of {reference}")[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(signature).decode().rstrip("=")
