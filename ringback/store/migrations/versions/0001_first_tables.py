"""The first tables: requests, their events, numbers that asked not to be called, and what store this is."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Frozen at the first release: later changes are migrations of their own."""
    op.create_table(
        "requests",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("reference", sa.String(12), nullable=False, unique=True),
        sa.Column("widget", sa.String, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("held", sa.String(16)),
        sa.Column("phone", sa.String(15), nullable=False),
        sa.Column("region", sa.String(2), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("company", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("page", sa.Text, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("form_id", sa.String(32), unique=True),
        sa.Column("answers_hash", sa.String(64)),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promised_by", sa.DateTime(timezone=True)),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("owner", sa.String),
        sa.Column("lease_ends_at", sa.DateTime(timezone=True)),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    for name, columns, state in (
        ("requests_waiting", ["due_at", "next_attempt_at"], "waiting"),
        ("requests_handing_over", ["lease_ends_at"], "handing_over"),
    ):
        where = sa.text(f"state = '{state}'")
        op.create_index(name, "requests", columns, sqlite_where=where, postgresql_where=where)
    op.create_index("requests_by_number", "requests", ["phone", "requested_at"])
    op.create_index("requests_by_widget", "requests", ["widget", "requested_at"])
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("request_id", sa.String(32), sa.ForeignKey("requests.id"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text),
    )
    op.create_index("ix_events_request_id", "events", ["request_id"])
    op.create_table(
        "stops",
        sa.Column("phone", sa.String(15), primary_key=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "about",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
