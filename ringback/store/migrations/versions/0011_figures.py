"""A widget's pause may have an end."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0007"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """What is paused now has none."""
    op.add_column("paused_widgets", sa.Column("ends_at", _INSTANT))
