"""What an installation can be told: the tables of ringback.toml as frozen, checked settings."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from ringback.config import values
from ringback.config.table import Table
from ringback.config.telling import AlertSettings, WebhookSettings
from ringback.config.widget import Widget

_YEAR_MINUTES = 525_600
_DAY_SECONDS = 86_400


# What can be reckoned with: a window that reaches further back than there are dates would fail at every post.
_LONGEST_WINDOW_SECONDS = 366 * _DAY_SECONDS
_HIGHEST_AMOUNT = 1_000_000


_MOST_LIMITS = 10


Network = IPv4Network | IPv6Network


# This machine, and addresses that nobody on the internet can have.
PRIVATE_NETWORKS: tuple[Network, ...] = tuple(
    map(
        ip_network,
        "127.0.0.0/8 ::1 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 fc00::/7 fe80::/10".split(),
    )
)


class SamespaceSettings(Table):
    """`[samespace]`: whose Samespace it is and where its API answers."""

    base_url: Annotated[str, AfterValidator(values.api_root)] | None = (
        None  # in place of https://{cluster_id}.samespace.com
    )
    cluster_id: str | None = Field(default=None, validate_default=True)
    space_id: Annotated[str, AfterValidator(values.space_id)]
    call_reports_seconds: float = Field(default=60, ge=1, le=_DAY_SECONDS)
    outcome_links: bool = False  # the agent gets an address where they say what became of a call
    renew_token_days: int | None = Field(default=None, ge=1, le=365)  # None: only by hand

    @field_validator("cluster_id")
    @classmethod
    def _leads_somewhere(cls, cluster_id: str | None, so_far: ValidationInfo) -> str | None:
        if not cluster_id and so_far.data.get("base_url", "one that was refused") is None:
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
    lease_seconds: float = Field(default=30, gt=0, le=3600, validate_default=True)
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

    def wait_after(self, attempt: int) -> float:
        """The seconds between an attempt, the first being 1, and the next; the last wait of all goes on."""
        return self.retry_seconds[min(attempt, len(self.retry_seconds)) - 1]

    def is_last(self, attempt: int) -> bool:
        """Whether an attempt that is refused is followed by no other."""
        return attempt > len(self.retry_seconds)


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
    webhooks: tuple[WebhookSettings, ...] = ()  # looks back at widgets
    privacy: PrivacySettings = Field(default=PrivacySettings(), validate_default=True)  # looks back at widgets

    @field_validator("widgets", mode="before")
    @classmethod
    def _named(cls, widgets: Any) -> Any:
        if not isinstance(widgets, dict):
            return widgets
        for key, table in widgets.items():
            if isinstance(table, dict) and "key" in table:
                raise ValueError(f'"key" under "{key}": unknown setting; remove it')
        return {key: {**table, "key": key} if isinstance(table, dict) else table for key, table in widgets.items()}

    @field_validator("webhooks")
    @classmethod
    def _of_widgets(
        cls, webhooks: tuple[WebhookSettings, ...], so_far: ValidationInfo
    ) -> tuple[WebhookSettings, ...]:
        widgets = so_far.data.get("widgets")
        named = [name for webhook in webhooks for name in webhook.widgets]
        if widgets is not None and (unknown := [name for name in named if name not in widgets]):
            raise ValueError(
                f'names the widget "{unknown[0]}", which there is not; there are {", ".join(widgets)}'
            )
        if len({webhook.url for webhook in webhooks}) < len(webhooks):
            raise ValueError("should name each url once")
        return webhooks

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
    samespace_api_key: SecretStr | None = None
    smtp_url: SecretStr | None = None
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    console_host: str = ""  # as given; `console_url` where it is not
    metrics_token: SecretStr | None = None
    log_format: Literal["text", "json"] = "text"
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
    def console_url(self) -> str:
        """The origin of the console: that of the visitors, unless the console has a host of its own."""
        url = urlsplit(self.public_url)
        port = f":{url.port}" if url.port else ""
        return f"{url.scheme}://{self.console_host}{port}" if self.console_host else self.origin

    @property
    def is_https(self) -> bool:
        """Whether browsers come by HTTPS: on a machine of one's own, such as the sandbox's, they do not."""
        return self.public_url.startswith("https:")

    @property
    def console_pages(self) -> str:
        """The address that all of the console's pages begin with."""
        return f"{self.console_url}{self.path}/console"

    @property
    def has_console_host(self) -> bool:
        """Whether the console answers on a host of its own."""
        return self.console_url != self.origin

    @property
    def origin(self) -> str:
        """PUBLIC_URL without its path."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        """The path of PUBLIC_URL that everything lives under, like `/callback`; mostly empty."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def kind_of_store(self) -> str:
        """What a store is marked with, so that nobody opens the other's."""
        return "sandbox" if self.sandbox else "production"

    @property
    def listens_at(self) -> str:
        """Where gunicorn listens, in its words."""
        return self.bind if self.bind.startswith("unix:") else f"{self.bind}:{self.port}"

    def widget(self, key: str) -> Widget | None:
        """The widget at `/{key}`, whatever the case of its letters, or None."""
        found = (widget for known, widget in self.widgets.items() if known.lower() == key.lower())
        return self.widgets.get(key) or next(found, None)
