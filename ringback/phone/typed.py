"""Numbers as operators type them: in full, with the country code, or a range such as `+4470*`."""

import re
from contextlib import suppress

import phonenumbers

from ringback.phone import FEWEST_DIGITS, MOST_DIGITS, PhoneError, PhoneNumber, read, written_today

_NUMBER = re.compile(rf"\+[1-9][0-9]{{{FEWEST_DIGITS - 1},{MOST_DIGITS - 1}}}")
_RANGE = re.compile(rf"\+[1-9][0-9]{{0,{MOST_DIGITS - 1}}}")
_EVERYWHERE = phonenumbers.SUPPORTED_REGIONS


def number(text: str) -> str:
    """The digits that the form would store. Any grouping will do.

    What has no plus is refused, since 0044 and 44 read alike. A number that the form refuses is taken as it is
    written. Raises ValueError with what it should be.
    """
    digits = _ungrouped(text)
    if not _NUMBER.fullmatch(digits):
        raise ValueError('should be a telephone number in full, with its country code, like "+44 20 7946 0000"')
    stored = _as_stored(text) or PhoneNumber(digits[1:], "ZZ", assigned=False)
    today = None if stored.assigned else written_today(text, None, _EVERYWHERE)
    if today and text.strip() != stored.e164:
        raise ValueError(
            f'should be "{today.international}", as it is written today; or "{stored.e164}", without spaces, '
            "if a visitor insisted on that"
        )
    return stored.digits


def number_or_range(text: str) -> tuple[str, bool]:
    """The digits of a number and False; or those that a range begins with and True: it ends with a star.

    Raises ValueError with what it should be.
    """
    if not text.strip().endswith("*"):
        return number(text), False
    digits = _ungrouped(text.strip().removesuffix("*"))
    if not _RANGE.fullmatch(digits):
        raise ValueError('should be the beginning of a number with its country code and a star, like "+4470*"')
    if _begins_none(digits):
        raise ValueError(
            f'is "{digits}*", which begins no number as it is stored; should be as it is dialled from abroad'
        )
    return digits[1:], True


def _begins_none(digits: str) -> bool:
    """Whether every valid number that is written with this beginning is stored with another, as +440… and +521….

    Tried with each digit repeated; where none of those is a number, nobody knows.
    """
    lengths = range(max(0, FEWEST_DIGITS - len(digits) + 1), MOST_DIGITS - len(digits) + 2)
    longer = (_as_stored(digits + digit * more) for digit in "0123456789" for more in lengths)
    found = [number.e164 for number in longer if number and number.assigned]
    return bool(found) and not any(stored.startswith(digits) for stored in found)


def _as_stored(text: str) -> PhoneNumber | None:
    with suppress(PhoneError):
        return read(text, None, _EVERYWHERE)
    return None


def _ungrouped(text: str) -> str:
    return re.sub(r"[\s().-]", "", text)
