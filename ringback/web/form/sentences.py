"""Every sentence that a form answers with, and what is filled into it.

Errors are written in the manner of the GOV.UK Design System
(https://design-system.service.gov.uk/components/error-message/): they say what to do, in the words of
the label, and never please, sorry, valid or invalid.
"""

from collections.abc import Iterable, Mapping
from functools import reduce

import phonenumbers

from ringback import phone
from ringback.i18n import languages
from ringback.i18n.languages import N_, Language, left_to_right, ngettext
from ringback.i18n.languages import gettext as _
from ringback.phone import PhoneNumber, Reason
from ringback.web.form.token import TokenFault

EMPTY = {
    "name": N_("Enter your full name"),
    "email": N_("Enter your email address"),
    "company": N_("Enter your company"),
    "message": N_("Enter a message"),
}
REFUSALS: Mapping[Reason, str] = {
    Reason.EMPTY: N_("Enter your phone number"),
    Reason.NOT_A_NUMBER: N_("Enter a phone number, like %(national)s or %(international)s"),
    Reason.TOO_SHORT: N_("Phone number is too short. Check that it has the area code"),
    Reason.TOO_LONG: N_("Phone number has too many digits"),
    Reason.LOCAL_ONLY: N_("Enter your phone number with its area code"),
    Reason.EXTENSION: N_("Enter a phone number that we can call without an extension"),
    Reason.OTHER_REGION: N_("We can only call numbers in these countries: %(regions)s. Enter another number"),
    Reason.UNKNOWN_RANGE: N_("Check the country and the area code of your phone number"),
    Reason.PREMIUM: N_("We cannot call premium-rate numbers. Enter another number"),
    Reason.SHARED_COST: N_("We cannot call numbers that charge the caller extra. Enter another number"),
    Reason.TOLL_FREE: N_("We cannot call freephone numbers. Enter another number"),
    Reason.PERSONAL: N_("We cannot call personal numbers that forward calls. Enter another number"),
    Reason.PAGER: N_("We cannot call pagers. Enter another number"),
    Reason.VOICEMAIL: N_("We cannot call voicemail numbers. Enter another number"),
    Reason.SATELLITE: N_("We cannot call satellite and international-network numbers. Enter another number"),
    Reason.EMERGENCY_OR_SHORT: N_("We cannot call short or emergency numbers. Enter another number"),
}
WHICH_COUNTRY = N_("Select the country of your phone number, or start the number with + and the country code")
NOT_IN_USE = N_(
    "Check your phone number. As far as we know, %(number)s is not in use. "
    "If it is right, ask the team that calls you to block it"
)
NO_EMAIL_ADDRESS = N_("Enter an email address in the correct format, like name@example.com")
CHECK_NUMBER = N_("Check your phone number. If %(typed)s is right, select %(button)s again")
CHECK_COUNTRY = N_("Check the country of your phone number")
NUMBERS_CHANGED = N_(
    "Phone numbers in %(country)s have changed. Yours is now %(number)s. Select it, or enter another number"
)
NOTICES: Mapping[TokenFault, str] = {
    TokenFault.OLD: N_("This page was open for a long time. Check your answers and send again."),
    TokenFault.MISSING: N_("We could not tell where this form came from. Check your answers and send again."),
    TokenFault.FORGED: N_("We could not tell where this form came from. Check your answers and send again."),
    TokenFault.OTHER_WIDGET: N_("We could not tell where this form came from. Check your answers and send again."),
    TokenFault.OTHER_WORDS: N_("What this form says has changed. Read it again, then send."),
}
CHOOSE_TIME = N_("Select a time for the call")
TIME_GONE = N_("That time has just gone. Select another time")
NO_TIMES = N_("There are no times left to choose. Ask us to call as soon as we can")
PAUSED = N_("%(company)s is not taking call requests right now.")
PAUSED_KEPT = N_("Your answers are still here. Send them again later.")
ALREADY_SENT = N_("You already sent this form. Send again to make another request.")
TOO_QUICK = N_("That was very quick. Check your answers and send again.")
FROM_ELSEWHERE = N_("This form was sent from another web site. Check your answers and send it again from here.")
NOT_STORED = N_("We could not store your request. Your answers are still here. Try again in a moment.")


class Sentence(str):
    """What a visitor reads, with a code beside it for programs, which never changes."""

    __slots__ = ("code",)
    code: str


def coded(code: str, text: str) -> Sentence:
    """A sentence with its code."""
    sentence = Sentence(text)
    sentence.code = code
    return sentence


def refusal(reason: Reason, region: str, regions: tuple[str, ...]) -> Sentence:
    """The sentence for a number that is refused."""
    names = [region_name(code, languages.current()) for code in regions]
    text = _(
        REFUSALS[reason],
        national=left_to_right(phone.example(region)),
        international=left_to_right(phone.international_example(region)),
        regions=reduce(languages.current().locale.list_patterns["standard"]["middle"].format, names),
    )
    return coded(reason.value, text)


def shown(number: PhoneNumber) -> str:
    """`+44 7700 900982 (United Kingdom)`."""
    return f"{left_to_right(number.international)} ({region_name(number.region, languages.current())})"


def changed(today: PhoneNumber) -> Sentence:
    """The sentence for a number of a plan that has changed."""
    country = region_name(today.region, languages.current())
    return coded("numbers_changed", _(NUMBERS_CHANGED, country=country, number=left_to_right(today.international)))


def check_country() -> Sentence:
    """The sentence above readings of a number in other countries."""
    return coded("check_country", _(CHECK_COUNTRY))


def token_fault(fault: TokenFault) -> Sentence:
    """The sentence for a token that is not accepted."""
    return coded(f"token_{fault.value.replace(' ', '_')}", _(NOTICES[fault]))


def region_name(code: str, language: Language) -> str:
    """`GB` as people say it."""
    return str(language.locale.territories.get(code, code))


def region_choices(codes: Iterable[str]) -> list[tuple[str, str]]:
    """The regions to select from: `GB` and `United Kingdom (+44)`."""
    return [(code, f"{region_name(code, languages.current())} ({_country_code(code)})") for code in codes]


def _country_code(region: str) -> str:
    return left_to_right(f"+{phonenumbers.country_code_for_region(region)}")


def too_long(label: str, length: int) -> Sentence:
    """The sentence for an answer of more than `length` characters."""
    text = ngettext(
        "%(label)s must be one character or less",
        "%(label)s must be %(num)s characters or less",
        length,
        label=label,
    )
    return coded("too_long", text)


def too_many(seconds: int) -> str:
    """What is said after too many posts; `seconds` until another is accepted."""
    return ngettext(
        "Too many requests from your network. Your answers are still here. Try again in a minute.",
        "Too many requests from your network. Your answers are still here. Try again in %(num)s minutes.",
        max(1, -(-seconds // 60)),
    )
