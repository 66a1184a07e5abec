"""Whether this process lives, and whether it can store and hand over. For load balancers and alarms."""

from collections.abc import Callable

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify

from ringback.database import STORE_ERRORS, Database


def health_pages(database: Database, hand_over_is_running: Callable[[], bool]) -> Blueprint:
    """`/healthz` and `/readyz`, which answer on any host name: a balancer asks by address."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def alive() -> dict[str, str]:
        return {"status": "alive"}

    @blueprint.get("/readyz")
    def ready() -> tuple[Response, int]:
        checks = {"store": _can_store(database), "hand_over": _answers(hand_over_is_running)}
        is_ready = all(checks.values())
        words = {name: "ok" if ok else "not answering" for name, ok in checks.items()}
        return jsonify(status="ready" if is_ready else "not ready", **words), 200 if is_ready else 503

    return blueprint


def _answers(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except STORE_ERRORS:
        return False


def _can_store(database: Database) -> bool:
    try:
        with database.write() as connection:
            connection.execute(sa.text("UPDATE about SET value = value WHERE key = 'kind'"))
    except STORE_ERRORS:
        return False
    return True
