"""Who asked, for the brake; numbers that begin with one another; and which booked times keep a place."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add them. What waited in a chosen time keeps its place."""
    op.add_column("requests", sa.Column("source", sa.String(32)))
    op.add_column("requests", sa.Column("source_network", sa.String(32)))
    op.add_column("requests", sa.Column("takes_place", sa.Boolean, nullable=False, server_default=sa.true()))
    op.drop_index("requests_by_widget", "requests")
    rings = sa.text("held IS NULL AND state != 'cancelled'")
    columns = ["widget", "requested_at", "phone", "number_hash"]
    op.create_index("requests_that_ring", "requests", columns, sqlite_where=rings, postgresql_where=rings)
    for column in ("source", "source_network"):
        known = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"requests_by_{column}",
            "requests",
            [column, "requested_at"],
            sqlite_where=known,
            postgresql_where=known,
        )
    op.create_table(
        "stop_beginnings",
        sa.Column("stopped", sa.String(64), primary_key=True),
        sa.Column("number_hash", sa.String(64), primary_key=True),
        sa.Column("until", _INSTANT, nullable=False),
    )
    op.create_index("ix_stop_beginnings_number_hash", "stop_beginnings", ["number_hash"])
    op.create_table(
        "erased_beginnings",
        sa.Column("request_id", sa.String(32), sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("number_hash", sa.String(64), primary_key=True),
    )
    op.create_index("ix_erased_beginnings_number_hash", "erased_beginnings", ["number_hash"])
    op.create_index("alerts_by_kind", "alerts", ["kind", "at"])
