"""A past for the console: words to search by, calls, what became of them, notes, acts, and figures as counted."""

from ringback.factory import create_app
from ringback.services import Services, services_of
from ringback.store.database import Database
from tests.conftest import WIDGET, make_settings
from tools.bench import stored

REFERENCE, PHONE = "RB-2222-2222", "441100000500"
# Everybody has one first name, and each a name of their own.
_WORDS = """
INSERT INTO search_words (word, widget, request_id)
SELECT 'ann', widget, id FROM requests UNION ALL SELECT 'n' || phone, widget, id FROM requests UNION ALL
SELECT 'n' || phone || '@example.org', widget, id FROM requests
"""
# Of ten one was cancelled and four were called; a hundred each are held, late, failed and not called, whatever the
# past: so that pages are as full.
_STATES = (
    "UPDATE requests SET state = 'cancelled' WHERE phone LIKE '%0'",
    "UPDATE requests SET state = 'called' WHERE substr(phone, 12, 1) IN ('5', '6', '7', '8')",
    "UPDATE requests SET held = 'stopped' WHERE phone LIKE '441100000__1'",
    "UPDATE requests SET state = 'waiting', promised_by = due_at WHERE phone LIKE '441100000__2'",
    "UPDATE requests SET state = 'failed' WHERE phone LIKE '441100000__3'",
    "UPDATE requests SET not_called_at = due_at WHERE phone LIKE '441100000__4'",
    f"UPDATE requests SET reference = '{REFERENCE}' WHERE phone = '{PHONE}'",
)
# Everybody was called, within minutes; of one in five somebody also called from their dock, and wrote a note.
_FIFTH = "substr(phone, 12, 1) IN ('1', '5')"
_CALLS = (
    "INSERT INTO events (request_id, at, kind) SELECT id, {soon}, 'called' FROM requests WHERE state = 'called'",
    """INSERT INTO outcomes (request_id, at, source, "by", outcome, note)
    SELECT id, {soon}, 'record', 'a call', 'answered', '' FROM requests""",
    """INSERT INTO calls (uuid, request_id, started_at, answered, is_certain, read_at)
    SELECT id, id, {soon}, true, true, {soon} FROM requests""",
    """INSERT INTO dials (once, request_id, at, "by", state, call_id, reply, overrides)
    SELECT id, id, {soon}, 'ann', 'taken', 'a call', '', '' FROM requests WHERE {fifth}""",
    """INSERT INTO notes (request_id, at, "by", note) SELECT id, {soon}, 'ann', 'Ring on Tuesday' FROM requests
    WHERE {fifth}""",
    """INSERT INTO audit (at, who, act, about, widget)
    SELECT {soon}, 'console:ann', 'note', reference, widget FROM requests WHERE {fifth} ORDER BY requested_at""",
)
# As they would have been counted: by hour, and by day for each language, delay, page, and hour and wait of calls.
_FIGURES = """
INSERT INTO figures ("by", hour, widget, value, requests, handed_over, called, answered)
SELECT '', {hour}, widget, '', {counts} GROUP BY 2, 3 UNION ALL
SELECT 'language', {day}, widget, language, {counts} GROUP BY 2, 3, 4 UNION ALL
SELECT 'delay', {day}, widget, '2', {counts} GROUP BY 2, 3 UNION ALL
SELECT 'page', {day}, widget, substr(phone, 11, 2), {counts} GROUP BY 2, 3, 4 UNION ALL
SELECT 'call_hour', {day}, widget, '1T' || substr({hour}, 12, 2), {counts} GROUP BY 2, 3, 4 UNION ALL
SELECT 'call_wait', {day}, widget, '0' || substr(phone, 11, 2), {counts} GROUP BY 2, 3, 4
"""
_COUNTS = "count(*), count(*), count(*), count(*) FROM requests"


def prepare(url: str, past: int) -> Services:
    """The services of a store with so many requests; nothing of it runs."""
    stored.with_past(url, past)
    database = Database(url)
    with database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET statement_timeout = 0")
        for statement in (_WORDS, *_STATES, *_calls(database), _figures(database)):
            connection.exec_driver_sql(statement if database.is_sqlite else statement.replace("%", "%%"))
    stored.tidy_up(database, "VACUUM ANALYZE")
    database.close()
    stored.read_through(url)
    widgets = {"sales": WIDGET | {"promise_minutes": "measured"}}
    return services_of(create_app(make_settings(url, widgets=widgets)))


def _calls(database: Database) -> list[str]:
    soon = "requested_at + interval '7 minutes'"
    if database.is_sqlite:
        soon = "strftime('%Y-%m-%d %H:%M:%f000', requested_at, '+7 minutes')"
    return [statement.format(soon=soon, fifth=_FIFTH) for statement in _CALLS]


def _figures(database: Database) -> str:
    day, hour = "to_char(requested_at, 'YYYY-MM-DD')", "to_char(requested_at, 'YYYY-MM-DD\"T\"HH24')"
    if database.is_sqlite:
        day, hour = "strftime('%Y-%m-%d', requested_at)", "strftime('%Y-%m-%dT%H', requested_at)"
    return _FIGURES.format(day=day, hour=hour, counts=_COUNTS)
