"""What the hand-over needs to know: teams that are paused or paced, the breaker, resending, alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add tables, and two columns whose default is right for every request there is."""
    op.add_column("requests", sa.Column("resend_at", _INSTANT))
    op.add_column("requests", sa.Column("resent", sa.Boolean, nullable=False, server_default=sa.false()))
    waiting = sa.text("state = 'waiting'")
    op.drop_index("requests_waiting", "requests")
    op.create_index(
        "requests_waiting",
        "requests",
        ["give_up_at", "next_attempt_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    to_resend = sa.text("resend_at IS NOT NULL")
    op.create_index(
        "requests_to_resend", "requests", ["resend_at"], sqlite_where=to_resend, postgresql_where=to_resend
    )
    op.create_table(
        "teams",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("paused_at", _INSTANT),
        sa.Column("paused_why", sa.Text),
        sa.Column("next_try_at", _INSTANT),
        sa.Column("next_call_at", _INSTANT),
        sa.Column("refuses", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    breaker = op.create_table(
        "breaker",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("probe_at", _INSTANT),
        sa.Column("trial_at", _INSTANT),
        sa.Column("trial_ends_at", _INSTANT),
    )
    op.bulk_insert(breaker, [{"id": 1, "state": "closed", "failures": 0}])
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "alerts",
        sa.Column("id", number, primary_key=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("about", sa.Text, nullable=False),
    )
    op.create_table(
        "alert_channels",
        sa.Column("channel", sa.String(16), primary_key=True),
        sa.Column("sent_up_to", sa.BigInteger, nullable=False),
        sa.Column("sent_at", _INSTANT),
        sa.Column("busy_until", _INSTANT),
    )
