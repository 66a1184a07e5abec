"""The time of a request: changed without filling in anything else again, and put in a calendar."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, request, url_for
from flask_limiter import RateLimitExceeded
from werkzeug.datastructures import MultiDict

from ringback import opening_hours
from ringback.config.widget import Widget
from ringback.i18n.languages import N_
from ringback.i18n.languages import gettext as _
from ringback.i18n.local_time import value_of
from ringback.opening_hours import Interval
from ringback.outbox.request import Answers, CallbackRequest, State
from ringback.outbox.slots import Pause, PausedError, SlotTakenError
from ringback.services import services
from ringback.web import limits
from ringback.web.errors import log
from ringback.web.form import availability, sentences
from ringback.web.form.fields import ASAP, SLOT, TimeForm
from ringback.web.page import Answer, own_origin, page, shown_as, titled
from ringback.web.request.calendar_file import calendar_file, takes_out
from ringback.web.request.routes import (
    can_change_time,
    find_request,
    over_limit,
    promise_of,
    request_page,
    widget_of,
)
from ringback.web.request_hygiene import is_forged

blueprint = Blueprint("time", __name__)

TOO_LATE = N_("It is too late to change the time of this request.")


class ChangedTime(TimeForm):
    """The time alone, filled in with the current one.

    It needs no token: as with a cancel, the address is the key, and the browser says where a post comes from.
    """

    def __init__(
        self, widget: Widget, offered: Sequence[Interval], answers: Answers, sent: MultiDict[str, str] | None
    ) -> None:
        start = answers.slot_starts_at
        asked = {"when": SLOT, "slot": value_of(start)} if start else {"when": ASAP}
        super().__init__(formdata=sent, data=asked | {"zone": answers.zone}, meta={"csrf": False})
        self.widget = widget
        self.offered = offered


@blueprint.get("/requests/<id>/time")
def show_times(id: str) -> Answer:
    """The available times, while the request waits."""
    found = _found(id)
    if found.state is not State.WAITING:
        return request_page(id, 409, _(TOO_LATE))
    pause = services().outbox.slots.snapshot(services().clock()).pauses.get(found.answers.widget)
    return _paused(found, pause) if pause else _time_page(found, _form(found))


@blueprint.post("/requests/<id>/time")
def change_time(id: str) -> Answer:
    """Move the request to another time; everything else stays as it is."""
    try:
        return _within_limit(id)
    except RateLimitExceeded:
        return over_limit(lambda: _too_many(id))


def _too_many(id: str) -> Response:
    found, words = _found(id), sentences.too_many(limits.retry_after_seconds())
    return _time_page(found, _form(found), 429, words)


@limits.per_post
def _within_limit(id: str) -> Answer:
    """The answer to a post within the limit."""
    found = _found(id)
    if is_forged():
        abort(403)
    form = _form(found)
    try:
        return _decide(found, form)
    except PausedError as error:
        return _paused(found, error.pause, 503)
    except SlotTakenError:
        return _gone(found, form)


@blueprint.get("/requests/<id>/calendar.ics")
def calendar(id: str) -> Answer:
    """A chosen time as a calendar file; one that takes it out again where the call is then no more."""
    found, events = find_request(id)
    page_url = f"{own_origin()}{url_for('request.show_request', id=id)}"
    host = urlsplit(own_origin()).hostname or ""
    content = calendar_file(found, events, widget_of(found), host, page_url) or abort(404)
    method = {"method": "CANCEL"} if takes_out(found) else {}
    response = Response(content, mimetype="text/calendar")
    response.mimetype_params.update(method)
    response.headers["Content-Disposition"] = f'attachment; filename="{found.reference}.ics"'
    return response


def _found(id: str) -> CallbackRequest:
    found = find_request(id)[0]
    return found if can_change_time(found) else abort(404)


def _form(found: CallbackRequest) -> ChangedTime:
    """The form as of now. The request's own time is among the choices, though it may be full for others."""
    now, widget, answers = services().clock(), widget_of(found), found.answers
    offered = services().outbox.slots.snapshot(now).free_slots(widget, now)
    if answers.slot_starts_at and answers.slot_ends_at and answers.slot_starts_at > now:
        offered = sorted({*offered, Interval(answers.slot_starts_at, answers.slot_ends_at)})
    return ChangedTime(widget, offered, answers, request.form if request.method == "POST" else None)


def _decide(found: CallbackRequest, form: ChangedTime) -> Answer:
    if not form.validate():
        return _time_page(found, form, 422)
    if found.state is State.WAITING and _is_not_offered(found, form):
        return _gone(found, form)
    if not services().outbox.reschedule(found.id, form.chosen, form.zone.data or ""):
        return request_page(found.id, 409, _(TOO_LATE))
    log.info("request %s: at the time its visitor asks for", found.reference)
    return redirect(url_for("request.show_request", id=found.id, **shown_as()), 303)


def _is_not_offered(found: CallbackRequest, form: ChangedTime) -> bool:
    """Whether nobody may choose this time. Whether it is full only the store knows: this request may fill it."""
    if form.chosen is None or form.chosen.start == found.answers.slot_starts_at:
        return False
    return not opening_hours.is_slot(form.widget.hours, form.chosen, services().clock())


def _gone(found: CallbackRequest, form: ChangedTime) -> Response:
    form.refuse_time()
    return _time_page(found, form, 422)


def _paused(found: CallbackRequest, pause: Pause, status: int = 200) -> Response:
    words = pause.words or _(sentences.PAUSED, company=widget_of(found).company)
    return _time_page(found, None, status, words)


def _time_page(
    found: CallbackRequest, form: ChangedTime | None, status: int = 200, notice: str | None = None
) -> Response:
    """The page of the times; without a form where none can be chosen."""
    promise, shown = promise_of(found), shown_as()
    errors = [(form.slot, error) for error in form.slot.errors[:1]] if form else []
    headline = _("Change the time")
    settled = services().promises.settled(promise.widget)
    return page(
        "widget/time.html",
        status,
        widget=promise.widget,
        title=titled(headline, bool(errors)),
        headline=headline,
        form=form,
        times=form and availability.describe(settled, form.offered, promise.now, promise.locale),
        errors=errors,
        notice={"tone": "warning", "sentences": [notice]} if notice else None,
        asked_for=promise.summary(),
        reference=found.reference,
        action=url_for("time.change_time", id=found.id, **shown),
        back_url=url_for("request.show_request", id=found.id, **shown),
    )
