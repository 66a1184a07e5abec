"""The addresses under `/api/`."""

from flask import Blueprint, Response, jsonify, request

from ringback.api import access, asking, once, requests, widgets
from ringback.api.models import Spoken, written
from ringback.api.reading import ProblemError, checked, read_json
from ringback.web import limits

blueprint = Blueprint("api", __name__, url_prefix="/api")
blueprint.after_request(access.allow_origins)


@blueprint.errorhandler(ProblemError)
def refused(error: ProblemError) -> Response:
    """The answer that an error carries."""
    return error.answer


@blueprint.get("/widgets/<key>", strict_slashes=False)
def show_widget(key: str) -> Response:
    """What a form of one's own needs to know. For anybody."""
    return jsonify(written(widgets.described(access.widget_of(key))))


@blueprint.post("/widgets/<key>/requests", strict_slashes=False)
def ask(key: str) -> Response:
    """Ask for a call: a page with a token, or a server with a key."""
    widget, by = access.widget_of(key), access.key_of()
    if by is not None and not by.may_see(widget.key):
        raise access.no_such_widget()
    is_over_limit = by is None and limits.is_post_too_many()  # what cannot be read is a post, too
    return asking.answer(widget, by, read_json(), is_over_limit)


@blueprint.get("/requests")
def list_requests() -> Response:
    """A page of requests, the oldest first."""
    return jsonify(written(requests.listed(access.needs_key())))


@blueprint.get("/requests/<reference>")
def show_request(reference: str) -> Response:
    """One request, as it is."""
    return jsonify(written(requests.shown(access.needs_key(), reference)))


@blueprint.post("/requests/<reference>/cancel")
def cancel(reference: str) -> Response:
    """Withdraw one that waits."""
    by = access.needs_key()
    sent = read_json() if request.content_length else {}
    name = once.name_of(f"key {by.name}")
    return once.once(name, sent, lambda: jsonify(written(requests.cancelled(by, reference))))


@blueprint.post("/spoken")
def spoken() -> Response:
    """Withdraw what waits for somebody with whom the team has spoken."""
    by, sent = access.needs_key(), read_json()
    said, name = checked(Spoken, sent), once.name_of(f"key {by.name}")
    return once.once(name, sent, lambda: jsonify(written(requests.spoken(by, said))))
