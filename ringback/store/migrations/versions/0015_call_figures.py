"""What became of the calls, among the figures."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the columns."""
    for name in ("called", "answered", "unanswered", "call_kept", "call_late", "call_early"):
        op.add_column("figures", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
