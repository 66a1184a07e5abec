"""How often one address may post. How often one number may be requested is for the outbox to say.

Each limit has a moving window (a fixed one lets nearly twice the limit through at its edge). Every post spends a
wide limit before it is read; only an accepted request spends `per_address`, so that five typos do not lock a
visitor out. A form that was accepted is answered as before when it is sent again, whatever the limits say: finding
what it led to costs less than rendering the page that would refuse it.
"""

import ipaddress
import math
import re
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter, RateLimitExceeded
from limits import parse_many

from ringback.config.settings import Settings
from ringback.keyed_hash import keyed_hash
from ringback.outbox.figures.tallies import LIMITED
from ringback.outbox.request import PROVIDER_LENGTH, Source
from ringback.services import services
from ringback.web import limit_storage

View = TypeVar("View", bound=Callable[..., Any])

# Posts of any kind for each accepted request that `per_address` allows: room for mistakes, none for floods.
POSTS_FOR_ONE = 12
# So many networks of an IPv6 site may each post as often as one address: room for an office, none for a flood.
NETWORKS_FOR_ONE = 8
# So many sites of one provider may each stop as many numbers as one site: room for its honest customers.
SITES_FOR_ONE = 8
# Who asks by another way asks no more often.
_COUNTS_AS = {"api.ask": "form.ask"}
PER_STOP = "5 per hour; 10 per day"
PER_BEACON = "30 per minute; 300 per hour"
_REDIS_PATIENCE_SECONDS = 0.3
# Some proxies add the port; if that counted as no address, all their visitors would share one limit.
_PORT = re.compile(r"\[(?P<six>[^]]+)\](:\d+)?|(?P<four>[^:]+):\d+")
_REMEMBER_CHECK_SECONDS = 3600


def address_key() -> str:
    """The visitor's address as a keyed hash, since an address is personal data.

    IPv6: the /64 counts as one address, since one household or server has all of it.
    """
    return _hashed(_network(six=64, four=32))


def site_key() -> str:
    """The network around it, as a keyed hash: many IPv6 customers are given a whole /48, which is 65,536 /64s."""
    return _hashed(_network(six=48, four=24))


def provider_key() -> str:
    """The provider's network, as a keyed hash: every new provider is given an IPv6 /32, which is 65,536 /48s."""
    return _hashed(_network(six=32, four=16))


def source() -> Source:
    """Where a request comes from, for the brake of a widget: the address, and the networks around it."""
    return Source(address_key(), provider_key()[:PROVIDER_LENGTH] + site_key()[:PROVIDER_LENGTH])


def _network(six: int, four: int) -> str:
    """The network of the address, of so many bits; everything that is no address counts as one."""
    parsed = _parsed(request.remote_addr or "")
    if parsed is None:
        return "unknown"
    bits = six if isinstance(parsed, ipaddress.IPv6Address) else four
    return str(parsed) if bits == parsed.max_prefixlen else str(ipaddress.ip_network((parsed, bits), strict=False))


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    port = _PORT.fullmatch(address)
    try:
        parsed = ipaddress.ip_address((port["six"] or port["four"] if port else address).split("%")[0])
    except ValueError:  # a proxy wrote something else; all such visitors count as one
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, ipaddress.IPv6Address) else parsed


def _is_not_ipv6() -> bool:
    return not isinstance(_parsed(request.remote_addr or ""), ipaddress.IPv6Address)


def _hashed(text: str) -> str:
    return keyed_hash(cast(str, current_app.secret_key), f"address {text}").hex()[:32]


def _per_address() -> str:
    return services().settings.limits.per_address


def _per_post() -> str:
    return _times(_per_address(), POSTS_FOR_ONE)


def _per_site() -> str:
    return _times(_per_address(), NETWORKS_FOR_ONE)


def _stops_per_site() -> str:
    return _times(PER_STOP, NETWORKS_FOR_ONE)


def _stops_per_provider() -> str:
    return _times(PER_STOP, NETWORKS_FOR_ONE * SITES_FOR_ONE)


@cache
def _times(limits: str, factor: int) -> str:
    items = parse_many(limits)
    return "; ".join(f"{item.amount * factor} per {item.multiples} {item.GRANULARITY.name}" for item in items)


def _page() -> str:
    """What is posted to: each page counts for itself.

    Not the name of a view, which is the default: under a view's name the limiter collects the limits it has met,
    and checks all of them again each time.
    """
    return f"asking at {_COUNTS_AS.get(request.endpoint or '', request.endpoint)}"


def _was_accepted(response: Response) -> bool:
    return bool(g.get("spends_limit"))


def _told_as(label: str) -> Callable[[Any], None]:
    """What counts those who reach a limit, for monitoring."""
    return lambda _limit: services().tallies.add(LIMITED, label)


limiter = Limiter(
    key_func=address_key,
    strategy="moving-window",
    request_identifier=_page,
    # While Redis is down each process counts for itself, which is stricter than not counting.
    in_memory_fallback_enabled=True,
    swallow_errors=True,
)
per_post = limiter.limit(_per_post, on_breach=_told_as("per_post"))
per_beacon = limiter.limit(PER_BEACON)
_too_many = _told_as("per_address")
_of_one_address = limiter.limit(_per_address, deduct_when=_was_accepted, on_breach=_too_many)
_of_one_site = limiter.limit(
    _per_site, key_func=site_key, deduct_when=_was_accepted, exempt_when=_is_not_ipv6, on_breach=_too_many
)
_a_stop = _told_as("per_stop")
_stops_of_one_address = limiter.limit(PER_STOP, on_breach=_a_stop)
_stops_of_one_site = limiter.limit(_stops_per_site, key_func=site_key, on_breach=_a_stop)
_stops_of_one_provider = limiter.limit(_stops_per_provider, key_func=provider_key, on_breach=_a_stop)


@per_post
def _spend_post() -> None:
    """One post of the address that asks."""


def is_post_too_many() -> bool:
    """Spend one post of the address that asks; True if it had none left."""
    try:
        _spend_post()
    except RateLimitExceeded:
        return True
    return False


def per_address(view: View) -> View:
    """Limit what is accepted from one address and, in IPv6, from its site."""
    return cast(View, _of_one_site(_of_one_address(view)))


def seconds_until_store_takes_more() -> int:
    """How long the address has to wait by what the store holds of it; 0 where it need not. Raises STORE_ERRORS.

    Redis may be away, flushed or failed over, and then each process counts for itself. What all of them accepted
    is in the store. Two posts in the same instant may both get through here: Redis is what is exact.
    """
    if _counts_alone():
        return 0
    now, address = services().clock(), address_key()
    waits = [0]
    for limit in parse_many(_per_address()):
        window = timedelta(seconds=limit.get_expiry())
        if at := services().outbox.last_of(address, limit.amount, now - window):
            waits.append(math.ceil((at + window - now).total_seconds()))
    if max(waits):
        _too_many(None)
    return max(waits)


def _counts_alone() -> bool:
    return str(current_app.config["RATELIMIT_STORAGE_URI"]).startswith(limit_storage.SCHEME)


def per_stop(view: View) -> View:
    """Limit the numbers that are stopped from one address, from its site and from its provider.

    The address is checked first (the innermost): posts over its own limit cost its neighbours nothing.
    """
    return cast(View, _stops_of_one_provider(_stops_of_one_site(_stops_of_one_address(view))))


def init_app(app: Flask, settings: Settings) -> None:
    """Count in the storage of the settings."""
    uri = settings.ratelimit_storage_uri.get_secret_value()
    in_memory = uri.startswith("memory:")
    app.config["RATELIMIT_STORAGE_URI"] = f"{limit_storage.SCHEME}://" if in_memory else uri
    if not in_memory:
        # Without these a Redis that does not answer held every request for ten seconds.
        patience = {
            "socket_timeout": _REDIS_PATIENCE_SECONDS,
            "socket_connect_timeout": _REDIS_PATIENCE_SECONDS,
        }
        app.config["RATELIMIT_STORAGE_OPTIONS"] = patience
    limiter.init_app(app)


def storage_answers() -> bool:
    """Whether the storage of the limits can be reached; in memory it always can."""
    try:
        return bool(limiter.storage and limiter.storage.check())
    except Exception:  # whatever Redis and its client raise
        return False


def retry_after_seconds() -> int:
    """How long to wait after the limit that was just reached."""
    limit = limiter.current_limit
    return max(1, int(limit.reset_at - time.time())) if limit else 60


def was_checked(what: str) -> bool:
    """Remember for an hour that a visitor was asked to check this; True if they had been before.

    The form remembers too, in a field. This is for the same page sent again as it was.
    """
    key = f"ringback-checked/{_hashed(what)}"
    try:
        return bool(limiter.storage and limiter.storage.incr(key, _REMEMBER_CHECK_SECONDS) > 1)
    except Exception:  # Redis is down: the visitor is asked once more, nothing worse
        return False
