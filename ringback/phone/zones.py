"""What time it is where a number belongs, as far as a number can tell."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phonenumbers import timezone

from ringback.phone.number import Reason, parse

_UNKNOWN = "Etc/Unknown"


def zones_of(digits: str) -> list[ZoneInfo]:
    """The zones of the places that a number may belong to; none where that is not known."""
    number = parse("+" + digits)
    if isinstance(number, Reason):
        return []
    found = []
    for name in timezone.time_zones_for_number(number):
        try:
            if name != _UNKNOWN:
                found.append(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError):  # one that this machine's table of zones has not
            return []
    return found
