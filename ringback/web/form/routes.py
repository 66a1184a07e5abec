"""The form: shown, judged, and stored before the visitor is told anything."""

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
from ringback.outbox.slots import Glance, Pause, PausedError, SlotTakenError
from ringback.services import parts
from ringback.store.database import STORE_ERRORS
from ringback.web import limits
from ringback.web.errors import log
from ringback.web.form import availability, fields
from ringback.web.form.availability import Availability
from ringback.web.form.fields import CallbackForm
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
    glance, now = _glance()
    if pause := glance.pauses.get(widget.key):
        return _paused_page(widget, pause)
    offered = glance.free_slots(widget, now)
    return _form_page(CallbackForm(widget, parts().tokens, None, given, offered, own_origin()))


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
    sheet = _sent(widget)
    is_good = sheet.validate()
    if is_forged():
        return _form_page(sheet, 403, _(fields.FROM_ELSEWHERE))
    try:
        answer = _judged(sheet, is_good)
        if is_good and answer.status_code != 303:
            return _as_before(sheet) or answer
        return answer
    except STORE_ERRORS as error:
        log.error("a request could not be stored (%s)", type(error).__name__)
        return _form_page(sheet, 503, _(fields.NOT_STORED), tone="warning")


def _over_limit(widget: Widget) -> Answer:
    """The answer to one post too many: the form with its answers, of which nothing was judged.

    Unless it was used before: who has a token can have as many as they like, but not of forms that were accepted.
    """
    sheet, seconds = _sent(widget), limits.retry_after_seconds()
    try:
        is_used = sheet.token and not sheet.token_fault and parts().outbox.find_use(FormUse(sheet.token.id, ""))
        before = _as_before(sheet) if is_used and not is_forged() and sheet.validate() else None
    except STORE_ERRORS:
        before = None
    return before if before and before.status_code == 303 else _too_many(sheet, seconds)


def _sent(widget: Widget) -> CallbackForm:
    return CallbackForm(widget, parts().tokens, request.form, request.form, _offered(widget), own_origin())


def _offered(widget: Widget) -> list[Interval]:
    """The times that may be chosen. The store is looked into only where there are some."""
    if not (widget.hours and widget.hours.slot_minutes):
        return []
    glance, now = _glance()
    return glance.free_slots(widget, now)


def _judged(sheet: CallbackForm, is_good: bool) -> Answer:
    try:
        return _judge(sheet, is_good)
    except RateLimitExceeded:
        return _too_many(sheet, limits.retry_after_seconds())
    except PausedError as error:
        words = error.pause.words or _(fields.PAUSED, company=sheet.widget.company)
        return _form_page(sheet, 503, words, _(fields.PAUSED_KEPT), tone="warning", is_paused=True)
    except SlotTakenError:
        sheet.refuse_time()
        return _form_page(sheet, 422)


def _as_before(sheet: CallbackForm) -> Answer | None:
    """What this very form led to when it was sent before: whatever stands against it now, it was accepted."""
    use = _use_of(sheet)
    receipt = parts().outbox.find_use(use) if use else None
    return _answer_to(receipt, sheet) if receipt else None


def _judge(sheet: CallbackForm, is_good: bool) -> Answer:
    fault = sheet.token_fault
    if fault or not is_good:
        return _to_mend(sheet, *([_(fields.NOTICES[fault])] if fault else []))
    if _is_too_quick(sheet):
        return _to_mend(sheet, _(fields.TOO_QUICK))
    if sheet.is_time_gone:
        sheet.refuse_time()
        return _to_mend(sheet)
    if sheet.number and not sheet.number.assigned and not _was_checked(sheet):
        sheet.ask_to_check(consent.button(sheet.widget, sheet.language))
        return _to_mend(sheet)
    return _accept(sheet)


def _to_mend(sheet: CallbackForm, *notice: str) -> Answer:
    """The form once more. Nobody is asked to mend what could not be sent then: PausedError is raised instead."""
    glance, _now = _glance()
    if pause := glance.pauses.get(sheet.widget.key):
        raise PausedError(pause)
    return _form_page(sheet, 422, *notice)


@limits.per_address
def _accept(sheet: CallbackForm) -> Answer:
    agreed = sheet.agreed(parts().form_version, f"{own_origin()}/{sheet.widget.key}")
    receipt = parts().outbox.accept(sheet.answers(), _use_of(sheet), agreed, sheet.is_suspect, limits.source())
    if receipt.stored_now:
        g.spends_limit = True
        log.info("request %s: received", receipt.reference)
    return _answer_to(receipt, sheet)


def _answer_to(receipt: Receipt, sheet: CallbackForm) -> Answer:
    if not receipt.same_answers:
        return _form_page(sheet, 422, _(fields.ALREADY_SENT))
    return redirect(url_for("request.show_request", id=receipt.id, **shown_as()), 303)


def _use_of(sheet: CallbackForm) -> FormUse | None:
    if not sheet.token or sheet.token_fault:
        return None
    key = parts().settings.secret_keys[-1]
    return FormUse(sheet.token.id, fields.answers_hash(sheet.answers(), sheet.agrees_to_marketing, key))


def _is_too_quick(sheet: CallbackForm) -> bool:
    if not sheet.token:
        return False
    shortest = timedelta(seconds=parts().settings.limits.min_fill_seconds)
    return parts().clock() - sheet.token.first_shown_at < shortest


def _was_checked(sheet: CallbackForm) -> bool:
    who = sheet.token.id if sheet.token else f"{limits.address_key()} {sheet.widget.key}"
    asked_before = limits.was_checked(f"{who} {sheet.number.digits if sheet.number else ''}")
    return sheet.was_checked() or asked_before


def _too_many(sheet: CallbackForm, seconds: int) -> Answer:
    response = _form_page(sheet, 429, fields.too_many(seconds), tone="warning")
    response.headers["Retry-After"] = str(seconds)
    return response


def _form_page(
    sheet: CallbackForm, status: int = 200, *notice: str, tone: str = "info", is_paused: bool = False
) -> Response:
    errors, extra = sheet.errors_in_order(), sheet.extra_fields()
    widget = sheet.widget
    locale = locale_of(widget, sheet.language)
    times = availability.describe(widget, sheet.offered, parts().clock(), locale, is_paused)
    texts = _texts(sheet)
    return page(
        "widget/form.html",
        status,
        widget=widget,
        title=titled(texts["title"], bool(errors)),
        form=sheet,
        main_fields=sheet.main_fields(),
        extra_fields=extra,
        add=_add([field.short_name for field in extra], locale),
        required_fields=widget.required,
        errors=errors,
        notice={"tone": tone, "sentences": notice} if notice else None,
        texts=texts,
        leads=_leads(sheet, times),
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


def _glance() -> tuple[Glance, datetime]:
    now = parts().clock()
    return parts().outbox.schedule.glance(now), now


def _texts(sheet: CallbackForm) -> dict[str, str]:
    widget, language = sheet.widget, sheet.language
    return {
        "title": widget.own_texts(language).title or _("Request a call back"),
        "button": consent.button(widget, language),
        "consent_sentence": consent.call_sentence(widget, language),
    }


def _leads(sheet: CallbackForm, times: Availability) -> list[str]:
    """What is read before anything is typed. The site owner's sentence replaces what is usual, no more."""
    own = sheet.widget.own_texts(sheet.language).intro
    ours = "" if own and times.is_usual else times.intro
    return [sentence for sentence in (own, ours) if sentence]


def _add(names: Sequence[str], locale: str) -> str:
    """`Add e-mail, company or a message`, of those that there are."""
    words = {"email": _("e-mail"), "company": _("company"), "message": _("a message")}
    return _("Add %(fields)s", fields=format_list([words[name] for name in names], "or", locale=locale))


def _widget(key: str | None) -> Widget:
    settings = parts().settings
    widget = settings.widget(key) if key else next(iter(settings.widgets.values()))
    return widget or abort(404)
