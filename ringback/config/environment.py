"""The variables of the environment: which there are, how each is read, and what is wrong with one."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ringback.config.console_variables import console_host, missing_for_single_sign_on, oidc_issuer
from ringback.config.settings import Network, Settings
from ringback.config.widget import origin_of

_KEY_VARIETY = 8  # different characters: of one letter repeated, there are few to try
KEY_CHARACTERS = 32  # fewer can be guessed, and then links, forms and hashes are anybody's


_MAPPED_BITS = 96  # of ::ffff:10.0.0.0/104, what stands before the IPv4 address


def read_environment(environ: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    """The values of the environment's settings; what is wrong goes to `faults`."""
    values: dict[str, Any] = {}
    for variable, name, read in VARIABLES:
        told_in = variable
        try:
            if variable in SECRETS and environ.get(f"{variable}_FILE"):
                told_in = f"{variable}_FILE"
                text = _file_text(variable, environ)
            else:
                text = environ.get(variable, "").strip()
            if text or variable in _REQUIRED:
                values[name] = read(text)
        except ValueError as error:
            values[name] = None
            faults.append(f"{told_in}: {error}")
    concurrency = values.get("web_concurrency") or 1
    storage = values.get("ratelimit_storage_uri", SecretStr("memory://"))
    # In memory every process counts for itself: with four of them a limit of 5 lets 20 through.
    if concurrency > 1 and storage and storage.get_secret_value().startswith("memory:"):
        faults.append(
            f"RATELIMIT_STORAGE_URI: is memory:// with WEB_CONCURRENCY={concurrency}; several processes "
            "should count together, in redis://host:6379/0"
        )
    faults.extend(missing_for_single_sign_on(values))
    return values


def _file_text(variable: str, environ: Mapping[str, str]) -> str:
    """What the file holds that `{variable}_FILE` names. Raises ValueError."""
    path = environ[f"{variable}_FILE"]
    if environ.get(variable, "").strip():
        raise ValueError(f"{variable} is given as well; it should be one of the two")
    try:
        text = Path(path).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = f"{path} cannot be read ({type(error).__name__})"
        raise ValueError(f"{why}; it should be a text file with nothing but {variable} in it") from None
    if not text:
        raise ValueError(f"{path} is empty; it should have {variable} in it")
    return text


_KEY_EXAMPLE = "a long random text, such as python -c 'import secrets; print(secrets.token_hex(32))' prints"


def _secret_key(text: str) -> SecretStr:
    if not text:
        raise ValueError(f"is missing; it should be {_KEY_EXAMPLE}")
    if len(text) < KEY_CHARACTERS:
        raise ValueError(
            f"is only {len(text)} long; it should have at least {KEY_CHARACTERS} characters: {_KEY_EXAMPLE}. "
            "The short one may go on in SECRET_KEY_FALLBACKS meanwhile"
        )
    if len(set(text)) < _KEY_VARIETY:
        raise ValueError(
            f"has only {len(set(text))} different characters; it should be {_KEY_EXAMPLE}. "
            "The one before may go on in SECRET_KEY_FALLBACKS meanwhile"
        )
    return SecretStr(text)


def _fallbacks(text: str) -> tuple[SecretStr, ...]:
    # However short: a key that was taken before there was a shortest one has to be able to go in peace.
    return tuple(SecretStr(part.strip()) for part in re.split(r"[,\n]", text) if part.strip())


def _networks(text: str) -> tuple[Network, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        if not parts:
            raise ValueError("it names nobody")
        return tuple(map(_network, parts))
    except ValueError as error:
        raise ValueError(
            f"is {text!r}; it should be addresses and whole networks, like 10.0.0.0/8,127.0.0.1: {error}"
        ) from None


def _network(text: str) -> Network:
    """Raises ValueError. IPv4 is IPv4 however it is written: who connects is compared as that."""
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(_mend_of_network(text)) from None
    inner = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if inner and network.prefixlen >= _MAPPED_BITS:
        return ip_network((inner, network.prefixlen - _MAPPED_BITS))
    return network


def _mend_of_network(text: str) -> str:
    with suppress(ValueError):
        return f"{text} has more in it than the network, which is {ip_network(text, strict=False)}"
    return f"{text} is neither"


def _bind(text: str) -> str:
    if text.startswith("unix:/"):
        return text
    with suppress(ValueError):
        address = ip_address(text.removeprefix("[").removesuffix("]") if text.startswith("[") else text)
        if "%" not in text:
            return f"[{address}]" if address.version == 6 else str(address)
    raise ValueError(
        f"is {text!r}; it should be an address of this machine without a port, like 127.0.0.1 or [::], "
        "or a socket, like unix:/run/ringback.sock"
    )


def database_url(text: str) -> SecretStr:
    if not text:
        raise ValueError(
            "is missing; it should say where the requests live, on a disk that stays: "
            "sqlite:////var/lib/ringback/ringback.db or postgresql://user:password@host/name"
        )
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("is not a database address; it should begin with sqlite:/// or postgresql://") from None
    if url.drivername.split("+")[0] not in ("sqlite", "postgresql", "postgres"):
        raise ValueError(f"is for {url.drivername}; it should begin with sqlite:/// or postgresql://")
    if url.drivername.startswith("sqlite") and url.drivername != "sqlite":
        raise ValueError(f"is for {url.drivername}; it should begin with sqlite:/// and a path")
    if url.drivername == "sqlite" and url.host:
        path = "/".join(filter(None, (url.host, url.database)))
        raise ValueError(f"has two slashes; it should have three and the path, like sqlite:////{path}")
    in_memory = url.database in (None, "") or ":memory:" in text or "mode=memory" in text
    if url.drivername.startswith("sqlite") and in_memory:
        raise ValueError("is a database in memory; requests should live on a disk that stays")
    if url.drivername.startswith("sqlite") and str(url.database).startswith("file:"):
        # Its files are flushed and kept private by their names.
        raise ValueError("is a file: address; it should be a path, like sqlite:////var/lib/ringback/ringback.db")
    return SecretStr(text)


def _public_url(text: str) -> str:
    if not text:
        raise ValueError("is missing; it should be the address visitors use, like https://callback.acme.com")
    try:
        parts = urlsplit(text)
        origin, path = origin_of(parts._replace(path="").geturl()), parts.path.rstrip("/")
    except ValueError as error:
        ascii_name = re.search(r"https?://[^\"]*xn--[^\"]*", str(error))
        example = ascii_name[0] if ascii_name else "https://callback.acme.com, or https://www.acme.com/callback"
        raise ValueError(f"is {text!r}; it should be the address visitors use, like {example}") from None
    if "_" in origin:  # Werkzeug answers 400 to every request for such a host
        raise ValueError(f"is {text!r}; a host name has no _ in it, only letters, digits, - and dots")
    if not re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*", path):
        raise ValueError(f"is {text!r}; its path should be of letters, digits, - and dots, like /callback")
    return f"{origin}{path}"


def _storage_uri(text: str) -> SecretStr:
    if urlsplit(text).scheme not in ("memory", "redis", "rediss", "redis+unix"):
        raise ValueError("is neither memory:// nor redis://host:6379/0; it should be one of them")
    return SecretStr(text)


def _api_key(text: str) -> SecretStr:
    # It is sent in a header.
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError('has a character in it that no key has; it should be an API key of the type "Voice"')
    return SecretStr(text)


SMTP_EXAMPLE = "like smtp://user:password@host:587"


def _smtp_url(text: str) -> SecretStr:
    with suppress(ValueError):  # its text may hold the password
        url = urlsplit(text)
        # A / # or ? in a password ends the address early, and what stands before it is taken for a port.
        whole = not (url.path.strip("/") or url.query or url.fragment)
        named = bool(url.username) == bool(url.password)
        if url.scheme in ("smtp", "smtps") and url.hostname and url.port != 0 and whole and named:
            return SecretStr(text)
    raise ValueError(f"is not a mail server; it should be {SMTP_EXAMPLE}, with %2F for a / in the password")


def _metrics_token(text: str) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("is not a token; it should be letters, digits and signs, without a space")
    return SecretStr(text)


def _log_format(text: str) -> str:
    if text not in ("text", "json"):
        raise ValueError(f"is {text!r}; it should be text or json")
    return text


def _delivery_mode(text: str) -> str:
    if text not in ("inline", "worker"):
        raise ValueError(f"is {text!r}; it should be inline or worker")
    return text


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """What reads a number between these two, or raises ValueError."""

    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"is {text[:20]!r}; it should be a whole number from {lowest} to {highest}")
        return int(text)

    return read


_REQUIRED = ("SECRET_KEY", "DATABASE_URL", "PUBLIC_URL")


VARIABLES: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("SECRET_KEY", "secret_key", _secret_key),
    ("SECRET_KEY_FALLBACKS", "secret_key_fallbacks", _fallbacks),
    ("DATABASE_URL", "database_url", database_url),
    ("PUBLIC_URL", "public_url", _public_url),
    ("TRUSTED_PROXIES", "trusted_proxies", whole_number(0, 20)),
    ("PROXY_ADDRESSES", "proxy_addresses", _networks),
    ("RATELIMIT_STORAGE_URI", "ratelimit_storage_uri", _storage_uri),
    ("RINGBACK_DELIVERY", "delivery_mode", _delivery_mode),
    ("SAMESPACE_AUTH_TOKEN", "samespace_auth_token", SecretStr),
    ("SAMESPACE_API_KEY", "samespace_api_key", _api_key),
    ("SMTP_URL", "smtp_url", _smtp_url),
    ("OIDC_ISSUER", "oidc_issuer", oidc_issuer),
    ("OIDC_CLIENT_ID", "oidc_client_id", str),
    ("OIDC_CLIENT_SECRET", "oidc_client_secret", SecretStr),
    ("CONSOLE_HOST", "console_host", console_host),
    ("METRICS_TOKEN", "metrics_token", _metrics_token),
    ("LOG_FORMAT", "log_format", _log_format),
    ("BIND", "bind", _bind),
    ("PORT", "port", whole_number(0, 65535)),
    ("WEB_CONCURRENCY", "web_concurrency", whole_number(1, 1000)),
)
# What may be given as the path of a file that holds it, in `…_FILE`: every secret there is.
SECRETS = frozenset(
    variable for variable, name, _ in VARIABLES if "SecretStr" in str(Settings.model_fields[name].annotation)
)
