"""Where an agent says what became of a call, by an address that came with it and without signing in.

It shows nothing that the agent does not have, and its key opens nothing else.
"""

from flask import Blueprint, Response, abort, request, url_for
from flask_limiter import RateLimitExceeded
from werkzeug.utils import redirect

from ringback.config.widget import Widget
from ringback.i18n.languages import N_
from ringback.i18n.languages import gettext as _
from ringback.outbox.calls.outcome_key import reference_of
from ringback.outbox.calls.outcomes import NOTE_CHARACTERS, Outcome, Source
from ringback.services import services
from ringback.web import limits
from ringback.web.errors import error_page, log
from ringback.web.form import sanitise
from ringback.web.page import Answer, page, speak, titled
from ringback.web.request_hygiene import is_forged

blueprint = Blueprint("outcome", __name__)

CHOICES = {
    Outcome.ANSWERED: N_("Answered"),
    Outcome.NO_ANSWER: N_("No answer"),
    Outcome.VOICEMAIL: N_("Voicemail"),
    Outcome.WRONG_NUMBER: N_("Wrong number"),
    Outcome.DO_NOT_CALL: N_("Asked not to be called"),
}


@blueprint.get("/outcome/<key>")
def show_outcome(key: str) -> Answer:
    """The question. To open it changes nothing: what looks ahead at links opens them, too."""
    return _page(key, *_find(key))


@blueprint.post("/outcome/<key>")
def say_outcome(key: str) -> Answer:
    """Keep the answer. It may be given again: each is kept, and the last one counts."""
    try:
        return _say(key)
    except RateLimitExceeded:
        response = error_page(429)
        response.headers["Retry-After"] = str(limits.retry_after_seconds())
        return response


@limits.per_post
def _say(key: str) -> Answer:
    id, reference, widget = _find(key)
    if is_forged():
        abort(403)
    note = sanitise.text(request.form.get("note", ""))[:NOTE_CHARACTERS]
    try:
        outcome = Outcome(request.form.get("outcome", ""))
    except ValueError:
        return _page(key, id, reference, widget, error=_("Choose what became of the call."), note=note)
    if not services().outcomes.say(id, outcome, Source.AGENT, note=note):
        abort(404)
    log.info("request %s: its agent said what became of the call", reference)
    return redirect(url_for("outcome.saved", key=key), 303)


@blueprint.get("/outcome/<key>/saved")
def saved(key: str) -> Answer:
    """That it was kept."""
    _id, _reference, widget = _find(key)
    title = _("Saved")
    return page(
        "widget/outcome_saved.html",
        widget=widget,
        title=title,
        again_url=url_for("outcome.show_outcome", key=key),
    )


def _find(key: str) -> tuple[str, str, Widget]:
    """The id, the reference and the widget; or 404, in the team's first language from here on."""
    settings = services().settings
    reference = reference_of(settings.secret_keys, key)
    id = services().operations.find(reference) if reference else None
    found = services().outbox.read(id) if id else None
    if found is None or reference is None or id is None or found[0].held:
        abort(404)
    widget = settings.widget(found[0].answers.widget) or next(iter(settings.widgets.values()))
    speak(widget)
    return id, reference, widget


def _page(key: str, id: str, reference: str, widget: Widget, error: str = "", note: str = "") -> Response:
    said = [each for each in services().outcomes.said(id) if each.source is Source.AGENT]
    return page(
        "widget/outcome.html",
        422 if error else 200,
        widget=widget,
        title=titled(_("What became of the call?"), bool(error)),
        reference=reference,
        choices=[(choice.value, _(name)) for choice, name in CHOICES.items()],
        stopping=Outcome.DO_NOT_CALL.value,
        chosen=said[-1].outcome if said else "",
        note=note,
        error=error,
        action=url_for("outcome.say_outcome", key=key),
    )
