"""The console beside a short and a long past: whatever its pages ask is to take as long.

Asked as the pages ask, of the store itself: what a template takes is the same for both.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ringback.outbox.calls.measured_promise import measure
from ringback.outbox.figures.figures import read_figures
from ringback.outbox.operators.console_view import VIEWS, View
from ringback.outbox.operators.reached import reached_since
from ringback.outbox.operators.wall import read_wall
from ringback.services import Services
from ringback.store.call_tables import measured_promises
from tools.bench import stored
from tools.bench.console_past import PHONE, REFERENCE, prepare
from tools.bench.record import Bar, at_most, machine, record, table

PASTS = (1_000, 1_000_000)
ROUNDS, TIMES = 25, 5
NOW = datetime.now(UTC)
TODAY = NOW.date()
SALES = frozenset({"sales"})
LAST_WEEK = {"asked_from": NOW - timedelta(days=14), "asked_to": NOW - timedelta(days=7)}
# There are none, so that they have nothing to show.
_EMPTY = ("unknown", "handing_over")

# Once an hour, and from the more calls the more there were: so it has a bar of its own.
ANEW, ANEW_MS = "a promise, measured anew", 250

Questions = dict[str, Callable[[], object]]


def asked(it: Services) -> Questions:
    """What the pages ask of one store."""
    page, counts = it.console_list.page, it.console_list.counts
    return {
        "the list, with its counts": lambda: (page(View()), counts(View())),
        "its counts alone": lambda: counts(View()),
        "its counts, of one widget": lambda: counts(View(widgets=SALES)),
        "what is new": lambda: it.console_list.arrived(View(), NOW),
        **{state.replace("_", " "): _listed(it, state=state) for state in VIEWS if state not in _EMPTY},
        "bound to a widget": _listed(it, widgets=SALES),
        "bound to another": _listed(it, widgets=frozenset({"help"})),
        "cancelled, at one widget": _listed(it, state="cancelled", widget="sales"),
        "called, at one widget": _listed(it, state="called", widget="sales"),
        "of one week": _listed(it, **LAST_WEEK),
        "of one week, its counts": lambda: counts(View(**LAST_WEEK)),
        "of one week, called, at one widget": _listed(it, state="called", widget="sales", **LAST_WEEK),
        "attention, of one week": _listed(it, state="attention", **LAST_WEEK),
        "attention, of one week, at one widget": _listed(it, state="attention", widget="sales", **LAST_WEEK),
        "waiting, of one week, at one widget": _listed(it, state="waiting", widget="sales", **LAST_WEEK),
        "called, the next page": _listed(it, state="called", after=page(View(state="called")).after),
        "attention, counted": it.operations.attention,
        "the wall": lambda: (read_wall(it.database, NOW, None), _figures(it, 1)),
        "figures, those of calls too": lambda: _figures(it, 28),
        **_searches(it),
        **_of_one(it),
        ANEW: lambda: _measured_anew(it),
        "audit": lambda: (it.audit_list.page(), it.audit_list.acts()),
        "audit, of one widget": lambda: it.audit_list.page(widgets=SALES),
        "audit, of another widget": lambda: it.audit_list.page(widgets=("help",)),
        "audit, of one request": lambda: it.audit_list.page(about=REFERENCE),
    }


def _searches(it: Services) -> Questions:
    return {
        "search: a name of their own": _listed(it, typed=f"n{PHONE}"),
        "search: two names": _listed(it, typed=f"ann n{PHONE}"),
        "search: an e-mail address": _listed(it, typed=f"n{PHONE}@example.org"),
        "search: a first name": _listed(it, typed="ann"),
        "search: a reference": _listed(it, typed=REFERENCE),
        "search: a number": _listed(it, typed=f"+{PHONE[:4]} {PHONE[4:]}"),
        "search: nobody": _listed(it, typed="nobody"),
        "search: a name, bound to a widget": _listed(it, typed=f"n{PHONE}", widgets=SALES),
    }


def _of_one(it: Services) -> Questions:
    one = it.console_list.find(REFERENCE, None)
    held = it.console_list.page(View(state="held")).requests
    if one is None or len(held) < 2:
        raise ValueError("the past is not as it was made")
    return {
        "one, and others of its number": lambda: (
            it.console_list.find(REFERENCE, None),
            it.console_list.others(one, None),
        ),
        "one, all that is known of it": lambda: (
            it.personal_data.export(one.id, for_operators=True),
            it.outbox.read(one.id),
            it.by_hand.done(one.id),
            it.by_hand.is_unwanted(one.answers.phone),
            it.outcomes.said(one.id),
            it.calls.seen(one.id),
            it.intended.acts_on([one.id]),
        ),
        "reached since, of one": lambda: reached_since(it.database, held[:1], None),
        "reached since, of a page": lambda: reached_since(it.database, held, None),
        "reached since, of a page, bound to a widget": lambda: reached_since(it.database, held, SALES),
    }


def _listed(it: Services, **view: Any) -> Callable[[], object]:
    return lambda: it.console_list.page(View(**view))


def _measured_anew(it: Services) -> object:
    with it.database.write() as connection:
        connection.execute(measured_promises.delete())
        return measure(connection, it.settings.widgets["sales"], NOW, NOW)


def _figures(it: Services, days: int) -> object:
    return read_figures(it.database, TODAY - timedelta(days=days - 1), TODAY, None)


def compare(stores: dict[int, Services]) -> dict[str, dict[int, float]]:
    """Milliseconds of each question, by the length of the past: the least of some medians, minutes apart.

    In turns, another first in each round, so that other work on the machine is unfair to none.
    """
    questions = {past: asked(it) for past, it in stores.items()}
    found: dict[str, dict[int, float]] = {}
    for _ in range(TIMES):
        for name in questions[PASTS[0]]:
            taken = _medians({past: of[name] for past, of in questions.items()})
            before = found.get(name, taken)
            found[name] = {past: min(taken[past], before[past]) for past in stores}
    return found


def _medians(each: dict[int, Callable[[], object]]) -> dict[int, float]:
    taken: dict[int, list[float]] = {past: [] for past in each}
    order = list(each)
    for _ in range(ROUNDS):
        for past in order:
            began = time.perf_counter()
            each[past]()
            taken[past].append((time.perf_counter() - began) * 1000)
        order.reverse()
    return {past: statistics.median(times) for past, times in taken.items()}


def main() -> list[Bar]:
    measured_on = machine()
    shown: list[tuple[object, ...]] = []
    bars: list[Bar] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        new_stores = stack.enter_context(stored.engines(Path(name)))
        stores: dict[str, dict[int, Services]] = {}
        for past in PASTS:
            for engine, url in new_stores().items():
                stores.setdefault(engine, {})[past] = prepare(url, past)
        for engine, of in stores.items():
            for what, times in compare(of).items():
                ratio = times[PASTS[-1]] / times[PASTS[0]]
                shown.append((f"{what}, {engine}", *(f"{times[past]:.2f}" for past in PASTS), f"{ratio:.2f}"))
                if what == ANEW:
                    bars.append(
                        at_most(f"{what}, {PASTS[-1]:,} stored, {engine}", times[PASTS[-1]], ANEW_MS, " ms")
                    )
                else:
                    bars.append(at_most(f"{what}, {PASTS[-1]:,} stored / {PASTS[0]:,}, {engine}", ratio, 1.5))
    record("console", f"{table(', '.join(['ms', *map(str, PASTS), 'ratio']), shown)}\n\n{measured_on}.")
    return bars


if __name__ == "__main__":
    main()
