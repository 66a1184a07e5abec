"""A callback request, its states, its events, why it is held."""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ringback.i18n.local_time import tells_a_place


class State(StrEnum):
    """Where a request stands. The visitor's page and the operator's list use the same words."""

    WAITING = "waiting"
    HANDING_OVER = "handing_over"
    WITH_TEAM = "with_team"
    UNKNOWN = "unknown"
    CALLED = "called"  # a record or a person says so
    FAILED = "failed"
    CANCELLED = "cancelled"


class EventKind(StrEnum):
    """What can happen to a request. The timeline on a request's page shows only these."""

    RECEIVED = "received"
    ATTEMPTED = "attempted"
    WITH_TEAM = "with_team"
    UNKNOWN = "unknown"
    CALLED = "called"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RESCHEDULED = "rescheduled"
    RESOLVED = "resolved"
    # For operators only: a visitor must not learn whether a number is held.
    HELD = "held"
    RELEASED = "released"
    RETURNED = "returned"


OPERATORS_ONLY = frozenset({EventKind.HELD, EventKind.RELEASED, EventKind.RETURNED})
OF_THE_HAND_OVER = frozenset(
    {EventKind.ATTEMPTED, EventKind.WITH_TEAM, EventKind.UNKNOWN, EventKind.FAILED, EventKind.RETURNED}
)


def which_only_look_so(kinds: Iterable[EventKind]) -> list[bool]:
    """For each event, oldest first: whether it was only shown to the visitor, because the request was held."""
    is_held, found = False, []
    for kind in kinds:
        is_held = kind is EventKind.HELD or (is_held and kind is not EventKind.RELEASED)
        found.append(is_held and kind in OF_THE_HAND_OVER)
    return found


class Held(StrEnum):
    """Why a request is not handed over until an operator releases it."""

    NUMBER_LIMIT = "number_limit"
    WIDGET_LIMIT = "widget_limit"
    STOPPED = "stopped"  # by the person it belongs to
    BLOCKED = "blocked"  # by an operator
    SUSPECTED = "suspected"  # a machine's, by its manners
    BOOKED = "booked"  # the number has a time at this widget already, and keeps that


# Why something was released: somebody called, or says that they did.
BY_HAND = "called by hand"
# Of a cancelled request, why: the team and its visitor have spoken, by another way.
SPOKEN = "spoken already"


@dataclass(frozen=True)
class Event:
    """One thing that happened. `detail` is for operators."""

    at: datetime
    kind: EventKind
    detail: str | None = None


_MOVED = "was {:%Y-%m-%dT%H:%MZ}, {:g} min"


def earlier_detail(start: datetime, end: datetime) -> str:
    """The detail of a `rescheduled` event: the time there was before, in UTC."""
    return _MOVED.format(start, (end - start).total_seconds() / 60)


def earlier_time(detail: str | None) -> tuple[datetime, datetime] | None:
    """Start and end of what `earlier_detail` wrote; None of anything else."""
    found = re.fullmatch(r"was (\S+)Z, ([0-9.]+) min", detail or "")
    if not found:
        return None
    start = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    return start, start + timedelta(minutes=float(found[2]))


# 64 bits are enough: whom a keyed hash meets nobody can choose.
PROVIDER_LENGTH = 16


@dataclass(frozen=True)
class Source:
    """Who asks, as keyed hashes: an address (IPv6: its /64) and the network around it (IPv4: /24, IPv6: /48).

    That of the network begins with the one of the provider's around it (IPv4: /16, IPv6: /32).
    """

    address: str
    network: str

    @property
    def provider(self) -> str:
        return self.network[:PROVIDER_LENGTH]


@dataclass(frozen=True)
class Answers:
    """What a visitor asked for, read and cleaned. `phone` is digits with the country code.

    A chosen time is from `slot_starts_at` to `slot_ends_at`; `zone` is the IANA name of where the visitor is.
    """

    widget: str
    phone: str
    region: str
    name: str = ""
    email: str = ""
    company: str = ""
    message: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    language: str = "en"
    slot_starts_at: datetime | None = None
    slot_ends_at: datetime | None = None
    zone: str = ""

    @property
    def known_zone(self) -> ZoneInfo | None:
        """The visitor's zone, if their browser told."""
        try:
            return ZoneInfo(self.zone) if tells_a_place(self.zone) else None
        except (ZoneInfoNotFoundError, ValueError, OSError):  # one that a newer table of zones dropped
            return None

    def own_zone(self, at: datetime, team: tzinfo) -> ZoneInfo | None:
        """The visitor's zone, if its clock shows another time than the team's at that instant."""
        zone = self.known_zone
        is_same = zone and at.astimezone(zone).utcoffset() == at.astimezone(team).utcoffset()
        return None if is_same else zone


@dataclass(frozen=True)
class CallbackRequest:
    """A stored request. All times are aware and in UTC."""

    id: str = field(repr=False)
    reference: str
    state: State
    held: Held | None
    answers: Answers = field(repr=False)
    requested_at: datetime
    due_at: datetime
    promised_by: datetime | None
    attempt: int
    next_attempt_at: datetime
    resent: bool = False
    promised_minutes: int | None = None  # where the promise was measured
    erased_at: datetime | None = None
    claimed_by: str | None = None  # the operator who calls by hand
    claimed_until: datetime | None = None
    not_called_at: datetime | None = None  # when an alert told that nobody had called
    trace: str | None = None


# Without 0 O 1 I L U: read aloud and typed, they are taken for one another.
REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference() -> str:
    """What people say to each other about a request, such as `RB-7F3K-92QD`. No secret."""
    letters = [secrets.choice(REFERENCE_LETTERS) for _ in range(8)]
    return f"RB-{''.join(letters[:4])}-{''.join(letters[4:])}"


def spoken_code(reference: str) -> str:
    """What a caller says so that the person called knows them: the reference's last four characters."""
    return reference[-4:]


def new_id() -> str:
    """128 random bits: whoever has the link may see and cancel the request."""
    return secrets.token_hex(16)
