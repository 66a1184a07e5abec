"""What a visitor types, how it is read, and every sentence we answer with.

Errors are written in the manner of the GOV.UK Design System
(https://design-system.service.gov.uk/components/error-message/): they say what to do, in the words of
the label, and never please, sorry, valid or invalid.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, reduce
from typing import Any
from zoneinfo import available_timezones

import phonenumbers
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.validators import StopValidation

from ringback import phone
from ringback.config.widget import Widget
from ringback.i18n import languages
from ringback.i18n.languages import N_, Language, left_to_right, ngettext
from ringback.i18n.languages import gettext as _
from ringback.opening_hours import Interval
from ringback.outbox import consent
from ringback.outbox.consent import Consent, Purpose
from ringback.outbox.request import Answers
from ringback.phone import PhoneNumber, Reason
from ringback.web.form import sanitise
from ringback.web.form.token import FormToken, TokenCSRF, TokenFault, Tokens

ASAP, SLOT = "asap", "slot"
SLOT_FORMAT = "%Y-%m-%dT%H:%MZ"
ATTRIBUTE_LENGTH = 200
LENGTHS = {"name": 120, "email": 254, "company": 120, "message": 1000}
# Of a field of ours, which holds a time, a zone, a country or a tick.
_OWN_LENGTH = 100
_READ = {
    **{name: sanitise.SPELLED_IN * length for name, length in LENGTHS.items()},
    "phone": sanitise.SPELLED_IN * phone.LONGEST_TYPED,
    "page": sanitise.SPELLED_IN * sanitise.PAGE_LENGTH,
    "csrf_token": 2_000,
}
# The attribute that the embed script fills by itself, where a widget allows it.
PAGE_TITLE = "page_title"

REFUSALS: Mapping[Reason, str] = {
    Reason.EMPTY: N_("Enter your phone number"),
    Reason.NOT_A_NUMBER: N_("Enter a phone number, like %(national)s or %(international)s"),
    Reason.TOO_SHORT: N_("Phone number is too short. Check that it has the area code"),
    Reason.TOO_LONG: N_("Phone number has too many digits"),
    Reason.LOCAL_ONLY: N_("Enter your phone number with its area code"),
    Reason.EXTENSION: N_("Enter a phone number that we can call without an extension"),
    Reason.OTHER_REGION: N_("We can only call numbers in these countries: %(regions)s. Enter another number"),
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
CHECK_NUMBER = N_("Check your phone number. If %(typed)s is right, select %(button)s again")
CHECK_COUNTRY = N_("Check the country of your phone number")

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


def known_zone(name: str | None) -> str:
    """An IANA time zone that is known here, else nothing."""
    return name if name and name in _zones() else ""


@cache
def _zones() -> set[str]:
    return available_timezones()  # reads hundreds of files, which takes some 25 ms


def _filled(sentence: str) -> Callable[[Any, Field], None]:
    def check(form: Any, field: Field) -> None:
        if not field.data:
            raise StopValidation(_(sentence))

    return check


def _bounded(sent: MultiDict[str, str]) -> MultiDict[str, str]:
    """Of each field the first value, and no more of it than shows that it is too long."""
    return MultiDict({name: value[: _READ.get(name, _OWN_LENGTH) + 1] for name, value in sent.items()})


def _was_cut(field: Field) -> bool:
    return any(len(said) > _READ.get(field.short_name, _OWN_LENGTH) for said in field.raw_data or ())


def _at_most(length: int) -> Callable[[Any, Field], None]:
    def check(form: Any, field: Field) -> None:
        if len(field.data or "") > length or _was_cut(field):
            raise StopValidation(
                ngettext(
                    "%(label)s must be one character or less",
                    "%(label)s must be %(num)s characters or less",
                    length,
                    label=field.label.text,
                )
            )

    return check


def _like_an_address(form: Any, field: Field) -> None:
    # Only what cannot be an address is refused: nothing is sent there, an agent reads it.
    if field.data and not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", field.data):
        raise StopValidation(_("Enter an email address in the correct format, like name@example.com"))


_EMPTY = {
    "name": N_("Enter your full name"),
    "email": N_("Enter your email address"),
    "company": N_("Enter your company"),
    "message": N_("Enter a message"),
}


class SpokenForm(FlaskForm):
    """A form with its labels and hints in the language of the answer; in English they stand with its fields.

    Of what was sent it reads no more than `_READ` says, of any field.
    """

    def __init__(self, formdata: MultiDict[str, str] | None, **kwargs: Any) -> None:
        super().__init__(formdata=None if formdata is None else _bounded(formdata), **kwargs)
        for field in self:
            field.label.text = _(field.label.text) if field.label.text else ""
            field.description = _(field.description) if field.description else ""


class TimeForm(SpokenForm):
    """When to call: as soon as possible, or one of the times that are `offered`."""

    when = RadioField(N_("When should we call?"), default=ASAP, choices=[], validate_choice=False)
    slot = SelectField(N_("Time"), choices=[], validate_choice=False)
    # Where the visitor is, by the browser's word; only ever shown to the agent.
    zone = HiddenField(filters=[known_zone])

    widget: Widget
    offered: Sequence[Interval] = ()
    chosen: Interval | None = None

    def validate_slot(self, field: Field) -> None:
        """Read the chosen time. Whether it is left is asked later: the same form sent again had it already."""
        if self.when.data != SLOT:
            return
        if self.widget.hours is None:
            raise StopValidation(_(NO_TIMES))
        try:
            start = datetime.strptime(field.data or "", SLOT_FORMAT).replace(tzinfo=UTC)
            end = start + timedelta(minutes=self.widget.hours.slot_minutes)
        except (ValueError, OverflowError):
            raise StopValidation(_(CHOOSE_TIME if self.offered else NO_TIMES)) from None
        self.chosen = Interval(start, end)

    @property
    def is_time_gone(self) -> bool:
        """Whether a time was chosen that is not left."""
        return self.chosen is not None and self.chosen not in self.offered

    def refuse_time(self) -> None:
        """Say that it is gone: too late, or somebody else was a moment quicker."""
        self.offered = [slot for slot in self.offered if slot != self.chosen]
        self.slot.errors = [*self.slot.errors, _(TIME_GONE if self.offered else NO_TIMES)]
        self.slot.data = None
        if not self.offered:
            self.when.data = ASAP  # the one choice that is left, and shown as chosen


class NumberForm(SpokenForm):
    """A form with a number, which may be one of another country than the one that was chosen."""

    country: SelectField  # there where several are called, and only there can a reading be of another one
    reading = HiddenField(filters=[sanitise.line])  # the digits of the one that was selected of those offered

    number: PhoneNumber | None = None
    offered_numbers: Sequence[PhoneNumber] = ()

    def read_number(self, field: Field, region: str | None, regions: tuple[str, ...]) -> PhoneNumber:
        """The number as it was typed; else as one of the readings in other countries, if it was selected.

        Where it is no number in the chosen country, or one that nobody may have, those readings are offered.
        """
        try:
            number: PhoneNumber | StopValidation = _read_number(field, region, regions)
        except StopValidation as error:
            number = error
        if isinstance(number, PhoneNumber) and number.assigned:
            return number
        offered = [] if _was_cut(field) else phone.readings(field.data or "", regions)
        for reading in offered:
            if reading.digits == self.reading.data:
                self.country.data = reading.region
                return reading
        self.offered_numbers = offered
        if isinstance(number, StopValidation):
            raise StopValidation(_(CHECK_COUNTRY)) if offered else number
        return number

    def readings(self) -> list[tuple[str, str]]:
        """What may have been meant: the digits of each number, and how it is shown."""
        return [(number.digits, shown(number)) for number in self.offered_numbers]


class CallbackForm(TimeForm, NumberForm):
    """The form of one widget, with the fields it shows."""

    class Meta(FlaskForm.Meta):
        """Our token in place of the one that needs a cookie."""

        csrf_class = TokenCSRF

    _csrf: TokenCSRF | None = None  # set by WTForms where protection is on

    name = StringField(N_("Full name"), [_at_most(LENGTHS["name"])], filters=[sanitise.line])
    country = SelectField(N_("Country"), validate_choice=False)
    phone = TelField(
        N_("Phone number"),
        description=N_("Only for this call. Include the country code if it is from abroad."),
        filters=[sanitise.line],
    )
    email = EmailField(
        N_("Email address"), [_at_most(LENGTHS["email"]), _like_an_address], filters=[sanitise.line]
    )
    company = StringField(N_("Company"), [_at_most(LENGTHS["company"])], filters=[sanitise.line])
    message = TextAreaField(N_("Message"), [_at_most(LENGTHS["message"])], filters=[sanitise.text])
    consent = BooleanField()
    marketing = BooleanField()
    # Seen by machines alone: it has no box on the page, no place in the order of the keyboard, and a name
    # that nothing offers to fill in. What is in it was not put there by a person.
    confirm_again = StringField(N_("Leave this empty"))
    checked = HiddenField(filters=[sanitise.line])
    page = HiddenField()

    def __init__(
        self,
        widget: Widget,
        tokens: Tokens,
        sent: MultiDict[str, str] | None,
        given: Mapping[str, str],
        offered: Sequence[Interval] = (),
        own: str = "",
    ) -> None:
        """`sent`: what was posted, None on a GET. `given`: what the host page says. `offered`: times to choose.

        `own` is the address that visitors use of us: no page there is one that asks.
        """
        start = {"page": given.get("page", ""), "country": widget.region}
        self.language = languages.current().tag
        shown = consent.shown(widget, self.language)
        super().__init__(formdata=sent, meta={"csrf_context": (tokens, widget.key, shown)}, data=start)
        self.widget = widget
        self.offered = offered
        self.page.data = sanitise.page(self.page.data, own)
        self.attribute_values = {
            name: value
            for name in widget.attributes
            if (value := sanitise.value(given.get(name), ATTRIBUTE_LENGTH))
        }
        self._keep_what_is_shown()
        if self._csrf and (self.token is None or self.token.shown != shown):
            # A tick was for the words that stood beside it: for others it has to be made anew.
            for name in ("consent", "marketing"):
                if name in self:
                    self[name].data = False

    @property
    def hidden_attributes(self) -> dict[str, str]:
        """What the page around the form has said; and an empty place for its title, which comes by message."""
        title = {PAGE_TITLE: ""} if PAGE_TITLE in self.widget.attributes else {}
        return title | self.attribute_values

    def _keep_what_is_shown(self) -> None:
        for name in ("name", "email", "company", "message"):
            if name not in self.widget.fields:
                del self[name]
            elif name in self.widget.required:
                self[name].validators = [_filled(_EMPTY[name]), *self[name].validators]
        if len(self.widget.called_regions) > 1:
            self.country.choices = [(code, _with_prefix(code)) for code in self.widget.called_regions]
        else:
            del self.country
        if self.widget.consent == "request":
            del self.consent
        else:
            self.consent.label.text = consent.call_sentence(self.widget, self.language)
            self.consent.validators = [_filled(N_("Select the box if you agree to be called"))]
        if sentence := consent.marketing_sentence(self.widget, self.language):
            self.marketing.label.text = sentence
        else:
            del self.marketing

    @property
    def token(self) -> FormToken | None:
        """The token that came with the form, if it can be read."""
        return self._csrf.token if self._csrf else None

    @property
    def token_fault(self) -> TokenFault | None:
        """What is wrong with the token; None too where Flask-WTF's protection is switched off."""
        return self._csrf.fault if self._csrf else None

    def main_fields(self) -> list[Field]:
        """What everybody sees, in order."""
        wanted = ["name", "country", "phone", *self.widget.required]
        return [field for field in self if field.short_name in wanted]

    def extra_fields(self) -> list[Field]:
        """What waits behind "add …": optional, and shown at once when it holds something."""
        extra = [name for name in ("email", "company", "message") if name not in self.widget.required]
        return [field for field in self if field.short_name in extra]

    def errors_in_order(self) -> list[tuple[Field, str]]:
        """Each field with its first error, in the order of the page."""
        shown = [*self.main_fields(), self.slot, *self.extra_fields()]
        shown += [self.consent] if "consent" in self else []
        return [(field, field.errors[0]) for field in shown if field.errors]

    def validate_phone(self, field: Field) -> None:
        """Read the number in the chosen country, or the widget's."""
        regions = self.widget.called_regions
        chosen = self.country.data if "country" in self else None
        self.number = self.read_number(field, chosen if chosen in regions else self.widget.region, regions)

    def ask_to_check(self, button: str) -> None:
        """Show the number as it was read once: possible, but in no range known to be in use."""
        typed = shown(self.number) if self.number else ""
        self.phone.errors = [*self.phone.errors, _(CHECK_NUMBER, typed=typed, button=button)]
        self.checked.data = self.number.digits if self.number else ""

    def was_checked(self) -> bool:
        """Whether the visitor has seen this number again already."""
        return self.number is not None and self.checked.data == self.number.digits

    @property
    def agrees_to_marketing(self) -> bool:
        """Whether the second box was ticked."""
        return "marketing" in self and bool(self.marketing.data)

    @property
    def is_suspect(self) -> bool:
        """Whether a machine filled it in, as far as that can be told."""
        return bool(self.confirm_again.data)

    def agreed(self, form_version: str, own_address: str) -> list[Consent]:
        """What was shown to be agreed to, and whether it was. The token has made sure that it was these words."""
        page = self.page.data or own_address
        sentence = consent.call_sentence(self.widget, self.language)
        asked = [Consent(Purpose.CALL, True, sentence, self.language, form_version, page)]
        if "marketing" in self:
            granted, sentence = self.agrees_to_marketing, self.marketing.label.text
            asked.append(Consent(Purpose.MARKETING, granted, sentence, self.language, form_version, page))
        return asked

    def answers(self) -> Answers:
        """What was asked for, once `validate` has found it good."""
        if self.number is None:
            raise ValueError("the form was not validated")
        typed: dict[str, Any] = {name: self[name].data or "" for name in self.widget.fields}
        return Answers(
            slot_starts_at=self.chosen.start if self.chosen else None,
            slot_ends_at=self.chosen.end if self.chosen else None,
            zone=self.zone.data or "",
            widget=self.widget.key,
            phone=self.number.digits,
            region=self.number.region,
            attributes=self.attribute_values,
            page=self.page.data or "",
            language=self.language,
            **typed,
        )


class StopForm(NumberForm):
    """The form of the person who did not ask to be called.

    Filled in twice: the number is stopped once the person has seen it in full, as it was read. National spellings
    of different countries are alike, and to stop somebody else's number would silence one and help nobody.
    """

    class Meta(FlaskForm.Meta):
        """As above."""

        csrf_class = TokenCSRF

    _csrf: TokenCSRF | None = None

    country = SelectField(
        N_("Country"),
        description=N_("Not needed if the number starts with + and the country code."),
        validate_choice=False,
    )
    phone = TelField(
        N_("Your phone number"),
        description=N_("Include the country code if it is from abroad."),
        filters=[sanitise.line],
    )
    confirmed = HiddenField(filters=[sanitise.line])  # the digits that were shown to be stopped

    def __init__(self, widgets: Collection[Widget], tokens: Tokens, sent: MultiDict[str, str] | None) -> None:
        """Any number that one of the widgets would call can be stopped."""
        super().__init__(formdata=sent, meta={"csrf_context": (tokens, "stop", "")})
        self._regions = tuple(dict.fromkeys(region for widget in widgets for region in widget.called_regions))
        if len(self._regions) > 1:
            # None stands there from the start: what nobody chose would be read for a choice.
            known = [(code, _with_prefix(code)) for code in self._regions]
            self.country.choices = [("", _("Select the country")), *known]
            self.phone.description = ""
        else:
            del self.country

    @property
    def token_fault(self) -> TokenFault | None:
        """What is wrong with the token; None too where Flask-WTF's protection is switched off."""
        return self._csrf.fault if self._csrf else None

    def errors_in_order(self) -> list[tuple[Field, str]]:
        """Each field with its first error, in the order of the page."""
        return [(field, field.errors[0]) for field in self if field.errors]

    def validate_country(self, field: Field) -> None:
        """Ask for it where the number does not say it."""
        if self.phone.data and not (self._chosen() or phone.names_its_country(self.phone.data)):
            raise StopValidation(_(WHICH_COUNTRY))

    def validate_phone(self, field: Field) -> None:
        """Read the number as the forms do, but for one that nobody may have: that was most likely misread."""
        if field.data and "country" in self and self.country.errors:
            return  # it cannot be read before that is mended
        number = self.read_number(field, self._chosen(), self._regions)
        if not number.assigned:
            raise StopValidation(_(NOT_IN_USE, number=left_to_right(number.international)))
        self.number = number

    def _chosen(self) -> str | None:
        """The country of a number that does not say its own; None where several are called and none was chosen."""
        if "country" not in self:
            return self._regions[0]
        return self.country.data if self.country.data in self._regions else None

    @property
    def read_as(self) -> dict[str, str]:
        """The number, once `validate` has found it good, in full and with the name of its country."""
        if self.number is None:
            raise ValueError("the form was not validated")
        country = region_name(self.number.region, languages.current())
        return {"digits": self.number.digits, "number": self.number.international, "country": country}

    @property
    def was_confirmed(self) -> bool:
        """Whether the number was seen in full, as it is read now."""
        return self.number is not None and self.confirmed.data == self.number.digits


def _read_number(field: Field, region: str | None, regions: tuple[str, ...]) -> PhoneNumber:
    try:
        number = phone.read(field.data or "", region, regions)
        if _was_cut(field):  # somebody else's, perhaps: who knows which digits came behind
            raise phone.PhoneError(Reason.TOO_LONG)
        return number
    except phone.PhoneError as error:
        raise StopValidation(refusal(error.reason, region or regions[0], regions)) from None


def refusal(reason: Reason, region: str, regions: tuple[str, ...]) -> str:
    """The sentence for a number that is refused."""
    names = [region_name(code, languages.current()) for code in regions]
    return _(
        REFUSALS[reason],
        national=left_to_right(phone.example(region)),
        international=left_to_right(phone.international_example(region)),
        regions=reduce(languages.current().locale.list_patterns["standard"]["middle"].format, names),
    )


def shown(number: PhoneNumber) -> str:
    """`+44 7700 900982 (United Kingdom)`."""
    return f"{left_to_right(number.international)} ({region_name(number.region, languages.current())})"


def region_name(code: str, language: Language) -> str:
    """`GB` as people say it."""
    return str(language.locale.territories.get(code, code))


def _with_prefix(code: str) -> str:
    """`United Kingdom (+44)`."""
    prefix = left_to_right(f"+{phonenumbers.country_code_for_region(code)}")
    return f"{region_name(code, languages.current())} ({prefix})"


def too_many(seconds: int) -> str:
    """What is said to whoever may try again only after so long."""
    return ngettext(
        "There have been many requests from your network. Your answers are still here. Try again in a minute.",
        "There have been many requests from your network. Your answers are still here. "
        "Try again in %(num)s minutes.",
        max(1, -(-seconds // 60)),
    )


def answers_hash(answers: Answers, agrees_to_marketing: bool, secret_key: str) -> str:
    """A keyed hash of the answers: enough to see that two are the same, and nothing else.

    The page's title is none of them: some count unread messages in it.
    """
    said = [
        answers.phone,
        answers.name,
        answers.email,
        answers.company,
        answers.message,
        agrees_to_marketing,
        answers.slot_starts_at.isoformat() if answers.slot_starts_at else ASAP,
        {name: value for name, value in answers.attributes.items() if name != PAGE_TITLE},
    ]
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hmac.new(secret_key.encode(), b"answers " + text.encode(), hashlib.sha256).hexdigest()
