"""Public holidays of a country, by the name that an owner gives them: "GB-ENG", "DE-BY:catholic"."""

from functools import lru_cache

import holidays

_ENGLISH = "en_US"


@lru_cache(maxsize=64)
def public_holidays(name: str, year: int) -> holidays.HolidayBase:
    """Those of a year, with what is kept only in part of a region where that is named. Raises ValueError.

    After the colon stand categories of the holidays package, such as "catholic" or "optional,bank"; the public
    ones come along always.
    """
    place, _, kinds = name.partition(":")
    country, _, subdivision = place.partition("-")
    try:
        known = holidays.country_holidays(country, subdiv=subdivision or None)
        extra = _categories(kinds, known.supported_categories) if kinds else ()
        return holidays.country_holidays(
            country,
            subdiv=subdivision or None,
            years=year,
            categories=("public", *extra) if extra else None,
            # Named in English where they can be, whatever the language of this machine is.
            language=_ENGLISH if _ENGLISH in (known.supported_languages or ()) else None,
        )
    except NotImplementedError:
        raise ValueError(
            'should be a country, with its part where that matters, like "GB-ENG" or "DE-BY"'
        ) from None


def _categories(kinds: str, known: tuple[str, ...]) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(kind.strip().lower() for kind in kinds.split(",")))
    there = [kind for kind in known if kind != "public"]
    if unknown := [kind for kind in named if kind not in known]:
        offered = f"there are: {', '.join(there)}" if there else "this country has none"
        raise ValueError(f'has no holidays called "{unknown[0]}"; after the colon, {offered}')
    return tuple(kind for kind in named if kind != "public")
