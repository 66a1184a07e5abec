"""A request that only tries the way, as `flask --app app canary` sends it: read as any other, called by nobody.

It is signed, so that nobody else can send one, and good for a few minutes, once.
"""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from ringback.clock import SKEW
from ringback.keyed_hash import keyed_hash

HEADER = "X-Ringback-Canary"
_GOOD_FOR = SKEW + timedelta(minutes=1)
_TIME_DIGITS = 8  # of the id, which are the second it was made in


def new_canary(keys: Sequence[str], now: datetime) -> tuple[str, str]:
    """A new one's id, and what the header says. `keys`: oldest first, the last one signs."""
    id = f"{int(now.timestamp()):0{_TIME_DIGITS}x}{secrets.token_hex(12)}"
    return id, f"{id}.{_signature(keys[-1], id)}"


def canary_id(said: str | None, keys: Sequence[str], now: datetime) -> str | None:
    """The id in a header, if it is one of ours and made just now."""
    id, _, signature = (said or "").partition(".")
    if not any(hmac.compare_digest(_signature(key, id).encode(), signature.encode()) for key in keys):
        return None
    age = now.timestamp() - int(id[:_TIME_DIGITS], 16)
    return id if abs(age) <= _GOOD_FOR.total_seconds() else None


def _signature(key: str, id: str) -> str:
    return keyed_hash(key, f"canary {id}").hex()
