"""What visitors of a widget are promised now, and how a promise that is measured came about."""

from dataclasses import dataclass
from datetime import datetime

from ringback.config.widget import MEASURED, Widget
from ringback.console.clock_text import day_and_time
from ringback.outbox.calls.measured_promise import (
    AN_HOUR,
    FEWEST_CALLS,
    GOOD_FOR,
    LOOKS_BACK,
    MOST_MINUTES,
    ROUNDED_TO,
    Measured,
)
from ringback.services import services
from ringback.web.form.availability import describe


@dataclass(frozen=True)
class Promised:
    """`said`: what visitors read of it now, or why nothing. `how`: how it was measured; empty where it is set."""

    said: str
    how: str = ""


def promised(widget: Widget, is_paused: bool, now: datetime) -> Promised:
    """The promise of one widget."""
    if widget.promise_minutes != MEASURED:
        return Promised(_said(widget, is_paused, now))
    measured = services().promises.measured(widget)
    as_shown = widget.model_copy(update={"promise_minutes": measured.minutes})
    return Promised(_said(as_shown, is_paused, now), _how(widget, measured, now))


def _said(widget: Widget, is_paused: bool, now: datetime) -> str:
    """What the form says at this moment, in English."""
    if is_paused:
        return "Nothing: it is paused."
    shown = describe(widget, (), now, "en_GB")
    own = widget.own_texts("en").intro if shown.is_usual else ""
    said = f"“{own or shown.intro}”"
    if own:
        return f"{said} These are your own words (texts)."
    if widget.set_promise is None:
        return said
    return (
        said if shown.is_usual else f"{said} No minutes are promised while the team is closed or about to close."
    )


def _how(widget: Widget, measured: Measured, now: datetime) -> str:
    counted = f"{measured.calls} first call" + ("" if measured.calls == 1 else "s")
    days, hours = measured.part.split(" ")
    begin, end = hours.split("-")
    part = f"{'weekdays' if days == 'weekday' else 'weekends'}, {begin}:00 to {end}:00"
    zone = widget.team_zone
    since = day_and_time(measured.measured_at, now, zone)
    until = day_and_time(measured.measured_at + GOOD_FOR, now, zone)
    return (
        f"Measured from {counted} of the last {LOOKS_BACK.days} days, of people who asked on {part}, "
        f"{AN_HOUR} of each hour at most. {_came_to(measured)} Reckoned at {since}, anew after {until}."
    )


def _came_to(measured: Measured) -> str:
    if measured.minutes is not None:
        rounded = f"rounded up to {ROUNDED_TO} minutes"
        return f"Three of four waited {measured.minutes} minutes at most ({rounded}), while the team was open."
    if measured.calls < FEWEST_CALLS:
        return f"That is too few to promise anything: it takes {FEWEST_CALLS}."
    return f"Three of four were not called within {MOST_MINUTES // 60} hours, so nothing is promised."
