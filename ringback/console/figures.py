"""The figures, in pictures, each with its table; and the tables as CSV."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import abort, request, url_for

from ringback.accounts.operator import Role
from ringback.console import access, call_figures
from ringback.console.clock_text import length
from ringback.console.csv_file import csv_file
from ringback.console.page import page
from ringback.outbox.figures.figures import Counts, Figures, read_figures
from ringback.outbox.figures.tally import seconds_from
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("figures", __name__)

DAYS_SHOWN = 28
MOST_DAYS = 366
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# What is counted, as columns of a table.
OUTCOMES = (
    ("requests", "Requests"),
    ("handed_over", "Handed over"),
    ("waiting", "Waiting"),
    ("held", "Held"),
    ("unknown", "Unknown"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
)
PROMISES = (("kept", "Promises kept"), ("late", "Promises not kept"))
CALLS = (("called", "Called"), ("answered", "Answered"), ("unanswered", "Not answered"))
FUNNEL = (
    ("shown", "Form shown"),
    ("begun", "Begun"),
    ("sent", "Sent and stored"),
    ("refused", "Sent and not stored"),
)
HELD = {
    "number_limit": "Over the limit of its number",
    "widget_limit": "The brake was on",
    "stopped": "The number asked not to be called",
    "blocked": "An operator blocked the number",
    "suspected": "Looks like a machine's",
    "booked": "The number has a time already",
}
NOTHING = {"page": "The form's own page", "campaign": "None"}


@dataclass(frozen=True)
class Filters:
    """What the address asks for. `widget` is empty for all of theirs; `wrong` says what was not understood."""

    first: date
    last: date
    widget: str
    widgets: Collection[str] | None
    wrong: str = ""

    @property
    def query(self) -> dict[str, Any]:
        said = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        return said | ({"widget": self.widget} if self.widget else {})


@dataclass(frozen=True)
class Table:
    """A table of the figures: its columns, and its rows of text and numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | int]]


@blueprint.get("/figures")
@access.needs(Role.VIEWER)
def shown() -> Answer:
    """All of them, for the days and the widget of the address."""
    filters = _filters()
    found = read_figures(services().database, filters.first, filters.last, filters.widgets)
    tables = {name: _table(name, found) for name in TABLES}
    return page(
        "figures.html",
        "Figures",
        filters=filters,
        widgets=theirs(),
        found=found,
        tables=tables,
        outcomes=OUTCOMES,
        promised=found.total["kept"] + found.total["late"],
        median=_length(found.median),
        p90=_length(found.p90),
        called_median=_length(found.called_within(0.5)),
        called_p90=_length(found.called_within(0.9)),
        calls=call_figures.by_wait(found),
        answered_week=call_figures.week_of_shares(found),
        weekdays=WEEKDAYS,
        day_names=[_day_name(day.label) for day in found.days],
        most_in_an_hour=max(max(day) for day in found.week),
        csv=lambda name: url_for("console_figures.as_csv", table=name, **filters.query),
    )


@blueprint.get("/figures.csv")
@access.needs(Role.VIEWER)
def as_csv() -> Answer:
    """One of the tables: by day, where none is named."""
    name = request.args.get("table", "days")
    if name not in TABLES:
        abort(404)
    filters = _filters()
    table = _table(name, read_figures(services().database, filters.first, filters.last, filters.widgets))
    return csv_file(f"ringback-{name}-{filters.first}-{filters.last}.csv", table.columns, table.rows)


# --- what is asked for ---


def theirs() -> list[str]:
    """The widgets that they may see, by key."""
    return [key for key in services().settings.widgets if access.operator().may_see(key)]


def _filters() -> Filters:
    widget = request.args.get("widget", "")
    if widget and widget not in theirs():
        abort(404)
    latest = today()
    first, last, wrong = latest - timedelta(days=DAYS_SHOWN - 1), latest, ""
    try:
        last = _day("to") or latest
        first = _day("from") or last - timedelta(days=DAYS_SHOWN - 1)
    except ValueError:
        wrong = "A day is written as 2026-11-24. Shown are the last four weeks."
    if first > last:
        first, last = last, first
    if (last - first).days >= MOST_DAYS:
        first, wrong = last - timedelta(days=MOST_DAYS - 1), "Shown is one year: the last of what you asked for."
    every = access.operator().widgets
    return Filters(first, last, widget, [widget] if widget else every, wrong)


def _day(name: str) -> date | None:
    """A day of the address. Raises ValueError, also for one that no calendar reaches from."""
    written = request.args.get(name, "").strip()
    day = date.fromisoformat(written) if written else None
    if day and not 2000 <= day.year < 3000:
        raise ValueError
    return day


def today() -> date:
    """The latest day that any of their teams has reached."""
    zones = {services().settings.widgets[key].team_zone for key in theirs()}
    now: datetime = services().clock()
    return max((now.astimezone(zone).date() for zone in zones), default=now.date())


# --- the tables ---


def _table(name: str, found: Figures) -> Table:
    if name == "hours":
        return Table(("Weekday", *map(str, range(24))), [(WEEKDAYS[day], *found.week[day]) for day in range(7)])
    if name == "delays":
        return Table(("Up to", "Requests"), [(_up_to(number), count) for number, count in found.delays])
    if name == "held":
        return Table(
            ("Why", "Requests"),
            [(HELD.get(each.label, each.label), each["requests"]) for each in found.by["held"]],
        )
    if name == "funnel":
        return Table(("Step", "Times"), [(label, found.total[count]) for count, label in FUNNEL])
    if name == "calls":
        return Table(("Waited", *call_figures.COLUMNS), [each.cells for each in call_figures.by_wait(found)])
    if name == "answered":
        rows_of = call_figures.by_hour(found, WEEKDAYS)
        return Table(("Hour", *call_figures.COLUMNS), [each.cells for each in rows_of])
    first, rows = _BREAKDOWNS[name]
    columns = [*OUTCOMES, *PROMISES, *CALLS]
    some = found.days if name == "days" else found.by[rows]
    return Table(
        (first, *(label for _name, label in columns)),
        [
            (each.label or NOTHING.get(rows, each.label), *(_count(each, count) for count, _label in columns))
            for each in some
        ],
    )


_BREAKDOWNS = {
    "days": ("Day", ""),
    "widgets": ("Widget", "widget"),
    "languages": ("Language", "language"),
    "pages": ("Page", "page"),
    "campaigns": ("Campaign", "campaign"),
}
TABLES = (*_BREAKDOWNS, "hours", "delays", "held", "funnel", "calls", "answered")


def _count(counts: Counts, name: str) -> int:
    return counts.waiting if name == "waiting" else counts[name]


def _up_to(number: int) -> str:
    return length(timedelta(seconds=round(seconds_from(number + 1))))


def _day_name(day: str) -> str:
    """`2026-11-24` as `24 Nov`."""
    return f"{date.fromisoformat(day).day} {date.fromisoformat(day):%b}"


def _length(seconds: float | None) -> str:
    return "–" if seconds is None else length(timedelta(seconds=round(seconds)))
