"""The console beside a short and a long past: its list, its searches and the page of one are to take as long.

Asked as the pages ask, of the store itself: what a template takes is the same for both.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ringback.outbox.figures.figures import read_figures
from ringback.outbox.operators.console_list import ConsoleList
from ringback.outbox.operators.console_view import View
from ringback.store.database import Database
from tests.conftest import make_settings
from tools.bench import stored
from tools.bench.record import Bar, at_most, machine, record, table

PASTS = (1_000, 1_000_000)
ROUNDS = 41
TODAY = datetime.now(UTC).date()
# Everybody has one first name, and each a name of their own.
_WORDS = """
INSERT INTO search_words (word, widget, request_id)
SELECT 'ann', widget, id FROM requests UNION ALL SELECT 'n' || phone, widget, id FROM requests UNION ALL
SELECT 'n' || phone || '@example.org', widget, id FROM requests
"""
# Of ten one was cancelled; a hundred each are held, late and failed, whatever the past: so that pages are as full.
_OTHERS = (
    "UPDATE requests SET state = 'cancelled' WHERE phone LIKE '%0'",
    "UPDATE requests SET held = 'stopped' WHERE phone LIKE '441100000__1'",
    "UPDATE requests SET state = 'waiting', promised_by = due_at WHERE phone LIKE '441100000__2'",
    "UPDATE requests SET state = 'failed' WHERE phone LIKE '441100000__3'",
)
# As they would have been counted: by hour, and by day for each language, delay and page.
_FIGURES = """
INSERT INTO figures ("by", hour, widget, value, requests, handed_over)
SELECT '', {hour}, widget, '', count(*), count(*) FROM requests GROUP BY 2, 3 UNION ALL
SELECT 'language', {day}, widget, language, count(*), count(*) FROM requests GROUP BY 2, 3, 4 UNION ALL
SELECT 'delay', {day}, widget, '2', count(*), count(*) FROM requests GROUP BY 2, 3 UNION ALL
SELECT 'page', {day}, widget, substr(phone, 11, 2), count(*), count(*) FROM requests GROUP BY 2, 3, 4
"""


def asked() -> dict[str, Callable[[ConsoleList], object]]:
    """What the pages ask."""
    one = "RB-2222-2222"
    return {
        "the list, with its counts": lambda it: (it.page(View()), it.counts(View())),
        **{state: _listed(state) for state in ("attention", "held", "late", "failed", "waiting", "cancelled")},
        "with the team": lambda it: it.page(View(state="with_team")),
        "bound to a widget": lambda it: it.page(View(widgets=frozenset({"sales"}))),
        "bound to another": lambda it: it.page(View(widgets=frozenset({"help"}))),
        "cancelled, at one widget": lambda it: it.page(View(state="cancelled", widget="sales")),
        "search: a name of their own": lambda it: it.page(View(typed="n441100000500")),
        "search: two names": lambda it: it.page(View(typed="ann n441100000500")),
        "search: an e-mail address": lambda it: it.page(View(typed="n441100000500@example.org")),
        "search: a first name": lambda it: it.page(View(typed="ann")),
        "search: a reference": lambda it: it.page(View(typed="RB-2222-2222")),
        "search: a number": lambda it: it.page(View(typed="+44 1100 000500")),
        "search: nobody": lambda it: it.page(View(typed="nobody")),
        "one, and others of its number": lambda it: (
            it.others(found, None) if (found := it.find(one, None)) else None
        ),
        "figures": lambda it: read_figures(it._database, TODAY - timedelta(days=27), TODAY, None),
    }


def _listed(state: str) -> Callable[[ConsoleList], object]:
    return lambda it: it.page(View(state=state))


def prepare(url: str, past: int) -> ConsoleList:
    """A store with so many requests, and the words by which they are found."""
    stored.with_past(url, past)
    database = Database(url)
    with database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql(_WORDS)
        for statement in _OTHERS:
            connection.exec_driver_sql(statement if database.is_sqlite else statement.replace("%", "%%"))
        connection.exec_driver_sql("UPDATE requests SET reference = 'RB-2222-2222' WHERE phone = '441100000500'")
        for_day, for_hour = (
            ("%Y-%m-%d", "%Y-%m-%dT%H") if database.is_sqlite else ("YYYY-MM-DD", 'YYYY-MM-DD"T"HH24')
        )
        moment = "strftime('{0}', requested_at)" if database.is_sqlite else "to_char(requested_at, '{0}')"
        connection.exec_driver_sql(_FIGURES.format(hour=moment.format(for_hour), day=moment.format(for_day)))
    stored.tidy_up(database, "VACUUM ANALYZE")
    stored.read_through(url)
    return ConsoleList(database, make_settings(url))


def compare(lists: dict[int, ConsoleList]) -> dict[str, dict[int, float]]:
    """Milliseconds of each question, by the length of the past, in turns."""
    found: dict[str, dict[int, float]] = {}
    for name, ask in asked().items():
        taken: dict[int, list[float]] = {past: [] for past in lists}
        for _ in range(ROUNDS):
            for past, it in lists.items():
                began = time.perf_counter()
                ask(it)
                taken[past].append((time.perf_counter() - began) * 1000)
        found[name] = {past: statistics.median(times) for past, times in taken.items()}
    return found


def main() -> list[Bar]:
    measured_on = machine()
    shown: list[tuple[object, ...]] = []
    bars: list[Bar] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        new_stores = stack.enter_context(stored.engines(Path(name)))
        lists: dict[str, dict[int, ConsoleList]] = {}
        for past in PASTS:
            for engine, url in new_stores().items():
                lists.setdefault(engine, {})[past] = prepare(url, past)
        for engine, of in lists.items():
            for what, times in compare(of).items():
                ratio = times[PASTS[-1]] / times[PASTS[0]]
                shown.append((f"{what}, {engine}", *(f"{times[past]:.2f}" for past in PASTS), f"{ratio:.2f}"))
                bars.append(at_most(f"{what}, {PASTS[-1]:,} stored / {PASTS[0]:,}, {engine}", ratio, 1.5))
    record("console", f"{table(', '.join(['ms', *map(str, PASTS), 'ratio']), shown)}\n\n{measured_on}.")
    return bars


if __name__ == "__main__":
    main()
