"""Numbering plans that reach beyond one country code, and those that changed while people write as before.

`as_dialled` corrects what can mean one number alone. `as_written_today` says what an old number most likely is
now; whoever wrote it has to agree. All numbers here are digits with the country code, no plus.
"""

import re

import phonenumbers
from phonenumbers import CountryCodeSource, PhoneNumberType
from phonenumbers import PhoneNumber as Parsed

from ringback.phone.number import full_digits, is_in_use, parse

_REWRITTEN = {
    re.compile(old): new
    for old, new in [
        # Mexico's 1 behind the country code, and 01, 044 and 045 of calls at home, ended in August 2019.
        (r"52(?:1|01|044|045)(?=[0-9]{10}$)", "52"),
        # San Marino as Italians dial it, https://en.wikipedia.org/wiki/Telephone_numbers_in_San_Marino
        (r"390549(?=[0-9]{6}$)", "3780549"),
        # Northern Ireland as it is dialled in the Republic alone: ComReg's numbering conditions, 048.
        (r"35348(?=[0-9]{8}$)", "4428"),
        # Argentina: the 0 of calls at home, and the mobiles' 15, which is the 9 from abroad. ENACOM's plan.
        (r"5490?(?=11[0-9]{8}$|[23][0-9]{9}$)", "549"),
        (r"5490?(11)15(?=[0-9]{8}$)", r"549\1"),
        (r"5490?([23][0-9]{2})15(?=[0-9]{7}$)", r"549\1"),
        (r"5490?([23][0-9]{3})15(?=[0-9]{6}$)", r"549\1"),
        # India: a 0 before the country code, as telephones show a missed call.
        (r"9191(?=[6-9][0-9]{9}$)", "91"),
        # The networks of Palestine, which Israel's code reaches, too: ITU, Palestine's plan, 2017.
        (r"972(?=5[69][0-9]{7}$)", "970"),
        # Saint-Pierre-et-Miquelon: six digits, with 0508 before them in the French plan.
        (r"(?:33|262|59[046]|508)508(?=[0-9]{6}$)", "508"),
    ]
}
# France and what belongs to it overseas share one plan of nine digits behind the 0, and have a country code each:
# Arcep, décisions 2006-0509 and 2018-0881, annexe 1. These begin the numbers of each; of the others (of 07 and 09)
# libphonenumber knows the ranges.
_FRANCE = 33
_OVERSEAS = {262: ("RE", "YT"), 590: ("GP", "BL", "MF"), 596: ("MQ",), 594: ("GF",), 508: ("PM",)}
_BEGINNINGS = {
    re.compile("26[239]|639(?!98)|69[23]"): 262,
    re.compile("590|69[01]"): 590,
    re.compile("594|694"): 594,
    re.compile("596|69[67]"): 596,
}
_DIALLED_EVERYWHERE = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP,
}

# What became of older numbers, as each country told ITU (https://www.itu.int/oth/T0202). The first that leads to a
# valid number counts.
_CHANGED = {
    re.compile(old): new
    for old, new in [
        (r"57([124-8][0-9]{7})$", r"5760\1"),  # Colombia's landlines, September 2021
        (r"229([0-9]{8})$", r"22901\1"),  # Benin, November 2024
        # Ivory Coast, January 2021: by the network, which the second digit of mobiles told, the third of
        # landlines.
        (r"225([04-9][1-3][0-9]{6})$", r"22501\1"),
        (r"225([04-9][4-6][0-9]{6})$", r"22505\1"),
        (r"225([04-9][7-9][0-9]{6})$", r"22507\1"),
        (r"225([23][0-9]8[0-9]{5})$", r"22521\1"),
        (r"225([23][0-9]0[0-9]{5})$", r"22525\1"),
        (r"225([23][0-9]{7})$", r"22527\1"),
        (r"55([1-9]{2})([6-9][0-9]{7})$", r"55\g<1>9\2"),  # Brazil's mobiles, by 2016
        (r"593([89][0-9]{7})$", r"5939\1"),  # Ecuador's mobiles, 2012
        (r"230([79][0-9]{6})$", r"2305\1"),  # Mauritius' mobiles, 2013
        (r"237([79][0-9]{7})$", r"2376\1"),  # Cameroon, November 2014
        (r"237([23][0-9]{7})$", r"2372\1"),
        # Italy's landlines, whose 0 belongs to the number since 1998; San Marino's, dialled from Italy.
        (r"39([1-9][0-9]{5,10})$", r"390\1"),
        (r"390(3[0-9]{8,9})$", r"39\1"),  # Italy's mobiles, 2001
        (r"560([2-9][0-9]{8})$", r"56\1"),  # Chile's 0 of calls at home, 2018
        (r"480([1-9][0-9]{8})$", r"48\1"),  # Poland's, 2010
        (r"38080([1-9][0-9]{8})$", r"380\1"),  # Ukraine's 8, 2009
        (r"632([0-9]{7})$", r"6328\1"),  # Manila, October 2019: most are PLDT's, with an 8
        # Egypt's mobiles, October 2011.
        *[
            (rf"20{old}([0-9]{{7}})$", rf"20{new}\1")
            for old, new in zip(
                "10 11 12 14 16 17 18 19".split(), "100 111 122 114 106 127 128 109".split(), strict=True
            )
        ],
        # Kosovo had numbers of Slovenia, Monaco and Serbia until its own code, December 2016.
        (r"386(4[3459][0-9]{6})$", r"383\1"),
        (r"377(4[45][0-9]{6})$", r"383\1"),
        (r"381((?:2[89]|3[89])[0-9]{6})$", r"383\1"),
        # Hanoi, Hai Phong and Da Nang, 2017; what Ho Chi Minh City's were are mobiles today.
        (r"844([2-9][0-9]{7})$", r"8424\1"),
        (r"8431(3[0-9]{6})$", r"84225\1"),
        (r"84511(3[0-9]{6})$", r"84236\1"),
        # Vietnam's mobiles of eleven digits, 2018.
        (r"8416([2-9][0-9]{7})$", r"843\1"),
        *[
            (rf"84{old}([0-9]{{7}})$", rf"84{new}\1")
            for old, new in zip(
                "120 121 122 123 124 125 126 127 128 129 186 188 199".split(),
                "70 79 77 83 84 85 76 81 78 82 56 58 59".split(),
                strict=True,
            )
        ],
    ]
}


def as_dialled(number: Parsed) -> Parsed:
    """The same number as it is dialled from abroad; most are already.

    `0692 12 34 56` in France is +262 692 12 34 56, and nobody's with +33.
    """
    digits = full_digits(number)
    for old, new in _REWRITTEN.items():
        if old.match(digits):
            return _parsed(old.sub(new, digits), number)
    national = phonenumbers.national_significant_number(number)
    if number.country_code == 599:
        return _on_curacao(digits, number)
    code = number.country_code or 0
    if code not in (_FRANCE, *_OVERSEAS) or len(national) != 9 or national.startswith("8"):
        return number
    home = _french_home(national, code)
    return number if home == code else _parsed(f"{home}{national}", number)


def _on_curacao(digits: str, number: Parsed) -> Parsed:
    """With the 9 that people on Curaçao leave out among themselves, where only that makes it a number.

    With its country code, 5 is Sint Maarten, which has another one since 2011: ITU, Sint Maarten's plan, 721.
    """
    is_abroad = number.country_code_source != CountryCodeSource.FROM_DEFAULT_COUNTRY
    if is_abroad and re.fullmatch("5995[0-9]{6}", digits):
        return _parsed("1721" + digits[3:], number)
    with_nine = _parsed("5999" + digits[3:], number)
    is_meant = not phonenumbers.is_valid_number(number) and phonenumbers.is_valid_number(with_nine)
    return with_nine if is_meant else number


def _french_home(national: str, code: int) -> int:
    """The country code of a number of the French plan, which was read with `code`."""
    for beginning, home in _BEGINNINGS.items():
        if beginning.match(national):
            return home
    if code != _FRANCE and _is_valid(national, code, *_OVERSEAS[code]):
        return code
    for other, regions in _OVERSEAS.items():
        if _is_valid(national, other, *regions):
            return other
    return _FRANCE if _is_valid(national, _FRANCE, "FR") else code


def _is_valid(national: str, code: int, *regions: str) -> bool:
    number = Parsed(country_code=code, national_number=int(national))
    kinds = {
        phonenumbers.number_type(number)
        for region in regions
        if phonenumbers.is_valid_number_for_region(number, region)
    }
    return bool(kinds & _DIALLED_EVERYWHERE)


def as_written_today(number: Parsed) -> Parsed | None:
    """What a number of a plan that has changed is now; None where it is valid as it stands, or none is known."""
    if is_in_use(number):
        return None
    digits = full_digits(number)
    for old, new in _CHANGED.items():
        if old.match(digits):
            today = as_dialled(_parsed(old.sub(new, digits), number))
            if is_in_use(today):
                return today
    return None


def _parsed(digits: str, before: Parsed) -> Parsed:
    number = parse("+" + digits)
    return number if isinstance(number, Parsed) else before
