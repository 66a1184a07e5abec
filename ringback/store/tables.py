"""The tables, and what statements over them are made of."""

from datetime import UTC, datetime

import sqlalchemy as sa


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware time, kept in UTC. SQLite has no time zones, so there it is put back on reading."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give back an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# The moment, in statements that are made before it.
NOW = sa.bindparam("now", type_=Instant)

metadata = sa.MetaData()

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("reference", sa.String(12), nullable=False, unique=True),
    sa.Column("widget", sa.String, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("held", sa.String(16)),
    sa.Column("phone", sa.String(15), nullable=False),
    sa.Column("region", sa.String(2), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("company", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("page", sa.Text, nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("form_id", sa.String(32), unique=True),
    sa.Column("answers_hash", sa.String(64)),
    sa.Column("requested_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("promised_by", Instant),
    sa.Column("give_up_at", Instant, nullable=False),
    sa.Column("next_attempt_at", Instant, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("owner", sa.String),
    sa.Column("lease_ends_at", Instant),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("resend_at", Instant),
    sa.Column("resent", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("number_hash", sa.String(64)),
    sa.Column("erased_at", Instant),
    sa.Column("slot_starts_at", Instant),
    sa.Column("slot_ends_at", Instant),
    sa.Column("zone", sa.String, nullable=False, server_default=""),
    # Who asked, as keyed hashes: an address and the network it is of. For as long as the brake looks back.
    sa.Column("source", sa.String(32)),
    sa.Column("source_network", sa.String(32)),
    # False: a chosen time that looks booked and keeps it from nobody.
    sa.Column("takes_place", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("turned_away", sa.String(16)),
    # The operator who calls this number by hand, and until when nobody else does.
    sa.Column("claimed_by", sa.String),
    sa.Column("claimed_until", Instant),
    # What "usually within" said when it was asked for, where that is measured.
    sa.Column("promised_minutes", sa.Integer),
    # When an alert told that nobody had called.
    sa.Column("not_called_at", Instant),
    sa.Column("trace", sa.String(64)),  # by which its visitor's HTTP request is known in logs
)
# What the hand-over looks for stays small however long the history grows.
sa.Index(
    "requests_waiting",
    requests.c.give_up_at,
    requests.c.next_attempt_at,
    requests.c.requested_at,
    sqlite_where=requests.c.state == "waiting",
    postgresql_where=requests.c.state == "waiting",
)
sa.Index(
    "requests_handing_over",
    requests.c.lease_ends_at,
    sqlite_where=requests.c.state == "handing_over",
    postgresql_where=requests.c.state == "handing_over",
)
sa.Index(
    "requests_to_resend",
    requests.c.resend_at,
    sqlite_where=requests.c.resend_at.is_not(None),
    postgresql_where=requests.c.resend_at.is_not(None),
)
sa.Index(
    "requests_turned_away",
    requests.c.changed_at,
    sqlite_where=sa.and_(requests.c.state == "waiting", requests.c.turned_away.is_not(None)),
    postgresql_where=sa.and_(requests.c.state == "waiting", requests.c.turned_away.is_not(None)),
)
sa.Index("requests_by_number", requests.c.phone, requests.c.requested_at)
# What the brake counts. Conditions as text: the planner has to see the same in a statement.
RINGS = sa.text("held IS NULL AND state != 'cancelled'")
sa.Index(
    "requests_that_ring",
    requests.c.widget,
    requests.c.requested_at,
    requests.c.phone,
    requests.c.number_hash,
    sqlite_where=RINGS,
    postgresql_where=RINGS,
)
for _source in (requests.c.source, requests.c.source_network):
    sa.Index(
        f"requests_by_{_source.name}",
        _source,
        requests.c.requested_at,
        sqlite_where=_source.is_not(None),
        postgresql_where=_source.is_not(None),
    )
sa.Index(
    "requests_by_slot",
    requests.c.widget,
    requests.c.slot_starts_at,
    sqlite_where=requests.c.slot_starts_at.is_not(None),
    postgresql_where=requests.c.slot_starts_at.is_not(None),
)
sa.Index(
    "requests_by_number_hash",
    requests.c.number_hash,
    sqlite_where=requests.c.number_hash.is_not(None),
    postgresql_where=requests.c.number_hash.is_not(None),
)
sa.Index(
    "requests_to_erase",
    requests.c.changed_at,
    sqlite_where=requests.c.erased_at.is_(None),
    postgresql_where=requests.c.erased_at.is_(None),
)
# What operators look for. Literals, since SQLite takes such an index only where it reads the same in a query.
LEFT = sa.and_(requests.c.held.is_(None), requests.c.erased_at.is_(None))
_UNCLEAR = sa.and_(sa.or_(requests.c.state == "unknown", requests.c.state == "failed"), LEFT)
sa.Index(
    "requests_unclear",
    requests.c.state,
    requests.c.requested_at,
    sqlite_where=_UNCLEAR,
    postgresql_where=_UNCLEAR,
)
ALL_HELD = sa.text("held IS NOT NULL AND state != 'cancelled' AND erased_at IS NULL")
sa.Index(
    "requests_held",
    requests.c.held,
    requests.c.phone,
    requests.c.requested_at,
    sqlite_where=ALL_HELD,
    postgresql_where=ALL_HELD,
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("request_id", sa.ForeignKey("requests.id"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("detail", sa.Text),
)

stops = sa.Table(
    "stops",
    metadata,
    sa.Column("number_hash", sa.String(64), primary_key=True),
    sa.Column("until", Instant, nullable=False),
)

# Every shorter number that a stopped one begins with, and an erased one: a hash can only be compared whole.
stop_beginnings = sa.Table(
    "stop_beginnings",
    metadata,
    sa.Column("stopped", sa.String(64), primary_key=True),
    sa.Column("number_hash", sa.String(64), primary_key=True, index=True),
    sa.Column("until", Instant, nullable=False),
)

erased_beginnings = sa.Table(
    "erased_beginnings",
    metadata,
    sa.Column("request_id", sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("number_hash", sa.String(64), primary_key=True, index=True),
)

blocks = sa.Table(
    "blocks",
    metadata,
    sa.Column("digits", sa.String(15), primary_key=True),
    sa.Column("is_range", sa.Boolean, primary_key=True),
    sa.Column("at", Instant, nullable=False),
)

consents = sa.Table(
    "consents",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("request_id", sa.ForeignKey("requests.id"), nullable=False, index=True),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("granted", sa.Boolean, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("form_version", sa.String(16), nullable=False),
    sa.Column("page", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

teams = sa.Table(
    "teams",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("paused_at", Instant),
    sa.Column("paused_why", sa.Text),
    sa.Column("next_try_at", Instant),
    sa.Column("next_call_at", Instant),
    sa.Column("refuses", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("turned_away", sa.String(64)),
    sa.Column("refuses_since", Instant),
    sa.Column("refused_why", sa.Text),
)

breaker = sa.Table(
    "breaker",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("opened_at", Instant),
    sa.Column("probe_at", Instant),
    sa.Column("trial_at", Instant),
    sa.Column("trial_ends_at", Instant),
    sa.Column("failed_at", Instant),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("about", sa.Text, nullable=False),
)
sa.Index("alerts_by_kind", alerts.c.kind, alerts.c.at)
sa.Index("alerts_by_thing", alerts.c.about, alerts.c.kind)

alert_channels = sa.Table(
    "alert_channels",
    metadata,
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("sent_up_to", sa.BigInteger, nullable=False),
    sa.Column("sent_at", Instant),
    sa.Column("busy_until", Instant),
)

paused_widgets = sa.Table(
    "paused_widgets",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("paused_at", Instant, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("ends_at", Instant),
)

about = sa.Table(
    "about",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)


def in_state(state: str, of: sa.FromClause = requests) -> sa.ColumnElement[bool]:
    """Requests that stand there. Written out instead of given with each run.

    So the planner sees that a small index will do. SQLite would look for itself, and plan anew at every run.
    """
    return of.c.state == sa.literal_column(f"'{state}'")
