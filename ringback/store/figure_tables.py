"""What is counted of requests and forms: nothing here is about a person, so it stays when they are forgotten."""

import sqlalchemy as sa

from ringback.store.tables import metadata

# What became of requests, and how forms were used.
COUNTS = (
    *("requests", "handed_over", "unknown", "failed", "cancelled", "held"),
    *("kept", "late"),  # promises
    *("shown", "begun", "sent", "refused"),  # forms
    *("called", "answered", "unanswered"),  # calls; of some nobody knows whether they were answered
    *("call_kept", "call_late", "call_early"),  # against the promise, and the chosen time
)

figures = sa.Table(
    "figures",
    metadata,
    # "" for all of an hour; else what a day is broken down by, and the value it stands for.
    sa.Column("by", sa.String(16), primary_key=True),
    # On the clock of the widget's team: `2026-11-24T10`, and `2026-11-24` of what is broken down.
    sa.Column("hour", sa.String(13), primary_key=True),
    sa.Column("widget", sa.String, primary_key=True),
    sa.Column("value", sa.String(400), primary_key=True),
    *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in COUNTS),
    sqlite_with_rowid=False,  # rows lie in the order of the key, in which they are read
)
