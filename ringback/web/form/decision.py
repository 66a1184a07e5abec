"""How a post of the form ends: decided here, answered in routes.py."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from flask import g, request
from flask_limiter import RateLimitExceeded

from ringback.i18n.languages import gettext as _
from ringback.outbox import consent
from ringback.outbox.outbox import FormUse, Receipt
from ringback.outbox.slots import Pause, PausedError, SlotTakenError
from ringback.services import services
from ringback.store.failures import STORE_ERRORS
from ringback.web import limits
from ringback.web.errors import log
from ringback.web.form import sentences
from ringback.web.form.answers_hash import answers_hash
from ringback.web.form.callback_form import CallbackForm
from ringback.web.form.canary import HEADER, canary_id
from ringback.web.page import own_address


@dataclass(frozen=True)
class Confirmed:
    """The request is on the disk, now or since this form was sent before. `id` is its key."""

    id: str


@dataclass(frozen=True)
class AlreadySent:
    """This form was accepted before, with other answers."""


@dataclass(frozen=True)
class ToMend:
    """Something is to be corrected; the form knows what, `notice` says what no field does."""

    notice: tuple[sentences.Sentence, ...] = ()


@dataclass(frozen=True)
class TimeGone:
    """The chosen time is no longer available. The form says so."""


@dataclass(frozen=True)
class TooMany:
    """Too many posts from this address; another is read in so many seconds."""

    seconds: int


@dataclass(frozen=True)
class FromElsewhere:
    """A browser says that another site sent the form."""


@dataclass(frozen=True)
class Paused:
    """The widget takes no requests at this moment."""

    pause: Pause


@dataclass(frozen=True)
class NotStored:
    """The store did not answer."""


@dataclass(frozen=True)
class Tried:
    """A request that only tries the way is on the disk."""


@dataclass(frozen=True)
class Post:
    """What is known of a post beside its fields.

    `form_id`: what knows it again where no token does. `made_by`: what showed the sentences that were agreed to.
    """

    is_over_limit: bool
    is_from_elsewhere: bool
    form_id: str | None = None
    made_by: str | None = None


Outcome = Tried | Confirmed | AlreadySent | ToMend | TimeGone | TooMany | FromElsewhere | Paused | NotStored


def decide(form: CallbackForm, post: Post) -> Outcome:
    """How a post ends. A form that was accepted ends as it did then, whatever stands against it now."""
    keys, now = services().settings.secret_keys, services().clock()
    if canary := canary_id(request.headers.get(HEADER), keys, now):
        return _decide_canary(form, post, canary)
    if post.is_over_limit:
        return _confirmed_before(form, post) or TooMany(limits.retry_after_seconds())
    is_good = form.validate()
    if post.is_from_elsewhere:
        return FromElsewhere()
    try:
        outcome = _decide_as_new(form, post, is_good)
        if not is_good or isinstance(outcome, Confirmed):
            return outcome
        return _outcome_before(form, post) or outcome
    except STORE_ERRORS as error:
        services().tell(services().database.told(error), logging.ERROR)
        return NotStored()


def _decide_canary(form: CallbackForm, post: Post, id: str) -> Outcome:
    """The way of any other request, without what limits one: it is stored, and called by nobody."""
    if not form.validate() or form.token_fault:
        return ToMend()
    if post.is_from_elsewhere:
        return FromElsewhere()
    try:
        is_new = services().outbox.canaries.store(id, services().clock())
    except STORE_ERRORS as error:
        services().tell(services().database.told(error), logging.ERROR)
        return NotStored()
    return Tried() if is_new else AlreadySent()


def _decide_as_new(form: CallbackForm, post: Post, is_good: bool) -> Outcome:
    """How it ends when it was not accepted before: the first of these that applies. Raises STORE_ERRORS."""
    if form.token_fault:
        return _to_mend(form, sentences.token_fault(form.token_fault))
    if not is_good:
        return _to_mend(form)
    if _is_too_quick(form):
        return _to_mend(form, sentences.coded("too_quick", _(sentences.TOO_QUICK)))
    if form.is_time_gone:
        form.refuse_time()
        return _to_mend(form)
    if form.number and form.number.is_worth_a_question and not _was_checked(form):
        form.ask_to_check(consent.button(form.widget, form.language))
        return _to_mend(form)
    if wait := limits.seconds_until_store_takes_more():
        return TooMany(wait)
    try:
        return _outcome_of(_accept(form, post))
    except RateLimitExceeded:
        return TooMany(limits.retry_after_seconds())
    except PausedError as error:
        return Paused(error.pause)
    except SlotTakenError:
        form.refuse_time()
        return TimeGone()


def _to_mend(form: CallbackForm, *notice: sentences.Sentence) -> ToMend | Paused:
    """Ask for no corrections while the widget is paused."""
    pause = services().outbox.slots.snapshot(services().clock()).pauses.get(form.widget.key)
    return Paused(pause) if pause else ToMend(notice)


@limits.per_address
def _accept(form: CallbackForm, post: Post) -> Receipt:
    """Store the request. Raises RateLimitExceeded, PausedError, SlotTakenError."""
    agreed = form.agreed(post.made_by or services().form_version, f"{own_address()}/{form.widget.key}")
    use = _use_of(form, post)
    receipt = services().outbox.accept(form.answers(), use, agreed, form.is_suspect, limits.source())
    if receipt.stored_now:
        g.spends_limit = True
        log.info("request %s: received", receipt.reference)
    return receipt


def _outcome_of(receipt: Receipt) -> Confirmed | AlreadySent:
    return Confirmed(receipt.id) if receipt.same_answers else AlreadySent()


def _outcome_before(form: CallbackForm, post: Post) -> Confirmed | AlreadySent | None:
    """What this very form led to when it was sent before. Raises STORE_ERRORS."""
    use = _use_of(form, post)
    receipt = services().outbox.find_use(use) if use else None
    return _outcome_of(receipt) if receipt else None


def _confirmed_before(form: CallbackForm, post: Post) -> Confirmed | None:
    """The same, over the limit: the form is validated only if its token was used. Anybody can get new tokens at
    will, but not used ones.
    """
    try:
        form_id = _form_id(form, post)
        is_used = form_id and services().outbox.find_use(FormUse(form_id, ""))
        before = (
            _outcome_before(form, post) if is_used and not post.is_from_elsewhere and form.validate() else None
        )
    except STORE_ERRORS:
        return None
    return before if isinstance(before, Confirmed) else None


def _use_of(form: CallbackForm, post: Post) -> FormUse | None:
    form_id = _form_id(form, post)
    if not form_id:
        return None
    answers, agrees = form.answers(), form.agrees_to_marketing
    *earlier, now = (answers_hash(answers, agrees, key) for key in services().settings.secret_keys)
    return FormUse(form_id, now, tuple(earlier))


def _form_id(form: CallbackForm, post: Post) -> str | None:
    return form.token.id if form.token and not form.token_fault else post.form_id


def _is_too_quick(form: CallbackForm) -> bool:
    if not form.token:
        return False
    shortest = timedelta(seconds=services().settings.limits.min_fill_seconds)
    return services().clock() - form.token.first_shown_at < shortest


def _was_checked(form: CallbackForm) -> bool:
    who = form.token.id if form.token else f"{limits.address_key()} {form.widget.key}"
    asked_before = limits.was_checked(f"{who} {form.number.digits if form.number else ''}")
    return form.was_checked() or (asked_before and not form.has_to_select)
