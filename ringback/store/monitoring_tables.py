"""What monitoring has in the store."""

import sqlalchemy as sa

from ringback.store.tables import Instant, metadata

# What is counted for monitoring.
tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("widget", sa.String, primary_key=True),
    sa.Column("label", sa.String, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
)

canaries = sa.Table(
    "canaries",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("taken_at", Instant),
)
