"""“I did not ask for this”: where a person has the calls to their number stopped.

In two steps, each a form that needs no script. `phone`, and `country` where the number has no country code and
several countries are called, lead to a page with the number in full; sent again with that number's digits as
`confirmed`, calls to it are stopped.
"""

from flask import Blueprint, Response, redirect, request, url_for
from flask_limiter import RateLimitExceeded

from ringback.i18n.languages import gettext as _
from ringback.i18n.languages import ngettext
from ringback.services import services
from ringback.web import limits
from ringback.web.errors import log
from ringback.web.form import sentences
from ringback.web.page import Answer, page, shown_as, titled
from ringback.web.request.stop_form import StopForm
from ringback.web.request_hygiene import is_forged

blueprint = Blueprint("stop", __name__)


@blueprint.get("/stop")
def show_stop() -> Answer:
    """The form."""
    return _stop_page(_stop_form())


@blueprint.post("/stop")
def stop() -> Answer:
    """Hold requests for a number, waiting and new ones. The answer does not tell whether there are any."""
    try:
        return _decide()
    except RateLimitExceeded:
        response = _stop_page(_stop_form(), 429, _("Too many stop requests from your network. Try again later."))
        response.headers["Retry-After"] = str(limits.retry_after_seconds())
        return response


@limits.per_post
def _decide() -> Answer:
    form = _stop_form()
    if "change" in request.form:
        return _stop_page(form)
    if not form.validate():
        return _stop_page(form, 422)
    if is_forged():
        return _stop_page(form, 403, _(sentences.FROM_ELSEWHERE))
    if form.token_fault:
        return _stop_page(form, 422, _(sentences.NOTICES[form.token_fault]))
    if not form.was_confirmed:
        return _confirm_page(form)
    return _stop(form)


@limits.per_stop
def _stop(form: StopForm) -> Answer:
    if form.number:
        services().outbox.stop(form.number.digits)
        log.info("a number was stopped by the person it belongs to")
    return redirect(url_for("stop.stopped", **shown_as()), 303)


@blueprint.get("/stop/done")
def stopped() -> Answer:
    """The page that says what was done."""
    days, headline = services().settings.privacy.stop_days, _("Calls to your number are stopped")
    return page(
        "widget/stopped.html",
        widget=None,
        title=headline,
        headline=headline,
        sentences=[
            ngettext(
                "For the next day, requests for your number are held back and not passed on for a call.",
                "For the next %(num)s days, requests for your number are held back and not passed on for a call.",
                days,
            ),
            _("A call that was already on its way may still come."),
        ],
    )


def _stop_form() -> StopForm:
    sent = request.form if request.method == "POST" else None
    return StopForm(services().settings.widgets.values(), services().tokens, sent)


def _stop_page(form: StopForm, status: int = 200, notice: str | None = None) -> Response:
    errors = form.errors_in_order()
    title = _("Stop calls to your number")
    intro = _(
        "Did somebody else ask for a call to your number? Enter it, and we will not pass on requests for it."
    )
    return page(
        "widget/stop.html",
        status,
        widget=None,
        title=titled(title, bool(errors)),
        form=form,
        errors=errors,
        notice={"tone": "info", "sentences": [notice]} if notice else None,
        texts={"title": title, "intro": intro},
        action=url_for("stop.stop", **shown_as()),
    )


def _confirm_page(form: StopForm) -> Response:
    """The page with the number as it was read. It is not in the title, which browsers keep in their history."""
    return page(
        "widget/stop_confirm.html",
        widget=None,
        title=_("Stop calls to this number?"),
        form=form,
        read_as=form.read_as,
        action=url_for("stop.stop", **shown_as()),
    )
