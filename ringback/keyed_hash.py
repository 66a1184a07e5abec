"""Hashes that only the holder of a secret key can make: for what has to be recognised and not kept."""

import hmac


def keyed_hash(key: str, text: str) -> bytes:
    """HMAC-SHA256 of a text. It begins with what it is for, so that no two uses share a hash."""
    return hmac.digest(key.encode(), text.encode(), "sha256")
