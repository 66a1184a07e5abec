"""Who stands between us and the visitor: whose word on where a visitor is counts, and whose does not.

Whoever reaches us directly can write any header, so a proxy is known by the address it connects from.
"""

import ipaddress
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

_NONE_DECLARED = "Ignoring X-Forwarded-For: TRUSTED_PROXIES is 0. Behind a proxy, set it to the number of proxies"
_NOT_OURS = "Ignoring X-Forwarded-For: it came from an address that is not in PROXY_ADDRESSES"
_TOO_SHORT = (
    "TRUSTED_PROXIES is {count}, and a request came with fewer addresses in X-Forwarded-For ({found}): such "
    "visitors count as one, and are soon told that they ask too often. Have each proxy add whom it was reached "
    "from (nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for), or correct the number"
)
# By load balancers and monitors, past the proxy and on any host name.
LOOKED_AT_BY_MACHINES = ("/healthz", "/readyz", "/metrics")
# By which a proxy knows a request in its log; anybody else would write into ours.
_NAMES_OF_REQUESTS = ("HTTP_X_REQUEST_ID", "HTTP_TRACEPARENT")
_THIS_MACHINE = "127.0.0.1"


class Proxies:
    """The proxies that were declared: how many, and where they connect from."""

    def __init__(self, count: int, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        """`count` as in TRUSTED_PROXIES, `networks` as in PROXY_ADDRESSES."""
        self.count = count
        self._networks = tuple(networks)

    def include(self, peer: str) -> bool:
        """Whether who connects from here is one. With TRUSTED_PROXIES 0 nobody is."""
        # A socket of this machine has no address: who may open it is for its folder to say.
        address = plain_address(peer or _THIS_MACHINE)
        return bool(self.count and address and any(address in network for network in self._networks))


def plain_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address without its zone, IPv4 as IPv4 however it is written; None where it is none."""
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def believe(proxies: Proxies, app: WSGIApplication, tell: Callable[[str], None]) -> WSGIApplication:
    """The app as declared proxies are believed, counted from our side; a header of anybody else is taken out.

    `tell` is given a sentence for the log each time that somebody is not believed.
    """
    behind = ProxyFix(app, x_for=proxies.count, x_proto=0, x_host=0)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR")
        if proxies.include(environ.get("REMOTE_ADDR", "")):
            found = len(forwarded.split(",")) if forwarded else 0
            if found < proxies.count and environ.get("PATH_INFO") not in LOOKED_AT_BY_MACHINES:
                tell(_TOO_SHORT.format(count=proxies.count, found=found))
            return behind(environ, start_response)
        for name in _NAMES_OF_REQUESTS:
            environ.pop(name, None)
        if environ.pop("HTTP_X_FORWARDED_FOR", None) is not None:
            tell(_NOT_OURS if proxies.count else _NONE_DECLARED)
        return app(environ, start_response)

    return answer
