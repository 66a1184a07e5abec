"""One request: all that is known of it, and what can be done about it now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from werkzeug.exceptions import NotFound

from ringback.accounts.operator import Role
from ringback.config.widget import FIELDS
from ringback.console import access, words
from ringback.console.evidence import evidence
from ringback.console.page import page
from ringback.console.requests import ACT_NAMES, intentions
from ringback.handover.agent_note import what_the_agent_sees
from ringback.i18n import languages
from ringback.i18n.local_time import LocalTime, value_of
from ringback.outbox.calls.outcomes import disagree
from ringback.outbox.operators.by_hand import OF_A_CALL
from ringback.outbox.operators.reached import reached_since
from ringback.outbox.request import (
    CallbackRequest,
    Event,
    EventKind,
    Held,
    State,
    new_id,
    which_only_look_so,
)
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("request", __name__)

ACTS = (
    *("call", "claim", "retry", "release", "resolve", "reschedule", "cancel", "note", "outcome", "block", "erase"),
)
_LABELS = {"name": "Name", "email": "E-mail", "company": "Company", "message": "Message"}


@blueprint.get("/requests/<reference>")
@access.needs(Role.VIEWER)
def shown(reference: str) -> Answer:
    """All that is known of one."""
    return request_page(found(reference))


def found(reference: str) -> CallbackRequest:
    """A request that is there, and theirs to see. Raises NotFound."""
    readable = reference.isascii() and reference.isprintable()
    one = services().console_list.find(reference.upper(), access.operator().widgets) if readable else None
    if one is None:
        raise NotFound
    return one


@dataclass(frozen=True)
class Happened:
    """One line of what happened."""

    at: datetime
    when: str
    what: str
    detail: str
    tone: str = ""


def request_page(one: CallbackRequest, status: int = 200, problem: str = "", typed: str = "") -> Answer:
    """The page of one. `problem` says why an act was not done; `typed` is what was written with it."""
    now, settings, operator = services().clock(), services().settings, access.operator()
    about_to = services().intended.acts_on([one.id]).get(one.id)
    why_not = {act: _why_not(act, one, about_to) for act in ACTS}
    data = services().personal_data.export(one.id, for_operators=True) or {}
    others = services().console_list.others(one, operator.widgets)
    read = services().outbox.read(one.id)
    events = read[1] if read else []
    return page(
        "request.html",
        one.reference,
        status,
        row=words.row_of(
            one, settings, now, reached=reached_since(services().database, [one], operator.widgets).get(one.id)
        ),
        language=languages.language(one.answers.language).locale.get_display_name("en"),
        answers=_answers(one),
        happened=_happened(one, events, now),
        evidence=evidence(one, events, now),
        disagree=disagree(services().outcomes.said(one.id)),
        agent_reads=_agent_reads(one, events, now),
        consents=data.get("consents", []),
        agreed_at=lambda at: words.moment(datetime.fromisoformat(at), words.zone_of(one, settings), now),
        others=[words.row_of(other, settings, now) for other in others],
        may=lambda act: operator.role >= Role.OPERATOR and why_not[act] is None,
        why_not=why_not,
        is_mine=words.claimed_by(one, now) == operator.name,
        needs_reason=services().by_hand.is_unwanted(one.answers.phone),
        undo=intentions(),
        act_names=ACT_NAMES,
        outcomes=[(each.value, words.OUTCOME_NAMES[each.value]) for each in OF_A_CALL],
        slots=_slots(one, now),
        once=new_id(),
        problem=problem,
        typed=typed,
        acts=operator.role >= Role.OPERATOR,
        is_held_as_stopped=one.held in (Held.STOPPED, Held.BLOCKED),
        back=url_for("console_requests.listed"),
    )


def why_not_now(act: str, one: CallbackRequest) -> str | None:
    """Why an act is not possible at this moment, in a sentence; None if it is."""
    return _why_not(act, one, services().intended.acts_on([one.id]).get(one.id))


def _why_not(act: str, one: CallbackRequest, about_to: str | None) -> str | None:
    if about_to and act != "note":
        return f"“{ACT_NAMES[about_to]}” is about to happen. Undo that first, or wait a moment."
    return _WHY_NOT.get(act, lambda _: None)(one)


def _no_retry(one: CallbackRequest) -> str | None:
    if one.held:
        return "It is held. Release it to hand it over."
    is_open = one.state in (State.WAITING, State.FAILED, State.UNKNOWN)
    return (
        None if is_open else "It does not wait, has not failed and is not unknown: nothing is handed over again."
    )


def _no_release(one: CallbackRequest) -> str | None:
    if one.held is None or one.state is State.CANCELLED:
        return "It is not held."
    return "It is changing at this moment. Try again in a minute." if one.state is State.HANDING_OVER else None


def _no_resolve(one: CallbackRequest) -> str | None:
    return None if one.state is State.UNKNOWN and one.held is None else "It is not unknown."


def _no_cancel(one: CallbackRequest) -> str | None:
    return None if one.state is State.WAITING else "It no longer waits, so it cannot be cancelled."


def _no_reschedule(one: CallbackRequest) -> str | None:
    if services().settings.widget(one.answers.widget) is None:
        return "Its widget is no longer there, so no time can be chosen."
    return None if one.state is State.WAITING else "It no longer waits, so its time cannot be changed."


def _cancelled(one: CallbackRequest) -> str | None:
    return "It was cancelled: nobody waits for a call." if one.state is State.CANCELLED else None


def _no_claim(one: CallbackRequest) -> str | None:
    who = words.claimed_by(one, services().clock())
    if who and who != access.operator().name:
        return f"{who} is calling this number."
    if one.state is State.HANDING_OVER and one.held is None:
        return "This number is being called at this moment. Look again in a minute."
    return _cancelled(one)


def _no_call(one: CallbackRequest) -> str | None:
    if not access.operator().samespace_user:
        return "Your account has no Samespace username yet. An admin can enter it, under Operators."
    return _no_claim(one)


def _no_erase(one: CallbackRequest) -> str | None:
    return (
        "It is being handed over at this moment. Try again in a minute."
        if one.state is State.HANDING_OVER
        else None
    )


_WHY_NOT = {
    "retry": _no_retry,
    "release": _no_release,
    "resolve": _no_resolve,
    "cancel": _no_cancel,
    "reschedule": _no_reschedule,
    "call": _no_call,
    "claim": _no_claim,
    "outcome": _cancelled,
    "erase": _no_erase,
}


def _answers(one: CallbackRequest) -> list[tuple[str, str]]:
    said = [(_LABELS.get(name, name.capitalize()), getattr(one.answers, name)) for name in FIELDS]
    return [(label, value) for label, value in [*said, *one.answers.attributes.items()] if value]


def _happened(one: CallbackRequest, events: Sequence[Event], now: datetime) -> list[Happened]:
    """The events and what was done by hand, oldest first, with what Samespace answered each time."""
    zone = words.zone_of(one, services().settings)
    lines = []
    for event, looks in zip(events, which_only_look_so(each.kind for each in events), strict=True):
        what = words.HAPPENED.get(event.kind, event.kind.value.capitalize())
        detail = event.detail or ""
        if event.kind is EventKind.HELD and detail:
            detail = words.WHY_HELD.get(Held(detail), detail) if detail in list(Held) else detail
        if event.kind is EventKind.CALLED:
            detail = words.with_outcome(detail)
        if looks:
            what = f"Nobody was called; its visitor sees “{what}”"
        lines.append(Happened(event.at, words.moment(event.at, zone, now), what, detail, "quiet" if looks else ""))
    for done in services().by_hand.done(one.id):
        name = {"note": "Note", "dial": words.DIAL_NAMES.get(done.what, "Called")}.get(done.kind)
        what = f"{name or words.OUTCOME_NAMES.get(done.what, done.what)}, {done.by}"
        call = f" (call {done.call_id})" if done.call_id else ""
        lines.append(Happened(done.at, words.moment(done.at, zone, now), what, f"{done.note}{call}", "hand"))
    return sorted(lines, key=lambda line: line.at)


def _agent_reads(one: CallbackRequest, events: Sequence[Event], now: datetime) -> Mapping[str, Any]:
    """What stands in the agent's dock, by itself: as it was at the last attempt, or would be now.

    Nothing of who was called by hand, or cancelled, before anything was handed over.
    """
    widget = services().settings.widget(one.answers.widget)
    tried = [event.at for event in events if event.kind is EventKind.ATTEMPTED]
    is_over = (one.state in (State.WITH_TEAM, State.CALLED) and not one.held) or one.state is State.CANCELLED
    if widget is None or (is_over and not tried):
        return {}
    attempt = one.attempt if one.state is not State.WAITING else one.attempt + 1
    at = tried[-1] if tried and one.state is not State.WAITING else now
    return what_the_agent_sees([one], max(attempt, 1), widget, services().settings.public_url, at)


def _slots(one: CallbackRequest, now: datetime) -> list[tuple[str, str]]:
    """The times that can be chosen, as a form sends them and as they are read."""
    widget = services().settings.widget(one.answers.widget)
    if widget is None or one.state is not State.WAITING:
        return []
    clock = LocalTime(widget.team_zone, "en_GB")
    free = services().outbox.slots.snapshot(now).free_slots(widget, now)
    return [(value_of(slot.start), clock.slot(slot.start, slot.end)) for slot in free[:100]]
