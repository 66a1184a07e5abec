"""What operators look for has indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add them."""
    unclear = sa.text("(state = 'unknown' OR state = 'failed') AND held IS NULL AND erased_at IS NULL")
    op.create_index(
        "requests_unclear",
        "requests",
        ["state", "requested_at"],
        sqlite_where=unclear,
        postgresql_where=unclear,
    )
    held = sa.text("held IS NOT NULL AND state != 'cancelled' AND erased_at IS NULL")
    op.create_index(
        "requests_held",
        "requests",
        ["held", "phone", "requested_at"],
        sqlite_where=held,
        postgresql_where=held,
    )
