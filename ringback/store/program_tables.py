"""The tables of other people's programs: their keys, what they were answered, and what they are told of."""

import sqlalchemy as sa

from ringback.store.tables import Instant, metadata

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("widgets", sa.JSON(none_as_null=True)),  # null: all of them
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("last_used_at", Instant),
)

# What a program was answered, by the key that it gave its post: without personal data, for a day.
kept_answers = sa.Table(
    "kept_answers",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("body_hash", sa.String(64), nullable=False),
    sa.Column("begun_at", Instant, nullable=False, index=True),
    sa.Column("status", sa.Integer),  # null: its post is under way
    sa.Column("answer", sa.Text),
)

webhook_receivers = sa.Table(
    "webhook_receivers",
    metadata,
    sa.Column("url", sa.String, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),  # since it last took something
    sa.Column("rests_until", Instant),
    sa.Column("off_at", Instant),
    sa.Column("told_at", Instant),
)

# What happened to requests, for programs that follow them. `is_spread`: there is a delivery for each receiver.
webhook_events = sa.Table(
    "webhook_events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("request_id", sa.ForeignKey("requests.id"), nullable=False),
    sa.Column("type", sa.String(32), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("widget", sa.String, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("is_spread", sa.Boolean, nullable=False, server_default=sa.false()),
)
sa.Index("webhook_events_by_time", webhook_events.c.at)
sa.Index(
    "webhook_events_to_spread",
    webhook_events.c.id,
    sqlite_where=webhook_events.c.is_spread.is_(False),
    postgresql_where=webhook_events.c.is_spread.is_(False),
)

webhook_deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("event_id", sa.ForeignKey("webhook_events.id"), nullable=False, index=True),
    sa.Column("request_id", sa.String(32), nullable=False),
    sa.Column("receiver", sa.String, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("give_up_at", Instant, nullable=False),
    sa.Column("lease_ends_at", Instant),
    sa.Column("owner", sa.String(32)),
    sa.Column("answer", sa.Text),
    sa.Column("changed_at", Instant, nullable=False),
)
for _columns, _name in (
    ((webhook_deliveries.c.receiver, webhook_deliveries.c.next_at), "webhook_deliveries_waiting"),
    ((webhook_deliveries.c.receiver, webhook_deliveries.c.request_id), "webhook_deliveries_of_request"),
):
    sa.Index(
        _name,
        *_columns,
        sqlite_where=webhook_deliveries.c.state == "waiting",
        postgresql_where=webhook_deliveries.c.state == "waiting",
    )

visitor_mails = sa.Table(
    "visitor_mails",
    metadata,
    sa.Column("request_id", sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("address_hash", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("next_at", Instant),  # null: sent, or given up
    sa.Column("sent_at", Instant),
)
sa.Index("visitor_mails_by_address", visitor_mails.c.address_hash, visitor_mails.c.at)
sa.Index(
    "visitor_mails_waiting",
    visitor_mails.c.next_at,
    sqlite_where=visitor_mails.c.next_at.is_not(None),
    postgresql_where=visitor_mails.c.next_at.is_not(None),
)
