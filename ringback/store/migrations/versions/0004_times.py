"""Chosen times, the zone a visitor is in, and widgets that an operator has paused."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add them; and let what is due at one moment go in the order in which it was asked for."""
    op.add_column("requests", sa.Column("slot_starts_at", _INSTANT))
    op.add_column("requests", sa.Column("slot_ends_at", _INSTANT))
    op.add_column("requests", sa.Column("zone", sa.String, nullable=False, server_default=""))
    chosen = sa.text("slot_starts_at IS NOT NULL")
    op.create_index(
        "requests_by_slot",
        "requests",
        ["widget", "slot_starts_at"],
        sqlite_where=chosen,
        postgresql_where=chosen,
    )
    waiting = sa.text("state = 'waiting'")
    op.drop_index("requests_waiting", "requests")
    op.create_index(
        "requests_waiting",
        "requests",
        ["give_up_at", "next_attempt_at", "requested_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_table(
        "paused_widgets",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("paused_at", _INSTANT, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
    )
