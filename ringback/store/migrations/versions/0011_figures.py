"""Figures, counted from the history of requests; and a widget's pause may have an end."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_INSTANT = sa.DateTime(timezone=True)
_COUNTS = (
    *("requests", "handed_over", "unknown", "failed", "cancelled", "held"),
    *("kept", "late", "shown", "begun", "sent", "refused"),
)


def upgrade() -> None:
    """What is paused now has no end. What happened before is counted by the process that counts."""
    op.add_column("paused_widgets", sa.Column("ends_at", _INSTANT))
    op.create_table(
        "figures",
        sa.Column("by", sa.String(16), primary_key=True),
        sa.Column("hour", sa.String(13), primary_key=True),
        sa.Column("widget", sa.String, primary_key=True),
        sa.Column("value", sa.String(400), primary_key=True),
        *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in _COUNTS),
        sqlite_with_rowid=False,
    )
