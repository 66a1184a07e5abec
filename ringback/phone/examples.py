"""Examples of numbers, for hints."""

from functools import cache

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ringback.phone.reading import read

# Ofcom keeps this one for films and books; libphonenumber's own British example could be somebody's.
_FICTIONAL = {"GB": "020 7946 0958"}


@cache
def example(region: str) -> str:
    """A number for hints as people in `region` write it; `read` takes it as assigned. Raises ValueError."""
    if region in _FICTIONAL:
        return _FICTIONAL[region]
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
        if number := phonenumbers.example_number_for_type(region, kind):
            return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    raise ValueError("should be a region that libphonenumber supports")


@cache
def international_example(region: str) -> str:
    """The number of `example` with its country code, "+44 20 7946 0958"."""
    return read(example(region), region, {region}).international
