"""One phone number: as libphonenumber parses it, and as it is kept, shown and masked.

A region is an ISO code such as "GB". Several can share a country code; one is its main region.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum, auto

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat
from phonenumbers import PhoneNumber as Parsed

# Digits with the country code: Niue has the shortest numbers, E.164 sets the other limit.
FEWEST_DIGITS, MOST_DIGITS = 7, 15


# Brazil's mobiles of eight digits, to which libphonenumber counts those with a 7: the last were Nextel's radios,
# closed in 2018. Behind the area code 7 begins no landline.
_CLOSED = re.compile(r"55[1-9]{2}7[0-9]{7}$")


class Reason(StrEnum):
    """Why a number is refused."""

    EMPTY = auto()
    NOT_A_NUMBER = auto()
    TOO_SHORT = auto()
    TOO_LONG = auto()
    LOCAL_ONLY = auto()
    EXTENSION = auto()
    OTHER_REGION = auto()
    UNKNOWN_RANGE = auto()  # in no known range, near those that are refused: most likely misread or mistyped
    PREMIUM = auto()
    SHARED_COST = auto()
    TOLL_FREE = auto()
    PERSONAL = auto()
    PAGER = auto()
    VOICEMAIL = auto()
    SATELLITE = auto()  # and the other networks that belong to no country, +800 to +979
    EMERGENCY_OR_SHORT = auto()


class PhoneError(ValueError):
    """A number that we do not call. The text is the reason's name, never what was typed: that is personal data."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class PhoneNumber:
    """A number to pass to Samespace. Its repr leaves out the digits, since reprs end up in logs."""

    digits: str = field(repr=False)  # country code and number, no plus: "442079460000"
    region: str
    assigned: bool  # False: of a possible length, but in no range known to be in use
    is_guess: bool = False  # it may mean another number as well

    @property
    def is_worth_a_question(self) -> bool:
        """Whether to show it once before it is called."""
        return self.is_guess or not self.assigned

    @classmethod
    def from_digits(cls, digits: str) -> "PhoneNumber":
        """The number of a stored row: accepted once, never checked again, whatever newer metadata says."""
        number = parse("+" + digits)
        if isinstance(number, Reason):
            return cls(digits, "ZZ", assigned=False)  # ISO's code for an unknown region
        region = phonenumbers.region_code_for_number(number) or main_region(number)
        return cls(digits, region, phonenumbers.is_valid_number(number))

    @property
    def e164(self) -> str:
        """As a tel: link has it, "+442079460000"."""
        return "+" + self.digits

    @property
    def international(self) -> str:
        """Grouped as its country does, "+44 20 7946 0000"."""
        number = parse(self.e164)
        if isinstance(number, Reason):
            return self.e164
        return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)

    @property
    def masked(self) -> str:
        """Enough to recognise one's own number, "+44 … 000"."""
        number = parse(self.e164)
        code = "" if isinstance(number, Reason) else number.country_code
        return f"+{code} … {self.digits[-3:]}"


def parse(spelling: str, region: str | None = None) -> Parsed | Reason:
    """As libphonenumber reads it, valid or not; the reason where it cannot be read as a number."""
    try:
        return phonenumbers.parse(spelling, region, keep_raw_input=True)
    except NumberParseException as error:
        if error.error_type == NumberParseException.TOO_LONG:
            return Reason.TOO_LONG
        return Reason.TOO_SHORT if len(only_digits(spelling)) < FEWEST_DIGITS else Reason.NOT_A_NUMBER


def is_in_use(number: Parsed) -> bool:
    """Whether it is in a range that libphonenumber knows, and that nobody closed."""
    return phonenumbers.is_valid_number(number) and not _CLOSED.match(full_digits(number))


def link(written: str) -> str:
    """A `tel:` link to a number that is written with its country code, its extension too (RFC 3966, section 5)."""
    number = parse(written)
    if isinstance(number, Reason):
        return f"tel:+{only_digits(written)}"
    extension = f";ext={number.extension}" if number.extension else ""
    return f"tel:+{full_digits(number)}{extension}"


def main_region(number: Parsed) -> str:
    """The main region of its country code: "US" for all of North America."""
    return phonenumbers.region_code_for_country_code(number.country_code or 0)


def full_digits(number: Parsed) -> str:
    """Country code and number, no plus: "442079460000"."""
    # Joining country code and national number would lose Italy's leading 0.
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]


def with_country_code(beginning: str, region: str) -> str:
    """How the beginning of a number that is written as in `region` is kept: "020 79" as "442079"."""
    digits = only_digits(beginning)
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
    return f"{phonenumbers.country_code_for_region(region)}{digits.removeprefix(trunk)}"


def only_digits(text: str) -> str:
    """The ASCII digits of a text."""
    return re.sub(r"[^0-9]", "", text)
