"""The form: shown, and answered once it is decided how a post of it ends (decision.py)."""

from collections.abc import Sequence
from datetime import datetime

from babel.lists import format_list
from flask import Blueprint, Response, abort, g, redirect, request, url_for

from ringback.config.widget import Widget
from ringback.i18n.languages import gettext as _
from ringback.opening_hours import Interval
from ringback.outbox import consent
from ringback.outbox.slots import Pause, SlotSnapshot
from ringback.services import services
from ringback.web import limits
from ringback.web.form import availability, funnel, sentences
from ringback.web.form.availability import Availability
from ringback.web.form.callback_form import CallbackForm
from ringback.web.form.decision import (
    AlreadySent,
    Confirmed,
    FromElsewhere,
    NotStored,
    Outcome,
    Paused,
    Post,
    TimeGone,
    ToMend,
    TooMany,
    Tried,
    decide,
)
from ringback.web.headers import is_kept_out
from ringback.web.page import Answer, locale_of, own_address, page, shown_as, titled
from ringback.web.request_hygiene import is_forged

blueprint = Blueprint("form", __name__)

_KEPT_OUT = (
    "widgets.{key}.origins: a page whose origin is not among them framed this form, and browsers show an empty "
    'frame then. If the page is yours, add its origin, like "https://www.acme.com"'
)


@blueprint.get("/", defaults={"key": None})
@blueprint.get("/<key>", strict_slashes=False)
def show_form(key: str | None) -> Answer:
    """The form of a widget; at `/`, of the first."""
    widget = _widget(key)
    said = {name.lower(): value for name, value in request.args.items()}  # HTML writes attributes small
    given = {name: said[name.lower()] for name in (*widget.attributes, "page") if name.lower() in said}
    given.setdefault("page", request.referrer or "")
    if is_kept_out(widget):
        services().tell(_KEPT_OUT.format(key=widget.key))
    snapshot, now = _snapshot()
    if pause := snapshot.pauses.get(widget.key):
        return _paused_page(widget, pause)
    offered = snapshot.free_slots(widget, now)
    if request.method == "GET":
        funnel.note(widget.key, "shown")
    return _form_page(CallbackForm(widget, services().tokens, None, given, offered, own_address()))


@blueprint.post("/", defaults={"key": None})
@blueprint.post("/<key>", strict_slashes=False)
def ask(key: str | None) -> Answer:
    """Decide how a post ends, and answer it; the visitor is told only what is on the disk."""
    widget = _widget(key)
    is_over_limit = limits.is_post_too_many()
    form = _sent(widget)
    outcome = decide(form, Post(is_over_limit, is_forged()))
    if not isinstance(outcome, Confirmed):
        funnel.note(widget.key, "refused")
    elif g.get("spends_limit"):  # stored now; what was sent before was counted then
        funnel.note(widget.key, "sent")
    return _answer(form, outcome)


def _answer(form: CallbackForm, outcome: Outcome) -> Answer:
    """The table of answers: all but the first are the form once more, with what was typed."""
    match outcome:
        case Tried():
            return Response(status=204, mimetype="text/plain")
        case Confirmed(id):
            return redirect(url_for("request.show_request", id=id, **shown_as()), 303)
        case FromElsewhere():
            return _form_page(form, 403, _(sentences.FROM_ELSEWHERE))
        case ToMend(notice):
            return _form_page(form, 422, *notice)
        case TimeGone():
            return _form_page(form, 422)
        case AlreadySent():
            return _form_page(form, 422, _(sentences.ALREADY_SENT))
        case TooMany(seconds):
            response = _form_page(form, 429, sentences.too_many(seconds), tone="warning")
            response.headers["Retry-After"] = str(seconds)
            return response
        case Paused(pause):
            words = pause.words or _(sentences.PAUSED, company=form.widget.company)
            return _form_page(form, 503, words, _(sentences.PAUSED_KEPT), tone="warning", is_paused=True)
        case NotStored():
            return _form_page(form, 503, _(sentences.NOT_STORED), tone="warning")


def _sent(widget: Widget) -> CallbackForm:
    return CallbackForm(widget, services().tokens, request.form, request.form, _offered(widget), own_address())


def _offered(widget: Widget) -> list[Interval]:
    """The times that may be chosen. The store is read only where there are some."""
    if not (widget.hours and widget.hours.slot_minutes):
        return []
    snapshot, now = _snapshot()
    return snapshot.free_slots(widget, now)


def _form_page(
    form: CallbackForm, status: int = 200, *notice: str, tone: str = "info", is_paused: bool = False
) -> Response:
    errors, extra = form.errors_in_order(), form.extra_fields()
    widget = form.widget
    locale = locale_of(widget, form.language)
    times = availability.describe(
        services().promises.settled(widget), form.offered, services().clock(), locale, is_paused
    )
    texts = _texts(form)
    return page(
        "widget/form.html",
        status,
        widget=widget,
        title=titled(texts["title"], bool(errors)),
        form=form,
        main_fields=form.main_fields(),
        extra_fields=extra,
        add=_add([field.short_name for field in extra], locale),
        required_fields=widget.required,
        errors=errors,
        notice={"tone": tone, "sentences": notice} if notice else None,
        texts=texts,
        leads=_leads(form, times),
        times=times,
        action=url_for("form.ask", key=widget.key, **shown_as()),
    )


def _paused_page(widget: Widget, pause: Pause) -> Response:
    """No requests now, said before anybody types."""
    return page(
        "widget/paused.html",
        widget=widget,
        title=_("We are not taking call requests right now"),
        words=pause.words,
        again_url=url_for("form.show_form", key=widget.key, **shown_as()),
    )


def _snapshot() -> tuple[SlotSnapshot, datetime]:
    now = services().clock()
    return services().outbox.slots.snapshot(now), now


def _texts(form: CallbackForm) -> dict[str, str]:
    widget, language = form.widget, form.language
    return {
        "title": widget.own_texts(language).title or _("Request a call back"),
        "button": consent.button(widget, language),
        "consent_sentence": consent.call_sentence(widget, language),
    }


def _leads(form: CallbackForm, times: Availability) -> list[str]:
    """What is read before anything is typed. The site owner's sentence replaces what is usual, no more."""
    own = form.widget.own_texts(form.language).intro
    ours = "" if own and times.is_usual else times.intro
    return [sentence for sentence in (own, ours) if sentence]


def _add(names: Sequence[str], locale: str) -> str:
    """`Add e-mail, company or a message`, of those that there are."""
    words = {"email": _("e-mail"), "company": _("company"), "message": _("a message")}
    return _("Add %(fields)s", fields=format_list([words[name] for name in names], "or", locale=locale))


def _widget(key: str | None) -> Widget:
    settings = services().settings
    widget = settings.widget(key) if key else next(iter(settings.widgets.values()))
    return widget or abort(404)
