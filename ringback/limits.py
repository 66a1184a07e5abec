"""How often one address may ask. How often one number may be asked for is the outbox's to say.

Three counts, each with a moving window (a fixed one lets nearly twice the limit through at its edge):
every post spends a wide one, only an accepted request spends `per_address`, so that five typos do not
lock a visitor out, and a replay is answered before any of them.
"""

import hashlib
import hmac
import ipaddress
import time
from typing import cast

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from limits import parse_many

from ringback.parts import parts
from ringback.settings import Settings

# Posts of any kind for each accepted request that `per_address` allows: room for mistakes, none for floods.
POSTS_FOR_ONE = 12
PER_STOP = "5 per hour; 10 per day"
_REDIS_PATIENCE_SECONDS = 0.3
_REMEMBER_CHECK_SECONDS = 3600


def address_key() -> str:
    """Who asks, as a keyed hash: an address is personal data and its text is nobody's business.

    IPv6: the /64 counts as one, since one household or server has all of it.
    """
    return _hashed(_network(request.remote_addr or ""))


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _hashed(text: str) -> str:
    key = cast(str, current_app.secret_key).encode()
    return hmac.new(key, b"address " + text.encode(), hashlib.sha256).hexdigest()[:32]


def _per_address() -> str:
    return parts().settings.limits.per_address


def _per_post() -> str:
    items = parse_many(_per_address())
    return "; ".join(
        f"{item.amount * POSTS_FOR_ONE} per {item.multiples} {item.GRANULARITY.name}" for item in items
    )


def _was_accepted(response: Response) -> bool:
    return bool(g.get("spends_limit"))


limiter = Limiter(
    key_func=address_key,
    strategy="moving-window",
    # Without Redis each process counts for itself, which is stricter than not counting.
    in_memory_fallback_enabled=True,
    swallow_errors=True,
)
per_post = limiter.limit(_per_post)
per_address = limiter.limit(_per_address, deduct_when=_was_accepted)
per_stop = limiter.limit(PER_STOP)


def init_app(app: Flask, settings: Settings) -> None:
    """Count in the storage of the settings."""
    uri = settings.ratelimit_storage_uri.get_secret_value()
    app.config["RATELIMIT_STORAGE_URI"] = uri
    if not uri.startswith("memory:"):
        # A black-holed Redis held every request for ten seconds without these.
        patience = {
            "socket_timeout": _REDIS_PATIENCE_SECONDS,
            "socket_connect_timeout": _REDIS_PATIENCE_SECONDS,
        }
        app.config["RATELIMIT_STORAGE_OPTIONS"] = patience
    limiter.init_app(app)


def retry_after_seconds() -> int:
    """How long to wait after the limit that was just reached."""
    limit = limiter.current_limit
    return max(1, int(limit.reset_at - time.time())) if limit else 60


def was_checked(what: str) -> bool:
    """Remember for an hour that a visitor was asked about this once; True if they were before.

    The form itself remembers too. This is for the same form sent again as it was.
    """
    key = f"ringback-checked/{_hashed(what)}"
    try:
        return bool(limiter.storage and limiter.storage.incr(key, _REMEMBER_CHECK_SECONDS) > 1)
    except Exception:  # Redis is away: the visitor is asked once more, no worse
        return False
