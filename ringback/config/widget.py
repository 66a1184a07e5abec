"""One configured form: one team, one look, one set of rules. What may stand under `[widgets.…]`."""

import re
from collections.abc import Callable
from datetime import UTC, date, tzinfo
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationInfo, field_validator

from ringback.config import values
from ringback.config.brand_files import BrandFile, read_font, read_logo
from ringback.config.public_holidays import public_holidays
from ringback.config.table import Table, no_two_alike
from ringback.i18n import languages

RESERVED_NAMES = frozenset(
    "requests static stop console sandbox embed healthz readyz metrics openapi api docs install outcome".split()
)
MEASURED: Literal["measured"] = "measured"  # in place of the minutes of a promise
_MINUTES = TypeAdapter(Annotated[int, Field(ge=1, le=10_000)])
FieldName = Literal["name", "email", "company", "message"]
FIELDS: tuple[FieldName, ...] = get_args(FieldName)
# What a host page may not overwrite: our form's own fields and what we tell the agent ourselves.
RESERVED_ATTRIBUTES = frozenset(FIELDS).union(
    "phone country when slot zone consent marketing confirm_again csrf_token "
    "checked reading page title lang theme embed inline dialog button language requested_at reference stop_url "
    "asked_for attempt note space_id team_name number region regions fields required attributes brand "
    "languages key origins privacy_url promise_minutes calls_per_minute hours texts logo font timezone caller_id "
    "confirm_by_email token confirmed change outcome_url custom_data consent_shown visitor_address".split()
)


def origin_of(url: str) -> str:
    """`https://Acme.com/` as a browser writes an origin: `https://acme.com`. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise ValueError('should be an origin, like "https://www.acme.com"')
    if parts.query or parts.fragment or "@" in parts.netloc or "*" in parts.netloc:
        raise ValueError('should be an origin and nothing more, like "https://www.acme.com"')
    default = {"http": 80, "https": 443}[parts.scheme]
    try:
        has_port = bool(parts.port)
    except ValueError:
        raise ValueError('should be an origin, like "https://www.acme.com"; its port goes up to 65535') from None
    port = f":{parts.port}" if has_port and parts.port != default else ""
    if not re.fullmatch(r"[a-z0-9.:_-]+", parts.hostname):
        raise ValueError(f'should be an origin, like "https://{_in_ascii(parts.hostname)}"')
    # As browsers write it, who leave out the zeros of an IPv6 address.
    host = f"[{ip_address(parts.hostname)}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def _in_ascii(host: str) -> str:
    """A host name of another script as browsers send it, xn--…; our example where it is none."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return "www.acme.com"


def _region(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError('should be a region by its ISO code in two capital letters, like "GB" (not "UK")')
    return code


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError('should be a colour, like "#4f46e5"')
    return value.lower()


def _language(tag: str) -> str:
    return languages.meant_by(tag).tag


def _each_once(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))


def _attribute(name: str) -> str:
    if name.lower() in RESERVED_ATTRIBUTES:
        raise ValueError(f'"{name}" is a name that Ringback uses itself; give the attribute another name')
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", name):
        raise ValueError(f'"{name}" should be a name of letters, digits, _ and -, at most 40, like "plan"')
    return name


def _span(text: str) -> str:
    first, _, last = text.partition("-")
    if first == last:
        raise ValueError(f'"{text}" is empty; a whole day is "00:00-24:00"')
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)", text):
        raise ValueError(f'"{text}" should be a span of time, like "09:00-17:30"')
    return text


def _apart(spans: tuple[str, ...]) -> tuple[str, ...]:
    """In order and apart from one another, so that no time is offered twice."""
    ordered = sorted(spans)
    for before, after in pairwise(ordered):
        first, last = before.split("-")
        if after.split("-")[0] < last or last < first:
            raise ValueError(f'"{before}" and "{after}" overlap; make one span of them')
    return tuple(ordered)


def _calendar(name: str) -> str:
    public_holidays(name, date.today().year)
    return name


def _day(written: object) -> str:
    """`written`: in TOML a day may stand without quotes."""
    try:
        return date.fromisoformat(str(written)).isoformat()
    except ValueError:
        raise ValueError(f'"{written}" should be a day, like "2026-12-27"') from None


def _file(read: Callable[[Path], BrandFile]) -> BeforeValidator:
    """A file's name, as seen from the folder of ringback.toml, becomes what is in it."""

    def checked(name: object, info: ValidationInfo) -> BrandFile | None:
        if name is None or isinstance(name, BrandFile):
            return name
        if not isinstance(name, str) or not name or "\0" in name:
            raise ValueError("should be the name of a file, beside ringback.toml or with its path")
        return read((info.context or {}).get("folder", Path()) / name)

    return BeforeValidator(checked)


Origin = Annotated[str, AfterValidator(origin_of)]
WebAddress = Annotated[str, AfterValidator(values.web_address)]
Region = Annotated[str, AfterValidator(_region)]
Language = Annotated[str, AfterValidator(_language)]
Span = Annotated[str, AfterValidator(_span)]
Spans = Annotated[tuple[Span, ...], AfterValidator(_apart)]
Zone = Annotated[str, AfterValidator(values.zone)]
Day = Annotated[str, BeforeValidator(_day)]
Words = Annotated[str, AfterValidator(values.words)]


class Hours(Table):
    """`[widgets.….hours]`: when the team can be reached."""

    timezone: Zone
    mon: Spans = ()
    tue: Spans = ()
    wed: Spans = ()
    thu: Spans = ()
    fri: Spans = ()
    sat: Spans = ()
    sun: Spans = ()
    holidays: Annotated[str, AfterValidator(_calendar)] | None = None
    closed: tuple[Day, ...] = ()
    special: Annotated[dict[Day, Spans], no_two_alike(_day)] = Field(default={})
    slot_minutes: int = Field(default=30, ge=5, le=1440)
    calls_per_slot: int | None = Field(default=None, ge=1, le=10_000)
    days_ahead: int = Field(default=7, ge=0, le=90)

    def __hash__(self) -> int:
        """So that what is reckoned from a table can be kept; of all of it, `special` has no hash."""
        return hash((self.timezone, self.mon, self.slot_minutes, self.days_ahead))


class Texts(Table):
    """`[widgets.….texts.en]`: the site owner's own sentences, in place of ours."""

    title: Words | None = None
    intro: Words | None = None
    button: Words | None = None
    consent: Words | None = None
    marketing: Words | None = None  # a box of its own, for more than the call; none without a sentence


class Widget(Table):
    """One form. `key` is its name in the file and its address, `/{key}`."""

    key: str
    team_name: Words
    company: str = Field(default="", validate_default=True)
    privacy_url: WebAddress | None = None
    origins: tuple[Origin, ...] = ()
    region: Region
    regions: tuple[Region, ...] = ()
    fields: tuple[FieldName, ...] = ("name",)
    required: tuple[FieldName, ...] = ()
    attributes: tuple[Annotated[str, AfterValidator(_attribute)], ...] = ()
    phone: str | None = None  # the team's own, to be called
    caller_id: str | None = None  # what the agents' calls show; nobody can know it from the team's own number
    timezone: Zone | None = None  # whose clock visitors read
    promise_minutes: Annotated[int, Field(ge=1, le=10_000)] | Literal["measured"] | None = None
    confirm_by_email: bool = False
    brand: Annotated[str, AfterValidator(_colour)] = "#4f46e5"
    logo: Annotated[BrandFile | None, _file(read_logo)] = None
    font: Annotated[BrandFile | None, _file(read_font)] = None
    languages: Annotated[tuple[Language, ...], AfterValidator(_each_once)] = Field(default=("en",), min_length=1)
    consent: Literal["request", "checkbox"] = "request"
    calls_per_minute: int | None = Field(default=None, ge=1, le=60_000)
    hours: Hours | None = None
    texts: Annotated[dict[Language, Texts], no_two_alike(_language)] = Field(default={})

    @field_validator("key")
    @classmethod
    def _usable_address(cls, key: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", key):
            raise ValueError("should be a name of letters, digits, - and _: it is the form's address")
        if key.lower() in RESERVED_NAMES:
            raise ValueError(f'"{key}" is an address that Ringback uses itself; give the widget another name')
        return key

    @field_validator("company")
    @classmethod
    def _or_the_team(cls, company: str, so_far: ValidationInfo) -> str:
        return values.stripped(company) or so_far.data.get("team_name", "")

    @field_validator("attributes")
    @classmethod
    def _once_each(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len({name.lower() for name in names}) < len(names):
            raise ValueError("should name each attribute once")
        return names

    @field_validator("phone", "caller_id")
    @classmethod
    def _international(cls, number: str | None, info: ValidationInfo) -> str | None:
        if number is None:
            return None
        written = values.number(number)
        if info.field_name == "caller_id" and phonenumbers.parse(written).extension:
            raise ValueError("should be a number without an extension: no call shows one")
        return written

    @field_validator("promise_minutes", mode="before")
    @classmethod
    def _whole_or_measured(cls, minutes: object) -> object:
        """Told as any other number is: of a choice between two, each would be told by itself."""
        is_said = minutes in (None, MEASURED) or isinstance(minutes, bool)
        return minutes if is_said else _MINUTES.validate_python(minutes)

    # Each of these looks back at a field above it, rather than at the whole: a validator of the whole
    # does not run while another key is wrong, and every fault should be told at once.
    @field_validator("required")
    @classmethod
    def _shown(cls, required: tuple[str, ...], so_far: ValidationInfo) -> tuple[str, ...]:
        unseen = [name for name in required if name not in so_far.data.get("fields", required)]
        if unseen:
            raise ValueError(f"names {', '.join(unseen)}, which fields does not show; add it there")
        return required

    @field_validator("regions")
    @classmethod
    def _with_the_main_one(cls, regions: tuple[str, ...], so_far: ValidationInfo) -> tuple[str, ...]:
        region = so_far.data.get("region")
        if regions and region and region not in regions:
            raise ValueError(f'should contain region, which is "{region}"')
        return tuple(dict.fromkeys(regions))

    @property
    def set_promise(self) -> int | None:
        """The minutes of the site owner's own promise; None where it is measured, or there is none."""
        return None if self.promise_minutes == MEASURED else self.promise_minutes

    @property
    def called_regions(self) -> tuple[str, ...]:
        """The only regions whose numbers are called."""
        return self.regions or (self.region,)

    @property
    def team_zone(self) -> tzinfo:
        """Whose clock the team works by; UTC where nothing says so."""
        name = self.hours.timezone if self.hours else self.timezone
        return ZoneInfo(name) if name else UTC

    @property
    def visitors_zone(self) -> ZoneInfo | None:
        """Whose clock visitors read; None where it is their own, if it is known."""
        name = self.timezone or (self.hours.timezone if self.hours else None)
        return ZoneInfo(name) if name else None

    def own_texts(self, language: str) -> Texts:
        """The site owner's sentences in a language; empty where there are none."""
        return self.texts.get(language, Texts())
