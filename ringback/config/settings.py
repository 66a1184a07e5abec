"""The environment and ringback.toml, read once into frozen, checked settings.

Every fault is found in one go, one line each, and stops the start: a wrong setting must not
show up as a lost request weeks later.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ringback.config.widget import Table, WebAddress, Widget, Words, origin_of

_YEAR_MINUTES = 525_600
_DAY_SECONDS = 86_400
# What can be reckoned with: a window that reaches further back than there are dates would fail at every post.
_LONGEST_WINDOW_SECONDS = 366 * _DAY_SECONDS
_HIGHEST_AMOUNT = 1_000_000
_MOST_LIMITS = 10
_LONGEST_SHOWN = 10**18
_KEY_VARIETY = 8  # different characters: of one letter repeated, there are few to try
KEY_CHARACTERS = 32  # fewer can be guessed, and then links, forms and hashes are anybody's

Network = IPv4Network | IPv6Network
_MAPPED_BITS = 96  # of ::ffff:10.0.0.0/104, what stands before the IPv4 address
# This machine, and addresses that nobody on the internet can have.
PRIVATE_NETWORKS: tuple[Network, ...] = tuple(
    map(
        ip_network,
        "127.0.0.0/8 ::1 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 fc00::/7 fe80::/10".split(),
    )
)


class SettingsError(Exception):
    """The settings are wrong or missing; `faults` has a line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class SamespaceSettings(Table):
    """`[samespace]`: whose Samespace it is and where its API answers."""

    base_url: WebAddress | None = None  # in place of https://{cluster_id}.samespace.com
    cluster_id: str | None = Field(default=None, validate_default=True)
    space_id: Words

    @field_validator("cluster_id")
    @classmethod
    def _leads_somewhere(cls, cluster_id: str | None, so_far: ValidationInfo) -> str | None:
        if not cluster_id and not so_far.data.get("base_url"):
            raise ValueError('is missing; it should be the region your Samespace is in, like "in1"')
        if cluster_id and not re.fullmatch(r"[A-Za-z0-9-]+", cluster_id):
            raise ValueError('should be letters and digits, like "in1"')
        return cluster_id

    @property
    def url(self) -> str:
        """The API's root, without a slash at its end."""
        return (self.base_url or f"https://{self.cluster_id}.samespace.com").rstrip("/")


class LimitSettings(Table):
    """`[limits]`: how often one address and one number may ask."""

    per_address: str = "5 per minute; 30 per hour"
    per_number: str = "2 per hour; 4 per day"
    per_widget: str = "60 per hour; 500 per day"
    min_fill_seconds: float = Field(default=2, ge=0, le=3600)

    @field_validator("per_address", "per_number", "per_widget")
    @classmethod
    def _readable(cls, value: str) -> str:
        try:
            items = parse_many(value)
        except ValueError:
            items = []
        if not items or any(item.amount < 1 for item in items):
            raise ValueError('should be a limit, like "2 per hour; 4 per day"')
        if len(items) > _MOST_LIMITS or any(item.amount > _HIGHEST_AMOUNT for item in items):
            raise ValueError(f"should be at most {_MOST_LIMITS} limits, each of at most {_HIGHEST_AMOUNT:,}")
        if any(item.get_expiry() > _LONGEST_WINDOW_SECONDS for item in items):
            raise ValueError("should be a limit for a year at most")
        return value


class DeliverySettings(Table):
    """`[delivery]`: how requests are handed over. Times in seconds where the name does not say."""

    timeout_seconds: float = Field(default=10, gt=0, le=300)
    retry_seconds: tuple[float, ...] = Field(default=(5, 30, 120, 300, 900, 1800, 3600), min_length=1)
    give_up_minutes: float = Field(default=120, gt=0, le=_YEAR_MINUTES)
    lease_seconds: float = Field(default=30, gt=0, le=3600)
    on_unknown: Literal["hold", "resend"] = "hold"

    @field_validator("retry_seconds")
    @classmethod
    def _positive(cls, waits: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < wait <= _DAY_SECONDS for wait in waits):
            raise ValueError("should be waits above zero and up to a day, in seconds, like [5, 30, 120]")
        return waits

    @field_validator("lease_seconds")
    @classmethod
    def _outlives_the_call(cls, lease: float, so_far: ValidationInfo) -> float:
        # A lease that ends while the call is in the air would let a second process decide about it.
        timeout = so_far.data.get("timeout_seconds", 0)
        if lease <= timeout:
            raise ValueError(f"should be longer than timeout_seconds, which is {timeout:g}")
        return lease


# Nothing that would mean something in a mail's header, so a bare address without a name beside it.
_MAIL_WORD = r"[^\s@<>()\[\],;:\"\\]+"


class AlertSettings(Table):
    """`[alerts]`: who is told when a request needs a person."""

    email: tuple[Words, ...] = ()
    webhook: WebAddress | None = None

    @field_validator("email")
    @classmethod
    def _addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(f"{_MAIL_WORD}@{_MAIL_WORD}", address) for address in addresses):
            raise ValueError('should be mail addresses, like "front-desk@acme.com"')
        return addresses


class PrivacySettings(Table):
    """`[privacy]`: how long what is kept."""

    retention_days: int = Field(default=30, ge=1, le=3650)
    stop_days: int = Field(default=30, ge=1, le=3650)


class Configuration(Table):
    """The whole of ringback.toml."""

    samespace: SamespaceSettings
    limits: LimitSettings = LimitSettings()
    delivery: DeliverySettings = DeliverySettings()
    alerts: AlertSettings = AlertSettings()
    widgets: dict[str, Widget] = Field(min_length=1)
    privacy: PrivacySettings = Field(default=PrivacySettings(), validate_default=True)  # looks back at widgets

    @field_validator("widgets", mode="before")
    @classmethod
    def _named(cls, widgets: Any) -> Any:
        if not isinstance(widgets, dict):
            return widgets
        for key, table in widgets.items():
            if isinstance(table, dict) and "key" in table:
                raise ValueError(f'"key" under "{key}" is no setting of ours; take it out')
        return {key: {**table, "key": key} if isinstance(table, dict) else table for key, table in widgets.items()}

    @field_validator("privacy")
    @classmethod
    def _outlives_what_is_booked(cls, privacy: PrivacySettings, so_far: ValidationInfo) -> PrivacySettings:
        """Longer by itself where times may be chosen so far ahead; what is set has to be long enough."""
        booked = {
            key: widget.hours.days_ahead for key, widget in so_far.data.get("widgets", {}).items() if widget.hours
        }
        key, days = max(booked.items(), key=lambda each: each[1], default=("", 0))
        if days <= privacy.retention_days:
            return privacy
        if "retention_days" not in privacy.model_fields_set:
            return privacy.model_copy(update={"retention_days": days})
        raise ValueError(
            f"retention_days is {privacy.retention_days}; it should be at least {days}, the days_ahead of {key}"
        )

    @field_validator("widgets")
    @classmethod
    def _one_address_each(cls, widgets: dict[str, Widget]) -> dict[str, Widget]:
        seen: dict[str, str] = {}
        for key in widgets:
            other = seen.setdefault(key.lower(), key)
            if other != key:
                raise ValueError(f'"{other}" and "{key}" would be at one address; rename one')
        return widgets


class Settings(Configuration):
    """Everything Ringback is told from outside."""

    secret_key: SecretStr
    secret_key_fallbacks: tuple[SecretStr, ...] = ()
    database_url: SecretStr
    public_url: str
    trusted_proxies: int = 0
    proxy_addresses: tuple[Network, ...] = PRIVATE_NETWORKS
    ratelimit_storage_uri: SecretStr = SecretStr("memory://")
    delivery_mode: Literal["inline", "worker"] = "inline"
    samespace_auth_token: SecretStr | None = None
    smtp_url: SecretStr | None = None
    metrics_token: SecretStr | None = None
    bind: str = "0.0.0.0"  # noqa: S104 the address to listen on, as gunicorn takes it
    port: int = 8000
    web_concurrency: int = 1
    sandbox: bool = False

    @property
    def secret_keys(self) -> list[str]:
        """The keys that open a signature, oldest first; the last one signs."""
        keys = [*self.secret_key_fallbacks, self.secret_key]
        return [key.get_secret_value() for key in keys]

    @property
    def listens_at(self) -> str:
        """Where gunicorn listens, in its words."""
        return self.bind if self.bind.startswith("unix:") else f"{self.bind}:{self.port}"

    def widget(self, key: str) -> Widget | None:
        """The widget at `/{key}`, or None."""
        return self.widgets.get(key)


def config_path(environ: Mapping[str, str]) -> Path:
    """Where ringback.toml should be."""
    return Path(environ.get("RINGBACK_CONFIG") or "ringback.toml")


def is_configured(environ: Mapping[str, str]) -> bool:
    """Whether there is a configuration: a file, or a setting that names one."""
    return bool(environ.get("RINGBACK_CONFIG")) or config_path(environ).exists()


def refuse_without_file(environ: Mapping[str, str]) -> None:
    """Raise SettingsError where settings of production are there and only the file is not.

    Whoever forgot RINGBACK_CONFIG would look at the sandbox's empty store, and believe that all is well.
    """
    given = [name for name in _ONLY_IN_PRODUCTION if environ.get(name, "").strip()]
    if given:
        raise SettingsError(
            [
                f"RINGBACK_CONFIG: is missing beside {' and '.join(given)}, and there is no "
                f"{config_path(environ).absolute()}; it should name your ringback.toml. "
                "The sandbox starts only without them"
            ]
        )


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check everything. Raises SettingsError with every fault at once."""
    faults: list[str] = []
    values = _read_environment(environ, faults)
    path = config_path(environ)
    tables = _read_file(path, faults)
    configuration = _check_file(path, tables, faults) if tables is not None else None
    if configuration and configuration.alerts.email and "smtp_url" not in values:
        faults.append(f"SMTP_URL: is missing; alerts.email needs a mail server, {_SMTP_EXAMPLE}")
    if faults or configuration is None:
        raise SettingsError(faults)
    return Settings.model_construct(**dict(configuration), **values)


def read_configuration(path: Path) -> Configuration:
    """The file alone, for a start whose environment is our own. Raises SettingsError."""
    faults: list[str] = []
    tables = _read_file(path, faults)
    configuration = _check_file(path, tables, faults) if tables is not None else None
    if configuration is None:
        raise SettingsError(faults)
    return configuration


def read_port(environ: Mapping[str, str]) -> int:
    """PORT alone, likewise. Raises SettingsError."""
    try:
        return _number(0, 65535)(environ.get("PORT", "").strip() or "8000")
    except ValueError as error:
        raise SettingsError([f"PORT: {error}"]) from None


def _read_file(path: Path, faults: list[str]) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        faults.append(f"{path}: there is no such file; RINGBACK_CONFIG should name your ringback.toml")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{path}: cannot be read ({type(error).__name__}); it should be a readable text file")
    except ValueError as error:  # of a number without end Python says so itself
        faults.append(f"{path}: is not TOML: {error}")
    return None


def _check_file(path: Path, tables: dict[str, Any], faults: list[str]) -> Configuration | None:
    try:
        return Configuration.model_validate(tables, context={"folder": path.parent})
    except ValidationError as error:
        faults.extend(_file_fault(path, tables, fault) for fault in error.errors())
    return None


def _file_fault(path: Path, tables: dict[str, Any], fault: Any) -> str:
    """One line: the file, the key, what it is, and the mend."""
    keys = [str(key) for key in fault["loc"] if key not in ("[key]", "key")]
    name = ".".join(keys) or "the file"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("a valid tuple", "a list")
    if fault["type"] == "extra_forbidden":
        return f"{path}: {name}: is no setting of ours; take it out or correct its name"
    if fault["type"] == "missing":
        return f"{path}: {name}: is missing; add it"
    value = _value_at(tables, fault["loc"])
    is_endless = isinstance(value, int) and abs(value) > _LONGEST_SHOWN  # to write it out may be refused
    is_shown = isinstance(value, str | int | float | bool | list) and not is_endless
    it_is = f" (it is {value!r})" if is_shown else ""
    return f"{path}: {name}: {message[0].lower() + message[1:]}{it_is}"


def _value_at(tables: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        try:
            tables = tables[key]
        except (KeyError, IndexError, TypeError):
            return None
    return tables


def _read_environment(environ: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    """The values of the environment's settings; what is wrong goes to `faults`."""
    values: dict[str, Any] = {}
    for variable, name, read in _ENVIRONMENT:
        told_in = variable
        try:
            if variable in _SECRETS and environ.get(f"{variable}_FILE"):
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
    return values


def _file_text(variable: str, environ: Mapping[str, str]) -> str:
    """What the file holds that `{variable}_FILE` names. Raises ValueError."""
    path = environ[f"{variable}_FILE"]
    if environ.get(variable, "").strip():
        raise ValueError(f"{variable} is given as well; it should be one of the two")
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
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


def _database_url(text: str) -> SecretStr:
    if not text:
        raise ValueError(
            "is missing; it should say where the requests live, on a disk that stays: "
            "sqlite:////var/lib/ringback/ringback.db or postgresql://user:password@host/name"
        )
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("is no database address; it should begin with sqlite:/// or postgresql://") from None
    if url.drivername.split("+")[0] not in ("sqlite", "postgresql", "postgres"):
        raise ValueError(f"is for {url.drivername}; it should begin with sqlite:/// or postgresql://")
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
        return origin_of(text)
    except ValueError:
        raise ValueError(
            f"is {text!r}; it should be the address visitors use, without a path, like https://callback.acme.com"
        ) from None


def _storage_uri(text: str) -> SecretStr:
    if urlsplit(text).scheme not in ("memory", "redis", "rediss", "redis+unix"):
        raise ValueError("is neither memory:// nor redis://host:6379/0; it should be one of them")
    return SecretStr(text)


_SMTP_EXAMPLE = "like smtp://user:password@host:587"


def _smtp_url(text: str) -> SecretStr:
    with suppress(ValueError):  # its text may hold the password
        url = urlsplit(text)
        # A / # or ? in a password ends the address early, and what stands before it is taken for a port.
        whole = not (url.path.strip("/") or url.query or url.fragment)
        named = bool(url.username) == bool(url.password)
        if url.scheme in ("smtp", "smtps") and url.hostname and url.port != 0 and whole and named:
            return SecretStr(text)
    raise ValueError(f"is no mail server; it should be {_SMTP_EXAMPLE}, with %2F for a / in the password")


def _delivery_mode(text: str) -> str:
    if text not in ("inline", "worker"):
        raise ValueError(f"is {text!r}; it should be inline or worker")
    return text


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"is {text[:20]!r}; it should be a whole number from {lowest} to {highest}")
        return int(text)

    return read


_REQUIRED = ("SECRET_KEY", "DATABASE_URL", "PUBLIC_URL")
# Where one of these is set, somebody means the requests of a real site.
_ONLY_IN_PRODUCTION = ("DATABASE_URL", "DATABASE_URL_FILE", "PUBLIC_URL")
# What may be given as the path of a file that holds it, in `…_FILE`.
_SECRETS = (
    *("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "RATELIMIT_STORAGE_URI", "SAMESPACE_AUTH_TOKEN"),
    *("SMTP_URL", "METRICS_TOKEN"),
)
_ENVIRONMENT: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("SECRET_KEY", "secret_key", _secret_key),
    ("SECRET_KEY_FALLBACKS", "secret_key_fallbacks", _fallbacks),
    ("DATABASE_URL", "database_url", _database_url),
    ("PUBLIC_URL", "public_url", _public_url),
    ("TRUSTED_PROXIES", "trusted_proxies", _number(0, 20)),
    ("PROXY_ADDRESSES", "proxy_addresses", _networks),
    ("RATELIMIT_STORAGE_URI", "ratelimit_storage_uri", _storage_uri),
    ("RINGBACK_DELIVERY", "delivery_mode", _delivery_mode),
    ("SAMESPACE_AUTH_TOKEN", "samespace_auth_token", SecretStr),
    ("SMTP_URL", "smtp_url", _smtp_url),
    ("METRICS_TOKEN", "metrics_token", SecretStr),
    ("BIND", "bind", _bind),
    ("PORT", "port", _number(0, 65535)),
    ("WEB_CONCURRENCY", "web_concurrency", _number(1, 1000)),
)
