"""A phone number: read as a person writes it, checked, and written for people and for Samespace.

What numbers exist is libphonenumber's knowledge; which of them a team may be asked to ring is decided here.
A region is an ISO code such as "GB". Several can share a country code; one is its main region.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum, auto
from functools import cache, lru_cache
from itertools import product

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat, PhoneNumberType
from phonenumbers import PhoneNumber as Parsed
from phonenumbers import ValidationResult as Length


class Reason(StrEnum):
    """Why a number is refused."""

    EMPTY = auto()
    NOT_A_NUMBER = auto()
    TOO_SHORT = auto()
    TOO_LONG = auto()
    LOCAL_ONLY = auto()
    EXTENSION = auto()
    OTHER_REGION = auto()
    PREMIUM = auto()
    SHARED_COST = auto()
    TOLL_FREE = auto()
    PERSONAL = auto()
    PAGER = auto()
    VOICEMAIL = auto()
    SATELLITE = auto()  # and the other networks that belong to no country, +800 to +979
    EMERGENCY_OR_SHORT = auto()


MOST_READINGS = 3  # more to choose from would confuse
LONGEST_TYPED = 250  # characters; libphonenumber reads no more either
# Digits with the country code: Niue has the shortest numbers, E.164 sets the other limit.
FEWEST_DIGITS, MOST_DIGITS = 7, 15
# From so many digits on, a whole number is taken for a telephone's own, and all that follows for digits too many.
_DIGITS_OF_A_LINE = 10

# Kinds that cost extra, or that reach nobody who could have asked: the ground of toll fraud. Where a range
# holds several, the first is named. VoIP and UAN (Britain's 03) count as ordinary.
_REFUSED = {
    PhoneNumberType.PREMIUM_RATE: Reason.PREMIUM,
    PhoneNumberType.SHARED_COST: Reason.SHARED_COST,
    PhoneNumberType.TOLL_FREE: Reason.TOLL_FREE,
    PhoneNumberType.PERSONAL_NUMBER: Reason.PERSONAL,
    PhoneNumberType.PAGER: Reason.PAGER,
    PhoneNumberType.VOICEMAIL: Reason.VOICEMAIL,
}
# What libphonenumber calls the patterns by which a number is of some kind.
_KINDS = "premium_rate toll_free shared_cost voip personal_number pager uan voicemail fixed_line mobile".split()
_LENGTHS = {Length.IS_POSSIBLE_LOCAL_ONLY: Reason.LOCAL_ONLY, Length.TOO_LONG: Reason.TOO_LONG}
# What libphonenumber takes for ordinary numbers or for unassigned ones, by how it begins, country code and all. A
# kind is named only where the country's numbering plan names it; the rest is no number to ring.
_REFUSED_RANGES = {
    re.compile(beginning): reason
    for beginning, reason in [
        # North America: 976, which charges like 900, as an area code and as the exchange of any area.
        (r"1(?:900|976|[0-9]{3}976)", Reason.PREMIUM),
        # There too: area codes of carriers (700), the government (710), calls from abroad (456) and Canada's
        # special services (600); what is no area code or no exchange; 555-1212, which tells numbers.
        (r"1(?:456|600|700|710|950|[2-9]11|[2-9]9[0-9]|37[0-9]|96[0-9])[0-9]{7}$", Reason.NOT_A_NUMBER),
        (r"1[0-9]{3}(?:[2-9]11|950)[0-9]{4}$", Reason.NOT_A_NUMBER),
        (r"1[0-9]{3}555(?:1212|4334)$", Reason.SHARED_COST),
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
        # Australia's 014, China's 1349 and 1740, Indonesia's 0868.
        (r"6114|86(?:1349|1740)|62868", Reason.SATELLITE),
        # Britain's 076, but for the Isle of Man's mobiles, and its first freephone; Dutch that follow a person.
        (r"4476(?!24)", Reason.PAGER),
        (r"44500[0-9]{6}$", Reason.TOLL_FREE),
        (r"318[47]", Reason.PERSONAL),
        # India's lines that only call out; modems and mailboxes in Italy, Austria, the Netherlands, Japan.
        (r"91(?:140|1600)|397|437(?:1[018]|30|40)|3167|81170", Reason.NOT_A_NUMBER),
        # Rung, and paid for, as another place than the country whose code they have: Abkhazia, South Ossetia, and
        # the north of Cyprus, whose two networks have these of Turkey's mobiles.
        (r"7(?:[89]40|850)|90(?:392|5(?:33|42|48)8)", Reason.OTHER_REGION),
    ]
}
# Ambulances of each German area; other emergency numbers after an area code are in the metadata.
_AMBULANCES = {"DE": "19222"}

# Once `_ascii` has been over it: a plus only ahead of the first digit but 0, as in "(+44) 20…", "0+44 20…".
_WRITTEN = re.compile(r"(?=.*[0-9])[0 ()./+-]*[0-9 ()./-]*")
_TRUNK_ZERO = re.compile(r"(?<=[0-9])([ .-]*)\( *0 *\)")  # the "(0)" of "+44 (0)20 7946 0000"

# Ofcom keeps this one for films and books; libphonenumber's own British example could be somebody's.
_FICTIONAL = {"GB": "020 7946 0958"}


class PhoneError(ValueError):
    """A number that is not rung. The text is the reason's name, never what was typed: that is personal."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class PhoneNumber:
    """A number to hand over. Its repr leaves out the digits, since reprs end in logs."""

    digits: str = field(repr=False)  # country code and number, no plus: "442079460000"
    region: str
    assigned: bool  # False: of a possible length, but in no range known to be in use; worth one question

    @classmethod
    def from_digits(cls, digits: str) -> "PhoneNumber":
        """The number of a stored row: accepted once, never checked again, whatever newer metadata says."""
        number = _parsed("+" + digits)
        if isinstance(number, Reason):
            return cls(digits, "ZZ", assigned=False)  # ISO's code for an unknown region
        region = phonenumbers.region_code_for_number(number) or _main_region(number)
        return cls(digits, region, phonenumbers.is_valid_number(number))

    @property
    def e164(self) -> str:
        """As a tel: link has it, "+442079460000"."""
        return "+" + self.digits

    @property
    def international(self) -> str:
        """Grouped as its country does, "+44 20 7946 0000"."""
        number = _parsed(self.e164)
        if isinstance(number, Reason):
            return self.e164
        return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)

    @property
    def masked(self) -> str:
        """Enough to know one's own number by, "+44 … 000"."""
        number = _parsed(self.e164)
        code = "" if isinstance(number, Reason) else number.country_code
        return f"+{code} … {self.digits[-3:]}"


def names_its_country(typed: str) -> bool:
    """Whether a number stands with its country code, by a plus or the 00 that many countries dial for it."""
    try:
        text = _plain(typed, None)
    except PhoneError:
        return False
    _before, plus, after = text.rpartition("+")
    return bool(re.match("(00)?[1-9]" if plus else "00[1-9]", _digits(after)))


def read(typed: str, region: str | None, allowed: Collection[str]) -> PhoneNumber:
    """The number that was typed; one without a country code is read in `region`. Raises PhoneError.

    Without a region, what does not name its country is no number.
    Only the regions in `allowed` are rung. Of all readings the first valid one counts. If none is, the
    plainest is checked: to mend a number into one that is not even valid would be a guess.
    """
    text = _plain(typed, region)
    for number in _assigned(text, region):
        return _checked(number, allowed)
    if _is_short_code(text, region):
        raise PhoneError(Reason.EMERGENCY_OR_SHORT)
    plainest = _parsed(next(_spellings(text, region)), region)
    if isinstance(plainest, Reason):
        raise PhoneError(plainest)
    return _checked(plainest, allowed)


def readings(typed: str, regions: Collection[str]) -> list[PhoneNumber]:
    """What a number without a country code is in each of these regions where it is assigned, in their order.

    At most `MOST_READINGS`; none of a number that names its country. All of them may be rung.
    """
    found: dict[str, PhoneNumber] = {}
    if names_its_country(typed):
        return []
    for region in regions:
        with suppress(PhoneError):
            for number in _assigned(_plain(typed, region), region):
                checked = _checked(number, regions)
                found.setdefault(checked.digits, checked)
        if len(found) == MOST_READINGS:
            break
    return list(found.values())


def _assigned(text: str, region: str | None) -> Iterator[Parsed]:
    """The readings of a number that are assigned, the plainest first."""
    parsed = (_parsed(spelling, region) for spelling in _spellings(text, region))
    return (number for number in parsed if isinstance(number, Parsed) and phonenumbers.is_valid_number(number))


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


def beginnings(digits: str) -> tuple[str, ...]:
    """The shorter numbers whose telephone this one may ring, the shortest first. Empty where lengths are fixed.

    Both with country code, no plus. In plans of variable length (Germany, Austria and others) digits dialled
    after a whole number change nothing: all of these ring the same telephone.
    """
    return tuple(shorter for shorter in _whole_beginnings(digits) if len(digits) <= longest_of_line(shorter))


def longest_of_line(digits: str) -> int:
    """How many digits a number may have that counts as one with this one, which it begins with.

    The metadata take most beginnings of an area for whole numbers, down to +49 30 901. Few telephones have one so
    short, and a hundred thousand have one that begins so: those must not be silenced by it.
    """
    return MOST_DIGITS if len(digits) >= _DIGITS_OF_A_LINE else len(digits) + 2


def neighbourhood(digits: str) -> str:
    """The beginning that a number shares with at most a thousand as long as itself; "" where lengths are fixed.

    Whoever calls one telephone by many longer numbers, and never by its own, stays within it.
    """
    near = (shorter for shorter in beginnings(digits) if len(shorter) >= max(_DIGITS_OF_A_LINE, len(digits) - 3))
    return next(near, "")


def shortest(digits: str) -> str:
    """The shortest whole number that this one begins with: the same for all that may count as one."""
    return next(_whole_beginnings(digits), digits)


def goes_on(digits: str) -> bool:
    """Whether a longer number may be asked for that begins with this one, assigned or not."""
    longer = (_parsed("+" + digits.ljust(length, "0")) for length in range(len(digits) + 1, MOST_DIGITS + 1))
    return any(isinstance(number, Parsed) and phonenumbers.is_possible_number(number) for number in longer)


def _whole_beginnings(digits: str) -> Iterator[str]:
    # Not remembered: see `_short_beginning`.
    if isinstance(_parsed("+" + digits), Reason):
        return iter(())
    shorter = (digits[:length] for length in range(FEWEST_DIGITS, len(digits)))
    return filter(_is_whole, shorter)


def _is_whole(digits: str) -> bool:
    """Whether these digits are a valid number as they stand, with no trunk prefix taken out of them."""
    number = _parsed("+" + digits)
    return isinstance(number, Parsed) and phonenumbers.is_valid_number(number) and _e164(number) == digits


def _plain(typed: str, region: str | None) -> str:
    """What was typed, in ASCII digits and punctuation. Raises PhoneError if it is not just a number."""
    stripped = typed.strip()
    shown = unicodedata.normalize("NFKC", stripped[:LONGEST_TYPED])
    # Cf: zero-width characters and direction marks, which come along when a number is copied from a page.
    shown = "".join(char for char in shown if unicodedata.category(char) != "Cf").strip()
    if not shown:
        raise PhoneError(Reason.EMPTY)
    if shown[:4].lower() == "tel:":  # a copied link (RFC 3966)
        shown = shown[4:]
    text = "".join(map(_ascii, shown))
    if not _WRITTEN.fullmatch(text):
        # Samespace dials no extension, and E.164 drops it. Letters, as in 1-800-FLOWERS, are mostly a slip.
        number = _parsed(shown, region)
        extension = isinstance(number, Parsed) and number.extension
        raise PhoneError(Reason.EXTENSION if extension else Reason.NOT_A_NUMBER)
    if len(stripped) > LONGEST_TYPED:
        raise PhoneError(Reason.TOO_LONG)
    return text


def _ascii(char: str) -> str:
    """Digits of any script, and the usual dashes, dots, brackets and spaces, in ASCII; the rest as it is."""
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if char.isspace():
        return " "
    if unicodedata.category(char) == "Pd" or char in "−ー":
        return "-"
    return {"[": "(", "]": ")", "·": ".", "•": ".", "・": "."}.get(char, char)


def _spellings(text: str, region: str | None) -> Iterator[str]:
    """The ways to read `text`, the plainest first: digits, with a plus where a country code leads them."""
    digits = _digits(text.rpartition("+")[2])
    if "+" in text or digits.startswith("00"):
        yield _mexican("+" + digits.lstrip("0"), region)  # no country code begins with 0
        if digits.startswith("0"):  # "+020 7946 0000": a needless plus; "+011 44…": America's own prefix
            yield digits
    else:
        yield _mexican(digits, region)
        # Form filling drops the plus. Mended only where nothing else can be meant: "4805551234" is a possible
        # British number and must not become a Polish one.
        if region and not phonenumbers.is_possible_number_string(digits, region):
            yield _mexican("+" + digits, region)
    without_zero = _TRUNK_ZERO.sub(r"\1", text)
    if without_zero != text:  # libphonenumber mends this only where the country has such a zero
        yield from _spellings(without_zero, region)


def _mexican(spelling: str, region: str | None) -> str:
    """Without the 1 after +52, and 01, 044 and 045 at home: Mexico gave them up in 2019, people have not."""
    spelling = re.sub(r"^\+521(?=\d{10}$)", "+52", spelling)
    return re.sub(r"^0(?:1|44|45)(?=\d{10}$)", "", spelling) if region == "MX" else spelling


def _is_short_code(text: str, region: str | None) -> bool:
    """Whether this is an emergency or service number, which answers only inside its own network."""
    digits = _digits(text)
    if region is None or len(digits) >= FEWEST_DIGITS:
        return False
    if phonenumbers.connects_to_emergency_number(digits, region):  # "9112" does in America
        return True
    number = _parsed(digits, region)
    return isinstance(number, Parsed) and phonenumbers.is_valid_short_number_for_region(number, region)


def _checked(number: Parsed, allowed: Collection[str]) -> PhoneNumber:
    """The number, if a team may be asked to ring it. Raises PhoneError, with the kind before the region."""
    _check_digits(number)
    assigned = phonenumbers.is_valid_number(number)
    if assigned:
        near = {(phonenumbers.region_code_for_number(number), phonenumbers.number_type(number))}
    else:
        _check_length(number)
        near = _neighbours(number)
    kinds = {kind for _, kind in near}
    if kinds and kinds <= _REFUSED.keys():
        raise PhoneError(next(reason for kind, reason in _REFUSED.items() if kind in kinds))
    region = _region(number, {region for region, _ in near if region}, allowed)
    if region not in allowed:
        raise PhoneError(Reason.OTHER_REGION)
    return PhoneNumber(_e164(number), region, assigned)


def _check_digits(number: Parsed) -> None:
    """Raises PhoneError for what is refused whatever libphonenumber calls it."""
    if _main_region(number) == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
        raise PhoneError(Reason.SATELLITE)  # libphonenumber says: a mobile
    digits = _e164(number)
    if not FEWEST_DIGITS <= len(digits) <= MOST_DIGITS:
        raise PhoneError(Reason.TOO_LONG if len(digits) > MOST_DIGITS else Reason.TOO_SHORT)
    for refused, reason in _REFUSED_RANGES.items():
        if refused.match(digits):
            raise PhoneError(reason)
    if _is_emergency_of_an_area(number):
        raise PhoneError(Reason.EMERGENCY_OR_SHORT)


def _is_emergency_of_an_area(number: Parsed) -> bool:
    """Whether it rings an area's police or ambulance: +49 30 112 may, and is a valid number."""
    region = _main_region(number)
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
    coded = _digits(number.raw_input or "") != national
    # libphonenumber leaves the trunk 0 where the rest is too short, and so "06 12 34 56 7" has a French length.
    zero = national[0] == phonenumbers.ndd_prefix_for_region(_main_region(number), True) == "0"
    if zero or (coded and reason is Reason.LOCAL_ONLY):  # an area code is there, so digits are missing elsewhere
        reason = Reason.TOO_SHORT
    if reason:
        raise PhoneError(reason)


def _neighbours(number: Parsed) -> set[tuple[str | None, int]]:
    """Regions and kinds of the valid numbers that share the most leading digits with one that is not valid.

    So that an unassigned number in a premium range is refused, and one in another region's range. Metadata
    are patterns, which do not tell how they begin: the last digits, one more each round, are replaced by
    samples, of every length the country uses. Against the patterns taken apart, 4 verdicts in 1,000 differed.
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
    """Regions and kinds of the valid ones among the samples that begin so.

    `zeros` lead the number besides; `whole` is how many digits follow them in the number that was typed.
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


# Short beginnings have the most samples, and there are few of them. Longer ones are not remembered: how soon an
# answer comes would tell that a number was asked for before.
_short_beginning = lru_cache(maxsize=20_000)(_beginning_with)
_SHORT = 4  # digits


@cache
def _any_kind(country_code: int) -> Callable[[str], object]:
    """Whether a national number can be of any kind in any region of a country code, in one look.

    libphonenumber asks region after region and kind after kind, with 20 to 50 ms for the samples of one number.
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


def _region(number: Parsed, near: Collection[str], allowed: Collection[str]) -> str:
    """Whose number it is: by its range or leading digits, else its neighbours', else the main region's.

    Where regions share a range, the one that is allowed: libphonenumber calls Åland's mobiles Finnish.
    """
    main = _main_region(number)
    region = phonenumbers.region_code_for_number(number) or (main if main in near or not near else min(near))
    if region in allowed:
        return region
    return next((other for other in allowed if phonenumbers.is_valid_number_for_region(number, other)), region)


def _main_region(number: Parsed) -> str:
    return phonenumbers.region_code_for_country_code(number.country_code or 0)


def _e164(number: Parsed) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]  # gluing would lose Italy's leading 0


def _parsed(spelling: str, region: str | None = None) -> Parsed | Reason:
    try:
        return phonenumbers.parse(spelling, region, keep_raw_input=True)
    except NumberParseException as error:
        if error.error_type == NumberParseException.TOO_LONG:
            return Reason.TOO_LONG
        return Reason.TOO_SHORT if len(_digits(spelling)) < FEWEST_DIGITS else Reason.NOT_A_NUMBER


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)
