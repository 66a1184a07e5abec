"""What a visitor types, how much of it is read, and what it is checked for; the parts our forms are made of."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, HiddenField, RadioField, SelectField
from wtforms.validators import StopValidation

from ringback import phone
from ringback.config.widget import Widget
from ringback.i18n.languages import N_
from ringback.i18n.languages import gettext as _
from ringback.i18n.local_time import tells_a_place
from ringback.opening_hours import Interval
from ringback.phone import PhoneNumber, Reason
from ringback.web.form import sanitise, sentences

ASAP, SLOT = "asap", "slot"
SLOT_FORMAT = "%Y-%m-%dT%H:%MZ"
ATTRIBUTE_LENGTH = 200
LENGTHS = {"name": 120, "email": 254, "company": 120, "message": 1000}
# Characters of any other field, which holds a time, a zone, a country or a tick.
_OWN_LENGTH = 100
# How many characters are read of a field.
_READ = {
    **{name: sanitise.SPELLED_IN * length for name, length in LENGTHS.items()},
    "phone": sanitise.SPELLED_IN * phone.LONGEST_TYPED,
    "page": sanitise.SPELLED_IN * sanitise.PAGE_LENGTH,
    "csrf_token": 2_000,
}
# The attribute that the embed script fills by itself, where a widget allows it.
PAGE_TITLE = "page_title"


def known_zone(name: str | None) -> str:
    """The name, if it is an IANA time zone that tells where somebody is, else an empty string."""
    return name if name and name in _zones() and tells_a_place(name) else ""


@cache
def _zones() -> set[str]:
    return available_timezones()  # reads hundreds of files, which takes some 25 ms


def filled(sentence: str, code: str = "empty") -> Callable[[Any, Field], None]:
    def check(form: Any, field: Field) -> None:
        if not field.data:
            raise StopValidation(sentences.coded(code, _(sentence)))

    return check


def _bounded(sent: MultiDict[str, str]) -> MultiDict[str, str]:
    """The first value of each field, cut to one character more than is read: enough to see that it is longer."""
    return MultiDict({name: value[: _READ.get(name, _OWN_LENGTH) + 1] for name, value in sent.items()})


def was_cut(field: Field) -> bool:
    return any(len(said) > _READ.get(field.short_name, _OWN_LENGTH) for said in field.raw_data or ())


def at_most(length: int) -> Callable[[Any, Field], None]:
    def check(form: Any, field: Field) -> None:
        if len(field.data or "") > length or was_cut(field):
            raise StopValidation(sentences.too_long(field.label.text, length))

    return check


def like_an_address(form: Any, field: Field) -> None:
    # Only what cannot be an address is refused: we send nothing there, an agent reads it.
    if field.data and not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", field.data):
        raise StopValidation(sentences.coded("not_an_email", _(sentences.NO_EMAIL_ADDRESS)))


class SpokenForm(FlaskForm):
    """A form with its labels and hints in the language of the answer; its fields have them in English.

    It reads no more of each field than `_READ` says.
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
    # Where the visitor is, as the browser says; whose clock they read, and what the agent is told.
    zone = HiddenField(filters=[known_zone])

    widget: Widget
    offered: Sequence[Interval] = ()
    chosen: Interval | None = None

    def validate_slot(self, field: Field) -> None:
        """Read the chosen time. Availability is checked later: a resubmission may already hold this slot."""
        if self.when.data != SLOT:
            return
        if self.widget.hours is None:
            raise StopValidation(self._no_times())
        try:
            start = datetime.strptime(field.data or "", SLOT_FORMAT).replace(tzinfo=UTC)
            end = start + timedelta(minutes=self.widget.hours.slot_minutes)
        except (ValueError, OverflowError):
            choose = sentences.coded("choose_time", _(sentences.CHOOSE_TIME))
            raise StopValidation(choose if self.offered else self._no_times()) from None
        self.chosen = Interval(start, end)

    @property
    def is_time_gone(self) -> bool:
        """Whether a time was chosen that is no longer available."""
        return self.chosen is not None and self.chosen not in self.offered

    def refuse_time(self) -> None:
        """Say that the chosen time is gone: it has passed, or somebody else took it a moment before."""
        self.offered = [slot for slot in self.offered if slot != self.chosen]
        gone = sentences.coded("time_gone", _(sentences.TIME_GONE))
        self.slot.errors = [*self.slot.errors, gone if self.offered else self._no_times()]
        self.slot.data = None
        if not self.offered:
            self.when.data = ASAP  # the only choice left, shown as chosen

    def _no_times(self) -> sentences.Sentence:
        return sentences.coded("no_times", _(sentences.NO_TIMES))


class NumberForm(SpokenForm):
    """A form with a phone number, which may be from another country than the one that was selected."""

    country: SelectField  # only where several countries are called
    reading = HiddenField(filters=[sanitise.line])  # the digits of the reading that was selected

    number: PhoneNumber | None = None
    offered_numbers: Sequence[PhoneNumber] = ()
    has_to_select = (
        False  # what was typed is most likely one of those, so that it is called only if it is selected
    )

    def read_number(self, field: Field, region: str | None, regions: tuple[str, ...]) -> PhoneNumber:
        """The number as it was typed; else its reading in another country, if the visitor selected that one.

        They are offered if it is no number in the chosen country, or one in no known range. What a number of a
        plan that has changed is today is offered, too.
        """
        try:
            number: PhoneNumber | StopValidation = _read_number(field, region, regions)
        except StopValidation as error:
            number = error
        if isinstance(number, PhoneNumber) and number.assigned:
            return number
        typed = "" if was_cut(field) else field.data or ""
        today = phone.written_today(typed, region, regions)
        found = _meant(typed, region, regions, today)
        if not found and isinstance(number, StopValidation):
            found = phone.not_in_use(typed, regions)
        if selected := self.select_reading(found):
            return selected
        is_doubtful = today or not phone.is_written_as_in(typed, region or regions[0])
        self.has_to_select = bool(self.offered_numbers and is_doubtful)
        if isinstance(number, PhoneNumber):
            return number
        if today and len(found) == 1:
            raise StopValidation(sentences.changed(today))
        raise StopValidation(sentences.check_country()) if self.offered_numbers else number

    def select_reading(self, offered: Sequence[PhoneNumber]) -> PhoneNumber | None:
        """The reading that the visitor selected, if it is among those; else None, and they are offered."""
        for reading in offered:
            if reading.digits == self.reading.data:
                if "country" in self and reading.region in dict(self.country.choices):
                    self.country.data = reading.region
                return reading
        self.offered_numbers = offered
        return None

    def readings(self) -> list[tuple[str, str]]:
        """What may have been meant: the digits of each number, and how it is shown."""
        return [(number.digits, sentences.shown(number)) for number in self.offered_numbers]


def _meant(
    typed: str, region: str | None, regions: tuple[str, ...], today: PhoneNumber | None
) -> list[PhoneNumber]:
    """What a number is today; what it is in other countries; what an old one of another country is today."""
    others = [phone.written_today(typed, other, regions) for other in regions if other != region]
    found = [today, *phone.readings(typed, regions), *others]
    return list({number.digits: number for number in found if number}.values())[: phone.MOST_READINGS]


def _read_number(field: Field, region: str | None, regions: tuple[str, ...]) -> PhoneNumber:
    try:
        number = phone.read(field.data or "", region, regions)
        if was_cut(field):  # without the digits that were cut it may be somebody else's
            raise phone.PhoneError(Reason.TOO_LONG)
        return number
    except phone.PhoneError as error:
        raise StopValidation(sentences.refusal(error.reason, region or regions[0], regions)) from None
