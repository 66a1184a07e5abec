"""Which numbers ring the same telephone.

In plans of variable length (Germany, Austria and others) digits dialled after a whole number change nothing:
a longer number may ring the telephone of a shorter one that it begins with. All numbers here are digits with
the country code, no plus.
"""

from collections.abc import Iterator

import phonenumbers
from phonenumbers import PhoneNumber as Parsed

from ringback.phone.number import FEWEST_DIGITS, MOST_DIGITS, Reason, full_digits, parse

# A valid number of at least so many digits is taken to be one telephone's; what follows it changes nothing.
_DIGITS_OF_A_LINE = 10


def beginnings(digits: str) -> tuple[str, ...]:
    """The shorter numbers whose telephone this one may ring, the shortest first. Empty where lengths are fixed."""
    return tuple(shorter for shorter in _valid_beginnings(digits) if len(digits) <= longest_of_line(shorter))


def longest_of_line(digits: str) -> int:
    """How many digits a longer number that begins with this one may have to count as the same telephone.

    libphonenumber takes most beginnings of numbers in an area for valid numbers, down to +49 30 901. Few
    telephones have such a short number, and a hundred thousand have one that begins with it: a stop for the
    short one must not stop calls to those.
    """
    return MOST_DIGITS if len(digits) >= _DIGITS_OF_A_LINE else len(digits) + 2


def neighbourhood(digits: str) -> str:
    """The beginning that a number shares with at most 999 others of its length; "" where lengths are fixed.

    Requests that reach one telephone by many longer numbers, never by its own, all have the same one.
    """
    near = (shorter for shorter in beginnings(digits) if len(shorter) >= max(_DIGITS_OF_A_LINE, len(digits) - 3))
    return next(near, "")


def shortest(digits: str) -> str:
    """The shortest valid number that this one begins with: the same for all that may ring one telephone."""
    return next(_valid_beginnings(digits), digits)


def goes_on(digits: str) -> bool:
    """Whether a longer number that begins with this one may be requested, assigned or not."""
    longer = (parse("+" + digits.ljust(length, "0")) for length in range(len(digits) + 1, MOST_DIGITS + 1))
    return any(isinstance(number, Parsed) and phonenumbers.is_possible_number(number) for number in longer)


def _valid_beginnings(digits: str) -> Iterator[str]:
    # Not cached: see `_short_beginning` in valid_ranges.py.
    if isinstance(parse("+" + digits), Reason):
        return iter(())
    shorter = (digits[:length] for length in range(FEWEST_DIGITS, len(digits)))
    return filter(_is_valid_as_it_stands, shorter)


def _is_valid_as_it_stands(digits: str) -> bool:
    """Whether these digits are a valid number without a trunk prefix being taken out of them first."""
    number = parse("+" + digits)
    return isinstance(number, Parsed) and phonenumbers.is_valid_number(number) and full_digits(number) == digits
