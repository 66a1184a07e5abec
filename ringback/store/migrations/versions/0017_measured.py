"""Whom the team called has an index, from which a promise is measured."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the index."""
    called = sa.text("state = 'called' AND held IS NULL AND slot_starts_at IS NULL")
    op.create_index(
        "requests_called", "requests", ["widget", "due_at"], sqlite_where=called, postgresql_where=called
    )
