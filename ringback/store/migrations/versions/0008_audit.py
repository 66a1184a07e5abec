"""Who did it: the acts of operators. Since when a team refuses, and why. Alerts by what they are about."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add them."""
    op.add_column("teams", sa.Column("refuses_since", sa.DateTime(timezone=True)))
    op.add_column("teams", sa.Column("refused_why", sa.Text))
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("about", sa.String, nullable=False),
    )
    op.create_index("alerts_by_thing", "alerts", ["about", "kind"])
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_index("audit_by_thing", "audit", ["about", "id"])
