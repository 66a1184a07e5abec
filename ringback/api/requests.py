"""Requests as a program with a key follows them: what is true, and what it may do."""

import re
from datetime import datetime, timedelta
from typing import Any

from flask import request

from ringback.accounts.api_keys import ApiKey
from ringback.api.access import no_such_widget
from ringback.api.models import Cancelled, Found, FoundWhole, Happened, Listed, Spoken, Withdrawn
from ringback.api.reading import refuse
from ringback.outbox.programs import Asked
from ringback.outbox.request import CallbackRequest, State
from ringback.outbox.selection import HELD, STATES, true_state
from ringback.phone import PhoneError, read
from ringback.services import services
from ringback.web.errors import log

_REFERENCE = re.compile(r"[A-Za-z0-9-]{1,12}")
_SHOWN = "widget region name email company message page language slot_starts_at slot_ends_at".split()
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def listed(key: ApiKey) -> Listed:
    """A page of requests, as the query asks. Raises ProblemError."""
    state, widget = request.args.get("state"), request.args.get("widget")
    if state is not None and state not in STATES:
        raise _wrong("state", f"should be one of {', '.join(STATES)}")
    since, after = _since(request.args.get("since")), request.args.get("after")
    try:
        if after is not None and not _REFERENCE.fullmatch(after):
            raise LookupError
        asked = Asked(key.widgets, state, _its_widget(key, widget), since, after.upper() if after else None)
        found, following = services().programs.page(asked)
    except LookupError:
        raise _wrong("after", "should be the next of the page before") from None
    return Listed(requests=[Found(**_fields(each)) for each in found], next=following)


def _its_widget(key: ApiKey, name: str | None) -> str | None:
    if name is None:
        return None
    widget = services().settings.widget(name)
    if widget is None or not key.may_see(widget.key):
        raise no_such_widget()
    return widget.key


def _since(text: str | None) -> datetime | None:
    """A time with its offset, or so long ago: `2h`."""
    if text is None:
        return None
    try:
        if ago := re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text, re.ASCII):
            return services().clock() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus that stands in an address as it is
        if at.tzinfo is not None and datetime(1, 1, 2) < at.replace(tzinfo=None) < datetime(9999, 12, 30):
            return at
    except (ValueError, OverflowError):
        pass
    raise _wrong("since", "should be a time with its offset, like 2026-11-24T14:00:00Z, or like 30m, 2h or 3d")


def _wrong(field: str, message: str) -> Exception:
    return refuse(422, "invalid", errors=[{"field": field, "code": "malformed", "message": message}])


def shown(key: ApiKey, reference: str) -> FoundWhole:
    """One request with its history. Raises ProblemError (404)."""
    id = _id_of(key, reference)
    found = services().outbox.read(id)
    kept = services().personal_data.export(id, for_operators=True)
    if found is None or kept is None:
        raise _not_found()
    return FoundWhole(**_fields(found[0]), events=[Happened(**event) for event in kept["events"]])


def cancelled(key: ApiKey, reference: str) -> Cancelled:
    """Withdraw one that waits. Raises ProblemError: 404, and 409 where it is too late."""
    id = _id_of(key, reference)
    if services().outbox.cancel(id):
        log.info("request %s: cancelled by a program", reference.upper())
    else:
        found = services().outbox.read(id)
        if found is None or found[0].state is not State.CANCELLED:
            raise refuse(409, "too_late", "It does not wait any more.")
    return Cancelled(reference=reference.upper())


def spoken(key: ApiKey, said: Spoken) -> Withdrawn:
    """Withdraw what waits for a number. Raises ProblemError (422) for one that is none."""
    now = services().clock()
    widgets = services().settings.widgets
    regions = [region for name in widgets if key.may_see(name) for region in widgets[name].called_regions]
    try:
        number = read(said.phone, regions[0] if regions else None, tuple(dict.fromkeys(regions)))
    except PhoneError as error:
        fault = {"field": "phone", "code": error.reason.value, "message": "is no number that is called here"}
        raise refuse(422, "invalid", errors=[fault]) from None
    references = services().programs.spoken(number.digits, min(said.at or now, now), key.widgets, key.name)
    for reference in references:
        log.info("request %s: withdrawn, they have spoken already", reference)
    return Withdrawn(withdrawn=references)


def _id_of(key: ApiKey, reference: str) -> str:
    id = services().programs.find(reference.upper(), key.widgets) if _REFERENCE.fullmatch(reference) else None
    if id is None:
        raise _not_found()
    return id


def _not_found() -> Exception:
    return refuse(404, "not_found", "There is no such request.")


def _fields(found: CallbackRequest) -> dict[str, Any]:
    answers, state = found.answers, true_state(found)
    return {
        "reference": found.reference,
        "state": state,
        "reason": found.held.value if found.held and state == HELD else None,
        "requested_at": found.requested_at,
        "due_at": found.due_at,
        "phone": f"+{answers.phone}",
        "attributes": dict(answers.attributes),
        **{name: getattr(answers, name) for name in _SHOWN},
    }
