"""How forms are used: shown, begun, sent, refused. Counted by the widget and the hour, and nobody by anything.

No cookie, no address, no id: so one visitor who loads a form twice counts twice.
"""

from flask import Blueprint, Response, abort, current_app
from flask_limiter import RateLimitExceeded

from ringback.services import services
from ringback.web import limits

blueprint = Blueprint("funnel", __name__)


@blueprint.post("/<key>/begun")
def begun(key: str) -> Response:
    """Somebody typed the first letter into a form. Whatever is sent along is not read."""
    widget = services().settings.widget(key) or abort(404)
    try:
        _spend_begun()
    except RateLimitExceeded:
        return Response(status=204)
    note(widget.key, "begun")
    return Response(status=204)


@limits.per_beacon
def _spend_begun() -> None:
    """One of those that an address may say."""


def note(widget: str, count: str) -> None:
    """Count what became of a form."""
    services().figures.note(widget, count)
    if not current_app.testing:  # nothing runs beside a test
        services().figures_loop.start()
