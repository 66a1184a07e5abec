"""Values that stand for something outside: web addresses, time zones, telephone numbers, names.

Each is read as what is meant where that is beyond doubt, and refused with ValueError and the mend where it could
never work.
"""

import re
import unicodedata
from difflib import get_close_matches
from functools import cache
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

import phonenumbers

from ringback import phone

# Zones whose names are no place's: by their offset, whose sign is the other way round, or for the machine itself.
_NO_PLACES = re.compile(r"(?!UTC$)[^/]*$|(Etc|SystemV|posix|right)/")

_LONGEST_EXTENSION = 9  # digits that libphonenumber reads behind the "x" by which it writes one


def stripped(text: str) -> str:
    """Without blanks around it, visible or not."""
    is_seen = [not char.isspace() and unicodedata.category(char) != "Cf" for char in text]
    return text[is_seen.index(True) : len(text) - is_seen[::-1].index(True)] if any(is_seen) else ""


def words(text: str) -> str:
    """The same, and not empty."""
    if not (text := stripped(text)):
        raise ValueError("should have something in it that can be seen")
    return text


def space_id(text: str) -> str:
    """The name of a Samespace."""
    if re.search(r"[\s/:]|\.samespace\.com$", name := words(text)):
        raise ValueError('should be the name alone, like "acme"')
    return name


def web_address(url: str) -> str:
    """One that a browser opens, without blanks around it."""
    url = words(url)
    _parts(url)
    return url


def api_root(url: str) -> str:
    """A web address that paths can be put after."""
    parts = _parts(url := words(url))
    if "?" in url or "#" in url or "@" in parts.netloc:
        raise ValueError(
            'should be an address without ? and #, name and password, like "https://in1.samespace.com"'
        )
    if re.search("/apiv[0-9]+(/|$)", parts.path):
        raise ValueError('should end before /apiv1, like "https://in1.samespace.com"')
    return url


def _parts(url: str) -> SplitResult:
    example = 'should be a web address, like "https://www.acme.com/privacy"'
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(example) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", url):
        raise ValueError(example)
    try:
        is_port = parts.port != 0
    except ValueError:
        is_port = False
    if not is_port:
        raise ValueError("its port should be a number up to 65535")
    return parts


def zone(name: str) -> str:
    """A time zone that is named after a place, or UTC."""
    if name not in _zones():
        raise ValueError(f'should be a time zone, like "{_near_zone(name)}"')
    return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if not _NO_PLACES.match(name))


def _near_zone(name: str) -> str:
    """The zone that was most likely meant: its letters, its city, or nearly so."""
    written = name.strip().replace(" ", "_").casefold()
    whole = {zone.casefold(): zone for zone in sorted(_zones())}
    cities = {zone.rpartition("/")[2]: known for zone, known in whole.items()}
    city = written.rpartition("/")[2]
    near = get_close_matches(written, whole, 1, 0.8)
    return whole.get(written) or cities.get(city) or (whole[near[0]] if near else "Europe/London")


def number(written: str) -> str:
    """A number with its country code as it is dialled from abroad, grouped; its extension is kept."""
    try:
        read = phonenumbers.parse(written)
    except phonenumbers.NumberParseException:
        raise ValueError('should be a number with its country code, like "+44 20 7946 0000"') from None
    if not read.extension and re.search(r"[^\W\d_]\D*\d", written.casefold().removeprefix("tel:")):
        raise ValueError('its extension should be written like "+44 20 7946 0000 ext. 12"')
    dialled = phone.as_dialled(read)
    dialled.extension = read.extension
    if len(read.extension or "") > _LONGEST_EXTENSION:
        raise ValueError("its extension has more digits than telephones dial")
    if not phonenumbers.is_valid_number(dialled):
        raise ValueError(_mend_of_number(dialled))
    return _grouped(dialled)


def _mend_of_number(number: phonenumbers.PhoneNumber) -> str:
    if today := phone.as_written_today(number):
        return f'should be as it is written now: it is "{_grouped(today)}" today'
    if not phonenumbers.is_possible_number(number):
        return 'should be a telephone number in full, with its country code, like "+442079460000"'
    return f'should be a number that is in use; "{_grouped(number)}" is none, so check its digits'


def _grouped(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
