"""What an answer of Samespace means: every way a call can end, as a type, and how it is read.

The question that decides about a person's telephone is "may Samespace have taken it?".
"""

import json
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any

REPLY_CHARACTERS = 2_000
# No request waits longer than this on one answer's word; after a day nobody expects the call.
LONGEST_RETRY_AFTER_SECONDS = 86_400.0
# Proxies answer 503 of their own when an upstream that had the request already breaks off. Who says when to come
# back has done nothing yet; so with 425, which nobody who understood us would say: we send no early data.
COME_BACK = frozenset({HTTPStatus.TOO_EARLY, HTTPStatus.SERVICE_UNAVAILABLE})
# RFC 9110, 15.5.9 and 15.5.10: the server gave up waiting, or the state of things was in the way;
# neither says that nothing was done.
DOUBTFUL = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, *COME_BACK})


@dataclass(frozen=True)
class Accepted:
    """The team has the request: somebody will call.

    `reply` is what Samespace said, for the operator, as in every outcome that has one: at most
    2,000 characters, on one line, and in no repr because it may quote the visitor.
    """

    reply: str = field(repr=False)


@dataclass(frozen=True)
class Refused:
    """Samespace said `success: false`: certainly no call yet, and it is asked again on schedule.

    `retry_after` (seconds) is set where the refusal came with a `Retry-After` header.
    """

    message: str = field(repr=False)
    reply: str = field(repr=False)
    retry_after: float | None = None


@dataclass(frozen=True)
class NotSent:
    """Not a byte of the request left us: certainly no call yet, and it is tried again on schedule."""

    reason: str


@dataclass(frozen=True)
class Busy:
    """Samespace turned the request away unread: no call yet, and it waits as long as Samespace asks.

    `retry_after` is in seconds, from 0 to a day, or None where a 429 named no time that can be read.
    """

    retry_after: float | None
    status: int


@dataclass(frozen=True)
class Misconfigured:
    """Samespace turned the request away and would do so again: its configuration is at fault, or its number."""

    status: int
    reply: str = field(repr=False)


@dataclass(frozen=True)
class Unclear:
    """The request was sent, and nobody can tell whether it was taken: a person has to look."""

    reason: str
    status: int | None
    reply: str = field(repr=False)


@dataclass(frozen=True)
class NotLoggedIn:
    """The agent's dock is closed: no call, and the person waits until the agent has logged in."""

    message: str = field(repr=False)


@dataclass(frozen=True)
class NewToken:
    """Samespace gave a fresh auth token: nobody waits for it, but the old one may be dead already."""

    token: str = field(repr=False)


Outcome = Accepted | Refused | NotSent | Busy | Misconfigured | Unclear


@dataclass(frozen=True)
class Answer:
    """An answer whose status and headers came; `flaw` says what is wrong with its body, if anything."""

    status: int
    retry_after: str | None
    body: bytes
    flaw: str | None

    @property
    def successful(self) -> bool:
        return 200 <= self.status < 300

    @property
    def turned_away(self) -> bool:
        """A status by which HTTP says that nothing was done, and will not be if asked again the same way.

        Of the 1xx only 101, an answer to a question we never asked: the others announce that the
        answer is still to come, and it did not.
        """
        if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
            return True
        return 300 <= self.status < 500 and self.status not in DOUBTFUL

    @cached_property
    def json_object(self) -> dict[str, Any] | None:
        try:
            value = None if self.flaw else json.loads(self.body)
        except (ValueError, RecursionError):  # RecursionError: ten thousand opening brackets
            return None
        return value if isinstance(value, dict) else None

    @property
    def message(self) -> str:
        message = (self.json_object or {}).get("message")
        return _for_operator(message) if isinstance(message, str) else ""

    @property
    def reply(self) -> str:
        return _for_operator(self.body.decode("utf-8", "replace"))


def outcome_of(answer: Answer, now: datetime) -> Outcome:
    """What an answer means for the request; `success: false` in the body outranks the status."""
    success = _success(answer.json_object)
    if success is False:
        return Refused(answer.message, answer.reply, _retry_after(answer, now))
    if answer.successful:
        return _outcome_of_success(answer, success)
    if success is True:
        return Unclear("the status says no, the answer says yes", answer.status, answer.reply)
    wait = _retry_after(answer, now)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or (answer.status in COME_BACK and wait is not None):
        return Busy(wait, answer.status)
    if answer.turned_away:
        return Misconfigured(answer.status, answer.reply)
    return Unclear(f"answered with {answer.status}", answer.status, answer.reply)


def outcome_of_dial(answer: Answer, now: datetime) -> Outcome | NotLoggedIn:
    """The same of an agent who is to be rung first."""
    outcome = outcome_of(answer, now)
    # Seen with 422, too: the words say more than the status.
    if isinstance(outcome, Refused | Misconfigured) and "not logged in" in answer.message.casefold():
        return NotLoggedIn(answer.message)
    return outcome


def outcome_of_token(answer: Answer, now: datetime) -> NewToken | Outcome:
    """The same of a token that was asked for."""
    outcome = outcome_of(answer, now)
    if not answer.successful or isinstance(outcome, Refused):
        return outcome
    token = _token(answer.json_object)
    if token:
        return NewToken(token)
    if isinstance(outcome, Accepted):
        return Unclear("no token in the answer", answer.status, answer.reply)
    return outcome


def _retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds from a `Retry-After` in either form (RFC 9110, 10.2.3), None where it has neither."""
    text = (answer.retry_after or "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        moment = _http_date(text)
        if moment is None:
            return None
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


_ABSENT = object()
_AS_TEXT = {"true": True, "false": False}  # as the vendor's chat API has it


def _success(answer: dict[str, Any] | None) -> object:
    """True or False, also where it is written as text; else what stands there, or `_ABSENT`."""
    value = _ABSENT if answer is None else answer.get("success", _ABSENT)
    return _AS_TEXT.get(value.strip().lower(), value) if isinstance(value, str) else value


def _outcome_of_success(answer: Answer, success: object) -> Accepted | Unclear:
    """A 2xx: the vendor's page shows no successful answer, so an object without `success` counts as one."""
    if answer.flaw:
        return Unclear(answer.flaw, answer.status, answer.reply)
    if answer.json_object is None:
        return Unclear("the answer is not a JSON object", answer.status, answer.reply)
    if success is True or success is _ABSENT:
        return Accepted(answer.reply)
    return Unclear("`success` is neither true nor false", answer.status, answer.reply)


def _token(answer: dict[str, Any] | None) -> str | None:
    """The new token, under either name and at either depth: the vendor's page does not show the answer."""
    top = answer or {}
    data = top.get("data")
    for place in (top, data if isinstance(data, dict) else {}):
        for name in ("auth_token", "token"):
            token = place.get(name)
            if isinstance(token, str) and token.strip():
                return token.strip()
    return None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _for_operator(text: str) -> str:
    """One line of what a stranger sent: cut, without control, direction and half characters."""
    visible = (c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join("".join(visible).split())[:REPLY_CHARACTERS]
