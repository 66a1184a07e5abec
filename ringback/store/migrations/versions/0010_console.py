"""The console: its list and its search have indexes; claims, acts that can be undone, notes, outcomes, dials."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_INSTANT = sa.DateTime(timezone=True)
_BYTES = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_AT_ONCE = 1_000


def upgrade() -> None:
    """Add them, and the words by which what is there is found."""
    op.add_column("requests", sa.Column("claimed_by", sa.String))
    op.add_column("requests", sa.Column("claimed_until", _INSTANT))
    _index_lists()
    _make_tables()
    _fill_words()


def _index_lists() -> None:
    shown = "erased_at IS NULL AND (held IS NULL OR state = 'cancelled')"
    held = "held IS NOT NULL AND state != 'cancelled' AND erased_at IS NULL"
    _index("requests_by_state", ["state", "requested_at", "reference"], shown)
    _index("requests_by_widget", ["widget", "state", "requested_at", "reference"], shown)
    _index("requests_by_promise", ["promised_by", "due_at", "reference"], "state = 'waiting' AND held IS NULL")
    _index("requests_held_by_time", ["requested_at", "reference"], held)
    _index("requests_claimed", ["claimed_until"], "claimed_until IS NOT NULL")


def _index(name: str, columns: list[str], where: str) -> None:
    part = sa.text(where)
    op.create_index(name, "requests", columns, sqlite_where=part, postgresql_where=part)


def _make_tables() -> None:
    op.create_table(
        "search_words",
        sa.Column("word", _BYTES, primary_key=True),
        sa.Column("widget", sa.String, primary_key=True),
        sa.Column("request_id", sa.String(32), sa.ForeignKey("requests.id"), primary_key=True),
    )
    op.create_index("ix_search_words_request_id", "search_words", ["request_id"])
    op.create_table(
        "intended",
        sa.Column("request_id", sa.String(32), sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("batch", sa.String(32), nullable=False),
        sa.Column("begun", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    _of_requests("notes", sa.Column("note", sa.Text, nullable=False))
    _of_requests(
        "outcomes",
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    _of_requests(
        "dials",
        sa.Column("once", sa.String(32), nullable=False, unique=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("overrides", sa.Text, nullable=False),
    )


def _of_requests(name: str, *columns: sa.Column[str]) -> None:
    """A table of what operators did about requests."""
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("request_id", sa.String(32), sa.ForeignKey("requests.id"), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        *columns,
    )
    op.create_index(f"ix_{name}_request_id", name, ["request_id"])


def _fill_words() -> None:
    requests = sa.table("requests", *map(sa.column, ("id", "widget", "name", "email", "erased_at")))
    words = sa.table("search_words", *map(sa.column, ("word", "widget", "request_id")))
    last, connection = "", op.get_bind()
    while True:
        some = sa.select(requests).where(requests.c.id > last).order_by(requests.c.id).limit(_AT_ONCE)
        rows = connection.execute(some).all()
        found = [
            {"word": word, "widget": row.widget, "request_id": row.id}
            for row in rows
            if row.erased_at is None
            for word in _words(row.name, row.email)
        ]
        if found:
            connection.execute(words.insert(), found)
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1].id


def _words(name: str, email: str) -> list[str]:
    """As `ringback.outbox.search` had them when this was written."""
    folded = unicodedata.normalize("NFKD", f"{name}\0{email}".casefold())
    name, _, email = "".join(c for c in folded if not unicodedata.combining(c)).partition("\0")
    words = [word[:100] for word in re.findall(r"\w+", name)][:8]
    return list(dict.fromkeys([*words, email[:254]] if email else words))
