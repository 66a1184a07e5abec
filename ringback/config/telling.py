"""Who is told of what happens: people by alerts, programs by webhooks."""

import re

from pydantic import Field, field_validator

from ringback.config.table import Table
from ringback.config.widget import WebAddress, Words

_YEAR_MINUTES = 525_600

# Nothing that would mean something in a mail's header, so a bare address without a name beside it.
_MAIL_WORD = r"[^\s@<>()\[\],;:\"\\]+"


class AlertSettings(Table):
    """`[alerts]`: who is told when a request needs a person."""

    email: tuple[Words, ...] = ()
    sender: str | None = None  # None: ringback@ and the host of PUBLIC_URL
    webhook: WebAddress | None = None
    unreachable_minutes: float = Field(default=5, gt=0, le=1440)
    not_called_minutes: float = Field(default=60, gt=0, le=_YEAR_MINUTES)  # while the team is open
    allow_private: bool = True

    @field_validator("sender")
    @classmethod
    def _is_address(cls, sender: str | None) -> str | None:
        if sender is not None and not re.fullmatch(f"{_MAIL_WORD}@{_MAIL_WORD}", sender):
            raise ValueError('should be a mail address, like "ringback@acme.com"')
        return sender

    @field_validator("email")
    @classmethod
    def _addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(f"{_MAIL_WORD}@{_MAIL_WORD}", address) for address in addresses):
            raise ValueError('should be mail addresses, like "front-desk@acme.com"')
        return addresses


WEBHOOK_TYPES = tuple(
    f"request.{name}"
    for name in "accepted held with_team called unknown failed cancelled rescheduled resolved erased".split()
)


class WebhookSettings(Table):
    """One of `[[webhooks]]`: a program that is told what happens to each request."""

    url: WebAddress
    events: tuple[str, ...] = Field(default=WEBHOOK_TYPES, min_length=1)
    widgets: tuple[str, ...] = ()  # none named: all
    personal_data: bool = False
    allow_private: bool = False

    @field_validator("events")
    @classmethod
    def _known(cls, events: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in events if name not in WEBHOOK_TYPES]:
            raise ValueError(f'has "{unknown[0]}"; it should be of {", ".join(WEBHOOK_TYPES)}')
        return events

    def wants(self, type: str, widget: str) -> bool:
        """Whether it is told of this."""
        return type in self.events and (not self.widgets or widget in self.widgets)
