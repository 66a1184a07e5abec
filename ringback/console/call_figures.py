"""The figures of the calls: how many were answered, at which hour of the week, and after which wait."""

from collections.abc import Sequence
from dataclasses import dataclass

from ringback.outbox.figures.figures import Counts, Figures
from ringback.outbox.figures.tally import seconds_from

# Waits that are told apart, by the minutes that they end at: few, so that each has enough calls to say something.
_WAITS = (
    (1, "Up to 1 min"),
    (5, "1 to 5 min"),
    (15, "5 to 15 min"),
    (30, "15 to 30 min"),
    (60, "30 to 60 min"),
    (240, "1 to 4 h"),
)
_LONGER = "More than 4 h"
COLUMNS = ("Calls", "Answered", "Not answered", "Not known", "Answered of those known, %")


@dataclass(frozen=True)
class Calls:
    """Calls of one kind. `share` is the percentage that was answered, of those known; None without any."""

    label: str
    called: int
    answered: int
    unanswered: int

    @property
    def share(self) -> int | None:
        known = self.answered + self.unanswered
        return round(100 * self.answered / known) if known else None

    @property
    def cells(self) -> tuple[str | int, ...]:
        unknown = self.called - self.answered - self.unanswered
        share = "" if self.share is None else self.share
        return self.label, self.called, self.answered, self.unanswered, unknown, share


def by_wait(found: Figures) -> list[Calls]:
    """The calls by how long people had waited, the shortest first; waits without any are left out."""
    labels = [label for _minutes, label in _WAITS] + [_LONGER]
    sums = {
        label: _summed(label, [each for each in found.calls_by_wait if _wait(each) == label]) for label in labels
    }
    return [sums[label] for label in labels if sums[label].called]


def by_hour(found: Figures, weekdays: Sequence[str]) -> list[Calls]:
    """The calls by the hour of the week that they were made in, Monday first; hours without any are left out."""
    return [_summed(f"{weekdays[int(each.label[0])]} {each.label[2:]}:00", [each]) for each in found.calls_by_hour]


def week_of_shares(found: Figures) -> list[list[int | None]]:
    """The share that was answered, in percent, for each hour of each weekday."""
    week: list[list[int | None]] = [[None] * 24 for _ in range(7)]
    for each in found.calls_by_hour:
        week[int(each.label[0])][int(each.label[2:])] = _summed("", [each]).share
    return week


def _wait(counts: Counts) -> str:
    minutes = seconds_from(int(counts.label)) / 60
    return next((label for end, label in _WAITS if minutes < end), _LONGER)


def _summed(label: str, some: Sequence[Counts]) -> Calls:
    called, answered, unanswered = (
        sum(each[name] for each in some) for name in ("called", "answered", "unanswered")
    )
    return Calls(label, called, answered, unanswered)
