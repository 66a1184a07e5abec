"""Every page that is not an answer: what happened, and what a person can do now."""

import logging
import traceback

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from ringback.database import STORE_ERRORS

log = logging.getLogger("ringback")

PAGES: dict[int, tuple[str, list[str]]] = {
    400: (
        "We could not read that",
        ["Something on the way changed what your browser sent. Go back and try again."],
    ),
    403: (
        "We could not accept that",
        ["It was sent from another web site. Open the page here and try again."],
    ),
    404: ("There is nothing here", ["Check the address. If somebody gave you the link, ask for it again."]),
    405: ("That cannot be done here", ["Go back and try again from the page itself."]),
    410: ("This request has been deleted", ["Nothing of it is kept."]),
    413: ("That is more than we can take", ["Shorten your message, then send again."]),
    429: (
        "Too many requests",
        ["There have been many requests from your network. Wait a minute and try again."],
    ),
    500: ("Something went wrong on our side", ["It was not your doing. Try again in a moment."]),
    503: ("We cannot answer right now", ["It was not your doing. Try again in a moment."]),
}


def init_app(app: Flask) -> None:
    """A page for every error, and a log line for ours without a word of what a visitor sent."""
    app.register_error_handler(HTTPException, _page)
    app.register_error_handler(Exception, _ours)
    for error in STORE_ERRORS:
        app.register_error_handler(error, _store)


def error_page(status: int) -> Response:
    """The page of a status; the nearest one where it has none of its own."""
    title, sentences = PAGES.get(status) or PAGES[500 if status >= 500 else 400]
    if request.path.endswith(".json"):
        response = jsonify(error=title)
    else:
        response = make_response(
            render_template(
                "errors/error.html", page_title=title, title=title, sentences=sentences, retry_url=None
            )
        )
    response.status_code = status
    return response


def _page(error: HTTPException) -> Response:
    response = error_page(error.code or 500)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _store(error: Exception) -> Response:
    log.error("the store did not answer (%s)", type(error).__name__)
    return error_page(503)


def _ours(error: Exception) -> Response:
    # Not the message: it may quote what a visitor typed. Where it happened is enough to find it.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s at %s\n%s", type(error).__name__, request.endpoint, where)
    return error_page(InternalServerError.code)
