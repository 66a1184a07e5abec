"""The figures as they are read: by day, by hour of the week, by widget, language, page and campaign."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.outbox.figures.tally import share_within
from ringback.store.database import Database
from ringback.store.figure_tables import COUNTS, figures

MOST_VALUES = 12  # of a breakdown, the largest
_ENDS = ("requests", "handed_over", "unknown", "failed", "cancelled", "held", "kept", "late")
_CALLS = ("called", "answered", "unanswered")


@dataclass(frozen=True)
class Counts:
    """How many of each; `label` says of what: a day, a widget, a page."""

    label: str
    of: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        return self.of[name]

    @property
    def waiting(self) -> int:
        """What has not ended yet."""
        ended = ("handed_over", "unknown", "failed", "cancelled", "held")
        return max(self["requests"] - sum(self[name] for name in ended), 0)


@dataclass(frozen=True)
class Figures:
    """What was counted of some days, the first and the last among them.

    `week` has the requests of each hour of each weekday, Monday first; `delays` are lengths, as in `tally`, with
    how many requests were handed over in that time from when they were due. Median and p90 are seconds.
    `calls_by_hour` are labelled like `1T09`, Tuesday at nine, and `calls_by_wait` like a length in `tally`.
    """

    first: date
    last: date
    total: Counts
    days: Sequence[Counts]
    week: Sequence[Sequence[int]]
    by: Mapping[str, Sequence[Counts]]
    delays: Sequence[tuple[int, int]]
    calls_by_hour: Sequence[Counts]
    calls_by_wait: Sequence[Counts]

    @property
    def median(self) -> float | None:
        return share_within(self.delays, 0.5)

    @property
    def p90(self) -> float | None:
        return share_within(self.delays, 0.9)

    def called_within(self, share: float) -> float | None:
        """Seconds from when it was due, within which so many of those who were called were called."""
        return share_within([(int(each.label), each["called"]) for each in self.calls_by_wait], share)


def read_figures(database: Database, first: date, last: date, widgets: Collection[str] | None) -> Figures:
    """What was counted from one day to another, for these widgets; None for all, also those of the past."""
    where = _where(first, last, widgets)
    with database.read() as connection:
        hours = _grouped(connection, figures.c.hour, COUNTS, figures.c.by == "", *where)
        by = {"widget": _largest(connection, figures.c.widget, "", where)}
        for kind in ("language", "page", "campaign", "held"):
            by[kind] = _largest(connection, figures.c.value, kind, where)
        calls = {
            kind: _grouped(connection, figures.c.value, _CALLS, figures.c.by == kind, *where)
            for kind in ("call_hour", "call_wait")
        }
        delays = _grouped(connection, figures.c.value, ("handed_over",), figures.c.by == "delay", *where)
    return Figures(
        first,
        last,
        _sum("", hours),
        _days(hours, first, last),
        _week(hours),
        by,
        sorted((int(each.label), each["handed_over"]) for each in delays if each["handed_over"]),
        *([each for each in some if each["called"]] for some in calls.values()),
    )


def _where(first: date, last: date, widgets: Collection[str] | None) -> list[sa.ColumnElement[bool]]:
    where = [figures.c.hour >= first.isoformat(), figures.c.hour < (last + timedelta(days=1)).isoformat()]
    return where if widgets is None else [*where, figures.c.widget.in_(sorted(widgets))]


def _grouped(
    connection: sa.Connection, column: sa.Column[Any], counts: Sequence[str], *where: sa.ColumnElement[bool]
) -> list[Counts]:
    sums = [sa.func.sum(figures.c[name]).label(name) for name in counts]
    query = sa.select(column.label("label"), *sums).where(*where).group_by(column).order_by(column)
    return [Counts(row[0], dict(zip(counts, map(int, row[1:]), strict=True))) for row in connection.execute(query)]


def _largest(
    connection: sa.Connection, column: sa.Column[Any], by: str, where: Sequence[sa.ColumnElement[bool]]
) -> list[Counts]:
    """Those with the most requests. Found first, and only they are summed: there may be a hundred a day."""
    requests = sa.func.sum(figures.c.requests)
    query = sa.select(column).where(figures.c.by == by, *where).group_by(column)
    query = query.having(requests > 0).order_by(requests.desc(), column).limit(MOST_VALUES)
    labels = list(connection.execute(query).scalars())
    if not labels:
        return []
    found = _grouped(connection, column, (*_ENDS, *_CALLS), figures.c.by == by, column.in_(labels), *where)
    return sorted(found, key=lambda each: labels.index(each.label))


def _sum(label: str, some: Sequence[Counts]) -> Counts:
    return Counts(label, {name: sum(each[name] for each in some) for name in COUNTS})


def _days(hours: Sequence[Counts], first: date, last: date) -> list[Counts]:
    """Each day, those without anything too."""
    by_day: dict[str, list[Counts]] = {}
    for hour in hours:
        by_day.setdefault(hour.label[:10], []).append(hour)
    days = [(first + timedelta(days=offset)).isoformat() for offset in range((last - first).days + 1)]
    return [_sum(day, by_day.get(day, [])) for day in days]


def _week(hours: Sequence[Counts]) -> list[list[int]]:
    week = [[0] * 24 for _ in range(7)]
    for hour in hours:
        week[date.fromisoformat(hour.label[:10]).weekday()][int(hour.label[11:])] += hour["requests"]
    return week
