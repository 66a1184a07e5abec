"""What the agent is told: the attributes of a hand-over, an object of strings."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo

from ringback.config.widget import FIELDS, Widget
from ringback.outbox.request import CallbackRequest, spoken_code

# A minute is how long a hand-over may take without anybody calling it late.
_LATE = timedelta(minutes=1)
# A reference with a colon, however it is spelled: so begin the words of each where several asked.
_LABEL = re.compile(r"(\bR\W{0,3}B\W{0,3}\w{4}\W{0,3}\w{4}[\W_]{0,3}?)(?:\s*[:：﹕︓∶ː꞉])+", re.IGNORECASE)


def what_the_agent_sees(
    requests: Sequence[CallbackRequest],
    attempt: int,
    widget: Widget,
    public_url: str,
    now: datetime,
    outcome_key: str = "",
) -> dict[str, str]:
    """The attributes for requests that are handed over together, the earliest first.

    `outcome_key`: where there is one, the agent gets an address to say what became of the call.
    """
    first = requests[0]
    of_each: list[dict[str, str]] = [
        {name: getattr(each.answers, name) for name in FIELDS} | dict(each.answers.attributes) for each in requests
    ]
    said = {name: _apart(requests, [each.get(name, "") for each in of_each]) for name in _names(widget)}
    attributes = {name: value for name, value in said.items() if value}
    attributes |= {
        "page": first.answers.page or f"{public_url}/{widget.key}",
        "language": first.answers.language,
        "requested_at": first.requested_at.astimezone(widget.team_zone).isoformat(timespec="seconds"),
        "reference": _together(request.reference for request in requests),
        "stop_url": f"{public_url}/stop",
    }
    if asked_for := _together(_asked_for(request, widget) for request in requests):
        attributes["asked_for"] = asked_for
    if outcome_key:
        attributes["outcome_url"] = f"{public_url}/outcome/{outcome_key}"
    late = now - first.due_at
    if attempt > 1 or late >= _LATE:
        attributes["attempt"] = str(attempt)
        attributes["note"] = f"{_note(requests, attempt, late)} {_say_first(requests)}"
    return attributes


def _say_first(requests: Iterable[CallbackRequest]) -> str:
    """What each visitor's page says that the caller can tell them: whoever waited long picks up least.

    In time there is no note: the reference itself is among the attributes, and its end what to say.
    """
    return f"Say first: your reference ends in {_together(spoken_code(each.reference) for each in requests)}."


def _names(widget: Widget) -> Iterable[str]:
    return (*FIELDS, *widget.attributes)


def _apart(requests: Sequence[CallbackRequest], said: Sequence[str]) -> str:
    """What each said; where several asked, by the reference: one may not be who the other says.

    Nobody can forge another's entry: a colon after a reference is removed from what visitors wrote.
    """
    said = [_LABEL.sub(r"\1", words) for words in said]
    if len(requests) == 1:
        return said[0]
    return " / ".join(f"{each.reference}: {words}" for each, words in zip(requests, said, strict=True) if words)


def _together(values: Iterable[str]) -> str:
    """Each value once, in order."""
    return " / ".join(dict.fromkeys(value for value in values if value))


def _asked_for(request: CallbackRequest, widget: Widget) -> str:
    """`2026-11-24T14:00+00:00 (Europe/London); visitor: 2026-11-24T15:00+01:00 (Europe/Paris)`."""
    start = request.answers.slot_starts_at
    if start is None:
        return ""

    def on_the_clock_of(zone: tzinfo) -> str:
        return f"{start.astimezone(zone).isoformat(timespec='minutes')} ({zone})"

    own = request.answers.own_zone(start, widget.team_zone)
    team = on_the_clock_of(widget.team_zone)
    return f"{team}; visitor: {on_the_clock_of(own)}" if own else team


def _note(requests: Sequence[CallbackRequest], attempt: int, late: timedelta) -> str:
    """Why it comes late or again, so that the agent knows what the person may say first."""
    if any(request.resent for request in requests):
        return "This may be a repeat: we could not tell whether the previous call was taken."
    why = "Samespace could not take it before" if attempt > 1 else "Ringback could not hand it over before"
    if late < _LATE:
        return f"Attempt {attempt}: {why}."
    minutes = int(late.total_seconds() // 60)
    return f"Handed over {minutes} {'minute' if minutes == 1 else 'minutes'} late: {why}."
