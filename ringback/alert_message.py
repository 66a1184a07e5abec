"""One message for everything that waits to be told, in the words of operators and of programs.

No message holds anything about a visitor: only references and names of teams.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

BETWEEN_MESSAGES = timedelta(minutes=10)
NAMED = 20  # references in one message

_MEANINGS = {
    "unknown": "sent, and the answer was lost: the team may have it",
    "failed": "not handed over, and given up",
    "held": "held back: not handed over unless you release it",
    "stops": "more than 20 numbers were stopped within an hour: does somebody stop numbers of others?",
    "paused": "Samespace turns every request of this team away: check its configuration",
}


@dataclass(frozen=True)
class Alert:
    """One thing to tell: `about` is a request's reference, "team" and its name, or "numbers at /stop"."""

    id: int
    at: datetime
    kind: str
    about: str


@dataclass(frozen=True)
class Message:
    """Everything that waited for one channel, oldest first; never empty."""

    alerts: Sequence[Alert]

    @cached_property
    def id(self) -> str:
        """The same for the same alerts, so that a receiver can tell a repeat; no secret."""
        told = " ".join(f"{alert.id}@{alert.at.isoformat()}" for alert in self.alerts)
        return f"msg_{hashlib.sha256(told.encode()).hexdigest()[:32]}"

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many alerts there are of each kind."""
        return dict(Counter(alert.kind for alert in self.alerts))

    @cached_property
    def latest(self) -> dict[str, str]:
        """The latest kind for each thing that is told of."""
        return {alert.about: alert.kind for alert in self.alerts}

    @property
    def about(self) -> list[str]:
        """What is told of by name."""
        return list(self.latest)[:NAMED]

    @property
    def more(self) -> int:
        """How many are not named."""
        return len(self.latest) - len(self.about)

    @property
    def subject(self) -> str:
        """Such as "Ringback: 2 requests need a person, 1 team is paused"."""
        teams = sum(kind == "paused" for kind in self.latest.values())
        stops = "stops" in self.latest.values()
        requests = len(self.latest) - teams - stops
        parts = []
        if requests:
            parts.append(
                f"{requests} request needs a person" if requests == 1 else f"{requests} requests need a person"
            )
        if teams:
            parts.append(f"{teams} team is paused" if teams == 1 else f"{teams} teams are paused")
        if stops:
            parts.append("many numbers were stopped")
        return f"Ringback: {', '.join(parts)}"

    @property
    def text(self) -> str:
        """For people."""
        lines = [f"{count} {kind} ({_MEANINGS.get(kind, 'see there')})" for kind, count in self.counts.items()]
        lines += ["", *(f"{about}  {self.latest[about]}" for about in self.about)]
        if self.more:
            lines.append(f"and {self.more} more")
        lines += ["", "To look at them:", ""]
        if set(self.latest.values()) - {"paused", "stops"}:
            lines.append("    flask --app app requests list --attention")
        if "paused" in self.latest.values():
            lines.append("    flask --app app teams list")
        if "stops" in self.latest.values():
            lines.append("    flask --app app numbers list")
        minutes = BETWEEN_MESSAGES.seconds // 60
        return "\n".join([*lines, "", f"At most one such message is sent in {minutes} minutes.", ""])

    @property
    def body(self) -> str:
        """For programs: JSON, the same at every attempt."""
        data = {"counts": self.counts, "about": self.about, "more": self.more}
        at = self.alerts[-1].at.isoformat()
        return json.dumps({"type": "ringback.attention", "timestamp": at, "data": data})
