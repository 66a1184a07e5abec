"""The visitor's pages: the form, the confirmation, and "I did not ask for this"."""

from datetime import timedelta
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_limiter import RateLimitExceeded
from werkzeug.wrappers import Response as BaseResponse

from ringback import brand, confirmation, embedding, form, limits
from ringback.callback_request import CallbackRequest, Event, State
from ringback.cross_site import is_cross_site
from ringback.database import STORE_ERRORS
from ringback.errors import log
from ringback.form import CallbackForm, StopForm
from ringback.outbox import FormUse, Receipt
from ringback.parts import parts
from ringback.widget import Widget

blueprint = Blueprint("pages", __name__)

Answer = Response | BaseResponse

_ID_LENGTH = 32
# How the embed script asks for a page to be shown; it goes along from page to page.
_SHOWN = ("embed", "theme", "lang")


# --- the form ---


@blueprint.get("/", defaults={"key": None})
@blueprint.get("/<key>")
def show_form(key: str | None) -> Answer:
    """The form of a widget; at `/`, of the first."""
    widget = _widget(key)
    said = {name.lower(): value for name, value in request.args.items()}  # HTML writes attributes small
    given = {name: said[name.lower()] for name in (*widget.attributes, "page") if name.lower() in said}
    given.setdefault("page", request.referrer or "")
    return _form_page(CallbackForm(widget, parts().tokens, None, given))


@blueprint.post("/", defaults={"key": None})
@blueprint.post("/<key>")
def ask(key: str | None) -> Answer:
    """Judge a form and store what it asks for; the visitor is told only what is on the disk."""
    widget = _widget(key)
    sheet = CallbackForm(widget, parts().tokens, request.form, request.form)
    is_good = sheet.validate()
    if _is_forged():
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
    receipt = parts().outbox.accept(sheet.answers(), _use_of(sheet))
    if receipt.stored_now:
        g.spends_limit = True
        log.info("request %s: received", receipt.reference)
    return _answer_to(receipt, sheet)


def _answer_to(receipt: Receipt, sheet: CallbackForm) -> Answer:
    if not receipt.same_answers:
        return _form_page(sheet, 422, form.ALREADY_SENT)
    return redirect(url_for("pages.show_request", id=receipt.id, **_shown_as()), 303)


def _use_of(sheet: CallbackForm) -> FormUse | None:
    if not sheet.token or sheet.token_fault:
        return None
    return FormUse(sheet.token.id, form.answers_hash(sheet.answers(), parts().settings.secret_keys[-1]))


def _is_forged() -> bool:
    return _is_protected() and is_cross_site(request.headers, _own_origin())


def _is_protected() -> bool:
    """Flask users switch it off in their tests; here that switches off our token with it."""
    return bool(current_app.config.get("WTF_CSRF_ENABLED", True))


def _own_origin() -> str:
    # The sandbox answers to several names of this machine, so there its own origin is the one asked for.
    settings = parts().settings
    return request.host_url.rstrip("/") if settings.sandbox else settings.public_url


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
    return _page(
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
        action=url_for("pages.ask", key=sheet.widget.key, **_shown_as()),
    )


def _texts(sheet: CallbackForm) -> dict[str, str]:
    widget = sheet.widget
    own = widget.own_texts("en")
    button = own.button or "Request call"
    minutes = widget.promise_minutes
    intro = f"We usually call within {minutes} minutes." if minutes else "Leave your number and we will call you."
    consent = (
        f"By selecting “{button}” you ask {widget.company} to call you on this number about your request."
        if widget.consent == "request"
        else ""
    )
    return {
        "title": own.title or "Request a call back",
        "intro": own.intro or intro,
        "button": button,
        "consent_sentence": own.consent or consent,
    }


# --- the confirmation ---


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
    if _is_forged():
        abort(403)
    if parts().outbox.cancel(id):
        log.info("request %s: cancelled by its visitor", found.reference)
    elif found.state is not State.CANCELLED:
        return _request_page(*_request(id), status=409, too_late=True)
    return redirect(url_for("pages.show_request", id=id, **_shown_as()), 303)


def _request(id: str) -> tuple[CallbackRequest, list[Event]]:
    found = parts().outbox.read(id) if len(id) == _ID_LENGTH else None
    return found or abort(404)


def _widget_of(found: CallbackRequest) -> Widget:
    """Its widget; where that has left the configuration, the first, so that the link still answers."""
    settings = parts().settings
    return settings.widget(found.answers.widget) or next(iter(settings.widgets.values()))


def _request_page(
    found: CallbackRequest, events: list[Event], status: int = 200, too_late: bool = False
) -> Response:
    widget, now, shown = _widget_of(found), parts().clock(), _shown_as()
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
        "cancel_url": url_for("pages.cancel", id=found.id, **shown),
        "own_url": url_for("pages.show_request", id=found.id, **shown),
        "json_url": url_for("pages.show_request_as_json", id=found.id),
        "page_url": f"{_own_origin()}{url_for('pages.show_request', id=found.id)}",
        "next_url": url_for("pages.show_form", key=widget.key, **shown),
        "updated_text": confirmation.clock_text(now, widget.timezone, now),
        "updated_iso": now.isoformat(),
        "phone": _phone_of(widget),
    }
    return _page("widget/confirmation.html", status, widget=widget, title=story.headline, view=view)


# --- "I did not ask for this" ---


@blueprint.get("/stop")
def show_stop() -> Answer:
    """Where a person who did not ask can have the calls stopped."""
    return _stop_page(_stop_form())


@blueprint.post("/stop")
def stop() -> Answer:
    """Hold what waits for a number and what comes for it. Tells nobody whether anything did."""
    sheet = _stop_form()
    if not sheet.validate():
        return _stop_page(sheet, 422)
    if _is_forged():
        return _stop_page(sheet, 403, form.FROM_ELSEWHERE)
    if sheet.token_fault:
        return _stop_page(sheet, 422, form.NOTICES[sheet.token_fault])
    try:
        return _stop(sheet)
    except RateLimitExceeded:
        response = _stop_page(sheet, 429, "There have been many of these from your network. Try again later.")
        response.headers["Retry-After"] = str(limits.retry_after_seconds())
        return response


@limits.per_stop
def _stop(sheet: StopForm) -> Answer:
    if sheet.number:
        parts().outbox.stop(sheet.number.digits)
        log.info("a number was stopped by the person it belongs to")
    return redirect(url_for("pages.stopped"), 303)


@blueprint.get("/stop/done")
def stopped() -> Answer:
    """What stopping means, said once it is done."""
    days = parts().settings.privacy.stop_days
    return _page(
        "widget/stopped.html",
        widget=None,
        title="Calls to your number are stopped",
        headline="Calls to your number are stopped",
        sentences=[
            f"For the next {days} days, requests for your number are held back and not passed on for a call.",
            "A call that was already on its way may still come.",
        ],
    )


def _stop_form() -> StopForm:
    sent = request.form if request.method == "POST" else None
    return StopForm(parts().settings.widgets.values(), parts().tokens, sent)


def _stop_page(sheet: StopForm, status: int = 200, notice: str | None = None) -> Response:
    errors = [(field, field.errors[0]) for field in [sheet.phone] if field.errors]
    title = "Stop calls to your number"
    intro = "Did somebody else ask for a call to your number? Enter it, and we will not pass on requests for it."
    return _page(
        "widget/stop.html",
        status,
        widget=None,
        title=("Error: " if errors else "") + title,
        form=sheet,
        errors=errors,
        notice={"tone": "info", "sentences": [notice]} if notice else None,
        texts={"title": title, "intro": intro, "button": "Stop calls to this number"},
        action=url_for("pages.stop"),
    )


# --- what every page has ---


def _widget(key: str | None) -> Widget:
    settings = parts().settings
    widget = settings.widget(key) if key else next(iter(settings.widgets.values()))
    return widget or abort(404)


def _phone_of(widget: Widget | None) -> dict[str, str] | None:
    if not widget or not widget.phone:
        return None
    return {"display": widget.phone, "link": "tel:" + widget.phone.replace(" ", "")}


def _shown_as() -> dict[str, Any]:
    return {name: request.args[name][:20] for name in _SHOWN if name in request.args}


def _page(template: str, status: int = 200, *, widget: Widget | None, title: str, **context: Any) -> Response:
    """A page with its widget's colours, framed by nobody but the widget's own sites."""
    style = brand.style(widget.brand if widget else brand.OURS)
    html = render_template(
        template,
        widget=widget,
        page_title=title,
        phone=_phone_of(widget),
        brand_style=style,
        parent_origins=widget.origins if widget else (),
        **context,
    )
    response = make_response(html, status)
    origins = widget.origins if widget else ()
    response.headers["Content-Security-Policy"] = embedding.content_security_policy(origins, style)
    return response


@blueprint.app_context_processor
def _everywhere() -> dict[str, Any]:
    """What base.html needs, on error pages too."""
    embedded = request.args.get("embed") == "1"
    theme = request.args.get("theme")
    return {
        "language": "en",
        "direction": "ltr",
        "theme": theme if theme in ("light", "dark", "auto") else "light" if embedded else "auto",
        "embedded": embedded,
        "sandbox": parts().settings.sandbox,
        "widget": None,
        "phone": None,
        "brand_style": brand.style(brand.OURS),
        "parent_origins": (),
        "assets": current_app.extensions["ringback-assets"],
    }
