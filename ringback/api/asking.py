"""A request as a program asks for it: the form's own judgement, answered in JSON."""

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app, jsonify, request, url_for
from werkzeug.datastructures import MultiDict

from ringback.accounts.api_keys import ApiKey
from ringback.accounts.kept_answers import GOOD_FOR
from ringback.api import once
from ringback.api.access import is_from_elsewhere, needs_credentials
from ringback.api.models import NewRequest, Stored, written
from ringback.api.reading import checked
from ringback.clock import whole_minute
from ringback.config.widget import Widget
from ringback.i18n.languages import gettext as _
from ringback.outbox import consent
from ringback.services import services
from ringback.web import limits
from ringback.web.form import sentences
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
from ringback.web.page import own_address, speak
from ringback.web.problems import problem
from ringback.web.request.routes import promise_of

_MADE_BY = "api"
_FORM_ID_LENGTH = 32
_COPIED = "name phone email company message country when slot zone page".split()


def answer(widget: Widget, key: ApiKey | None, sent: Mapping[str, Any], is_over_limit: bool) -> Response:
    """What a post is answered. Raises ProblemError.

    `is_over_limit`: its address has no post left. With a key that is the visitor's address, which is in the post.
    """
    asked = checked(NewRequest, sent)
    speak(widget, asked.language or "")
    if key is None and not asked.token and current_app.config.get("WTF_CSRF_ENABLED", True):
        raise needs_credentials("Send a token of this widget, or an API key.")
    if key is not None:
        if asked.visitor_address:
            request.remote_addr = asked.visitor_address  # whom every limit counts from here on
        is_over_limit = limits.is_post_too_many()
    name = once.name_of(f"key {key.name}" if key else f"address {limits.address_key()}")
    is_foreign, has_token = key is None and is_from_elsewhere(widget), key is None or bool(asked.token)

    def decided() -> Response:
        post = Post(is_over_limit, is_foreign, _form_id(name) if name else None, _MADE_BY)
        return _decided(widget, asked, post, has_token)

    return once.once(name, sent, decided, is_over_limit)


def _form_id(name: str) -> str:
    """By what its request knows a key. After a day the key is free, and stands for another one."""
    found, forgotten = name[:_FORM_ID_LENGTH], services().clock() - GOOD_FOR
    while services().outbox.is_of_before(found, forgotten):
        found = once.hashed([found])[:_FORM_ID_LENGTH]
    return found


def _decided(widget: Widget, asked: NewRequest, post: Post, has_token: bool) -> Response:
    now = services().clock()
    offered = services().outbox.slots.snapshot(now).free_slots(widget, now)
    given = {**(asked.attributes or {}), "page": asked.page or ""}
    shown = consent.shown_in_all(widget)
    form = CallbackForm(
        widget, services().tokens, _fields(asked), given, offered, own_address(), shown, has_token=has_token
    )
    return _answer(form, decide(form, post))


def _fields(asked: NewRequest) -> MultiDict[str, str]:
    """The same as a browser would post it."""
    fields = {name: value for name in _COPIED if (value := getattr(asked, name)) is not None}
    fields["csrf_token"] = asked.token or ""
    if asked.consent is not False:  # who shows the sentence and asks has agreed, unless they say otherwise
        fields["consent"] = "y"
    if asked.marketing:
        fields["marketing"] = "y"
    return MultiDict(fields)


def _answer(form: CallbackForm, outcome: Outcome) -> Response:
    """The table of answers."""
    match outcome:
        case Confirmed(id):
            return _stored(id)
        case FromElsewhere():
            return problem(403, "foreign_origin", _(sentences.FROM_ELSEWHERE))
        case ToMend(notice):
            return _to_mend(form, notice)
        case TimeGone():
            return _to_mend(form, ())
        case AlreadySent():
            return problem(422, "already_sent", _(sentences.ALREADY_SENT))
        case TooMany(seconds):
            headers = {"Retry-After": str(seconds)}
            return problem(429, "too_many", sentences.too_many(seconds), headers=headers)
        case Paused(pause):
            return problem(503, "paused", pause.words or _(sentences.PAUSED, company=form.widget.company))
        case NotStored():
            return problem(503, "not_stored", _(sentences.NOT_STORED))
        case Tried():
            return Response(status=204)


def _stored(id: str) -> Response:
    """The receipt; the same each time, as long as nobody changes the time."""
    read = services().outbox.read(id)
    if read is None or read[0].erased_at:
        return problem(410, "erased", "Its visitor has deleted it.")
    found = read[0]
    zone = promise_of(found).zone
    url = url_for("request.show_request", id=id, _external=True)
    stored = Stored(
        reference=found.reference,
        requested_at=whole_minute(found.requested_at).astimezone(zone),
        due_at=whole_minute(found.due_at).astimezone(zone),
        status_url=url,
    )
    response = jsonify(written(stored))
    response.status_code = 201
    response.headers["Location"] = url
    return response


def _to_mend(form: CallbackForm, notice: tuple[sentences.Sentence, ...]) -> Response:
    errors = [_fault(form, field.short_name, said) for field, said in form.errors_in_order()]
    if notice:
        return problem(422, notice[0].code, notice[0], errors)
    return problem(422, "invalid", _("There is a problem"), errors)


def _fault(form: CallbackForm, field: str, said: sentences.Sentence) -> dict[str, Any]:
    fault: dict[str, Any] = {"field": field, "code": said.code, "message": str(said)}
    if field == "phone" and form.offered_numbers:
        fault["options"] = [number.e164 for number in form.offered_numbers]
    return fault
