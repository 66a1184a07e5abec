"""A request's own page: the confirmation, which is the status page too, and what its visitor may do with it.

Its address is a key of 128 random bits: whoever has the link may see, cancel and erase the request.
"""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, request, url_for
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import HTTPException

from ringback import opening_hours
from ringback.clock import whole_minute
from ringback.config.widget import Widget
from ringback.i18n import languages
from ringback.i18n.languages import N_
from ringback.i18n.languages import gettext as _
from ringback.outbox.personal_data import Erasure
from ringback.outbox.request import CallbackRequest, Event, State
from ringback.services import services
from ringback.web import limits
from ringback.web.errors import error_page, log, words
from ringback.web.page import Answer, locale_of, own_origin, page, phone_of, shown_as, speak
from ringback.web.request import status_text
from ringback.web.request.calendar_file import calendar_time, takes_out
from ringback.web.request.promise import Promise
from ringback.web.request_hygiene import is_forged

blueprint = Blueprint("request", __name__)

TOO_OFTEN = N_("Too many requests from your network. Try again later.")
_ID_LENGTH = 32


@blueprint.get("/requests/<id>")
def show_request(id: str) -> Answer:
    """The confirmation, which is the status page too. Whoever has the link may see it."""
    return request_page(id)


@blueprint.get("/requests/<id>.json")
def show_request_as_json(id: str) -> dict[str, Any]:
    """The status alone, for the page's own script."""
    found, events = find_request(id)
    return status_text.as_json(found, events, promise_of(found).zone)


@blueprint.post("/requests/<id>/cancel")
def cancel(id: str) -> Answer:
    """Withdraw a request while it waits; later, say that it was too late."""
    try:
        return _cancel(id)
    except RateLimitExceeded:
        return over_limit(lambda: request_page(id, 429, _(TOO_OFTEN)))


@limits.per_post
def _cancel(id: str) -> Answer:
    found = find_request(id)[0]
    if is_forged():
        abort(403)
    if services().outbox.cancel(id):
        log.info("request %s: cancelled by its visitor", found.reference)
    elif found.state is not State.CANCELLED:
        return request_page(id, 409, _("It was too late to cancel: your request was already on its way."))
    return redirect(url_for("request.show_request", id=id, **shown_as()), 303)


@blueprint.get("/requests/<id>/export")
def export(id: str) -> Answer:
    """All that is kept about a request, as a JSON file."""
    found = find_request(id)[0]
    response = jsonify(services().personal_data.export(id) or abort(410))  # where it was erased this very moment
    response.headers["Content-Disposition"] = f'attachment; filename="{found.reference}.json"'
    return response


@blueprint.get("/requests/<id>/erase")
def ask_to_erase(id: str) -> Answer:
    """The page that asks, and says what deleting means."""
    return _erase_page(id)


@blueprint.post("/requests/<id>/erase")
def erase(id: str) -> Answer:
    """Delete what is kept about a request; one that waits is withdrawn."""
    try:
        return _erase(id)
    except RateLimitExceeded:
        return over_limit(lambda: _erase_page(id, 429, _(TOO_OFTEN)))


@limits.per_post
def _erase(id: str) -> Answer:
    found = find_request(id)[0]
    if is_forged():
        abort(403)
    if services().personal_data.erase(id) is Erasure.ON_ITS_WAY:
        return _erase_page(id, 409, _("It is being passed to the team right now. Try again in a minute."))
    log.info("request %s: erased by its visitor", found.reference)
    return redirect(url_for("request.show_request", id=id, **shown_as()), 303)


def _erase_page(id: str, status: int = 200, notice: str | None = None) -> Response:
    found = find_request(id)[0]
    widget = widget_of(found)
    waits = _("Your request is withdrawn too: nobody will call you for it.")
    is_with_team = _(
        "This does not delete what the team at %(company)s already has. Ask the team to delete it.",
        company=widget.company,
    )
    return page(
        "widget/erase.html",
        status,
        widget=widget,
        title=_("Delete your details?"),
        sentences=[
            _("Your name, your number and everything else you entered will be deleted here permanently."),
            waits if found.state is State.WAITING else is_with_team,
        ],
        reference=found.reference,
        notice={"tone": "warning", "sentences": [notice]} if notice else None,
        action=url_for("request.erase", id=id, **shown_as()),
        back_url=url_for("request.show_request", id=id, **shown_as()),
    )


def over_limit(page_at: Callable[[], Response]) -> Response:
    """`429` and when to come back: on the request's page, which a frame may show, else on an error page."""
    seconds = limits.retry_after_seconds()
    try:
        response = page_at()
    except HTTPException:
        response = error_page(429)
    response.headers["Retry-After"] = str(seconds)
    return response


def find_request(id: str) -> tuple[CallbackRequest, list[Event]]:
    """A request and its events, or the page that says why not; the answer is in its language from here on."""
    found = services().outbox.read(id) if len(id) == _ID_LENGTH else None
    if found is None:
        abort(404)
    speak(widget_of(found[0]), found[0].answers.language)
    if found[0].erased_at:
        abort(_erased_page(found[0]))
    return found


def _erased_page(found: CallbackRequest) -> Response:
    """With its widget's look and policy, so that it can be shown in the frame too."""
    if request.path.endswith(".json"):
        return error_page(410)
    title, sentences = words(410)
    return page(
        "widget/erased.html",
        410,
        widget=widget_of(found),
        title=title,
        headline=title,
        sentences=sentences,
        next_url=url_for("form.show_form", key=widget_of(found).key, **shown_as()),
    )


def widget_of(found: CallbackRequest) -> Widget:
    """Its widget, or the first where it has left the configuration, so that the link still answers."""
    settings = services().settings
    return settings.widget(found.answers.widget) or next(iter(settings.widgets.values()))


def promise_of(found: CallbackRequest) -> Promise:
    """What its visitor was promised, as a page shows it now."""
    widget = widget_of(found)
    return Promise(found, widget, locale_of(widget, languages.current().tag), services().clock())


def can_change_time(found: CallbackRequest) -> bool:
    """Whether its widget has times to choose from, or had when one was chosen."""
    widget = services().settings.widget(found.answers.widget)
    has_times = widget and any(opening_hours.slots(widget.hours, services().clock()))
    return bool(widget and (has_times or found.answers.slot_starts_at))


def request_page(id: str, status: int = 200, notice: str | None = None) -> Response:
    """A request's page; `notice` is shown before all else."""
    found, events = find_request(id)
    promise = promise_of(found)
    widget, now = promise.widget, promise.now
    story = status_text.story(events, promise)
    number, country, note = status_text.number_text(found, now)
    when, own_when = promise.summary() if found.state is not State.CANCELLED else ("", "")
    view = {
        "reference": found.reference,
        "state": found.state.value,
        "event_count": len(status_text.public_events(events)),
        "changes_in": promise.changes_in,
        "tone": story.tone,
        "chip": story.chip,
        "headline": story.headline,
        "sentences": [notice, *story.sentences] if notice else story.sentences,
        "timeline": status_text.timeline(events, promise),
        "when_text": when,
        "when_note": own_when,
        "number_text": number,
        "number_country": country,
        "number_note": note,
        "updated_text": promise.moment(now),
        "updated_iso": whole_minute(now).isoformat(),
        "phone": phone_of(widget),
        **_ways_on(found, events),
    }
    return page("widget/confirmation.html", status, widget=widget, title=story.headline, view=view)


def _ways_on(found: CallbackRequest, events: Sequence[Event]) -> dict[str, Any]:
    """The links and buttons of a request's page."""
    shown, is_waiting = shown_as(), found.state is State.WAITING
    return {
        "can_cancel": is_waiting,
        "cancel_url": url_for("request.cancel", id=found.id, **shown),
        "time_url": url_for("time.show_times", id=found.id, **shown)
        if is_waiting and can_change_time(found)
        else None,
        "calendar_url": url_for("time.calendar", id=found.id) if calendar_time(found, events) else None,
        "leaves_calendar": takes_out(found),
        "own_url": url_for("request.show_request", id=found.id, **shown),
        "export_url": url_for("request.export", id=found.id),
        "erase_url": url_for("request.ask_to_erase", id=found.id, **shown),
        "json_url": url_for("request.show_request_as_json", id=found.id),
        "page_url": f"{own_origin()}{url_for('request.show_request', id=found.id)}",
        "next_url": url_for("form.show_form", key=widget_of(found).key, **shown),
    }
