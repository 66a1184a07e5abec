"""What became of calls: records, what people said, who reads them, and the promise that is measured."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables; of calls made before, nothing is known."""
    op.create_table(
        "calls",
        sa.Column("uuid", sa.String(64), primary_key=True),
        sa.Column("request_id", sa.String(32), sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("answered", sa.Boolean),
        sa.Column("is_certain", sa.Boolean, nullable=False),
        sa.Column("read_at", _MOMENT, nullable=False),
    )
    op.create_index("ix_calls_request_id", "calls", ["request_id"])
    _add_reading()
    op.add_column("requests", sa.Column("promised_minutes", sa.Integer))
    op.add_column("requests", sa.Column("not_called_at", _MOMENT))
    to_be_called = sa.text("(state = 'with_team' OR state = 'unknown') AND held IS NULL AND erased_at IS NULL")
    op.create_index(
        "requests_to_be_called",
        "requests",
        ["changed_at"],
        sqlite_where=to_be_called,
        postgresql_where=to_be_called,
    )
    not_called = sa.text(
        "not_called_at IS NOT NULL AND state = 'with_team' AND held IS NULL AND erased_at IS NULL"
    )
    op.create_index(
        "requests_not_called",
        "requests",
        ["state", "not_called_at", "reference"],
        sqlite_where=not_called,
        postgresql_where=not_called,
    )


def _add_reading() -> None:
    op.create_table(
        "call_reading",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner", sa.String),
        sa.Column("busy_until", _MOMENT),
        sa.Column("next_at", _MOMENT),
        sa.Column("read_up_to", _MOMENT),
        sa.Column("failing_since", _MOMENT),
        sa.Column("failing_why", sa.Text),
        sa.Column("failing_told", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("ways_told", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.execute("INSERT INTO call_reading (id) VALUES (1)")
    op.create_table(
        "measured_promises",
        sa.Column("widget", sa.String, primary_key=True),
        sa.Column("part", sa.String(16), primary_key=True),
        sa.Column("minutes", sa.Integer),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("measured_at", _MOMENT, nullable=False),
    )
