"""What was turned away, by request and by team, and when the breaker was opened."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add them; of what was turned away before, nothing is known."""
    op.add_column("requests", sa.Column("turned_away", sa.String(16)))
    behind = sa.text("state = 'waiting' AND turned_away IS NOT NULL")
    op.create_index(
        "requests_turned_away", "requests", ["changed_at"], sqlite_where=behind, postgresql_where=behind
    )
    op.add_column("teams", sa.Column("turned_away", sa.String(64)))
    op.add_column("breaker", sa.Column("opened_at", sa.DateTime(timezone=True)))
    op.add_column("breaker", sa.Column("failed_at", sa.DateTime(timezone=True)))
