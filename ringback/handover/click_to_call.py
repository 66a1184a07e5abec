"""Click-to-call: an operator's own dock dials a number. Asked for twice, it rings once."""

import json
import logging

from ringback.config.settings import Settings
from ringback.handover.outcomes import Accepted, Busy, Misconfigured, NotLoggedIn, NotSent, Refused, Unclear
from ringback.handover.samespace import Samespace
from ringback.outbox.operators.by_hand import ByHand, Dial, DialState
from ringback.outbox.request import CallbackRequest

log = logging.getLogger("ringback.click_to_call")

_CALL_ID_CHARACTERS = 200


class ClickToCall:
    """Calls from operators' docks."""

    def __init__(self, by_hand: ByHand, samespace: Samespace, settings: Settings) -> None:
        self._by_hand = by_hand
        self._samespace = samespace
        self._settings = settings

    def call(self, id: str, who: str, username: str, once: str, override: str = "") -> tuple[DialState, str]:
        """Let the dock of `username` dial the number of a request; how that went, and what Samespace said.

        A name without a cloud is of ours. The other arguments and what is raised are those of `ByHand.begin_dial`.
        """
        dial = self._by_hand.begin_dial(id, who, once, override)
        if not dial.is_new:
            return dial.state, dial.reply
        state, reply, call_id = self._dial(dial, username)
        log.info("request %s: called from a dock, %s", dial.request.reference, state)
        self._by_hand.end_dial(dial, state, reply, call_id)
        return state, reply

    def _dial(self, dial: Dial, username: str) -> tuple[DialState, str, str]:
        full = username if "@" in username else f"{username}@{self._settings.samespace.space_id}"
        outcome = self._samespace.click_to_call(
            full, dial.request.answers.phone, self._caller_id(dial.request), _custom(dial.request)
        )
        match outcome:
            case Accepted(reply=reply):
                return DialState.TAKEN, reply, _call_id(reply)
            case NotLoggedIn(message=message):
                return DialState.NOT_LOGGED_IN, message, ""
            case Refused(message=message):
                return DialState.REFUSED, message, ""
            case NotSent(reason=reason):
                return DialState.REFUSED, f"not sent: {reason}", ""
            case Busy(status=status):
                return DialState.REFUSED, f"busy ({status})", ""
            case Misconfigured(status=status, reply=reply):
                return DialState.REFUSED, f"answered {status}: {reply}", ""
            case Unclear(reason=reason, reply=reply):
                return DialState.UNCLEAR, f"{reason}: {reply}" if reply else reason, ""

    def _caller_id(self, request: CallbackRequest) -> str | None:
        """The number that the visitor was told the call comes from."""
        widget = self._settings.widget(request.answers.widget)
        shown = widget.caller_id if widget else None
        return "+" + "".join(filter(str.isdigit, shown)) if shown else None


def _custom(request: CallbackRequest) -> dict[str, str]:
    """What the dock shows, and what comes back with the record of the call."""
    custom = {"reference": request.reference}
    return custom | {"name": request.answers.name} if request.answers.name else custom


def _call_id(reply: str) -> str:
    """Samespace's name for the call, if it gave one."""
    try:
        answer = json.loads(reply)
    except ValueError:
        return ""
    found = answer.get("callId") if isinstance(answer, dict) else None
    return str(found)[:_CALL_ID_CHARACTERS] if isinstance(found, str | int) else ""
