"""What protects people: blocked numbers, stops as keyed hashes, consents, and what is left of the erased."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Stops begin anew, as hashes: the key is not known here, and no release had them yet."""
    op.add_column("requests", sa.Column("number_hash", sa.String(64)))
    op.add_column("requests", sa.Column("erased_at", _INSTANT))
    hashed = sa.text("number_hash IS NOT NULL")
    op.create_index(
        "requests_by_number_hash", "requests", ["number_hash"], sqlite_where=hashed, postgresql_where=hashed
    )
    kept = sa.text("erased_at IS NULL")
    op.create_index("requests_to_erase", "requests", ["changed_at"], sqlite_where=kept, postgresql_where=kept)
    op.drop_table("stops")
    op.create_table(
        "stops",
        sa.Column("number_hash", sa.String(64), primary_key=True),
        sa.Column("until", _INSTANT, nullable=False),
    )
    op.create_table(
        "blocks",
        sa.Column("digits", sa.String(15), primary_key=True),
        sa.Column("is_range", sa.Boolean, primary_key=True),
        sa.Column("at", _INSTANT, nullable=False),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("request_id", sa.String(32), sa.ForeignKey("requests.id"), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("form_version", sa.String(16), nullable=False),
        sa.Column("page", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
    )
    op.create_index("ix_consents_request_id", "consents", ["request_id"])
