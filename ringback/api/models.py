"""What programs send and are answered. They do the reading, and the description is made of them."""

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    field_validator,
)
from pydantic_core import PydanticCustomError


def _ip_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("should be an IP address") from None


Text = StrictStr | None


class Sent(BaseModel):
    """What a program sends. What is in it that nobody asked for is passed over."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class NewRequest(Sent):
    """A callback request: the fields of the form, and what a form of one's own has to say beside them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Ann Example",
                    "phone": "+44 20 7946 0123",
                    "email": "ann@example.com",
                    "attributes": {"plan": "pro"},
                    "page": "https://www.acme.com/pricing",
                    "language": "en",
                    "consent_shown": True,
                }
            ]
        }
    )

    name: Text = Field(None, description="To 120 characters.")
    phone: Text = Field(None, description="The number to call, as people write it.")
    email: Text = Field(None, description="To 254 characters.")
    company: Text = Field(None, description="To 120 characters.")
    message: Text = Field(None, description="To 1,000 characters.")
    country: Text = Field(None, description="How a number without a country code is read: one of the `regions`.")
    when: Literal["asap", "slot"] | None = Field(None, description="As soon as possible, or at `slot`.")
    slot: Text = Field(None, description="One of the `times`: its start in UTC, `2026-11-24T14:00Z`.")
    zone: Text = Field(None, description="Where the visitor is: an IANA time zone.")
    attributes: dict[StrictStr, StrictStr] | None = Field(
        None,
        description="Values for the agent, each to 200 characters; others than the widget's are passed over.",
    )
    page: Text = Field(None, description="The page it was asked on.")
    language: Text = Field(None, description="Of the visitor, like `en` or `pt-BR`.")
    consent_shown: StrictBool = Field(
        description="true: the visitor was shown the sentence in `consent`, and agreed to it by asking.",
        json_schema_extra={"const": True},
    )
    consent: StrictBool | None = Field(None, description="false: the box beside the sentence was left empty.")
    marketing: StrictBool | None = Field(None, description="true: the visitor agreed to `marketing` too.")
    token: Text = Field(None, description="From `GET /api/widgets/{widget}`: for pages, which have no key.")
    visitor_address: Annotated[StrictStr, AfterValidator(_ip_address)] | None = Field(
        None,
        description="The visitor's IP address: limits count them, and not your server. With a key only.",
    )

    @field_validator("consent_shown", mode="before")
    @classmethod
    def _was_shown(cls, value: object) -> object:
        if value is not True:
            raise PydanticCustomError("consent_not_shown", "should be true, once consent was shown")
        return value


class Answered(BaseModel):
    """What a program is answered. Every field of it is there, so clients made of the description need not ask."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Stored(Answered):
    """A request that is stored. It says the same when the same is sent again."""

    reference: str = Field(examples=["RB-7F3K-92QD"])
    state: Literal["waiting"] = "waiting"
    requested_at: datetime
    due_at: datetime
    status_url: str = Field(description="The visitor's own page. Its address is a key: give it to nobody else.")


class Time(Answered):
    """A time that may be chosen. `slot` is what is sent."""

    slot: str = Field(examples=["2026-11-24T14:00Z"])
    starts_at: datetime
    ends_at: datetime


class WidgetInfo(Answered):
    """What a form of one's own needs to know."""

    widget: str
    company: str
    fields: list[str]
    required: list[str]
    attributes: list[str]
    regions: list[str]
    languages: list[str]
    consent: dict[str, str] = Field(description="The sentence to show beside the button, by language.")
    consent_by: Literal["request", "checkbox"] = Field(description="Whether asking agrees, or a box.")
    marketing: dict[str, str] = Field(description="The sentence of a second box, by language; often none.")
    is_open: bool = Field(description="Whether the team is there now.")
    is_paused: bool = Field(description="Whether it takes no requests now.")
    promise_minutes: int | None
    times: list[Time]
    token: str = Field(description="Send it with the request. It is good for a day, and for one request.")


class Happened(Answered):
    """One thing that happened to a request."""

    at: datetime
    kind: str
    detail: str | None = None
    shown_only: bool = Field(False, description="true: only its visitor sees it; the request is held.")


class Found(Answered):
    """A request as it is: `state` is `held` where it is, whatever its visitor sees."""

    reference: str
    widget: str
    state: Literal["waiting", "handing_over", "with_team", "unknown", "called", "failed", "cancelled", "held"]
    reason: str | None = Field(None, description="Why it is held.")
    requested_at: datetime
    due_at: datetime
    slot_starts_at: datetime | None
    slot_ends_at: datetime | None
    phone: str
    region: str
    name: str
    email: str
    company: str
    message: str
    attributes: dict[str, str]
    page: str
    language: str


class FoundWhole(Found):
    """The same, with all that happened to it, the oldest first."""

    events: list[Happened]


class Listed(Answered):
    """A page of requests, the oldest first; `next` is the `after` of the page that follows."""

    requests: list[Found]
    next: str | None


class Cancelled(Answered):
    """A request that is withdrawn."""

    reference: str
    state: Literal["cancelled"] = "cancelled"


class Spoken(Sent):
    """Somebody has spoken with a person: what waits for their number is withdrawn."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"phone": "+44 20 7946 0123"}]})

    phone: StrictStr = Field(description="With its country code, or as in the region of the key's first widget.")
    at: AwareDatetime | None = Field(
        None, description="When: what was asked for later still waits. ISO 8601 with an offset; absent: now."
    )

    @field_validator("at", mode="before")
    @classmethod
    def _is_written_out(cls, at: Any) -> Any:
        """Seconds since 1970, which pydantic would take as well, are as often milliseconds."""
        if at is not None and not (isinstance(at, str) and "-" in at):
            raise ValueError("should be ISO 8601 with an offset")
        return at

    @field_validator("at")
    @classmethod
    def _is_on_every_clock(cls, at: datetime | None) -> datetime | None:
        try:
            return at.astimezone(UTC) if at else None
        except OverflowError:
            raise ValueError("is a time that no clock shows") from None


class Withdrawn(Answered):
    """The references of what was withdrawn, the oldest first."""

    withdrawn: list[str]


class FieldError(BaseModel):
    """A field at fault. `options`: numbers that may have been meant, to send in its place."""

    field: str
    code: str
    message: str
    options: list[str] | None = None


class Problem(BaseModel):
    """What went wrong (RFC 9457). `code` never changes."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[FieldError] | None = None


def written(model: BaseModel) -> dict[str, Any]:
    """As it is sent, times with their offset."""
    return model.model_dump(mode="json", exclude_none=False)
