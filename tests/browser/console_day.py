"""A made-up day of a company's requests, in the store of a sandbox that runs: one or more of each kind."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ringback.outbox import transitions
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, Held, State
from ringback.store.all_tables import metadata
from ringback.store.database import Database
from ringback.store.tables import requests
from tests.conftest import WIDGET, make_settings

# Name, number, region, minutes since it was asked for, and where it stands.
Row = tuple[str, str, str, int, str]
DAY: list[Row] = [
    ("Amelia Clarke", "442079460958", "GB", 22, "late"),
    ("Oliver Bennett", "447400123456", "GB", 19, "late"),
    ("Sofia Rossi", "12125550123", "US", 41, "unknown"),
    ("Jack Morgan", "353850123456", "IE", 55, "failed"),
    ("Mia Schneider", "4915123456789", "DE", 12, "held"),
    ("Noah Patel", "917410123456", "IN", 30, "held"),
    ("Isla Murphy", "447911123456", "GB", 4, "waiting"),
    ("Lucas Martin", "33612345678", "FR", 2, "waiting"),
    ("Grace Kelly", "442079460111", "GB", 90, "with_team"),
    ("Harry Evans", "442079460222", "GB", 130, "with_team"),
    ("Ava Thompson", "447400654321", "GB", 200, "with_team"),
    ("Leo Walker", "442079460333", "GB", 260, "cancelled"),
]
_ARROWS = {
    "unknown": transitions.LOSE,
    "failed": transitions.FAIL,
    "with_team": transitions.TAKEN,
    "cancelled": transitions.CANCEL,
}


def make_day(
    folder: Path,
    first: int = len(DAY),
    asked_ago: int | None = None,
    widget: str = "demo",
    more: Sequence[Row] = (),
) -> list[str]:
    """Fill the store in this folder with the `first` of `DAY`, and with `more`; their references, in its order.

    `asked_ago`: so many minutes, in place of those of the day.
    """
    [file] = folder.rglob("*.db")
    database = Database(f"sqlite:///{file}")
    made = []
    for name, phone, region, minutes, stands in [*DAY[:first], *more]:
        asked = datetime.now(UTC) - timedelta(minutes=minutes if asked_ago is None else asked_ago)
        settings = make_settings(f"sqlite:///{file}", widgets={widget: WIDGET})
        outbox = Outbox(database, settings, lambda asked=asked: asked)
        email = f"{name.split()[0].lower()}@example.com"
        # A time that is still to come, so that the sandbox does not hand it over before it stands where it should.
        answers = Answers(
            *(widget, phone, region, name, email),
            message="Prices for a team of twelve, please.",
            page="https://www.example.com/prices",
            slot_starts_at=datetime.now(UTC) + timedelta(days=2),
            slot_ends_at=datetime.now(UTC) + timedelta(days=2, hours=1),
        )
        receipt = outbox.accept(answers, is_suspect=stands in ("held", "suspected"))
        _stand(database, receipt.id, stands, asked)
        made.append(receipt.reference)
    database.close()
    return made


def forget_history(folder: Path) -> None:
    """Take the sandbox's own day of made-up history out of its store."""
    [file] = folder.rglob("*.db")
    database = Database(f"sqlite:///{file}")
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is requests or any(key.column.table is requests for key in table.foreign_keys):
                connection.execute(table.delete())
    database.close()


def _stand(database: Database, id: str, stands: str, asked: datetime) -> None:
    """Let it stand there, and not be handed over by the sandbox meanwhile."""
    mine, at = requests.c.id == id, asked + timedelta(seconds=2)
    with database.write() as connection:
        values: dict[str, Any] = {"slot_starts_at": None, "slot_ends_at": None, "due_at": asked}
        values |= {"promised_by": asked + timedelta(minutes=15), "next_attempt_at": asked + timedelta(days=1)}
        if stands == "suspected":
            values["held"] = Held.SUSPECTED
        if stands == "held":
            values["held"] = Held.NUMBER_LIMIT if id < "8" else Held.SUSPECTED
        connection.execute(sa.update(requests).where(mine).values(values))
        if arrow := _ARROWS.get(stands):
            if arrow.before is State.HANDING_OVER:
                transitions.apply(connection, transitions.CLAIM, mine, at, attempt=1)
            detail = {"failed": "refused to the last: no agent", "unknown": "the answer broke off"}.get(stands)
            transitions.apply(connection, arrow, mine, at, detail or 'accepted: {"success": true}')
