"""A request's own page: the confirmation, which is the status page too, and what its visitor may do with it.

Its address is a key of 128 random bits: whoever has the link may see, cancel and erase the request.
"""

from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, request, url_for

from ringback import confirmation
from ringback.callback_request import CallbackRequest, Event, State
from ringback.errors import PAGES, error_page, log
from ringback.page import Answer, is_forged, own_origin, page, phone_of, shown_as
from ringback.parts import parts
from ringback.personal_data import Erasure
from ringback.widget import Widget

blueprint = Blueprint("request", __name__)

_ID_LENGTH = 32


@blueprint.get("/requests/<id>")
def show_request(id: str) -> Answer:
    """The confirmation, which is the status page too. Whoever has the link may see it."""
    return _request_page(*_request(id))


@blueprint.get("/requests/<id>.json")
def show_request_as_json(id: str) -> dict[str, Any]:
    """The status alone, for the page's own script."""
    found, events = _request(id)
    return confirmation.as_json(found, events, _widget_of(found).timezone)


@blueprint.post("/requests/<id>/cancel")
def cancel(id: str) -> Answer:
    """Withdraw a request while it waits; after that, say that it was too late."""
    found, _ = _request(id)
    if is_forged():
        abort(403)
    if parts().outbox.cancel(id):
        log.info("request %s: cancelled by its visitor", found.reference)
    elif found.state is not State.CANCELLED:
        return _request_page(*_request(id), status=409, too_late=True)
    return redirect(url_for("request.show_request", id=id, **shown_as()), 303)


@blueprint.get("/requests/<id>/export")
def export(id: str) -> Answer:
    """All that is kept about a request, as a file."""
    found, _ = _request(id)
    response = jsonify(parts().personal_data.export(id) or abort(410))  # where it was erased this very moment
    response.headers["Content-Disposition"] = f'attachment; filename="{found.reference}.json"'
    return response


@blueprint.get("/requests/<id>/erase")
def ask_to_erase(id: str) -> Answer:
    """What deleting means, before it is done."""
    return _erase_page(id)


@blueprint.post("/requests/<id>/erase")
def erase(id: str) -> Answer:
    """Delete what is kept about a request; what waits is withdrawn with it."""
    found, _ = _request(id)
    if is_forged():
        abort(403)
    if parts().personal_data.erase(id) is Erasure.ON_ITS_WAY:
        return _erase_page(id, 409, "It is being handed over at this moment. Try again in a minute.")
    log.info("request %s: erased by its visitor", found.reference)
    return redirect(url_for("request.show_request", id=id, **shown_as()), 303)


def _erase_page(id: str, status: int = 200, notice: str | None = None) -> Answer:
    found, _ = _request(id)
    widget = _widget_of(found)
    waits = "Your request is withdrawn too: nobody will call you for it."
    is_with_team = (
        f"What the team at {widget.company} was already given is not deleted by this. Ask them for that."
    )
    return page(
        "widget/erase.html",
        status,
        widget=widget,
        title="Delete your details?",
        sentences=[
            "Your name, your number and all else you entered will be deleted here, for good.",
            waits if found.state is State.WAITING else is_with_team,
        ],
        reference=found.reference,
        notice={"tone": "warning", "sentences": [notice]} if notice else None,
        action=url_for("request.erase", id=id, **shown_as()),
        back_url=url_for("request.show_request", id=id, **shown_as()),
    )


def _request(id: str) -> tuple[CallbackRequest, list[Event]]:
    found = parts().outbox.read(id) if len(id) == _ID_LENGTH else None
    if found and found[0].erased_at:
        abort(_erased_page(found[0]))
    return found or abort(404)


def _erased_page(found: CallbackRequest) -> Response:
    """In its widget's frame too, which a page of an error could not be shown in."""
    if request.path.endswith(".json"):
        return error_page(410)
    title, _ = PAGES[410]
    return page(
        "widget/erased.html",
        410,
        widget=_widget_of(found),
        title=title,
        headline=title,
        sentences=["All you entered is gone. What is left, its reference and its times, says nothing about you."],
        next_url=url_for("form.show_form", key=_widget_of(found).key, **shown_as()),
    )


def _widget_of(found: CallbackRequest) -> Widget:
    """Its widget; where that has left the configuration, the first, so that the link still answers."""
    settings = parts().settings
    return settings.widget(found.answers.widget) or next(iter(settings.widgets.values()))


def _request_page(
    found: CallbackRequest, events: list[Event], status: int = 200, too_late: bool = False
) -> Response:
    widget, now, shown = _widget_of(found), parts().clock(), shown_as()
    story = confirmation.story(found, events, widget, now)
    too_late_words = ["It was too late to cancel: your request was already on its way."] if too_late else []
    number, note = confirmation.number_text(found, now)
    view = {
        "reference": found.reference,
        "state": found.state.value,
        "event_count": len(confirmation.public_events(events)),
        "tone": story.tone,
        "chip": story.chip,
        "headline": story.headline,
        "sentences": too_late_words + story.sentences,
        "timeline": confirmation.timeline(found, events, widget.timezone, now),
        "number_text": number,
        "number_note": note,
        "can_cancel": found.state is State.WAITING,
        "cancel_url": url_for("request.cancel", id=found.id, **shown),
        "own_url": url_for("request.show_request", id=found.id, **shown),
        "export_url": url_for("request.export", id=found.id),
        "erase_url": url_for("request.ask_to_erase", id=found.id, **shown),
        "json_url": url_for("request.show_request_as_json", id=found.id),
        "page_url": f"{own_origin()}{url_for('request.show_request', id=found.id)}",
        "next_url": url_for("form.show_form", key=widget.key, **shown),
        "updated_text": confirmation.clock_text(now, widget.timezone, now),
        "updated_iso": now.isoformat(),
        "phone": phone_of(widget),
    }
    return page("widget/confirmation.html", status, widget=widget, title=story.headline, view=view)
