"""A number as a person writes it: every spelling of it, and the one that is meant."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace

import phonenumbers
from phonenumbers import CountryCodeSource, Leniency, PhoneNumberFormat, PhoneNumberMatcher
from phonenumbers import PhoneNumber as Parsed

from ringback.phone.number import FEWEST_DIGITS, PhoneError, PhoneNumber, Reason, is_in_use, only_digits, parse
from ringback.phone.plans import as_dialled, as_written_today
from ringback.phone.ranges import check

_TOO_LONG_FOR_SHORT = 10  # digits
_LONGEST_SERVICE = 5  # digits
_TOO_LONG_FOR_AN_AREA = 6  # digits of a first group: India's "098765 43210"
# What a visitor is told of a number only if it surely is the one that was meant.
_KINDS = (
    Reason.PREMIUM,
    Reason.SHARED_COST,
    Reason.TOLL_FREE,
    Reason.PERSONAL,
    Reason.PAGER,
    Reason.VOICEMAIL,
    Reason.EMERGENCY_OR_SHORT,
)
# Kinds that hardly anybody has, and whose ranges begin as the mobiles of other countries.
_RARE = (Reason.PAGER, Reason.VOICEMAIL)
MOST_READINGS = 3  # more to choose from would confuse
LONGEST_TYPED = 250  # characters; libphonenumber reads no more either
# What `_ascii` leaves of a number: a plus only ahead of the first digit but 0, as in "(+44) 20…", "0+44 20…".
_WRITTEN = re.compile(r"(?=.*[0-9])[0 ()./+-]*[0-9 ()./-]*")
_TRUNK_ZERO = re.compile(r"(?<=[0-9])([ .-]*)\( *0 *\)")  # the "(0)" of "+44 (0)20 7946 0000"
_CARRIER = re.compile(r"0[ -]*(?:[xX]{2}|\*{2})(?=[ -]*[1-9])")  # Brazil's "0xx11": 0, any carrier, the area
# What stands around a number in a table that it was copied from.
_AROUND = " \t'\"‘’“”,;"
# What a spreadsheet makes of a number that it counts with: "2079460958.0".
_COUNTED, _MANY_DIGITS = re.compile(r"(?<=[0-9]{2})[.,]0$|(?<=[0-9]{3})[.,]00$"), re.compile("[0-9]{7}$")
# What America and Australia dial before a country code, copied by people elsewhere; 00 and the region's own prefix
# are read anyhow.
_PREFIXES_ABROAD = re.compile("0011|011")


def names_its_country(typed: str) -> bool:
    """Whether a number has its country code, after a plus or the 00 that many countries dial for it."""
    try:
        text = _plain(typed, None)
    except PhoneError:
        return False
    _before, plus, after = text.rpartition("+")
    return bool(re.match("(00)?[1-9]" if plus else "00[1-9]", only_digits(after)))


def read(typed: str, region: str | None, allowed: Collection[str]) -> PhoneNumber:
    """The number that was typed; one without a country code is read in `region`. Raises PhoneError.

    Without a region, a number without a country code is refused.
    Only the regions in `allowed` are called. Of all readings the first valid one counts. If none is, the
    plainest is checked: to correct a number into one that is not even valid would be a guess.
    """
    text = _plain(typed, region)
    for number in _assigned(text, region):
        return _checked(number, allowed, typed, region)
    if _is_short_code(text, region):
        raise PhoneError(Reason.EMERGENCY_OR_SHORT)
    plainest = _parsed(next(_spellings(text, region)), region)
    if isinstance(plainest, Reason):
        raise PhoneError(plainest)
    return _checked(plainest, allowed, typed, region)


def _checked(number: Parsed, allowed: Collection[str], typed: str, region: str | None) -> PhoneNumber:
    found: PhoneNumber | PhoneError
    try:
        found = check(number, allowed)
    except PhoneError as error:
        found = error
    if isinstance(found, PhoneError):
        is_accused = found.reason in _KINDS and not _is_surely_meant(number, typed, region, found.reason)
        raise PhoneError(Reason.UNKNOWN_RANGE if is_accused else found.reason)
    shown = _shown(typed)
    return replace(found, is_guess=True) if _uncounted(shown, region) != shown else found


def _is_surely_meant(number: Parsed, typed: str, region: str | None, kind: Reason) -> bool:
    """Whether a number is of a kind that is refused, and not a mistyped one, or one of another country."""
    if region is None or number.country_code_source != CountryCodeSource.FROM_DEFAULT_COUNTRY:
        return True
    text = _plain(typed, region)
    if kind is Reason.EMERGENCY_OR_SHORT and len(only_digits(text)) >= _TOO_LONG_FOR_SHORT:
        return False
    if number.country_code == 1:  # America writes its own without a prefix
        return True
    return not _is_bare(text, region) and not _is_torn(text, number, region, kind)


def _is_torn(text: str, number: Parsed, region: str, kind: Reason) -> bool:
    """Whether its first group ends where no such number is torn in `region`: Japan's 090-1234-5678 in Britain."""
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
    first, *others = re.findall("[0-9]+", text)
    usual, *rest = re.findall("[0-9]+", phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL))
    if not others or not rest or first == trunk:
        return False
    if kind in _RARE and (len(usual), len(first)) == (3, 4):  # Austria's 0664 in the Netherlands
        return True
    return len(first) < len(usual) or len(first) >= _TOO_LONG_FOR_AN_AREA


def written_today(typed: str, region: str | None, allowed: Collection[str]) -> PhoneNumber | None:
    """What a number is now that was written as it was before its country changed its numbers; most are none."""
    with suppress(PhoneError):
        text = _plain(typed, region)
        spellings = list(_spellings(text, region))
        if region and only_digits(text).startswith(str(phonenumbers.country_code_for_region(region))):
            spellings.append(_abroad(only_digits(text)))  # "57 1 234 5678" is as long as a number of today
        for spelling in spellings:
            number = _parsed(spelling, region)
            if isinstance(number, Parsed) and (today := as_written_today(number)):
                return check(today, allowed)
    return None


def is_written_as_in(typed: str, region: str) -> bool:
    """Whether people in `region` would write one of their numbers so.

    With the prefix of calls at home, however it is grouped; else grouped as theirs are, where they need no prefix.
    """
    try:
        text = _plain(typed, region)
    except PhoneError:
        return False
    trunk = phonenumbers.ndd_prefix_for_region(region, True)
    if trunk and only_digits(text).startswith(trunk):
        return True
    return PhoneNumberMatcher(text, region, leniency=Leniency.STRICT_GROUPING).has_next()


def rather_elsewhere(typed: str, region: str, regions: Collection[str]) -> list[PhoneNumber]:
    """What a number that was read in `region` is in others, where it is written as there rather than as here.

    Grouped as there and not as here; or not grouped, without the prefix of calls at home. One with its country
    code is none.
    """
    if names_its_country(typed):
        return []
    try:
        text = _plain(typed, region)
    except PhoneError:
        return []
    others = [other for other in regions if other != region]
    if is_written_as_in(typed, region) and not _is_bare(text, region):
        if _is_grouped_as_in(text, region):
            return []
        others = [other for other in others if _is_grouped_as_in(text, other)]
    return readings(typed, others)


def _is_bare(text: str, region: str) -> bool:
    """Whether it is digits and nothing else, and without the prefix of calls at home in `region`."""
    trunk = phonenumbers.ndd_prefix_for_region(region, True)
    return text.isdecimal() and not (trunk and text.startswith(trunk))


def _is_grouped_as_in(text: str, region: str) -> bool:
    """Whether its digits are in the groups that are the first choice in `region`; others may be usual, too."""
    number = parse(text, region)
    if isinstance(number, Reason):
        return False
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    return re.findall("[0-9]+", text) == re.findall("[0-9]+", national)


def readings(typed: str, regions: Collection[str]) -> list[PhoneNumber]:
    """What a number without a country code is in each of these regions where it is assigned, in their order.

    At most `MOST_READINGS`; none of a number with a country code. All of them may be called.
    """
    found: dict[str, PhoneNumber] = {}
    if names_its_country(typed):
        return []
    for region in regions:
        with suppress(PhoneError):
            for number in _assigned(_plain(typed, region), region):
                checked = check(number, regions)
                found.setdefault(checked.digits, checked)
        if len(found) == MOST_READINGS:
            break
    return list(found.values())


def not_in_use(typed: str, regions: Collection[str]) -> list[PhoneNumber]:
    """What a number with the prefix of calls at home may be in these regions, though no such number is known."""
    found: dict[str, PhoneNumber] = {}
    for region in () if names_its_country(typed) else regions:
        with suppress(PhoneError):
            text = _plain(typed, region)
            trunk = phonenumbers.ndd_prefix_for_region(region, True)
            number = _parsed(next(_spellings(text, region)), region)
            if isinstance(number, Parsed) and trunk and only_digits(text).startswith(trunk):
                checked = check(number, regions)
                found.setdefault(checked.digits, checked)
    return list(found.values())[:MOST_READINGS]


def _assigned(text: str, region: str | None) -> Iterator[Parsed]:
    """The readings of a number that are assigned, the plainest first."""
    parsed = (_parsed(spelling, region) for spelling in _spellings(text, region))
    return (number for number in parsed if isinstance(number, Parsed) and is_in_use(number))


def _parsed(spelling: str, region: str | None) -> Parsed | Reason:
    number = parse(spelling, region)
    return as_dialled(number) if isinstance(number, Parsed) else number


def _plain(typed: str, region: str | None) -> str:
    """What was typed, in ASCII digits and punctuation. Raises PhoneError if it is not just a number."""
    shown = _uncounted(_shown(typed), region)
    if not shown:
        raise PhoneError(Reason.EMPTY)
    if shown[:4].lower() == "tel:":  # a copied link (RFC 3966)
        shown = shown[4:]
    text = "".join(map(_ascii, _CARRIER.sub("0", shown) if region == "BR" or "55" in shown[:6] else shown))
    if not _WRITTEN.fullmatch(text):
        # Samespace dials no extension, and E.164 drops it. Letters, as in 1-800-FLOWERS, are mostly a slip.
        number = parse(shown, region)
        extension = isinstance(number, Parsed) and number.extension
        raise PhoneError(Reason.EXTENSION if extension else Reason.NOT_A_NUMBER)
    if len(typed.strip()) > LONGEST_TYPED:
        raise PhoneError(Reason.TOO_LONG)
    return text


def _uncounted(shown: str, region: str | None) -> str:
    """Without the ".0" of a spreadsheet; in a number of groups only where it makes one that does not exist."""
    without = _COUNTED.sub("", shown)
    if without != shown and not _MANY_DIGITS.search(without):
        number = parse(shown, region)
        return shown if isinstance(number, Parsed) and is_in_use(number) else without
    return without


def _shown(typed: str) -> str:
    """What one sees of it, with digits and letters of the usual width, cut to `LONGEST_TYPED`."""
    shown = unicodedata.normalize("NFKC", typed.strip()[:LONGEST_TYPED])
    # Cf: zero-width characters and direction marks, which come along when a number is copied from a page.
    return "".join(char for char in shown if unicodedata.category(char) != "Cf").strip(_AROUND)


def _ascii(char: str) -> str:
    """Digits of any script, and the usual dashes, dots, brackets and spaces, in ASCII; the rest as it is."""
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if char.isspace():
        return " "
    if unicodedata.category(char) == "Pd" or char in "−ー~":
        return "-"
    return {"[": "(", "]": ")", "·": ".", "•": ".", "・": "."}.get(char, char)


def _spellings(text: str, region: str | None) -> Iterator[str]:
    """The ways to read `text`, the plainest first: digits, with a plus where a country code leads them."""
    digits = only_digits(text.rpartition("+")[2])
    if "+" in text or digits.startswith("00"):
        yield _abroad(digits.lstrip("0"))  # no country code begins with 0
        if digits.startswith("0"):  # "+020 7946 0000": a needless plus; "+011 44…": America's own prefix
            yield digits
    else:
        yield digits
        # Autofill drops the plus. Put back only where nothing else can be meant: "4805551234" is a possible
        # British number and must not become a Polish one.
        if region and not phonenumbers.is_possible_number_string(digits, region):
            yield _abroad(digits)
    if prefix := _PREFIXES_ABROAD.match(digits):
        yield _abroad(digits[prefix.end() :])
    without_zero = _TRUNK_ZERO.sub(r"\1", text)
    if without_zero != text:  # libphonenumber does this only where the country has such a zero
        yield from _spellings(without_zero, region)


def _abroad(digits: str) -> str:
    """With its plus. +379 is kept for the Vatican, whose numbers are all Rome's."""
    return "+" + re.sub("^379(?=06698)", "39", digits)


def _is_short_code(text: str, region: str | None) -> bool:
    """Whether this is an emergency or service number, which answers only inside its own network."""
    digits = only_digits(text)
    if region is None or len(digits) >= FEWEST_DIGITS:
        return False
    if phonenumbers.connects_to_emergency_number(digits, region):  # "9112" does in America
        return True
    number = parse(digits, region)
    if not isinstance(number, Parsed) or not phonenumbers.is_valid_short_number_for_region(number, region):
        return False
    # Any five or six digits take a text message in America, and are most likely the end of a longer number.
    return len(digits) < _LONGEST_SERVICE or not phonenumbers.is_sms_service_for_region(number, region)
