"""Numbers as operators type them: in full, with the country code, or a range such as `+4470*`."""

import re

from ringback.phone import FEWEST_DIGITS, MOST_DIGITS

_NUMBER = re.compile(rf"\+[1-9][0-9]{{{FEWEST_DIGITS - 1},{MOST_DIGITS - 1}}}")
_RANGE = re.compile(rf"\+[1-9][0-9]{{0,{MOST_DIGITS - 1}}}")


def number(text: str) -> str:
    """The digits. Any grouping will do; what has no plus will not, since 0044 and 44 read alike.

    Raises ValueError with what it should be.
    """
    digits = _ungrouped(text)
    if not _NUMBER.fullmatch(digits):
        raise ValueError('should be a telephone number in full, with its country code, like "+44 20 7946 0000"')
    return digits[1:]


def number_or_range(text: str) -> tuple[str, bool]:
    """The digits of a number and False; or those that a range begins with and True: it ends with a star.

    Raises ValueError with what it should be.
    """
    if not text.strip().endswith("*"):
        return number(text), False
    digits = _ungrouped(text.strip().removesuffix("*"))
    if not _RANGE.fullmatch(digits):
        raise ValueError('should be the beginning of a number with its country code and a star, like "+4470*"')
    return digits[1:], True


def _ungrouped(text: str) -> str:
    """Without what groups digits; nothing for a "(0)", which in most countries is not dialled from abroad."""
    return "" if re.search(r"\(\s*0\s*\)", text) else re.sub(r"[\s().-]", "", text)
