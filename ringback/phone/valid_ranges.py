"""The valid numbers nearest to one that is not valid, which tell its region and its kind."""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import product

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers import PhoneNumber as Parsed

# What libphonenumber calls the patterns by which a number is of some kind.
_KINDS = "premium_rate toll_free shared_cost voip personal_number pager uan voicemail fixed_line mobile".split()


def near_valid(number: Parsed) -> set[tuple[str | None, int]]:
    """Regions and kinds of the valid numbers that share the most leading digits with one that is not valid.

    With them an unassigned number in a premium range is refused, and one in another region's range. The
    metadata are patterns that cannot be asked how they begin, so the last digits, one more each round, are
    replaced by samples of every length the country uses. Compared with taking the patterns apart, 4 results in
    1,000 differed.
    """
    digits, national = str(number.national_number), phonenumbers.national_significant_number(number)
    zeros = national.removesuffix(digits)
    beginnings = (digits[:kept] for kept in range(len(digits), 0, -1))
    code = number.country_code or 0
    found = (
        (_short_beginning if len(kept) <= _SHORT else _beginning_with)(code, zeros, kept, len(digits))
        for kept in beginnings
    )
    return set(next(filter(None, found), ()))


def _beginning_with(country_code: int, zeros: str, kept: str, whole: int) -> frozenset[tuple[str | None, int]]:
    """Regions and kinds of the valid numbers among the samples that begin with `kept`.

    `zeros` are the zeros before it; `whole` is how many digits follow them in the number that was typed.
    """
    metadata = PhoneMetadata.metadata_for_region(phonenumbers.region_code_for_country_code(country_code))
    if metadata is None or metadata.general_desc is None:
        return frozenset()
    is_any_kind, found = _any_kind(country_code), set()
    for length in (length - len(zeros) for length in metadata.general_desc.possible_length):
        if length < len(kept):
            continue
        for end in _ends(length - len(kept), varied=(length == whole) + (len(kept) == 1)):
            national = zeros + kept + end
            if is_any_kind(national):
                found.add(_region_and_kind(country_code, national))
    return frozenset(kind for kind in found if kind[1] != PhoneNumberType.UNKNOWN)


def _region_and_kind(country_code: int, national: str) -> tuple[str | None, int]:
    rest = national.lstrip("0") or "0"
    zeros = len(national) - len(rest)
    number = Parsed(country_code, int(rest), italian_leading_zero=zeros > 0, number_of_leading_zeros=zeros or None)
    return phonenumbers.region_code_for_number(number), phonenumbers.number_type(number)


# Short beginnings have the most samples, and there are few of them. Longer ones are not cached: the time to the
# answer would tell that a number was requested before.
_short_beginning = lru_cache(maxsize=20_000)(_beginning_with)
_SHORT = 4  # digits


@cache
def _any_kind(country_code: int) -> Callable[[str], object]:
    """Whether a national number can be of any kind in any region of a country code, by one pattern.

    libphonenumber tries region after region and kind after kind: 20 to 50 ms for the samples of one number.
    """
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(country_code, ())
    found = [PhoneMetadata.metadata_for_region(region) for region in regions]
    kinds = [getattr(metadata, name) for metadata in found if metadata for name in _KINDS]
    patterns = dict.fromkeys(kind.national_number_pattern for kind in kinds if kind)
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns if pattern)).fullmatch


@cache
def _ends(length: int, varied: int) -> set[str]:
    """Endings to try: all values of the first `varied` digits, after each of them every digit repeated."""
    heads = map("".join, product("0123456789", repeat=min(length, varied)))
    return {head + digit * (length - len(head)) for head in heads for digit in "0123456789"}
