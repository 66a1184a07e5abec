"""One message for everything that waits to be told, in the words of operators and of programs.

No message holds anything about a visitor: only references and names of teams.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

BETWEEN_MESSAGES = timedelta(minutes=10)
NAMED = 20  # references in one message

_REQUESTS = "flask --app app requests list --attention"


@dataclass(frozen=True)
class _Kind:
    """What a kind of alert means, and the command that looks at it.

    `counted` is how a subject counts what is no request, one and several, or says it where nothing is to be
    counted; `more` a command that deals with it.
    `rank` is how soon it is named: of what is held there may be hundreds, and real customers are not to drown.
    """

    meaning: str
    look: str = _REQUESTS
    counted: tuple[str, str] | str | None = None
    more: str = ""
    rank: int = 1


_RELEASE_BRAKE = "flask --app app requests release --held widget_limit"
_OVER_BRAKE = ("widget is over its brake", "widgets are over their brake")
_KINDS = {
    "unknown": _Kind("sent, and the answer was lost: the team may have it", rank=0),
    "failed": _Kind("not handed over, and given up", rank=0),
    "late": _Kind("not handed over, and past what its visitor was promised", rank=0),
    "held": _Kind("held back: not handed over unless you release it", rank=2),
    "unreachable": _Kind(
        "Samespace is not reached: what is due waits, and goes by itself once it answers",
        counted="Samespace is not reached",
        rank=0,
    ),
    "nobody": _Kind(
        "no process hands over: what is due waits; start one (gunicorn, or flask --app app deliver)",
        counted="nobody hands over",
        rank=0,
    ),
    "refusing": _Kind(
        "Samespace refuses requests of this team: is somebody logged in?",
        counted=("team refuses", "teams refuse"),
        rank=0,
    ),
    "well": _Kind("it is well again", counted="well again", rank=3),
    "test": _Kind("nothing has happened: somebody tries whether you are told", counted="a test", rank=3),
    "paused": _Kind(
        "Samespace turns every request of this team away: check its configuration",
        "flask --app app teams list",
        ("team is paused", "teams are paused"),
    ),
    "not_called": _Kind("handed over, and nobody has called", rank=1),
    "call_reports": _Kind(
        "call reports cannot be read: check SAMESPACE_API_KEY",
        "flask --app app check --live",
        ("thing cannot be read: call reports", "things cannot be read"),
    ),
    "stops": _Kind(
        "more than 20 numbers were stopped within an hour: does somebody stop numbers of others?",
        "flask --app app numbers list",
        ("flood of stopped numbers", "floods of stopped numbers"),
    ),
    "webhook_off": _Kind(
        "this receiver answered that it is gone (410): it is told nothing until you switch it on in the console",
        "flask --app app check",
        ("webhook is switched off", "webhooks are switched off"),
    ),
    "webhook_lost": _Kind(
        "this receiver took nothing for a day: what it was to be told is given up",
        "flask --app app check --live",
        ("webhook does not answer", "webhooks do not answer"),
    ),
    "brake": _Kind(
        "over per_widget: what comes from those who ask much is held, others are called",
        counted=_OVER_BRAKE,
        more=_RELEASE_BRAKE,
    ),
    "brake_full": _Kind(
        "over three times per_widget: everything that comes is held",
        counted=_OVER_BRAKE,
        more=_RELEASE_BRAKE,
    ),
}
# Another version may have written it, which is running beside this one.
_UNHEARD_OF = _Kind("see there")


def _kind(name: str) -> _Kind:
    return _KINDS.get(name, _UNHEARD_OF)


@dataclass(frozen=True)
class Alert:
    """One thing to tell: `about` is a request's reference, "team" or "widget" and its name, or "numbers at /stop".

    `number` is that of a held request, to say once what is held for it. It is in no message.
    """

    id: int
    at: datetime
    kind: str
    about: str
    number: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Message:
    """Everything that waited for one channel, oldest first; never empty. `console`: where the list is."""

    alerts: Sequence[Alert]
    console: str = ""

    @property
    def link(self) -> str:
        """Where to look in the console: at the one request that it is about, or at the list."""
        (only, *others) = self.latest
        return (
            f"{self.console}/{only}"
            if not others and only.startswith("RB-")
            else f"{self.console}?state=attention"
        )

    @cached_property
    def id(self) -> str:
        """The same for the same message, so that a receiver can tell a repeat; no secret."""
        told = " ".join(f"{alert.id}@{alert.at.isoformat()}" for alert in self.alerts)
        return f"msg_{hashlib.sha256(f'{told} {self.body}'.encode()).hexdigest()[:32]}"

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many alerts there are of each kind."""
        return dict(Counter(alert.kind for alert in self.alerts))

    @cached_property
    def latest(self) -> dict[str, str]:
        """The latest kind for each thing that is told of."""
        return {alert.about: alert.kind for alert in self.alerts}

    @cached_property
    def named(self) -> list[tuple[str, int]]:
        """What is told of by name, most urgent first, with how many more are held for the number of each."""
        groups: dict[str, list[str]] = {}
        numbers = {alert.about: alert.number for alert in self.alerts if alert.number}
        for about, kind in self.latest.items():
            number = numbers.get(about) if kind == "held" else None
            groups.setdefault(f"held {number}" if number else about, []).append(about)
        urgent = sorted(groups.values(), key=lambda group: _kind(self.latest[group[0]]).rank)
        return [(group[0], len(group) - 1) for group in urgent[:NAMED]]

    @property
    def about(self) -> list[str]:
        """The names alone."""
        return [about for about, _ in self.named]

    @property
    def more(self) -> int:
        """How many are not named."""
        return len(self.latest) - len(self.named)

    @property
    def subject(self) -> str:
        """Such as "Ringback: 2 requests need a person, 1 team is paused"."""
        counted = Counter(_kind(kind).counted or _REQUESTS_COUNTED for kind in self.latest.values())
        # Requests first, then in the order in which the kinds are listed.
        order = [_REQUESTS_COUNTED, *(kind.counted for kind in _KINDS.values() if kind.counted)]
        parts = [_counted(counted[words], words) for words in dict.fromkeys(order) if counted[words]]
        return f"Ringback: {', '.join(parts)}"

    @property
    def text(self) -> str:
        """For people."""
        lines = [f"{count} {kind} ({_kind(kind).meaning})" for kind, count in self.counts.items()]
        lines.append("")
        for about, others in self.named:
            also = f", and {others} more for the same number" if others else ""
            lines.append(f"{about}  {self.latest[about]}{also}")
        if left := self.more - sum(others for _, others in self.named):
            lines.append(f"and {left} more")
        kinds = [_kind(name) for name in self.latest.values()]
        lines += ["", "To look at them:", "", f"    {self.link}", *_commands(kind.look for kind in kinds)]
        if dealt_with := _commands(kind.more for kind in kinds):
            lines += ["", "To hand over what the brake holds:", "", *dealt_with]
        minutes = BETWEEN_MESSAGES.seconds // 60
        return "\n".join([*lines, "", f"At most one such message is sent in {minutes} minutes.", ""])

    @cached_property
    def body(self) -> str:
        """For programs: JSON, the same at every attempt."""
        data = {"counts": self.counts, "about": self.about, "more": self.more, "url": self.link}
        at = self.alerts[-1].at.isoformat()
        kind = "test" if set(self.counts) == {"test"} else "attention"
        return json.dumps({"type": f"ringback.{kind}", "timestamp": at, "data": data})


def _counted(count: int, words: tuple[str, str] | str) -> str:
    return words if isinstance(words, str) else f"{count} {words[0] if count == 1 else words[1]}"


_REQUESTS_COUNTED = ("request needs a person", "requests need a person")


def _commands(commands: Iterable[str]) -> list[str]:
    """Each once, the most needed first."""
    return [f"    {command}" for command in sorted(set(commands) - {""}, key=lambda command: command != _REQUESTS)]
