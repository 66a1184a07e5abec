"""The form: shown, read, and stored before the visitor is told anything."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from babel.lists import format_list
from flask import Blueprint, Response, abort, g, redirect, request, url_for
from flask_limiter import RateLimitExceeded

from ringback.config.widget import Widget
from ringback.i18n.languages import gettext as _
from ringback.opening_hours import Interval
from ringback.outbox import consent
from ringback.outbox.outbox import FormUse, Receipt
from ringback.outbox.slots import Pause, PausedError, SlotSnapshot, SlotTakenError
from ringback.services import services
from ringback.store.database import STORE_ERRORS
from ringback.web import limits
from ringback.web.errors import log
from ringback.web.form import availability, sentences
from ringback.web.form.answers_hash import answers_hash
from ringback.web.form.availability import Availability
from ringback.web.form.callback_form import CallbackForm
from ringback.web.page import Answer, is_forged, locale_of, own_origin, page, shown_as, titled

blueprint = Blueprint("form", __name__)


@blueprint.get("/", defaults={"key": None})
@blueprint.get("/<key>", strict_slashes=False)
def show_form(key: str | None) -> Answer:
    """The form of a widget; at `/`, of the first."""
    widget = _widget(key)
    said = {name.lower(): value for name, value in request.args.items()}  # HTML writes attributes small
    given = {name: said[name.lower()] for name in (*widget.attributes, "page") if name.lower() in said}
    given.setdefault("page", request.referrer or "")
    snapshot, now = _snapshot()
    if pause := snapshot.pauses.get(widget.key):
        return _paused_page(widget, pause)
    offered = snapshot.free_slots(widget, now)
    return _form_page(CallbackForm(widget, services().tokens, None, given, offered, own_origin()))


@blueprint.post("/", defaults={"key": None})
@blueprint.post("/<key>", strict_slashes=False)
def ask(key: str | None) -> Answer:
    """Judge a form and store what it asks for; the visitor is told only what is on the disk."""
    widget = _widget(key)
    try:
        return _within_limit(widget)
    except RateLimitExceeded:
        return _over_limit(widget)


@limits.per_post
def _within_limit(widget: Widget) -> Answer:
    """The answer to a post that may cost something."""
    form = _sent(widget)
    is_good = form.validate()
    if is_forged():
        return _form_page(form, 403, _(sentences.FROM_ELSEWHERE))
    try:
        answer = _judged(form, is_good)
        if is_good and answer.status_code != 303:
            return _as_before(form) or answer
        return answer
    except STORE_ERRORS as error:
        log.error("a request could not be stored (%s)", type(error).__name__)
        return _form_page(form, 503, _(sentences.NOT_STORED), tone="warning")


def _over_limit(widget: Widget) -> Answer:
    """The answer to one post too many: the form with its answers, of which nothing was judged.

    Unless it was used before: who has a token can have as many as they like, but not of forms that were accepted.
    """
    form, seconds = _sent(widget), limits.retry_after_seconds()
    try:
        is_used = form.token and not form.token_fault and services().outbox.find_use(FormUse(form.token.id, ""))
        before = _as_before(form) if is_used and not is_forged() and form.validate() else None
    except STORE_ERRORS:
        before = None
    return before if before and before.status_code == 303 else _too_many(form, seconds)


def _sent(widget: Widget) -> CallbackForm:
    return CallbackForm(widget, services().tokens, request.form, request.form, _offered(widget), own_origin())


def _offered(widget: Widget) -> list[Interval]:
    """The times that may be chosen. The store is looked into only where there are some."""
    if not (widget.hours and widget.hours.slot_minutes):
        return []
    snapshot, now = _snapshot()
    return snapshot.free_slots(widget, now)


def _judged(form: CallbackForm, is_good: bool) -> Answer:
    try:
        return _judge(form, is_good)
    except RateLimitExceeded:
        return _too_many(form, limits.retry_after_seconds())
    except PausedError as error:
        words = error.pause.words or _(sentences.PAUSED, company=form.widget.company)
        return _form_page(form, 503, words, _(sentences.PAUSED_KEPT), tone="warning", is_paused=True)
    except SlotTakenError:
        form.refuse_time()
        return _form_page(form, 422)


def _as_before(form: CallbackForm) -> Answer | None:
    """What this very form led to when it was sent before: whatever stands against it now, it was accepted."""
    use = _use_of(form)
    receipt = services().outbox.find_use(use) if use else None
    return _answer_to(receipt, form) if receipt else None


def _judge(form: CallbackForm, is_good: bool) -> Answer:
    fault = form.token_fault
    if fault or not is_good:
        return _to_mend(form, *([_(sentences.NOTICES[fault])] if fault else []))
    if _is_too_quick(form):
        return _to_mend(form, _(sentences.TOO_QUICK))
    if form.is_time_gone:
        form.refuse_time()
        return _to_mend(form)
    if form.number and not form.number.assigned and not _was_checked(form):
        form.ask_to_check(consent.button(form.widget, form.language))
        return _to_mend(form)
    return _accept(form)


def _to_mend(form: CallbackForm, *notice: str) -> Answer:
    """The form once more. Nobody is asked to mend what could not be sent then: PausedError is raised instead."""
    snapshot, _now = _snapshot()
    if pause := snapshot.pauses.get(form.widget.key):
        raise PausedError(pause)
    return _form_page(form, 422, *notice)


@limits.per_address
def _accept(form: CallbackForm) -> Answer:
    agreed = form.agreed(services().form_version, f"{own_origin()}/{form.widget.key}")
    receipt = services().outbox.accept(form.answers(), _use_of(form), agreed, form.is_suspect, limits.source())
    if receipt.stored_now:
        g.spends_limit = True
        log.info("request %s: received", receipt.reference)
    return _answer_to(receipt, form)


def _answer_to(receipt: Receipt, form: CallbackForm) -> Answer:
    if not receipt.same_answers:
        return _form_page(form, 422, _(sentences.ALREADY_SENT))
    return redirect(url_for("request.show_request", id=receipt.id, **shown_as()), 303)


def _use_of(form: CallbackForm) -> FormUse | None:
    if not form.token or form.token_fault:
        return None
    key = services().settings.secret_keys[-1]
    return FormUse(form.token.id, answers_hash(form.answers(), form.agrees_to_marketing, key))


def _is_too_quick(form: CallbackForm) -> bool:
    if not form.token:
        return False
    shortest = timedelta(seconds=services().settings.limits.min_fill_seconds)
    return services().clock() - form.token.first_shown_at < shortest


def _was_checked(form: CallbackForm) -> bool:
    who = form.token.id if form.token else f"{limits.address_key()} {form.widget.key}"
    asked_before = limits.was_checked(f"{who} {form.number.digits if form.number else ''}")
    return form.was_checked() or asked_before


def _too_many(form: CallbackForm, seconds: int) -> Answer:
    response = _form_page(form, 429, sentences.too_many(seconds), tone="warning")
    response.headers["Retry-After"] = str(seconds)
    return response


def _form_page(
    form: CallbackForm, status: int = 200, *notice: str, tone: str = "info", is_paused: bool = False
) -> Response:
    errors, extra = form.errors_in_order(), form.extra_fields()
    widget = form.widget
    locale = locale_of(widget, form.language)
    times = availability.describe(widget, form.offered, services().clock(), locale, is_paused)
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
