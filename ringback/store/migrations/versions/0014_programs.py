"""Keys of other people's programs, what they were answered, and what they are told of."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    """Add their tables."""
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("widgets", sa.JSON),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("last_used_at", _INSTANT),
    )
    op.create_table(
        "kept_answers",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("begun_at", _INSTANT, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.Text),
    )
    op.create_index("ix_kept_answers_begun_at", "kept_answers", ["begun_at"])
    _webhooks()
    op.create_table(
        "visitor_mails",
        sa.Column("request_id", sa.String(32), sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("next_at", _INSTANT),
        sa.Column("sent_at", _INSTANT),
    )
    op.create_index("visitor_mails_by_address", "visitor_mails", ["address_hash", "at"])
    _partial("visitor_mails_waiting", "visitor_mails", ["next_at"], sa.text("next_at IS NOT NULL"))


def _webhooks() -> None:
    op.create_table(
        "webhook_receivers",
        sa.Column("url", sa.String, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rests_until", _INSTANT),
        sa.Column("off_at", _INSTANT),
        sa.Column("told_at", _INSTANT),
    )
    op.create_table(
        "webhook_events",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("request_id", sa.String(32), sa.ForeignKey("requests.id"), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("widget", sa.String, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("is_spread", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index("webhook_events_by_time", "webhook_events", ["at"])
    _partial("webhook_events_to_spread", "webhook_events", ["id"], sa.text("is_spread IS false"))
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("event_id", _ID, sa.ForeignKey("webhook_events.id"), nullable=False),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("receiver", sa.String, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("give_up_at", _INSTANT, nullable=False),
        sa.Column("lease_ends_at", _INSTANT),
        sa.Column("owner", sa.String(32)),
        sa.Column("answer", sa.Text),
        sa.Column("changed_at", _INSTANT, nullable=False),
    )
    op.create_index("ix_webhook_deliveries_event_id", "webhook_deliveries", ["event_id"])
    _partial("webhook_deliveries_waiting", "webhook_deliveries", ["receiver", "next_at"], _WAITING)
    _partial("webhook_deliveries_of_request", "webhook_deliveries", ["receiver", "request_id"], _WAITING)


def _partial(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
