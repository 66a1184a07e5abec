"""The variables of the environment that are about the console: its host, and the single sign-on."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

_OIDC = {
    "OIDC_ISSUER": "oidc_issuer",
    "OIDC_CLIENT_ID": "oidc_client_id",
    "OIDC_CLIENT_SECRET": "oidc_client_secret",
}
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def console_host(text: str) -> str:
    """Read CONSOLE_HOST. Raises ValueError."""
    host = text.lower()
    if _HOST.fullmatch(host) or _is_six(host):
        return host
    raise ValueError(
        f"is {text!r}; it should be a host name alone, without scheme, port and path, like console.acme.com"
    )


def _is_six(host: str) -> bool:
    try:
        return host.startswith("[") and host.endswith("]") and ip_address(host[1:-1]).version == 6
    except ValueError:
        return False


def oidc_issuer(text: str) -> str:
    """Read OIDC_ISSUER, without the slash at its end. Raises ValueError."""
    try:
        url = urlsplit(text)
        host = url.hostname
    except ValueError:
        host = None
    if not host or url.query or url.fragment or url.username or url.password:
        raise ValueError(
            f"is {text!r}; it should be the address of your identity provider, like https://login.acme.com"
        )
    # What it says decides who is signed in.
    if url.scheme != "https" and not (url.scheme == "http" and host in _THIS_MACHINE):
        raise ValueError(f"is {text!r}; it should begin with https://, since it decides who is signed in")
    return text.rstrip("/")


def missing_for_single_sign_on(values: Mapping[str, Any]) -> list[str]:
    """A fault for each of the three that is missing where another one is given."""
    given = [name for name, key in _OIDC.items() if key in values]
    return [
        f"{name}: is missing; it should be given beside {given[0]}"
        for name in _OIDC
        if given and name not in given
    ]
