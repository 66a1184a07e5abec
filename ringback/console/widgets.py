"""The widgets: open or closed and why, their pauses, their closed days, and the ways to put them on a site."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from flask import abort, redirect, request, url_for

from ringback import opening_hours
from ringback.accounts.operator import Role
from ringback.config.widget import Widget
from ringback.console import access
from ringback.console.clock_text import day_and_time
from ringback.console.page import page
from ringback.console.promised import Promised, promised
from ringback.i18n import languages
from ringback.i18n.local_time import instant_of
from ringback.outbox.slots import Pause
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("widgets", __name__)

LONGEST_WORDS = 500
_DAYS_OF_A_YEAR = 366


@dataclass(frozen=True)
class Shown:
    """A widget as its operators see it. `tone` is that of its chip; times are on the team's clock."""

    widget: Widget
    tone: str
    chip: str
    why: str
    pause: Pause | None
    paused_since: str
    paused_until: str
    zone: str
    promise: Promised
    closed_days: list[tuple[date, str]]
    languages: list[tuple[str, str]]


@dataclass(frozen=True)
class Wrong:
    """What was wrong with the pause of a widget, and what was typed."""

    key: str
    field: str
    sentence: str
    words: str
    until: str


@blueprint.get("/widgets")
@access.needs(Role.VIEWER)
def listed() -> Answer:
    """All that are theirs."""
    return _page()


@blueprint.post("/widgets/<key>/pause")
@access.needs(Role.OPERATOR)
def pause(key: str) -> Answer:
    """Take no requests, with words for visitors, and an end if one is given."""
    widget, now = _theirs(key), services().clock()
    words, until = " ".join(request.form.get("words", "").split()), request.form.get("until", "")
    if len(words) > LONGEST_WORDS or not words.isprintable():
        sentence = f"Write up to {LONGEST_WORDS} letters that can be shown."
        return _page(Wrong(key, "words", sentence, words[:LONGEST_WORDS], until))
    try:
        ends_at = instant_of(until, widget.team_zone) if until else None
    except ValueError:
        return _page(Wrong(key, "until", "Choose a day and a time, such as 2026-11-30 09:00.", words, until))
    if ends_at and ends_at <= now:
        return _page(Wrong(key, "until", "This time is over. Choose one to come.", words, until))
    services().outbox.slots.pause(widget.key, words, now, access.by(), ends_at)
    return _back(key)


@blueprint.post("/widgets/<key>/resume")
@access.needs(Role.OPERATOR)
def resume(key: str) -> Answer:
    """Take requests again; if it does already, nothing changes."""
    services().outbox.slots.resume(_theirs(key).key, access.by())
    return _back(key)


def _theirs(key: str) -> Widget:
    widget = services().settings.widgets.get(key)
    if widget is None or not access.operator().may_see(key):
        abort(404)
    return widget


def _back(key: str) -> Answer:
    return redirect(url_for("console_widgets.listed", _anchor=key), 303)


def _page(wrong: Wrong | None = None) -> Answer:
    now, operator = services().clock(), access.operator()
    pauses = services().outbox.slots.pauses()
    theirs = [widget for key, widget in services().settings.widgets.items() if operator.may_see(key)]
    return page(
        "widgets.html",
        "Widgets",
        422 if wrong else 200,
        shown=[_shown(widget, pauses, now) for widget in theirs],
        wrong=wrong,
        may_act=operator.role >= Role.OPERATOR,
        longest_words=LONGEST_WORDS,
    )


def _shown(widget: Widget, pauses: Mapping[str, Pause], now: datetime) -> Shown:
    pause, zone = pauses.get(widget.key), widget.team_zone
    tone, chip, why = ("warn", "Paused", "An operator has paused it.") if pause else _hours(widget, now)
    first = now.astimezone(zone).date()
    return Shown(
        widget=widget,
        tone=tone,
        chip=chip,
        why=why,
        pause=pause,
        paused_since=day_and_time(pause.paused_at, now, zone) if pause else "",
        paused_until=day_and_time(pause.ends_at, now, zone) if pause and pause.ends_at else "",
        zone=str(zone),
        promise=promised(widget, pause is not None, now),
        closed_days=opening_hours.closed_days(widget.hours, first, _DAYS_OF_A_YEAR),
        languages=[(tag, languages.language(tag).name) for tag in widget.languages],
    )


def _hours(widget: Widget, now: datetime) -> tuple[str, str, str]:
    """A tone, a word, and a sentence that says why."""
    hours, zone = widget.hours, widget.team_zone
    if not opening_hours.names_times(hours):
        return "ok", "Open", "It has no opening hours: it is always open."
    closing, opening = opening_hours.closes_at(hours, now), opening_hours.next_opening(hours, now)
    if opening is None:
        return "warn", "Closed", "Its opening hours name no time within a year."
    if opening > now:
        today = now.astimezone(zone).date()
        reason = next((why for day, why in opening_hours.closed_days(hours, today, 1) if day == today), "")
        because = f"Today is closed ({reason}). " if reason else "It is outside its opening hours. "
        return "warn", "Closed", f"{because}It opens {day_and_time(opening, now, zone)}."
    return "ok", "Open", f"It closes {day_and_time(closing, now, zone)}." if closing else "It does not close."
