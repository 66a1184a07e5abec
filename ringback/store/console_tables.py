"""What the console has in the store: indexes for its list, words to search by, and what operators did by hand."""

import sqlalchemy as sa

from ringback.store.tables import ALL_HELD, Instant, metadata, requests

# What the console lists: whatever is not held, by state, newest first; what waits, by its promise.
SHOWN = sa.text("erased_at IS NULL AND (held IS NULL OR state = 'cancelled')")
sa.Index(
    "requests_by_state",
    requests.c.state,
    requests.c.requested_at,
    requests.c.reference,
    sqlite_where=SHOWN,
    postgresql_where=SHOWN,
)
sa.Index(
    "requests_by_widget",
    requests.c.widget,
    requests.c.state,
    requests.c.requested_at,
    requests.c.reference,
    sqlite_where=SHOWN,
    postgresql_where=SHOWN,
)
AWAITED = sa.text("state = 'waiting' AND held IS NULL")
sa.Index(
    "requests_by_promise",
    requests.c.promised_by,
    requests.c.due_at,
    requests.c.reference,
    sqlite_where=AWAITED,
    postgresql_where=AWAITED,
)
sa.Index(
    "requests_held_by_time",
    requests.c.requested_at,
    requests.c.reference,
    sqlite_where=ALL_HELD,
    postgresql_where=ALL_HELD,
)
sa.Index(
    "requests_claimed",
    requests.c.claimed_until,
    sqlite_where=requests.c.claimed_until.is_not(None),
    postgresql_where=requests.c.claimed_until.is_not(None),
)

# The words by which a request is found: those of its name, and its e-mail address, in one case, without accents.
# Compared byte by byte, so that what begins alike stands together whatever the language of the store.
_BYTES = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
search_words = sa.Table(
    "search_words",
    metadata,
    sa.Column("word", _BYTES, primary_key=True),
    sa.Column("widget", sa.String, primary_key=True),
    sa.Column("request_id", sa.ForeignKey("requests.id"), primary_key=True, index=True),
)

# What an operator did and can still take back: it happens when its time has come.
intended = sa.Table(
    "intended",
    metadata,
    sa.Column("request_id", sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("act", sa.String(16), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("batch", sa.String(32), nullable=False),
    sa.Column("begun", sa.Boolean, nullable=False, server_default=sa.false()),  # too late to take it back
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("request_id", sa.ForeignKey("requests.id"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

# Calls from an operator's own dock. `once` is of the form that asked: sent twice, it rings once.
dials = sa.Table(
    "dials",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("once", sa.String(32), nullable=False, unique=True),
    sa.Column("request_id", sa.ForeignKey("requests.id"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("call_id", sa.Text, nullable=False),
    sa.Column("reply", sa.Text, nullable=False),
    sa.Column("overrides", sa.Text, nullable=False),
)

# What operators did, and who it was; nothing about a visitor.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("about", sa.String, nullable=False),
    sa.Column("widget", sa.String),  # of the request that it is about
)
sa.Index("audit_by_time", audit.c.at)
sa.Index("audit_by_thing", audit.c.about, audit.c.id)
sa.Index("audit_by_widget", audit.c.widget, audit.c.id)
sa.Index("audit_by_act", audit.c.act, audit.c.id)
