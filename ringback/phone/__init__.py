"""A phone number: read as a person writes it, checked, and written for people and for Samespace.

- `reading`: what was typed, in any spelling, becomes a number or is refused with a reason;
- `plans`: one plan over several countries, and plans that changed;
- `ranges`: which numbers a team may be asked to call, with `valid_ranges` for those that are not assigned;
- `lines`: which numbers ring the same telephone;
- `examples`: numbers for hints;
- `zones`: what time it is where a number belongs;
- `number`: one number, as it is kept, shown and masked.

A region is an ISO code such as "GB".
"""

from ringback.phone.examples import example, international_example
from ringback.phone.lines import beginnings, goes_on, longest_of_line, neighbourhood, shortest
from ringback.phone.number import (
    FEWEST_DIGITS,
    MOST_DIGITS,
    PhoneError,
    PhoneNumber,
    Reason,
    link,
    only_digits,
    with_country_code,
)
from ringback.phone.plans import as_dialled, as_written_today
from ringback.phone.reading import (
    LONGEST_TYPED,
    MOST_READINGS,
    is_written_as_in,
    names_its_country,
    not_in_use,
    rather_elsewhere,
    read,
    readings,
    written_today,
)
from ringback.phone.zones import zones_of

__all__ = [
    "FEWEST_DIGITS",
    "LONGEST_TYPED",
    "MOST_DIGITS",
    "MOST_READINGS",
    "PhoneError",
    "PhoneNumber",
    "Reason",
    "as_dialled",
    "as_written_today",
    "beginnings",
    "example",
    "goes_on",
    "international_example",
    "is_written_as_in",
    "link",
    "longest_of_line",
    "names_its_country",
    "neighbourhood",
    "not_in_use",
    "only_digits",
    "rather_elsewhere",
    "read",
    "readings",
    "shortest",
    "with_country_code",
    "written_today",
    "zones_of",
]
