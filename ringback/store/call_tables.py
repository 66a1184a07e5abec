"""The tables of what became of calls."""

import sqlalchemy as sa

from ringback.store.tables import LEFT, Instant, metadata, requests

# What a call may still be found for.
_TO_BE_CALLED = sa.and_(sa.or_(requests.c.state == "with_team", requests.c.state == "unknown"), LEFT)
sa.Index(
    "requests_to_be_called",
    requests.c.changed_at,
    sqlite_where=_TO_BE_CALLED,
    postgresql_where=_TO_BE_CALLED,
)

_NOT_CALLED = sa.text("not_called_at IS NOT NULL AND state = 'with_team' AND held IS NULL AND erased_at IS NULL")
sa.Index(
    "requests_not_called",
    requests.c.state,  # asked for by name: SQLite would take the index of all that stand there
    requests.c.not_called_at,
    requests.c.reference,
    sqlite_where=_NOT_CALLED,
    postgresql_where=_NOT_CALLED,
)

# From whose waits a promise is measured: not from those of who chose a time.
CALLED_FROM = sa.text("state = 'called' AND held IS NULL AND slot_starts_at IS NULL")
sa.Index(
    "requests_called",
    requests.c.widget,
    requests.c.due_at,
    sqlite_where=CALLED_FROM,
    postgresql_where=CALLED_FROM,
)

# What Samespace's records say: one line for each request that a call is of, or may be of.
calls = sa.Table(
    "calls",
    metadata,
    sa.Column("uuid", sa.String(64), primary_key=True),
    sa.Column("request_id", sa.ForeignKey("requests.id"), primary_key=True, index=True),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("answered", sa.Boolean),  # none: it has not ended
    sa.Column("is_certain", sa.Boolean, nullable=False),
    sa.Column("read_at", Instant, nullable=False),
)

# What people and records said became of a call, each kept apart.
outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("request_id", sa.ForeignKey("requests.id"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("source", sa.String(16), nullable=False),  # console, agent or record
    sa.Column("by", sa.String, nullable=False),  # a name, or the uuid of a record
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

# The one line that the processes share: whose turn it is to read call reports, and how it went.
call_reading = sa.Table(
    "call_reading",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("owner", sa.String),
    sa.Column("busy_until", Instant),
    sa.Column("next_at", Instant),
    sa.Column("read_up_to", Instant),  # of the last reading that went well
    sa.Column("failing_since", Instant),
    sa.Column("failing_why", sa.Text),
    sa.Column("failing_told", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("ways_told", sa.Boolean, nullable=False, server_default=sa.false()),
)

# The promise that was measured for a widget in a part of the week, for an hour.
measured_promises = sa.Table(
    "measured_promises",
    metadata,
    sa.Column("widget", sa.String, primary_key=True),
    sa.Column("part", sa.String(16), primary_key=True),
    sa.Column("minutes", sa.Integer),  # none: too few calls, or they took too long
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("measured_at", Instant, nullable=False),
)
