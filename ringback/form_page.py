"""The form: shown, judged, and stored before the visitor is told anything."""

from datetime import timedelta

from flask import Blueprint, Response, abort, g, redirect, request, url_for
from flask_limiter import RateLimitExceeded

from ringback import consent, form, limits
from ringback.database import STORE_ERRORS
from ringback.errors import log
from ringback.form import CallbackForm
from ringback.outbox import FormUse, Receipt
from ringback.page import Answer, is_forged, own_origin, page, shown_as
from ringback.parts import parts
from ringback.widget import Widget

blueprint = Blueprint("form", __name__)


@blueprint.get("/", defaults={"key": None})
@blueprint.get("/<key>", strict_slashes=False)
def show_form(key: str | None) -> Answer:
    """The form of a widget; at `/`, of the first."""
    widget = _widget(key)
    said = {name.lower(): value for name, value in request.args.items()}  # HTML writes attributes small
    given = {name: said[name.lower()] for name in (*widget.attributes, "page") if name.lower() in said}
    given.setdefault("page", request.referrer or "")
    return _form_page(CallbackForm(widget, parts().tokens, None, given))


@blueprint.post("/", defaults={"key": None})
@blueprint.post("/<key>", strict_slashes=False)
def ask(key: str | None) -> Answer:
    """Judge a form and store what it asks for; the visitor is told only what is on the disk."""
    widget = _widget(key)
    sheet = CallbackForm(widget, parts().tokens, request.form, request.form)
    is_good = sheet.validate()
    if is_forged():
        return _form_page(sheet, 403, form.FROM_ELSEWHERE)
    try:
        return _as_before(sheet, is_good) or _judge(sheet, is_good)
    except RateLimitExceeded:
        return _as_before(sheet, is_good) or _too_many(sheet)
    except STORE_ERRORS as error:
        log.error("a request could not be stored (%s)", type(error).__name__)
        return _form_page(sheet, 503, form.NOT_STORED, tone="warning")


def _as_before(sheet: CallbackForm, is_good: bool) -> Answer | None:
    """What this very form led to when it was sent before: asked before any limit, and costs nothing."""
    use = _use_of(sheet) if is_good else None
    receipt = parts().outbox.find_use(use) if use else None
    return _answer_to(receipt, sheet) if receipt else None


@limits.per_post
def _judge(sheet: CallbackForm, is_good: bool) -> Answer:
    fault = sheet.token_fault
    if fault or not is_good:
        return _form_page(sheet, 422, form.NOTICES[fault] if fault else None)
    if _is_too_quick(sheet):
        return _form_page(sheet, 422, form.TOO_QUICK)
    if sheet.number and not sheet.number.assigned and not _was_checked(sheet):
        sheet.ask_to_check(_texts(sheet)["button"])
        return _form_page(sheet, 422)
    return _accept(sheet)


@limits.per_address
def _accept(sheet: CallbackForm) -> Answer:
    agreed = sheet.agreed(parts().form_version, f"{own_origin()}/{sheet.widget.key}")
    receipt = parts().outbox.accept(sheet.answers(), _use_of(sheet), agreed, sheet.is_suspect)
    if receipt.stored_now:
        g.spends_limit = True
        log.info("request %s: received", receipt.reference)
    return _answer_to(receipt, sheet)


def _answer_to(receipt: Receipt, sheet: CallbackForm) -> Answer:
    if not receipt.same_answers:
        return _form_page(sheet, 422, form.ALREADY_SENT)
    return redirect(url_for("request.show_request", id=receipt.id, **shown_as()), 303)


def _use_of(sheet: CallbackForm) -> FormUse | None:
    if not sheet.token or sheet.token_fault:
        return None
    key = parts().settings.secret_keys[-1]
    return FormUse(sheet.token.id, form.answers_hash(sheet.answers(), sheet.agrees_to_marketing, key))


def _is_too_quick(sheet: CallbackForm) -> bool:
    if not sheet.token:
        return False
    shortest = timedelta(seconds=parts().settings.limits.min_fill_seconds)
    return parts().clock() - sheet.token.first_shown_at < shortest


def _was_checked(sheet: CallbackForm) -> bool:
    who = sheet.token.id if sheet.token else f"{limits.address_key()} {sheet.widget.key}"
    asked_before = limits.was_checked(f"{who} {sheet.number}")
    return sheet.was_checked() or asked_before


def _too_many(sheet: CallbackForm) -> Answer:
    seconds = limits.retry_after_seconds()
    when = "in a minute" if seconds <= 60 else f"in {-(-seconds // 60)} minutes"
    response = _form_page(sheet, 429, form.TOO_MANY.format(when=when), tone="warning")
    response.headers["Retry-After"] = str(seconds)
    return response


def _form_page(sheet: CallbackForm, status: int = 200, notice: str | None = None, tone: str = "info") -> Response:
    errors = sheet.errors_in_order()
    texts = _texts(sheet)
    return page(
        "widget/form.html",
        status,
        widget=sheet.widget,
        title=("Error: " if errors else "") + texts["title"],
        form=sheet,
        main_fields=sheet.main_fields(),
        extra_fields=sheet.extra_fields(),
        required_fields=sheet.widget.required,
        errors=errors,
        notice={"tone": tone, "sentences": [notice]} if notice else None,
        texts=texts,
        action=url_for("form.ask", key=sheet.widget.key, **shown_as()),
    )


def _texts(sheet: CallbackForm) -> dict[str, str]:
    widget = sheet.widget
    own = widget.own_texts(form.LANGUAGE)
    minutes = widget.promise_minutes
    intro = f"We usually call within {minutes} minutes." if minutes else "Leave your number and we will call you."
    return {
        "title": own.title or "Request a call back",
        "intro": own.intro or intro,
        "button": consent.button(widget, form.LANGUAGE),
        "consent_sentence": consent.call_sentence(widget, form.LANGUAGE),
    }


def _widget(key: str | None) -> Widget:
    settings = parts().settings
    widget = settings.widget(key) if key else next(iter(settings.widgets.values()))
    return widget or abort(404)
