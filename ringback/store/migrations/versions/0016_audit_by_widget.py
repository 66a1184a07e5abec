"""The audit is read by widget and by what was done, each along an index."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_OF_REQUESTS = """
UPDATE audit SET widget = (SELECT widget FROM requests WHERE reference = audit.about) WHERE about LIKE 'RB-%'
"""


def upgrade() -> None:
    """Add the widget, for what was done before as well, and the indexes."""
    op.add_column("audit", sa.Column("widget", sa.String))
    op.execute(sa.text(_OF_REQUESTS))
    op.create_index("audit_by_widget", "audit", ["widget", "id"])
    op.create_index("audit_by_act", "audit", ["act", "id"])
