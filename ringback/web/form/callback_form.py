"""The form of a widget: its fields, and what was asked for and agreed to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    HiddenField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)

from ringback import phone
from ringback.config.widget import FIELDS, Widget
from ringback.i18n import languages
from ringback.i18n.languages import N_
from ringback.i18n.languages import gettext as _
from ringback.opening_hours import Interval
from ringback.outbox import consent
from ringback.outbox.consent import Consent, Purpose
from ringback.outbox.request import Answers
from ringback.phone import PhoneNumber
from ringback.web.form import sanitise, sentences
from ringback.web.form.fields import (
    ATTRIBUTE_LENGTH,
    LENGTHS,
    PAGE_TITLE,
    NumberForm,
    TimeForm,
    at_most,
    filled,
    like_an_address,
)
from ringback.web.form.token import FormToken, TokenCSRF, TokenFault, Tokens


class CallbackForm(TimeForm, NumberForm):
    """The form of one widget, with the fields it shows."""

    class Meta(FlaskForm.Meta):
        """Our token in place of the one that needs a cookie."""

        csrf_class = TokenCSRF

    _csrf: TokenCSRF | None = None  # set by WTForms where protection is on

    name = StringField(N_("Full name"), [at_most(LENGTHS["name"])], filters=[sanitise.line])
    country = SelectField(N_("Country"), validate_choice=False)
    phone = TelField(
        N_("Phone number"),
        description=N_("Only for this call. Include the country code if it is from abroad."),
        filters=[sanitise.line],
    )
    email = EmailField(
        N_("Email address"), [at_most(LENGTHS["email"]), like_an_address], filters=[sanitise.address]
    )
    company = StringField(N_("Company"), [at_most(LENGTHS["company"])], filters=[sanitise.line])
    message = TextAreaField(N_("Message"), [at_most(LENGTHS["message"])], filters=[sanitise.text])
    consent = BooleanField()
    marketing = BooleanField()
    # A trap for bots: not visible, not in the tab order, with a name that no autofill knows. What is in it was not
    # typed by a person.
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
        shown: str | None = None,
        has_token: bool = True,
    ) -> None:
        """`sent`: what was posted, None on a GET. `given`: what the host page says. `offered`: times to choose.

        `own` is our own public address: a page there is never recorded as the page a request came from. `shown`
        marks the sentences that its token is for, if not those of this page. Without `has_token` it needs none.
        """
        start = {"page": given.get("page", ""), "country": widget.region}
        self.language = languages.current().tag
        shown = shown or consent.shown(widget, self.language)
        meta = {"csrf_context": (tokens, widget.key, shown)} | ({} if has_token else {"csrf": False})
        super().__init__(formdata=sent, meta=meta, data=start)
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
            # A tick agreed to the words beside it: other words have to be ticked anew.
            for name in ("consent", "marketing"):
                if name in self:
                    self[name].data = False

    @property
    def hidden_attributes(self) -> dict[str, str]:
        """What the host page said; and an empty field for its title, which the embed script sends later."""
        title = {PAGE_TITLE: ""} if PAGE_TITLE in self.widget.attributes else {}
        return title | self.attribute_values

    def _keep_what_is_shown(self) -> None:
        for name in FIELDS:
            if name not in self.widget.fields:
                del self[name]
            elif name in self.widget.required:
                self[name].validators = [filled(sentences.EMPTY[name]), *self[name].validators]
        if len(self.widget.called_regions) > 1:
            self.country.choices = sentences.region_choices(self.widget.called_regions)
        else:
            del self.country
        if self.widget.consent == "request":
            del self.consent
        else:
            self.consent.label.text = consent.call_sentence(self.widget, self.language)
            self.consent.validators = [filled(N_("Select the box if you agree to be called"), "not_agreed")]
        if sentence := consent.marketing_sentence(self.widget, self.language):
            self.marketing.label.text = sentence
        else:
            del self.marketing

    @property
    def token(self) -> FormToken | None:
        """The token that came with the form, if it could be read."""
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
        """The optional fields behind "add …", shown at once when one is filled in."""
        extra = [name for name in FIELDS if name != "name" and name not in self.widget.required]
        return [field for field in self if field.short_name in extra]

    def errors_in_order(self) -> list[tuple[Field, sentences.Sentence]]:
        """Each field with its first error, in the order of the page."""
        shown = [*self.main_fields(), self.slot, *self.extra_fields()]
        shown += [self.consent] if "consent" in self else []
        return [(field, field.errors[0]) for field in shown if field.errors]

    def validate_phone(self, field: Field) -> None:
        """Read the number in the chosen country, or the widget's."""
        regions = self.widget.called_regions
        chosen = self.country.data if "country" in self else None
        region = chosen if chosen in regions else self.widget.region
        number = self.read_number(field, region, regions)
        if number.assigned and region == self.widget.region:
            number = self._read_elsewhere(number, field.data or "", region)
        self.number = number

    def _read_elsewhere(self, number: PhoneNumber, typed: str, region: str) -> PhoneNumber:
        """The number, or the reading in another country that was selected.

        The country that was selected from the start is nobody's choice: where a number is written as people in
        another country write theirs, rather than as people there do, the visitor is asked which is meant.
        """
        regions = self.widget.called_regions
        found = phone.rather_elsewhere(typed, region, regions)
        if not found and not phone.is_written_as_in(typed, region):
            # An old number with its country code: Colombia's "57 1 234 5678", which is one of Virginia's as well.
            today = (phone.written_today(typed, other, regions) for other in regions if other != region)
            begins = phone.only_digits(typed)[:2]
            found = [number for number in today if number and number.digits.startswith(begins)]
        others = [other for other in found if other.digits != number.digits]
        if not others or number.digits == self.reading.data:
            return number
        return self.select_reading(others) or replace(number, is_guess=True)

    def ask_to_check(self, button: str) -> None:
        """Show the number once as it was read: it may not be in use, or another may be meant.

        Where it is not in use and one in another country is, that one comes first.
        """
        number = self.number
        if number is None:
            return
        if number.assigned or not self.offered_numbers:
            text = _(sentences.CHECK_NUMBER, typed=sentences.shown(number), button=button)
            question = sentences.coded("check_number", text)
        else:
            is_today = phone.written_today(self.phone.data or "", number.region, self.widget.called_regions)
            is_alone = len(self.offered_numbers) == 1
            question = sentences.changed(is_today) if is_today and is_alone else sentences.check_country()
            self.offered_numbers = [*self.offered_numbers, number]
        self.phone.errors = [*self.phone.errors, question]
        self.checked.data = number.digits

    def was_checked(self) -> bool:
        """Whether the visitor has been shown this number already, and selected it where it has to be."""
        shown = [self.reading.data] if self.has_to_select else [self.checked.data, self.reading.data]
        return self.number is not None and self.number.digits in shown

    @property
    def agrees_to_marketing(self) -> bool:
        """Whether the second box was ticked."""
        return "marketing" in self and bool(self.marketing.data)

    @property
    def is_suspect(self) -> bool:
        """Whether a bot seems to have filled it in."""
        return bool(self.confirm_again.data)

    def agreed(self, form_version: str, own_address: str) -> list[Consent]:
        """The sentences shown, and whether each was agreed to. The token proves that it was these words."""
        page = self.page.data or own_address
        sentence = consent.call_sentence(self.widget, self.language)
        asked = [Consent(Purpose.CALL, True, sentence, self.language, form_version, page)]
        if "marketing" in self:
            granted, sentence = self.agrees_to_marketing, self.marketing.label.text
            asked.append(Consent(Purpose.MARKETING, granted, sentence, self.language, form_version, page))
        return asked

    def answers(self) -> Answers:
        """What was asked for. Raises ValueError unless `validate` has returned True."""
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
