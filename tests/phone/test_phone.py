"""Phone numbers: every way a person writes one arrives as one row of digits, or is refused for one reason.

Numbers are from ranges kept for fiction where a country has such, else libphonenumber's own examples.
"""

import random
import re
import unicodedata

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ringback.phone import (
    LONGEST_TYPED,
    PhoneError,
    PhoneNumber,
    Reason,
    beginnings,
    example,
    international_example,
    is_written_as_in,
    rather_elsewhere,
    read,
    written_today,
)

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)

LONDON = "442079460958"
AS_BRITONS_WRITE_IT = [
    "020 7946 0958",
    "(020) 7946 0958",
    "[020] 7946 0958",
    "020-7946-0958",
    "020.7946.0958",
    "020/7946/0958",
    "0207 946 0958",
    "2079460958",
    " 020\u00a07946\u20090958\r\n",  # no-break and thin space, a line end from a spreadsheet
    "020–7946—0958",
    "020\u20117946−0958",  # a no-break hyphen and a minus sign
    "020·7946·0958",
    "020~7946~0958",
    "020〜7946～0958",
    "020\u00ad7946\u00ad0958",  # soft hyphens
    "+44 20 7946 0958",
    "+44.20.7946.0958",
    "+44 020 7946 0958",
    "+44 (0)20 7946 0958",
    "+44(0)2079460958",
    "+44 ( 0 ) 20 7946 0958",
    "44 (0)20 7946 0958",
    "(+44) 20 7946 0958",
    "+(44) 20 7946 0958",
    "++44 20 7946 0958",
    "+ 44 20 7946 0958",
    "00 44 20 7946 0958",
    "0044 (0)20 7946 0958",
    "00+44 20 7946 0958",
    "0+44 20 7946 0958",
    "0+44(0)20 7946 0958",
    "+0044 20 7946 0958",
    "+044 20 7946 0958",
    "+020 7946 0958",
    "442079460958",
    "tel:+44-20-7946-0958",
    "TEL:02079460958",
    "\u202a+44 20 7946 0958\u202c",  # as copied from Windows' contacts
    "\u200e020\u200b7946\u200f0958\ufeff",
    "０２０ー７９４６ー０９５８",
    "＋４４（０）２０　７９４６　０９５８",
    "٠٢٠ ٧٩٤٦ ٠٩٥٨",
    "۰۲۰ ۷۹۴۶ ۰۹۵۸",
    "०२० ७९४६ ०९५८",
    "𝟎𝟐𝟎 𝟕𝟗𝟒𝟔 𝟎𝟗𝟓𝟖",
]


@pytest.mark.parametrize("typed", AS_BRITONS_WRITE_IT)
def test_a_british_number_arrives_however_it_is_written(typed: str) -> None:
    assert read(typed, "GB", ["GB"]) == PhoneNumber(LONDON, "GB", assigned=True)


AT_HOME = [
    ("(201) 555-0123", "US", "12015550123"),
    ("201.555.0123", "US", "12015550123"),
    ("1-201-555-0123", "US", "12015550123"),
    ("+1 (201) 555-0123", "US", "12015550123"),
    ("506 234 5678", "CA", "15062345678"),
    ("876 210 1234", "JM", "18762101234"),
    ("06 12 34 56 78", "FR", "33612345678"),
    ("01.23.45.67.89", "FR", "33123456789"),
    ("+33 (0)6 12 34 56 78", "FR", "33612345678"),
    ("030/123456", "DE", "4930123456"),
    ("+49 (0)30 / 12 34 56", "DE", "4930123456"),
    ("+49 1512 3456789", "DE", "4915123456789"),
    ("06 1234 5678", "IT", "390612345678"),  # Italy's 0 is part of the number
    ("+39 06 1234 5678", "IT", "390612345678"),
    ("+39 (0)6 1234 5678", "IT", "390612345678"),
    ("+39 (0)347 123 4567", "IT", "393471234567"),  # and mobiles have none
    ("0039 312 3456789", "IT", "393123456789"),
    ("0549 886377", "SM", "3780549886377"),
    ("886377", "SM", "3780549886377"),
    ("543 1234", "CW", "59995431234"),  # without the country code it is not Sint Maarten's old number
    ("736 1234", "CW", "59997361234"),  # the 9 before it is left out on Curaçao
    ("717 1234", "BQ", "5997171234"),
    ("011 15-2345-6789", "AR", "5491123456789"),  # 15 at home is 9 from abroad
    ("+54 9 11 2345-6789", "AR", "5491123456789"),
    ("+54 11 15 2345 6789", "AR", "5491123456789"),
    ("011 2345-6789", "AR", "541123456789"),
    ("55 1234 5678", "MX", "525512345678"),
    ("+52 1 55 1234 5678", "MX", "525512345678"),  # as it was until 2019
    ("521 55 1234 5678", "MX", "525512345678"),
    ("044 55 1234 5678", "MX", "525512345678"),
    ("01 55 1234 5678", "MX", "525512345678"),
    ("045 81 1234 5678", "MX", "528112345678"),
    ("1 33 1234 5678", "MX", "523312345678"),
    ("(0xx11) 3123-4567", "BR", "551131234567"),  # xx: the carrier of one's choice
    ("0**21 98123-4567", "BR", "5521981234567"),
    ("+55 (0XX11) 98123-4567", "BR", "5511981234567"),
    ("'020 7946 0958", "GB", LONDON),  # from a table
    ('"020 7946 0958",', "GB", LONDON),
    ("(11) 96123-4567", "BR", "5511961234567"),
    ("0 21 11 96123-4567", "BR", "5511961234567"),  # 21: the carrier that was chosen
    ("8 (912) 345-67-89", "RU", "79123456789"),
    ("+7 (8) 912 345-67-89", "RU", "79123456789"),
    ("8 771 000 9998", "KZ", "77710009998"),
    ("06 20 123 4567", "HU", "36201234567"),
    ("+34 (0)612 34 56 78", "ES", "34612345678"),  # Spain has no 0 to leave out
    ("03-1234-5678", "JP", "81312345678"),
    ("０９０－１２３４－５６７８", "JP", "819012345678"),
    ("९८७६५ ४३२१०", "IN", "919876543210"),
    ("৯৮৭৬৫৪৩২১০", "IN", "919876543210"),
    ("0 98765 43210", "IN", "919876543210"),
    ("٠٥٠ ١٢٣ ٤٥٦٧", "AE", "971501234567"),
    ("010-1234-5678", "EG", "201012345678"),
    ("131 2345 6789", "CN", "8613123456789"),
    ("041 2345678", "FI", "358412345678"),
    ("041 2345678", "AX", "358412345678"),  # Åland's mobiles are in the range that is called Finnish
    ("0690 00 12 34", "MF", "590690001234"),
    ("4002", "NU", "6834002"),  # the shortest there are
    ("0333 123 4567", "GB", "443331234567"),
    ("056 1234 5678", "GB", "445612345678"),
]


@pytest.mark.parametrize(("typed", "region", "digits"), AT_HOME)
def test_a_number_is_read_as_its_own_region_writes_it(typed: str, region: str, digits: str) -> None:
    assert read(typed, region, [region]) == PhoneNumber(digits, region, assigned=True)


FROM_ELSEWHERE = [
    ("+44 20 7946 0958", "US", LONDON),
    ("011 44 20 7946 0958", "US", LONDON),
    ("+011 44 20 7946 0958", "US", LONDON),
    ("00 44 20 7946 0958", "US", LONDON),  # Europe's prefix, which America does not have
    ("0011 44 20 7946 0958", "AU", LONDON),
    ("010 44 20 7946 0958", "JP", LONDON),
    ("8 10 44 20 7946 0958", "RU", LONDON),
    ("00 44 20 7946 0958", "CO", LONDON),
    ("00 5 44 20 7946 0958", "CO", LONDON),  # 5: the carrier that was chosen
    ("442079460958", "US", LONDON),  # form filling dropped the plus, here and below
    ("44 (0)20 7946 0958", "US", LONDON),
    ("491701234567", "GB", "491701234567"),
    ("33612345678", "US", "33612345678"),
    ("79123456789", "GB", "79123456789"),
    ("919876543210", "GB", "919876543210"),
]


# National plans that reach beyond one country code: what is typed, the country it is read in, and what is rung.
SHARED_PLANS = [
    ("0692 12 34 56", "FR", "262692123456", "RE"),
    ("0693 45 67 89", "FR", "262693456789", "RE"),
    ("0262 20 12 34", "FR", "262262201234", "RE"),
    ("+33 692 12 34 56", "GB", "262692123456", "RE"),
    ("+33 (0)6 92 12 34 56", "FR", "262692123456", "RE"),
    ("0033 692 123 456", "FR", "262692123456", "RE"),
    ("33692123456", "FR", "262692123456", "RE"),
    ("0639 01 23 45", "FR", "262639012345", "YT"),
    ("0269 61 12 34", "FR", "262269611234", "YT"),
    ("0690 30 12 34", "FR", "590690301234", "GP"),
    ("0590 20 12 34", "FR", "590590201234", "GP"),
    ("0696 20 12 34", "FR", "596696201234", "MQ"),
    ("0697 20 12 34", "FR", "596697201234", "MQ"),
    ("0596 30 12 34", "FR", "596596301234", "MQ"),  # of which libphonenumber says: French
    ("0694 20 12 34", "FR", "594694201234", "GF"),
    ("0594 10 12 34", "FR", "594594101234", "GF"),
    ("0709 00 12 34", "FR", "590709001234", "GP"),
    ("0508 41 12 34", "FR", "508411234", "PM"),
    ("0708 40 12 34", "FR", "508708401234", "PM"),
    ("0690 30 12 34", "RE", "590690301234", "GP"),
    ("+262 690 30 12 34", "RE", "590690301234", "GP"),
    ("06 12 34 56 78", "RE", "33612345678", "FR"),
    ("01 23 45 67 89", "MQ", "33123456789", "FR"),
    ("+596 6 12 34 56 78", "MQ", "33612345678", "FR"),
    ("0976 21 23 45", "GF", "594976212345", "GF"),  # on the internet, of its own
    ("09 72 12 34 56", "FR", "33972123456", "FR"),
    ("06 12 34 56 78", "FR", "33612345678", "FR"),
    ("0806 123 456", "FR", "33806123456", "FR"),
    ("0549 886377", "IT", "3780549886377", "SM"),
    ("+39 0549 886377", "SM", "3780549886377", "SM"),
    ("+379 06 698 12345", "IT", "390669812345", "VA"),
    ("06 698 12345", "IT", "390669812345", "VA"),
    ("048 9012 3456", "IE", "442890123456", "GB"),
    ("+353 48 9012 3456", "GB", "442890123456", "GB"),
    ("01534 456789", "GB", "441534456789", "JE"),
    ("+599 543 1234", "CW", "17215431234", "SX"),
    ("00599 520 1234", "NL", "17215201234", "SX"),
    ("+972 59 912 3456", "PS", "970599123456", "PS"),
    ("059 912 3456", "IL", "970599123456", "PS"),
    ("056 712 3456", "IL", "970567123456", "PS"),
    ("052 234 5678", "IL", "972522345678", "IL"),
    ("091 98765 43210", "IN", "919876543210", "IN"),
    ("0919876543210", "IN", "919876543210", "IN"),
    ("+54 9 11 15 6123 4567", "AR", "5491161234567", "AR"),
    ("+54 9 011 6123 4567", "GB", "5491161234567", "AR"),
    ("+54 9 0351 15 312 3456", "GB", "5493513123456", "AR"),
    ("07781 123456", "GB", "447781123456", "GG"),
    ("01624 756789", "GB", "441624756789", "IM"),
    ("08 9164 1234", "AU", "61891641234", "CX"),
    ("08 9162 1234", "AU", "61891621234", "CC"),
    ("79 12 34 56", "NO", "4779123456", "SJ"),
    ("018 12345", "FI", "3581812345", "AX"),
    ("736 1234", "BQ", "59997361234", "CW"),
    ("717 1234", "CW", "5997171234", "BQ"),
    ("8 771 000 9998", "RU", "77710009998", "KZ"),
    ("506 234 5678", "US", "15062345678", "CA"),
]


@pytest.mark.parametrize(("typed", "region", "digits", "owner"), SHARED_PLANS)
def test_where_countries_share_a_plan_a_number_is_rung_where_it_is(typed, region, digits, owner):
    assert read(typed, region, REGIONS) == PhoneNumber(digits, owner, assigned=True)


def test_an_unassigned_number_of_a_shared_plan_keeps_the_country_of_its_range():
    assert read("0693 12 99 99", "FR", ["FR", "RE"]).digits == "262693129999"
    assert read("0693 56 12 34", "FR", ["FR", "RE"]) == PhoneNumber("262693561234", "RE", assigned=False)


@pytest.mark.parametrize("left_out", ["1", "01", "044", "045", ""])
@pytest.mark.parametrize(
    ("prefix", "region"),
    [
        *[
            ("+52 ", "MX"),
            ("+52 ", "GB"),
            ("00 52 ", "DE"),
            ("00 52 ", "MX"),
            ("011 52 ", "US"),
            ("011 52 ", "MX"),
        ],
        *[
            ("0011 52 ", "AU"),
            ("010 52 ", "JP"),
            ("8 10 52 ", "RU"),
            ("+011 52 ", "US"),
            ("52 ", "MX"),
            ("52 ", "US"),
        ],
    ],
)
def test_what_mexicans_no_longer_dial_is_dropped_behind_every_prefix(prefix, region, left_out):
    for number in ("55 1234 5678", "81 8765 4321", "222 123 4567"):
        digits = "52" + re.sub(" ", "", number)
        assert read(f"{prefix}{left_out} {number}", region, ["MX"]) == PhoneNumber(digits, "MX", assigned=True)


@pytest.mark.parametrize(
    ("typed", "region", "digits"),
    [
        ("2079460958.0", "GB", LONDON),
        ("442079460958.0", "GB", LONDON),
        ("+442079460958.0", "US", LONDON),
        ("２０７９４６０９５８．０", "GB", LONDON),
        ("2079460958,0", "GB", LONDON),
        ("2079460958.00", "GB", LONDON),
        ("2015550123.0", "US", "12015550123"),
        ("020 7946 0958.0", "GB", LONDON),
        ("787-721-7000.0", "US", "17877217000"),
        ("30123456.0", "DE", "4930123456"),  # with the 0 it would be somebody else's
    ],
)
def test_what_a_spreadsheet_added_is_left_out_and_worth_a_question(typed, region, digits):
    number = read(typed, region, REGIONS)

    assert (number.digits, number.is_worth_a_question) == (digits, True)


def test_a_last_group_of_one_digit_is_left_as_it_is():
    assert read("020 7946 095.8", "GB", ["GB"]) == PhoneNumber(LONDON, "GB", assigned=True)
    assert read("020.7946.09.50", "GB", ["GB"]).digits == "442079460950"
    assert read("030/1817.0", "DE", ["DE"]) == PhoneNumber("493018170", "DE", assigned=True)
    assert read("01.23.45.67.00", "FR", ["FR"]) == PhoneNumber("33123456700", "FR", assigned=True)


TODAY = [
    ("+57 1 234 5678", "CO", "576012345678"),
    ("1 234 5678", "CO", "576012345678"),
    ("(4) 234 56 78", "CO", "576042345678"),
    ("57 1 234 5678", "CO", "576012345678"),
    ("(575) 360 1234", "CO", "576053601234"),
    ("(11) 7123-4567", "BR", "5511971234567"),
    ("0xx11 8123-4567", "BR", "5511981234567"),
    ("04 3934 5678", "VN", "842439345678"),
    ("+84 511 382 1234", "GB", "842363821234"),
    ("+57 (2) 234 5678", "GB", "576022345678"),
    ("+229 97 12 34 56", "GB", "2290197123456"),
    ("21 31 22 33", "BJ", "2290121312233"),
    ("+225 07 12 34 56", "GB", "2250707123456"),
    ("05 12 34 56", "CI", "2250505123456"),
    ("41 12 34 56", "CI", "2250141123456"),
    ("20 30 12 34", "CI", "2252720301234"),
    ("+55 11 8123 4567", "BR", "5511981234567"),
    ("(21) 9123-4567", "BR", "5521991234567"),
    ("011 8123 4567", "BR", "5511981234567"),
    ("0168 123 4567", "VN", "84381234567"),
    ("+84 122 123 4567", "VN", "84771234567"),
    ("+39 2 1234 5678", "GB", "390212345678"),
    ("212345678", "IT", "390212345678"),
    ("+39 45 800 1234", "IT", "390458001234"),
    ("11 5678 1234", "IT", "3901156781234"),
    ("+39 549 881234", "IT", "3780549881234"),  # San Marino
    ("549 886377", "IT", "3780549886377"),
    ("0347 123 4567", "IT", "393471234567"),
    ("+39 0320 123 4567", "IT", "393201234567"),
    ("09 8765 4321", "CL", "56987654321"),
    ("02 2123 4567", "CL", "56221234567"),
    ("+56 09 8765 4321", "GB", "56987654321"),
    ("0 22 123 45 67", "PL", "48221234567"),
    ("0-601 123 456", "PL", "48601123456"),
    ("+48 022 123 45 67", "GB", "48221234567"),
    ("8 044 123 45 67", "UA", "380441234567"),
    ("02 123 4567", "PH", "63281234567"),
    ("010 1234567", "EG", "201001234567"),
    ("+20 18 123 4567", "GB", "201281234567"),
    ("+386 49 123 456", "XK", "38349123456"),
    ("+381 38 123 456", "XK", "38338123456"),
]


@pytest.mark.parametrize(("typed", "region", "digits"), TODAY)
def test_a_number_from_before_its_plan_changed_is_known_as_what_it_is_today(typed, region, digits):
    today = written_today(typed, region, REGIONS)

    assert today is not None
    assert (today.digits, today.assigned) == (digits, True)


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("020 7946 0958", "GB"),
        ("+57 601 234 5678", "CO"),
        ("300 123 4567", "CO"),
        ("+229 01 97 12 34 56", "BJ"),
        ("11 96123-4567", "BR"),
        ("11 2345-6789", "BR"),
        ("hello", "CO"),
        ("07700 900982", "GB"),
    ],
)
def test_of_what_has_not_changed_nothing_else_is_known(typed, region):
    assert written_today(typed, region, REGIONS) is None


def test_what_a_number_is_today_has_to_be_one_that_is_called():
    assert written_today("+57 1 234 5678", "GB", ["GB"]) is None


@pytest.mark.parametrize(
    ("typed", "region", "is_so"),
    [
        ("20 7946 0958", "US", False),  # London's, whose digits are one of Maine's
        ("207 946 0958", "US", True),
        ("(207) 9460958", "US", True),
        ("2079460958", "US", True),
        ("1-207-946-0958", "US", True),
        ("2079460958", "GB", False),
        ("020 7946 0958", "GB", True),
        ("0207 946 0958", "GB", True),
        ("(212) 555-0123", "GB", False),
        ("07700 900982", "GB", True),
        ("98765 43210", "IN", True),
        ("612 345 678", "ES", True),
        ("612345678", "FR", False),
        ("", "GB", False),
        ("x", "GB", False),
    ],
)
def test_whether_a_number_is_written_as_in_a_country(typed, region, is_so):
    assert is_written_as_in(typed, region) is is_so


@pytest.mark.parametrize(
    ("typed", "regions", "digits"),
    [
        ("0664 1234567", "DE AT CH", "436641234567"),
        ("0699 12345678", "DE AT CH", "4369912345678"),
        ("079 123 45 67", "DE AT CH", "41791234567"),
        ("044 668 18 00", "DE AT CH", "41446681800"),
        ("0478 12 34 56", "FR BE", "32478123456"),
        ("0495 12 34 56", "FR BE", "32495123456"),
        ("0475 12 34 56", "NL BE", "32475123456"),
        ("(02) 9876 5432", "NZ AU", "61298765432"),
        ("021 123 4567", "AU NZ", "64211234567"),
        ("0300 1234567", "GB PK", "923001234567"),
        ("2079460958", "US GB", "442079460958"),
        ("20 7946 0958", "US GB", "442079460958"),
        ("912345678", "ES PT", "351912345678"),
        ("40123456", "NO DK", "4540123456"),
    ],
)
def test_a_number_that_is_written_as_elsewhere_is_offered_as_that(typed: str, regions: str, digits: str) -> None:
    region, *_others = regions.split()

    assert [number.digits for number in rather_elsewhere(typed, region, regions.split())] == [digits]


@pytest.mark.parametrize(
    ("typed", "regions"),
    [
        ("030 123456", "DE AT CH"),
        ("0170 1234567", "DE AT CH"),
        ("01701234567", "DE AT CH"),
        ("0711 123456", "DE AT CH"),
        ("01512 3456789", "DE AT CH"),
        ("0664 1234567", "AT DE CH"),
        ("079 123 45 67", "CH DE AT"),
        ("06 12 34 56 78", "FR BE"),
        ("0612345678", "FR BE"),
        ("020 123 4567", "NL BE"),
        ("06 12345678", "NL BE"),
        ("0412 345 678", "AU NZ"),
        ("02 9876 5432", "AU NZ"),
        ("0300 123 4567", "GB PK"),
        ("020 7946 0958", "GB PK"),
        ("0207 946 0958", "GB US IE"),
        ("(207) 946-0958", "US GB"),
        ("207-946-0958", "US GB"),
        ("1 207 946 0958", "US GB"),
        ("2079460958", "US CA"),
        ("612 34 56 78", "ES FR"),
        ("612 345 678", "ES FR"),
        ("+49 664 1234567", "DE AT"),
    ],
)
def test_a_number_in_the_usual_way_of_the_chosen_country_is_not_asked_about(typed: str, regions: str) -> None:
    region, *_others = regions.split()
    number = read(typed, region, regions.split())

    assert {other.digits for other in rather_elsewhere(typed, region, regions.split())} <= {number.digits}


@pytest.mark.parametrize(("typed", "region", "digits"), FROM_ELSEWHERE)
def test_a_country_code_overrides_the_region(typed: str, region: str, digits: str) -> None:
    number = read(typed, region, REGIONS)
    assert (number.digits, number.assigned) == (digits, True)
    with pytest.raises(PhoneError) as refused:
        read(typed, region, [region])
    assert refused.value.reason is Reason.OTHER_REGION


UNASSIGNED = [
    ("07700 900982", "GB", ["GB"], "447700900982", "GB"),  # kept for drama, near Jersey's 077008
    ("0312 345 6789", "GB", ["GB"], "443123456789", "GB"),
    ("+44 6123 456789", "GB", ["GB"], "446123456789", "GB"),
    ("0191 498 012", "GB", ["GB"], "44191498012", "GB"),
    ("4805551234", "GB", ["GB", "PL"], "444805551234", "GB"),  # never turned into a Polish one
    ("01534 912345", "GB", ["GB", "JE"], "441534912345", "JE"),
    ("4740123456", "GB", ["GB", "NO"], "444740123456", "GB"),
    ("555 555 0123", "US", ["US"], "15555550123", "US"),
    ("871 234 5678", "US", ["US", "CA"], "18712345678", "US"),  # an area code to come, between two of Canada's
    ("201 123 4567", "US", ["US", "CA"], "12011234567", "US"),
    ("204 123 4567", "CA", ["CA"], "12041234567", "CA"),
    ("204 123 4567", "US", ["US", "CA"], "12041234567", "CA"),
    ("876 111 1111", "JM", ["JM"], "18761111111", "JM"),
    ("06 39 98 12 34", "FR", ["FR"], "33639981234", "FR"),
    ("+39 0347 1234567", "IT", ["IT"], "3903471234567", "IT"),
]


@pytest.mark.parametrize(("typed", "region", "allowed", "digits", "owner"), UNASSIGNED)
def test_a_possible_number_in_no_known_range_is_accepted_with_a_doubt(
    typed: str, region: str, allowed: list[str], digits: str, owner: str
) -> None:
    assert read(typed, region, allowed) == PhoneNumber(digits, owner, assigned=False)


REFUSED = {
    Reason.EMPTY: [("", "GB"), (" \t\r\n", "GB"), ("\u200b\u202a\u00a0", "GB")],
    Reason.NOT_A_NUMBER: [
        ("hello", "GB"),
        ("-", "GB"),
        ("+", "GB"),
        ("tel:", "GB"),
        ("1-800-FLOWERS", "US"),
        ("020 7946 O958", "GB"),
        ("020 7946 0958 or 0959", "GB"),
        ("020 7946 0958, 020 7946 0959", "GB"),
        ("020 7946 0958 #", "GB"),
        ("020 7946 0958 ext", "GB"),
        ("*67 020 7946 0958", "GB"),
        ("44+20 7946 0958", "GB"),
        ("020 7946+0958", "GB"),
        ("visitor@example.com", "GB"),
        ("<script>alert(1)</script>", "GB"),
        ("=1+2", "GB"),
        ("020 7946 0958\0", "GB"),
        ("020 7946 \ud83d0958", "GB"),
        ("☎ 020 7946 0958", "GB"),
        ("½", "GB"),
        ("x" * 10_000, "GB"),
        ("+999 1234567", "GB"),  # no such country code
    ],
    Reason.TOO_SHORT: [
        ("1", "GB"),
        ("0", "GB"),
        ("+44", "GB"),
        ("+44 999", "GB"),
        ("020 7946", "GB"),
        ("+44 20 7946", "GB"),
        ("201 555 012", "US"),
        ("+1 555 0123", "US"),
        ("06 12 34 56 7", "FR"),
        ("+49 1122", "DE"),
    ],
    Reason.TOO_LONG: [
        ("020 7946 0958 0", "GB"),
        ("020 7946 0958 / 020 7946 0959", "GB"),
        ("(201) 555-0123 4567", "US"),
        ("030 12345678901234", "DE"),
        ("+49 1512 3456789012", "DE"),
        ("1" * 16, "GB"),
        ("1" * 10_000, "GB"),
        ("020 7946 0958" + " " * LONGEST_TYPED + "1", "GB"),
    ],
    Reason.LOCAL_ONLY: [
        ("7946 0958", "GB"),
        ("946 0958", "GB"),
        ("555-0123", "US"),
        ("12345", "GB"),
        ("323 3557", "NZ"),
    ],
    Reason.EXTENSION: [
        ("020 7946 0958 ext. 12", "GB"),
        ("020 7946 0958 extension 1234", "GB"),
        ("020 7946 0958 x12", "GB"),
        ("020 7946 0958 (ext 5)", "GB"),
        ("020 7946 0958 #5", "GB"),
        ("020 7946 0958,,5", "GB"),
        ("+442079460958;ext=5", "GB"),
        ("tel:+442079460958;ext=5", "GB"),
        ("٠٢٠ ٧٩٤٦ ٠٩٥٨ x٥", "GB"),
        ("8 912 345-67-89 доб. 5", "RU"),
        ("1-800-356-9377 x5", "US"),
    ],
    Reason.OTHER_REGION: [
        ("+1 201 555 0123", "GB"),
        ("+33 6 12 34 56 78", "GB"),
        ("00 353 22 12345", "GB"),
        ("01534 712345", "GB"),  # Jersey, and below Guernsey and Man: rung at another price
        ("07797 712345", "GB"),
        ("01481 256789", "GB"),
        ("07524 123456", "GB"),
        ("01534 912345", "GB"),  # and so where nothing is assigned
        ("01481 012345", "GB"),
        ("01624 012345", "GB"),
        ("07797 012345", "GB"),
        ("020 7946 0958", "JE"),
        ("204 234 5678", "US"),
        ("871 234 5678", "CA"),
        ("204 123 4567", "US"),
        ("201 123 4567", "CA"),
        ("555 555 0123", "CA"),
        ("876 210 1234", "US"),
        ("876 111 1111", "US"),
        ("809 234 5678", "US"),
        ("8 771 000 9998", "RU"),
        ("06 698 12345", "IT"),  # the Vatican
        ("+379 06 698 12345", "IT"),  # with the code that is kept for it
        ("0549 886377", "IT"),  # San Marino
        ("048 9012 3456", "IE"),  # Northern Ireland
        ("0692 12 34 56", "FR"),  # Réunion, and below Mayotte, Guadeloupe, Martinique, Guyane, Saint-Pierre
        ("+33 639 01 23 45", "FR"),
        ("0590 20 12 34", "FR"),
        ("0596 30 12 34", "FR"),
        ("0694 20 12 34", "FR"),
        ("0508 41 12 34", "FR"),
        ("06 12 34 56 78", "RE"),
        ("+57 1 234 5678", "GB"),  # as Bogotá's were
        ("+229 97 12 34 56", "GB"),  # as Benin's were, shorter than now
    ],
    # Unassigned, near ranges that are refused: of what kind they are nobody knows.
    Reason.UNKNOWN_RANGE: [
        ("98765 43210", "GB"),  # an Indian mobile
        ("085 123 4567", "GB"),  # an Irish one
        ("087 123 4567", "GB"),
        ("98234 56789", "GB"),  # what begins as Britain's premium rate, without the 0 that Britons write
        ("871 234 5678", "GB"),
        ("+57 1 234 5678", "CO"),
        ("0991 234 5678", "GB"),
        ("0840 123 4567", "GB"),
        ("0821 123 4567", "GB"),
        ("0801 234 5678", "GB"),
        ("+375 93 798 45 52", "BY"),
        ("084 123 4567", "CH"),
        ("889 555 1234", "US"),
        ("083 8298", "BW"),
    ],
    Reason.PREMIUM: [
        ("0909 879 0123", "GB"),
        ("0871 234 5678", "GB"),
        ("0843 234 5678", "GB"),
        ("0900 12", "DE"),
        ("0899 12 34 56", "FR"),
        ("0900 123456", "DE"),
        ("1900 123 456", "AU"),
        ("0990 123456", "JP"),
        ("+33 899 12 34 56", "GB"),
        ("900 555 1234", "US"),
        ("900 123 4567", "US"),
        ("900 555 123", "US"),
        ("976 555 1234", "US"),
        ("201 976 1234", "US"),
        ("204 976 1234", "CA"),
        ("876 976 1234", "JM"),
    ],
    Reason.SHARED_COST: [("0180 5123456", "DE"), ("1300 123 456", "AU"), ("0848 123 456", "CH")],
    Reason.TOLL_FREE: [
        ("0800 123 4567", "GB"),
        ("0808 157 0123", "GB"),
        ("800 555 1234", "US"),
        ("0800 1234567", "DE"),
    ],
    Reason.PERSONAL: [("070 1234 5678", "GB"), ("500 555 1234", "US"), ("0700 12345678", "DE")],
    Reason.PAGER: [("07640 123456", "GB"), ("076 9912 3456", "GB")],
    Reason.VOICEMAIL: [("0860 123 456 789", "CH")],
    Reason.SATELLITE: [
        ("+800 1234 5678", "GB"),
        ("+808 1234 5678", "GB"),
        ("+870 773 123 456", "GB"),
        ("+878 10 123456789012", "GB"),
        ("+881 6 12345678", "GB"),
        ("+882 34 212 345", "GB"),
        ("+882 99 999 999", "GB"),  # unassigned
        ("+883 5100 1234 5678", "GB"),
        ("+888 123 456 78901", "GB"),
        ("+979 123 456 789", "GB"),
    ],
    Reason.EMERGENCY_OR_SHORT: [
        ("999", "GB"),
        ("9 9 9", "GB"),
        ("+999", "GB"),
        ("9991", "GB"),
        ("112", "GB"),
        ("١١٢", "GB"),
        ("101", "GB"),
        ("116 123", "GB"),
        ("118500", "GB"),
        ("911", "US"),
        ("9112", "US"),
        ("611", "US"),
        ("110", "DE"),
        ("17", "FR"),
        ("000", "AU"),
        ("119", "JP"),
        ("100", "IN"),
    ],
}


@pytest.mark.parametrize(
    ("typed", "region", "reason"),
    [(typed, region, reason) for reason, rows in REFUSED.items() for typed, region in rows],
    ids=lambda value: str(value)[:40].encode("unicode_escape").decode(),
)
def test_a_number_is_refused_with_its_reason(typed: str, region: str, reason: Reason) -> None:
    with pytest.raises(PhoneError) as refused:
        read(typed, region, [region])
    assert refused.value.reason is reason


def test_every_reason_has_a_row_in_the_table() -> None:
    assert set(REFUSED) == set(Reason)


def test_a_refusal_says_nothing_of_what_was_typed() -> None:
    for reason, rows in REFUSED.items():
        for typed, region in rows:
            with pytest.raises(PhoneError) as refused:
                read(typed, region, [region])
            assert str(refused.value) == reason.value
            assert refused.value.__context__ is None, "a traceback prints the context too"


def test_the_kind_is_named_before_the_region() -> None:
    with pytest.raises(PhoneError) as refused:
        read("+44 909 879 0123", "US", ["US"])
    assert refused.value.reason is Reason.PREMIUM


@pytest.mark.parametrize("region", REGIONS)
def test_the_examples_of_every_region_are_numbers_it_accepts(region: str) -> None:
    number = read(example(region), region, [region])
    assert number.assigned
    assert number.region == region
    assert read(international_example(region), region, [region]) == number
    assert international_example(region).startswith(f"+{phonenumbers.country_code_for_region(region)} ")


def test_examples_are_fictional_where_libphonenumbers_own_could_be_somebodys() -> None:
    assert example("GB") == "020 7946 0958"
    assert international_example("GB") == "+44 20 7946 0958"
    with pytest.raises(ValueError, match="region"):
        example("XX")


@pytest.mark.parametrize("kind", [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE])
def test_every_regions_numbers_are_read_in_every_form_libphonenumber_writes(kind: int) -> None:
    for region in REGIONS:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        digits = phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]
        for form in (PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966):
            typed = phonenumbers.format_number(number, form)
            assert read(typed, region, [region]) == PhoneNumber(digits, region, assigned=True), typed


def test_a_number_is_shown_grouped_and_masked() -> None:
    number = read("020 7946 0000", "GB", ["GB"])
    assert number.digits == "442079460000"
    assert number.e164 == "+442079460000"
    assert number.international == "+44 20 7946 0000"
    assert number.masked == "+44 … 000"
    assert read("07700 900982", "GB", ["GB"]).international == "+44 7700 900982"
    assert "2079" not in repr(number)


@pytest.mark.parametrize("digits", [LONDON, "447700900982", "390612345678", "449098790123", "6834002"])
def test_a_stored_number_is_never_checked_again(digits: str) -> None:
    number = PhoneNumber.from_digits(digits)
    assert number.digits == digits
    assert number.assigned == phonenumbers.is_valid_number(phonenumbers.parse("+" + digits))
    assert re.sub(r"\D", "", number.international) == digits


def test_a_stored_number_that_newer_metadata_cannot_read_is_still_shown() -> None:
    number = PhoneNumber.from_digits("9991234567")
    assert (number.region, number.assigned) == ("ZZ", False)
    assert number.international == "+9991234567"
    assert number.masked.endswith("… 567")
    assert "1234" not in number.masked


def test_any_text_at_all_is_read_or_refused() -> None:
    rng = random.Random(20261123)  # a fixed seed: a failure can be run again
    ink = "0123456789" * 6 + "+++000()-./ ,;x#*" + "٠٥۷०９²½–−\u200b\u202e\u00a0\u00ad\0\n\ud83dßﷺ𝟜é☎ext"
    seen = {"read": 0, "refused": 0}
    for _ in range(4_000):
        signs = rng.choice((ink, "0123456789", "0123456789 "))
        start = rng.choice(("", "", "0", "+44", "+1", "0039"))
        typed = start + "".join(rng.choice(signs) for _ in range(rng.choice((1, 3, 8, 10, 11, 14, 20, 60))))
        allowed = rng.choice((["GB"], ["US", "CA"], REGIONS))
        try:
            number = read(typed, rng.choice(("GB", "US", "IT", "AR", "DE", "NU")), allowed)
        except PhoneError:
            seen["refused"] += 1
            continue
        seen["read"] += 1
        assert re.fullmatch(r"[0-9]{7,15}", number.digits)
        assert number.region in allowed
        assert re.sub(r"[^0-9]", "", number.international) == number.digits
        assert number.digits[:-3] not in number.masked
    assert min(seen.values()) > 100, seen


def test_no_other_character_slips_between_the_digits() -> None:
    for code in range(0x3200):  # every script that has digits or punctuation of its own in daily use
        char = chr(code)
        try:
            number = read(f"020 7946{char}0958", "GB", ["GB"])
        except PhoneError:
            continue
        assert number.digits == LONDON, f"U+{code:04X} {unicodedata.name(char, '')}"


@pytest.mark.parametrize(
    ("digits", "shorter"),
    [
        ("493090182012", ("4930901820", "49309018201")),  # and none so short as +49 30 901
        ("4930901820", ("49309018", "493090182")),
        ("4315880012", ("43158800", "431588001")),  # Vienna
        ("436641234567", ("4366412345", "43664123456")),  # an Austrian mobile
        ("358401234567", ("3584012345", "35840123456")),
        ("390612345678", ("3906123456", "39061234567")),  # Rome, with its zero
        ("6281234567890", ("62812345678", "628123456789")),
    ],
)
def test_a_number_of_variable_length_begins_with_shorter_whole_numbers(digits, shorter):
    assert beginnings(digits) == shorter


@pytest.mark.parametrize("region", ["GB", "US", "FR", "ES", "PL", "AU", "IN", "MX", "AR"])
@pytest.mark.parametrize("kind", [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE])
def test_a_number_of_fixed_length_begins_with_no_other(region, kind):
    number = phonenumbers.example_number_for_type(region, kind)

    assert beginnings(phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]) == ()


@pytest.mark.parametrize("digits", [LONDON, "4915123456789", "81312345678", "", "4", "0" * 15, "9" * 15])
def test_what_has_one_length_or_is_no_number_begins_with_no_other(digits):
    assert beginnings(digits) == ()


# What the numbering plans set apart, and libphonenumber takes for ordinary or for unassigned.
SET_APART = {
    "US": {
        Reason.NOT_A_NUMBER: [
            *("+1 700 555 0123", "+1 710 555 0123", "+1 456 555 0123", "+1 600 234 5678", "+1 211 234 5678"),
            *("+1 911 234 5678", "+1 950 234 5678", "+1 299 234 5678", "+1 370 234 5678", "+1 960 234 5678"),
            *("+1 212 411 1234", "+1 212 911 1234", "+1 212 950 1234"),
        ],
        Reason.PREMIUM: ["+1 900 234 5678", "+1 976 234 5678", "+1 212 976 1234"],
        Reason.SHARED_COST: ["+1 212 555 1212"],
        Reason.PERSONAL: ["+1 500 234 5678", "+1 533 234 5678", "+1 622 234 5678"],
    },
    "CA": {Reason.NOT_A_NUMBER: ["+1 600 234 5678"], Reason.SHARED_COST: ["+1 416 555 1212"]},
    "DE": {
        Reason.EMERGENCY_OR_SHORT: [
            *("+49 11880", "+49 11833", "+49 118 80 123", "+49 116 117", "+49 30 110", "+49 30 112"),
            *("+49 30 19222", "+49 40 19222"),
        ],
        Reason.NOT_A_NUMBER: [
            *("+49 190 123456", "+49 191 123456", "+49 192 123456", "+49 194 123456", "+49 181 1234567"),
            *("+49 188 123456", "+49 12 123456", "+49 10 123456", "+49 31 123456"),
        ],
        Reason.SHARED_COST: ["+49 180 5123456", "+49 1805 123456"],
        Reason.PREMIUM: ["+49 900 1234567", "+49 900 3123456", "+49 137 7123456"],
    },
    "AU": {
        Reason.SATELLITE: ["+61 147 123 456", "+61 147 101 234", "+61 145 123 456", "+61 141 123 456"],
        Reason.PREMIUM: ["+61 190 123 4567", "+61 191 123 456", "+61 199 123 456"],
    },
    "RU": {
        Reason.OTHER_REGION: [
            *("+7 840 222 3344", "+7 940 712 3456", "8 840 222 3344", "+7 850 212 3456"),
            *("+7 700 123 4567", "+7 701 123 4567"),
        ],
        Reason.PREMIUM: ["+7 809 123 4567", "+7 803 123 4567"],
    },
    "TR": {
        Reason.OTHER_REGION: ["+90 392 223 4567", "+90 533 851 2345", "+90 542 861 2345", "+90 548 835 2345"],
        Reason.EMERGENCY_OR_SHORT: ["+90 118 123 4567"],
    },
    "GB": {
        Reason.EMERGENCY_OR_SHORT: ["118 118"],
        Reason.PAGER: ["+44 76 1234 5678"],
        Reason.TOLL_FREE: ["+44 500 123456"],
        Reason.PREMIUM: ["0844 123 4567", "0871 123 4567", "0911 123 4567"],
        Reason.PERSONAL: ["070 1234 5678"],
    },
    "FR": {Reason.PREMIUM: ["0890 123 456", "0892 123 456", "0899 123 456"]},
    "IT": {
        Reason.PREMIUM: ["892 424", "899 123 456", "895 123 456"],
        Reason.SHARED_COST: ["199 123 456", "848 123 456"],
        Reason.NOT_A_NUMBER: ["+39 700 123 456", "+39 702 123 456"],
        Reason.EMERGENCY_OR_SHORT: ["+39 48 12345"],
    },
    "ES": {
        Reason.PREMIUM: ["803 123 456", "806 123 456", "807 123 456"],
        Reason.SHARED_COST: ["905 123 456", "901 123 456"],
        Reason.EMERGENCY_OR_SHORT: ["+34 118 881 234"],
    },
    "JP": {
        Reason.PREMIUM: ["0990 123 456"],
        Reason.SHARED_COST: ["0570 123 456", "+81 180 991 234"],
        Reason.NOT_A_NUMBER: ["+81 170 123 456"],
    },
    "KR": {Reason.PREMIUM: ["060 700 1234"]},
    "CN": {
        Reason.PREMIUM: ["+86 10 1681 2345"],
        Reason.SATELLITE: ["+86 1740 123 4567", "+86 1349 123 4567"],
    },
    "BR": {Reason.PREMIUM: ["0900 123 456"], Reason.SHARED_COST: ["0300 123 4567", "4004 1234"]},
    "PL": {Reason.PREMIUM: ["700 123 456", "701 123 456", "704 123 456", "708 123 456"]},
    "NL": {
        Reason.PERSONAL: ["084 123 4567", "087 123 4567"],
        Reason.NOT_A_NUMBER: ["+31 67 612 3456"],
        Reason.PREMIUM: ["0900 123 4567", "0909 1234"],
    },
    "AT": {
        Reason.EMERGENCY_OR_SHORT: ["+43 118 11", "+43 118 12345"],
        Reason.NOT_A_NUMBER: ["+43 718 123456", "+43 710 123456", "+43 730 123456"],
        Reason.PREMIUM: ["0900 123456", "0930 123456"],
    },
    "FI": {
        Reason.SHARED_COST: ["0100 1234", "0200 12345", "0202 12345", "0300 12345", "0606 1234"],
        Reason.PREMIUM: ["0600 12345", "0700 12345"],
        Reason.EMERGENCY_OR_SHORT: ["+358 118 123", "+358 116 117"],
    },
    "PT": {Reason.SHARED_COST: ["707 123 456", "708 123 456"], Reason.PREMIUM: ["760 123 456"]},
    "CL": {Reason.SHARED_COST: ["+56 700 123 456"]},
    "IN": {Reason.NOT_A_NUMBER: ["+91 140 123 4567", "+91 1600 123456"]},
    "ID": {Reason.SATELLITE: ["+62 868 1234 567"], Reason.PREMIUM: ["0809 123 4567"]},
    "UA": {Reason.SHARED_COST: ["+380 703 123 456"], Reason.PREMIUM: ["+380 900 212 345"]},
    "LU": {Reason.EMERGENCY_OR_SHORT: ["+352 11817", "+352 118 17"]},
    "RO": {Reason.EMERGENCY_OR_SHORT: ["+40 118 123456"]},
}


@pytest.mark.parametrize(
    ("region", "reason", "typed"),
    [
        (region, reason, typed)
        for region, kinds in SET_APART.items()
        for reason, numbers in kinds.items()
        for typed in numbers
    ],
)
def test_what_a_numbering_plan_sets_apart_is_refused_for_what_it_is(region, reason, typed):
    with pytest.raises(PhoneError) as refused:
        read(typed, region, {region})

    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("region", "typed"),
    [
        *[("US", typed) for typed in ("+1 201 555 0123", "+1 212 555 2000", "+1 717 234 5678")],
        *[("DE", typed) for typed in ("+49 30 901820", "+49 1512 3456789", "+49 201 12345")],
        *[("RU", typed) for typed in ("+7 495 123 4567", "+7 929 123 4567", "+7 841 212 3456")],
        *[("GB", typed) for typed in ("+44 118 950 1234", "+44 7400 123456")],
        *[("IM", typed) for typed in ("+44 7624 123456", "+44 7624 456789")],
        *[("CN", typed) for typed in ("+86 10 10086", "+86 10 6552 9988")],
        *[("IT", typed) for typed in ("+39 06 12345678", "+39 431 234 5678")],
        *[("FI", typed) for typed in ("+358 20 7123456", "+358 10 1234567")],
        *[("AU", typed) for typed in ("+61 412 345 678", "+61 2 9374 4000")],
        *[("AT", typed) for typed in ("+43 732 123456", "+43 720 123456")],
    ],
)
def test_what_is_near_it_is_rung(region, typed):
    assert read(typed, region, {region}).assigned


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("33612345678", "IT"),
        ("447400123456", "IT"),
        ("41781234567", "IT"),
        ("(11) 96123-4567", "DE"),
        ("8123456789", "GR"),
        ("81234567", "NO"),
        # Grouped as nobody there would: Japanese and Indian mobiles, and what else is torn where their area ends.
        ("090-1234-5678", "GB"),
        ("(090) 1234 5678", "GB"),
        ("098 765 4321 0", "GB"),
        ("098765 43210", "GB"),
        ("012 021 1234", "JP"),
        ("0664 123456", "NL"),  # a mobile in Austria, a pager in the Netherlands
        # Longer than any short number, and without an area code before it.
        ("11 234 5678", "DE"),
        ("11 234 5678", "AT"),
        ("43 01 23", "US"),
        ("430123", "US"),
    ],
)
def test_a_number_that_may_be_of_another_country_is_not_accused(typed: str, region: str) -> None:
    with pytest.raises(PhoneError) as refused:
        read(typed, region, [region])

    assert refused.value.reason in (Reason.UNKNOWN_RANGE, Reason.TOO_LONG, Reason.TOO_SHORT)


@pytest.mark.parametrize(
    ("typed", "region", "reason"),
    [
        ("0905 123 4567", "GB", Reason.PREMIUM),
        ("09051234567", "GB", Reason.PREMIUM),
        ("+44 905 123 4567", "IT", Reason.PREMIUM),
        ("900 555 0123", "US", Reason.PREMIUM),
        ("9005550123", "US", Reason.PREMIUM),
        ("0900 1234567", "DE", Reason.PREMIUM),
        ("0800 123 4567", "GB", Reason.TOLL_FREE),
        ("800 123 456", "ES", Reason.TOLL_FREE),
        ("112", "DE", Reason.EMERGENCY_OR_SHORT),
        ("411", "US", Reason.EMERGENCY_OR_SHORT),
        ("030 19222", "DE", Reason.EMERGENCY_OR_SHORT),
        ("066 1234567", "NL", Reason.PAGER),
        ("15 2345 6789", "AR", Reason.LOCAL_ONLY),  # a mobile of Buenos Aires, dialled there
    ],
)
def test_a_number_that_is_written_as_its_country_does_is_told_what_it_is(typed, region, reason) -> None:
    with pytest.raises(PhoneError) as refused:
        read(typed, region, [region])

    assert refused.value.reason is reason
