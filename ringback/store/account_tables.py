"""The tables of people with an account, and of how they sign in."""

import sqlalchemy as sa

from ringback.store.tables import Instant, metadata

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# How no issuer's address begins: of who was reset and has not been in since. Nobody joins them.
RESET = "reset "

operators = sa.Table(
    "operators",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),  # random: a browser keeps it with a passkey
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # the name, whatever the case of its letters
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("widgets", sa.JSON(none_as_null=True)),  # null: all
    sa.Column("samespace_user", sa.Text, nullable=False, server_default=""),
    sa.Column("password", sa.Text),  # as Argon2 writes it
    # A link that sets a password: the hash of its key, and until when.
    sa.Column("link", sa.String(64), unique=True),
    sa.Column("link_until", Instant),
    sa.Column("second_factor", sa.Text),  # encrypted
    sa.Column("second_factor_step", sa.BigInteger),  # of the last code that was used
    sa.Column("subject", sa.Text, unique=True),  # who they are to the single sign-on, or RESET and their id
    sa.Column("made_at", Instant, nullable=False),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("operator_id", sa.ForeignKey("operators.id"), nullable=False, index=True),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # the hash of the key in the cookie
    sa.Column("operator_id", sa.ForeignKey("operators.id"), nullable=False, index=True),
    sa.Column("way", sa.String(16), nullable=False),
    sa.Column("browser", sa.Text, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("ends_at", Instant, nullable=False),
)

passkeys = sa.Table(
    "passkeys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("operator_id", sa.ForeignKey("operators.id"), nullable=False, index=True),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("used_at", Instant),
)

# What was tried lately, by whom as a hash, and what may be used once.
tries = sa.Table(
    "tries",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
)
sa.Index("tries_by_key", tries.c.key, tries.c.at)
sa.Index("tries_by_age", tries.c.at)
