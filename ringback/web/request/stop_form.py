"""The form of the person who did not ask to be called."""

from collections.abc import Collection

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, HiddenField, SelectField, TelField
from wtforms.validators import StopValidation

from ringback import phone
from ringback.config.widget import Widget
from ringback.i18n import languages
from ringback.i18n.languages import N_, left_to_right
from ringback.i18n.languages import gettext as _
from ringback.web.form import sanitise, sentences
from ringback.web.form.fields import NumberForm
from ringback.web.form.token import TokenCSRF, TokenFault, Tokens


class StopForm(NumberForm):
    """A number and, where it is needed, its country.

    Sent twice: calls are stopped once the person has seen the number in full, as it was read. National spellings
    of different countries look alike, and a stop for somebody else's number would block theirs and help nobody.
    """

    class Meta(FlaskForm.Meta):
        """Our token in place of the one that needs a cookie."""

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
        """Calls to any number that one of the widgets may call can be stopped."""
        super().__init__(formdata=sent, meta={"csrf_context": (tokens, "stop", "")})
        self._regions = tuple(dict.fromkeys(region for widget in widgets for region in widget.called_regions))
        if len(self._regions) > 1:
            # None is preselected: it would be taken for the visitor's choice.
            self.country.choices = [("", _("Select the country")), *sentences.region_choices(self._regions)]
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
        """Ask for the country where the number does not have its code."""
        if self.phone.data and not (self._chosen() or phone.names_its_country(self.phone.data)):
            raise StopValidation(_(sentences.WHICH_COUNTRY))

    def validate_phone(self, field: Field) -> None:
        """Read the number as the widgets do, but refuse one in no known range: it was most likely misread."""
        if field.data and "country" in self and self.country.errors:
            return  # it cannot be read without the country
        number = self.read_number(field, self._chosen(), self._regions)
        if not number.assigned:
            raise StopValidation(_(sentences.NOT_IN_USE, number=left_to_right(number.international)))
        self.number = number

    def _chosen(self) -> str | None:
        """The country of a number without a code; None where several are called and none was selected."""
        if "country" not in self:
            return self._regions[0]
        return self.country.data if self.country.data in self._regions else None

    @property
    def read_as(self) -> dict[str, str]:
        """The number in full, and its country. Raises ValueError unless `validate` has returned True."""
        if self.number is None:
            raise ValueError("the form was not validated")
        country = sentences.region_name(self.number.region, languages.current())
        return {"digits": self.number.digits, "number": self.number.international, "country": country}

    @property
    def was_confirmed(self) -> bool:
        """Whether the visitor has seen the number in full, as it is read now."""
        return self.number is not None and self.confirmed.data == self.number.digits
