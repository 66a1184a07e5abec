"""What operators do about requests: each act of one, and the same of many.

What can be undone for ten seconds is stored as intended; the rest is done at once. An act that is not possible
now is answered with the page again, why, and 409.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from flask import flash, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.utils import redirect

from ringback.accounts.operator import Role
from ringback.console import access
from ringback.console.one_request import ACTS, found, request_page, why_not_now
from ringback.console.requests import ACT_NAMES, list_page
from ringback.opening_hours import Interval
from ringback.outbox.operators.by_hand import OF_A_CALL, DialState, NotNowError
from ringback.outbox.request import CallbackRequest, State, new_id
from ringback.outbox.slots import PausedError, SlotTakenError
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("acts", __name__)

MOST_AT_ONCE = 1_000
# Done in ten seconds where one is changed; of many, whatever changes them.
_LATER = frozenset({"cancel", "erase"})
_LATER_OF_MANY = frozenset({"retry", "release", "resolve", "cancel", "erase", "block"})
_ONE_BY_ONE = frozenset({"call", "reschedule"})


class _UnusableError(Exception):
    """What was sent cannot be meant. The text is a sentence for operators."""


@blueprint.post("/requests/<reference>/<act>")
@access.needs(Role.OPERATOR)
def one(reference: str, act: str) -> Answer:
    """Do something about one request."""
    mine = found(reference)
    if act not in ACTS:
        raise NotFound
    if why_not := why_not_now(act, mine):
        return request_page(mine, 409, why_not)
    try:
        said = _do(act, mine)
    except LookupError:  # erased at this moment
        raise NotFound from None
    except NotNowError as refusal:
        return request_page(found(reference), 409, str(refusal), request.form.get("note", ""))
    except _UnusableError as fault:
        return request_page(mine, 422, str(fault), request.form.get("note", ""))
    if said:
        flash(said)
    return redirect(url_for("console_request.shown", reference=mine.reference), 303)


@blueprint.post("/requests/<act>")
@access.needs(Role.OPERATOR)
def many(act: str) -> Answer:
    """Do the same about many: those that are named. What is not theirs is as if it were not there."""
    if act not in ACTS:
        raise NotFound
    named = list(dict.fromkeys(request.form.getlist("reference")))
    if not named:
        return list_page(422, "Choose at least one request.")
    if len(named) > MOST_AT_ONCE or (act in _ONE_BY_ONE and len(named) > 1):
        return list_page(422, "That is done one request at a time." if act in _ONE_BY_ONE else "That is too many.")
    mine = [each for each in map(_find, named) if each]
    able = [each for each in mine if why_not_now(act, each) is None and not _may_have_rung(act, each)]
    try:
        done = _do_to_many(act, able)
    except _UnusableError as fault:
        return list_page(422, str(fault))
    told = _told(act, done, len(mine) - done, len(named) - len(mine))
    if done == 0:
        return list_page(409, told)
    flash(told)
    return redirect(request.form.get("back_to", "") if _is_list(request.form.get("back_to", "")) else _list(), 303)


@blueprint.post("/requests/undo")
@access.needs(Role.OPERATOR)
def undo() -> Answer:
    """Take back what was done in the last ten seconds."""
    count = services().intended.undo(request.form.get("batch", "")[:32], access.operator().name)
    if count == 0:
        return list_page(409, "There is nothing to undo: it has happened, or was undone already.")
    some_happened = count < request.form.get("count", 0, type=int)
    flash(f"Undone: {count}." + (" For the others it was too late." if some_happened else ""))
    back = request.form.get("back_to", "")
    return redirect(back if _is_list(back) else _list(), 303)


def _may_have_rung(act: str, each: CallbackRequest) -> bool:
    """Whether it would ring somebody a second time: of many nobody has looked at each."""
    return act == "retry" and each.state is State.UNKNOWN


def _list() -> str:
    return url_for("console_requests.listed")


def _is_list(address: str) -> bool:
    """Whether an address is one of our lists, and so may be gone to."""
    return address == _list() or (address.startswith((f"{_list()}?", f"{_list()}/")) and address.isprintable())


def _find(reference: str) -> CallbackRequest | None:
    try:
        return found(reference)
    except NotFound:
        return None


def _told(act: str, done: int, not_possible: int, not_there: int) -> str:
    """What happened to how many."""
    name = ACT_NAMES.get(act, act.capitalize())
    when = " in ten seconds" if act in _LATER_OF_MANY else ""
    parts = [f"{name}: {_counted(done)}{when}."]
    if not_possible:
        parts.append(f"Not possible now, and left as they are: {not_possible}.")
    if not_there:
        parts.append(f"Not found: {not_there}.")
    return " ".join(parts)


def _counted(count: int) -> str:
    return f"{count} request" if count == 1 else f"{count} requests"


def _do_to_many(act: str, able: list[CallbackRequest]) -> int:
    if act in _LATER_OF_MANY:
        ids = [each.id for each in able]
        return services().intended.intend(ids, act, _who(), _rang() if act == "resolve" else "") if ids else 0
    done = 0
    for each in able:
        try:
            _do(act, each)
            done += 1
        except (NotNowError, LookupError):  # another was faster, or it was erased
            continue
    return done


def _do(act: str, mine: CallbackRequest) -> str:
    """Do it now, or let it be done in ten seconds; the sentence that says so. Raises as those below."""
    if act in _LATER:
        if not services().intended.intend([mine.id], act, _who()):
            raise NotNowError("Something else is about to happen to it.")
        return ""
    return _NOW[act](mine)


def _who() -> str:
    return access.operator().name


def _by() -> str:
    return f"console:{_who()}"


def _retry(mine: CallbackRequest) -> str:
    return _if(services().operations.retry(mine.id, _by()), "It is handed over now.")


def _release(mine: CallbackRequest) -> str:
    return _if(services().operations.release(mine.id, _by()), "It is released: it is handed over at its time.")


def _resolve(mine: CallbackRequest) -> str:
    rang = _rang() == "yes"
    said = "Resolved: the team had it." if rang else "Resolved: it did not ring, and is handed over again."
    return _if(services().operations.resolve(mine.id, rang, _by()), said)


def _rang() -> str:
    rang = request.form.get("rang", "")
    if rang not in ("yes", "no"):
        raise _UnusableError("Say whether it rang.")
    return rang


def _block(mine: CallbackRequest) -> str:
    held = services().operations.block(mine.answers.phone, by=_by())
    # Not how many: some may be of widgets that are not theirs.
    return (
        "The number was blocked already." if held is None else "The number is blocked. What waits for it is held."
    )


def _if(done: bool, said: str) -> str:
    if not done:
        raise NotNowError("It has changed meanwhile; nothing was done. Look at it again.")
    services().outbox.arrived.set()
    return said


def _claim(mine: CallbackRequest) -> str:
    if request.form.get("claim") == "no":
        services().by_hand.let_go(mine.id, _who())
        return "You have let it go: it is handed over as any other."
    services().by_hand.claim(mine.id, _who())
    return "It is yours for 15 minutes. Nobody else calls the number, and it is not handed over."


def _note(mine: CallbackRequest) -> str:
    text = request.form.get("note", "").strip()
    if not text:
        raise _UnusableError("Write the note first.")
    services().by_hand.note(mine.id, _who(), text)
    return "Noted."


def _outcome(mine: CallbackRequest) -> str:
    outcome = next((each for each in OF_A_CALL if each == request.form.get("outcome", "")), None)
    if outcome is None:
        raise _UnusableError("Say what became of the call.")
    services().by_hand.outcome(mine.id, _who(), outcome, request.form.get("note", "").strip())
    return "The outcome is noted."


def _reschedule(mine: CallbackRequest) -> str:
    slot = _slot(mine)
    try:
        moved = services().outbox.reschedule(mine.id, slot, by=_by())
    except SlotTakenError:
        raise NotNowError("That time has just been taken. Choose another.") from None
    except PausedError:
        raise NotNowError("The widget is paused: no time can be chosen.") from None
    return _if(moved, "Its time is changed.")


def _slot(mine: CallbackRequest) -> Interval | None:
    """The time that was chosen, None for as soon as possible."""
    written = request.form.get("slot", "")
    if request.form.get("when") == "asap" or written == "asap":
        return None
    widget = services().settings.widgets[mine.answers.widget]
    now = services().clock()
    try:
        start = datetime.strptime(written, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        raise _UnusableError("Choose a time.") from None
    for slot in services().outbox.slots.snapshot(now).free_slots(widget, now):
        if slot.start == start:
            return slot
    raise NotNowError("That time cannot be chosen any more. Choose another.")


def _call(mine: CallbackRequest) -> str:
    operator = access.operator()
    once = request.form.get("once", "")[:32] or new_id()
    override = request.form.get("override", "").strip()
    user = operator.samespace_user
    state, reply = services().click_to_call.call(mine.id, operator.name, user, once, override)
    if state is DialState.TAKEN:
        return "Your dock is calling. Note what became of it below."
    if state is DialState.NOT_LOGGED_IN:
        raise NotNowError(
            f"Samespace says that {user} is not logged in. Open your Samespace dock, log in, then call again."
        )
    if state is DialState.ASKED:
        return "Your dock has been asked to call already. Look at it."
    if state is DialState.UNCLEAR:
        return "Nobody can tell whether your dock is calling. Look at it before you call again."
    raise NotNowError(f"Nobody was called. Samespace said: {reply or 'no'}")


_NOW: dict[str, Callable[[CallbackRequest], str]] = {
    "retry": _retry,
    "release": _release,
    "resolve": _resolve,
    "block": _block,
    "claim": _claim,
    "note": _note,
    "outcome": _outcome,
    "reschedule": _reschedule,
    "call": _call,
}
