"""What an operator asks the console's list to show, and what it answers with."""

from dataclasses import dataclass
from datetime import datetime

from ringback.outbox.calls.not_called import NOT_CALLED
from ringback.outbox.operators.attention import LATE
from ringback.outbox.request import CallbackRequest, State
from ringback.outbox.selection import HELD

ATTENTION = "attention"
PAGE = 50
NEEDS_PERSON = (LATE, State.UNKNOWN.value, State.FAILED.value, NOT_CALLED, HELD)
WAITS = (LATE, "promised", "unpromised")
OVER = tuple(
    state.value for state in State if state not in (State.WAITING, State.HANDING_OVER, State.UNKNOWN, State.FAILED)
)
SECTIONS = (*NEEDS_PERSON, "promised", "unpromised", State.HANDING_OVER.value, "over")
# What may be asked for, in the order in which it is offered.
VIEWS = (ATTENTION, *NEEDS_PERSON, State.WAITING.value, State.HANDING_OVER.value, *OVER)


@dataclass(frozen=True)
class View:
    """What an operator asks to see. `state` is one of VIEWS; `widgets` those that are theirs, None for all.

    `asked_to` is the first moment that is no longer in it.
    """

    state: str = ""
    widget: str = ""
    typed: str = ""
    asked_from: datetime | None = None
    asked_to: datetime | None = None
    after: str = ""
    widgets: frozenset[str] | None = None

    @property
    def only(self) -> frozenset[str] | None:
        """The widgets that are looked at; None for all."""
        if not self.widget:
            return self.widgets
        return frozenset({self.widget}) & (self.widgets if self.widgets is not None else {self.widget})

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections that are looked at, in their order."""
        if not self.state:
            return SECTIONS
        if self.state == ATTENTION:
            return NEEDS_PERSON
        if self.state == State.WAITING:
            return WAITS
        if self.state == State.WITH_TEAM:
            return (NOT_CALLED, "over")
        return ("over",) if self.state in OVER else (self.state,)


@dataclass(frozen=True)
class Listed:
    """A page of the list. `after` asks for the next one; "" if it is the last.

    `too_many`: more was found than can be shown.
    """

    requests: list[CallbackRequest]
    after: str
    too_many: bool = False


@dataclass(frozen=True)
class Count:
    """How many there are, or, where `more`, that there are more than so many."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.more else ''}"
