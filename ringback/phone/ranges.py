"""Which numbers a team may be asked to call: by their kind, their range, their length and their region.

What numbers exist is libphonenumber's knowledge; what it does not say, and what is refused, is decided here.
"""

import re
from collections.abc import Collection

import phonenumbers
from phonenumbers import CountryCodeSource, PhoneNumberFormat, PhoneNumberType
from phonenumbers import PhoneNumber as Parsed
from phonenumbers import ValidationResult as Length

from ringback.phone.number import (
    FEWEST_DIGITS,
    MOST_DIGITS,
    PhoneError,
    PhoneNumber,
    Reason,
    full_digits,
    is_in_use,
    main_region,
    only_digits,
)
from ringback.phone.valid_ranges import near_valid

# Kinds that cost extra, or that reach nobody who could have asked: what toll fraud lives on. Where a range
# holds several, the first is named. VoIP and UAN (Britain's 03) count as ordinary.
_REFUSED = {
    PhoneNumberType.PREMIUM_RATE: Reason.PREMIUM,
    PhoneNumberType.SHARED_COST: Reason.SHARED_COST,
    PhoneNumberType.TOLL_FREE: Reason.TOLL_FREE,
    PhoneNumberType.PERSONAL_NUMBER: Reason.PERSONAL,
    PhoneNumberType.PAGER: Reason.PAGER,
    PhoneNumberType.VOICEMAIL: Reason.VOICEMAIL,
}
_LENGTHS = {Length.IS_POSSIBLE_LOCAL_ONLY: Reason.LOCAL_ONLY, Length.TOO_LONG: Reason.TOO_LONG}
# What libphonenumber takes for ordinary numbers or for unassigned ones, by how it begins, country code and all. A
# kind is named only where the country's numbering plan names it; the rest is no number to call.
_REFUSED_RANGES = {
    re.compile(beginning): reason
    for beginning, reason in [
        # North America: 976, which charges like 900, as an area code and as the exchange of any area.
        (r"1(?:900|976|[0-9]{3}976)", Reason.PREMIUM),
        # There too: area codes of carriers (700), the government (710), calls from abroad (456) and Canada's
        # special services (600); what is no area code or no exchange; 555-1212, which tells numbers.
        (
            r"1(?:[01][0-9]{2}|456|[67]00|710|950|[2-9]11|[2-9]9[0-9]|37[0-9]|96[0-9])[0-9]{7}$",
            Reason.NOT_A_NUMBER,
        ),
        (r"1[0-9]{3}(?:[2-9]11|950)[0-9]{4}$", Reason.NOT_A_NUMBER),
        (r"1[0-9]{3}555(?:1212|4334)$", Reason.SHARED_COST),
        # Argentina: a mobile as it is dialled in its own area. No area code begins with 1, but 11.
        (r"5415[0-9]{8}$", Reason.LOCAL_ONLY),
        # Germany: 11 are directories and helplines; 10, 12, 181 to 199 and 31 choose a carrier, belong to closed
        # groups, test lines and served modems.
        (r"4911", Reason.EMERGENCY_OR_SHORT),
        (r"49(?:10|12|18[1-9]|19|31)", Reason.NOT_A_NUMBER),
        # Directories, and what else answers inside one country alone: Spain, Austria, Finland, Luxembourg,
        # Romania, Turkey, Italy (where 43 are mobiles), and Dutch town halls, "14 020".
        (r"(?:34|358|43)11|(?:40|90)118|3521|394(?!3)", Reason.EMERGENCY_OR_SHORT),
        (r"3114[0-9]{3,4}$", Reason.EMERGENCY_OR_SHORT),
        # The caller pays for more than the call: Japan's 0570 and 0180, Finland's services, Portugal's 707,
        # Chile's 700, Ukraine's 703, Italy's 199; in China 160 and 168 of any area.
        (r"81(?:570|180)|358(?:[123]00|202|60[1-9]|70[1-9])|35170[78]|56700|380703|39199", Reason.SHARED_COST),
        (r"86(?:10|2[0-9]|[3-9][0-9]{2})16[08]", Reason.PREMIUM),
        # Whole ranges of which libphonenumber knows the parts in use: Germany's 0900, Australia's 190, 191, 199,
        # Italy's 892, 895 and 899, Spain's 905.
        (r"49900|6119[019]|3989[259]", Reason.PREMIUM),
        (r"34905", Reason.SHARED_COST),
        # Australia's 014, China's 1349 and 1740, Indonesia's 0868.
        (r"6114|86(?:1349|1740)|62868", Reason.SATELLITE),
        # Britain's 076, but for the Isle of Man's mobiles, and its first freephone; Dutch that follow a person.
        (r"4476(?!24)", Reason.PAGER),
        (r"44500[0-9]{6}$", Reason.TOLL_FREE),
        (r"318[47]", Reason.PERSONAL),
        # India's lines that only call out; modems and mailboxes in Italy, Austria, the Netherlands, Japan.
        (r"91(?:140|1600)|397|437(?:1[018]|30|40)|3167|81170", Reason.NOT_A_NUMBER),
        # Charged as another place than the country whose code they have: Abkhazia, South Ossetia, and
        # the north of Cyprus, whose two networks have these of Turkey's mobiles.
        (r"7(?:[89]40|850)|90(?:392|5(?:33|42|48)8)", Reason.OTHER_REGION),
    ]
}
_LONGEST_SHORT = 6  # digits, without an area code
# Ambulances of each German area; other emergency numbers after an area code are in the metadata.
_AMBULANCES = {"DE": "19222"}


def check(number: Parsed, allowed: Collection[str]) -> PhoneNumber:
    """The number, if a team may be asked to call it. Raises PhoneError, with the kind before the region."""
    _check_digits(number)
    assigned = is_in_use(number)
    if assigned:
        near = {phonenumbers.region_code_for_number(number)}
        if reason := _REFUSED.get(phonenumbers.number_type(number)):
            raise _accusation(reason, number)
    else:
        near = _regions_near(number, allowed)
    region = _region(number, {region for region in near if region}, allowed)
    if region not in allowed:
        raise PhoneError(Reason.OTHER_REGION)
    return PhoneNumber(full_digits(number), region, assigned)


def _regions_near(number: Parsed, allowed: Collection[str]) -> set[str | None]:
    """The regions of the numbers next to one that is not assigned. Raises PhoneError where it is not called."""
    if number.country_code not in [phonenumbers.country_code_for_region(region) for region in allowed]:
        raise PhoneError(Reason.OTHER_REGION)  # however long its numbers are
    _check_length(number)
    near = near_valid(number)
    kinds = {kind for _, kind in near}
    if kinds and kinds <= _REFUSED.keys():
        # Of what kind it is nobody knows: Indian mobiles without their country begin as Britain's premium rate.
        raise PhoneError(Reason.UNKNOWN_RANGE)
    return {region for region, _ in near}


def _accusation(reason: Reason, number: Parsed) -> PhoneError:
    """A kind is only named of a number that surely is the one that was meant.

    Who leaves out the trunk 0 that everybody there writes may have written a number of another country.
    """
    if reason is Reason.LOCAL_ONLY:
        return PhoneError(reason)
    is_read_at_home = number.country_code_source == CountryCodeSource.FROM_DEFAULT_COUNTRY
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    begins_with_zero = only_digits(number.raw_input or "")[:1] == "0"
    lacks_its_zero = only_digits(national)[:1] == "0" and not begins_with_zero
    is_too_long = reason is Reason.EMERGENCY_OR_SHORT and len(str(number.national_number)) > _LONGEST_SHORT
    is_doubtful = is_read_at_home and (lacks_its_zero or is_too_long)
    return PhoneError(Reason.UNKNOWN_RANGE if is_doubtful else reason)


def _check_digits(number: Parsed) -> None:
    """Raises PhoneError for what is refused whatever libphonenumber calls it."""
    if main_region(number) == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
        raise PhoneError(Reason.SATELLITE)  # libphonenumber says: a mobile
    digits = full_digits(number)
    if not FEWEST_DIGITS <= len(digits) <= MOST_DIGITS:
        raise PhoneError(Reason.TOO_LONG if len(digits) > MOST_DIGITS else Reason.TOO_SHORT)
    for refused, reason in _REFUSED_RANGES.items():
        if refused.match(digits):
            raise _accusation(reason, number)
    if _is_emergency_of_an_area(number):
        raise PhoneError(Reason.EMERGENCY_OR_SHORT)


def _is_emergency_of_an_area(number: Parsed) -> bool:
    """Whether it rings an area's police or ambulance: +49 30 112 may, and is a valid number."""
    region = main_region(number)
    national = phonenumbers.national_significant_number(number)
    local = national[phonenumbers.length_of_geographical_area_code(number) :]
    if len(local) == len(national):
        return False
    return local == _AMBULANCES.get(region) or phonenumbers.is_emergency_number(local, region)


def _check_length(number: Parsed) -> None:
    """Raises PhoneError for a length that only special numbers have, as British freephone's 0800 1111."""
    outcome = phonenumbers.is_possible_number_for_type_with_reason(number, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    reason = None if outcome == Length.IS_POSSIBLE else _LENGTHS.get(outcome, Reason.TOO_SHORT)
    national = phonenumbers.national_significant_number(number)
    coded = only_digits(number.raw_input or "") != national
    # libphonenumber leaves the trunk 0 where the rest is too short, and so "06 12 34 56 7" has a French length.
    zero = national[0] == phonenumbers.ndd_prefix_for_region(main_region(number), True) == "0"
    if zero or (coded and reason is Reason.LOCAL_ONLY):  # an area code is there, so digits are missing elsewhere
        reason = Reason.TOO_SHORT
    if reason:
        raise PhoneError(reason)


def _region(number: Parsed, near: Collection[str], allowed: Collection[str]) -> str:
    """Whose number it is: by its range or leading digits, else its neighbours', else the main region's.

    Where regions share a range, the one that is allowed: libphonenumber calls Åland's mobiles Finnish.
    """
    main = main_region(number)
    region = phonenumbers.region_code_for_number(number) or (main if main in near or not near else min(near))
    if region in allowed:
        return region
    return next((other for other in allowed if phonenumbers.is_valid_number_for_region(number, other)), region)
