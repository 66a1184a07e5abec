"""The page of every error: what happened, and what a person can do now."""

import logging
import traceback
from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from ringback.i18n.languages import N_
from ringback.i18n.languages import gettext as _
from ringback.services import services
from ringback.store.failures import STORE_ERRORS
from ringback.web.problems import is_for_programs, problem

log = logging.getLogger("ringback")

PAGES: dict[int, tuple[str, list[str]]] = {
    400: (
        N_("We could not read that"),
        [N_("Something on the way changed what your browser sent. Go back and try again.")],
    ),
    403: (
        N_("We could not accept that"),
        [N_("It was sent from another web site. Open the page here and try again.")],
    ),
    404: (
        N_("Page not found"),
        [N_("Check the address. If somebody gave you the link, ask for it again.")],
    ),
    405: (N_("That cannot be done here"), [N_("Go back and try again from the page itself.")]),
    410: (
        N_("This request has been deleted"),
        [
            N_(
                "Everything you entered is deleted. "
                "We keep only the reference and the times, which do not identify you."
            )
        ],
    ),
    413: (N_("Your message is too long"), [N_("Shorten your message, then send again.")]),
    429: (
        N_("Too many requests"),
        [N_("Too many requests from your network. Wait a minute and try again.")],
    ),
    500: (N_("Something went wrong"), [N_("The problem is on our side. Try again in a moment.")]),
    503: (N_("We cannot answer right now"), [N_("The problem is on our side. Try again in a moment.")]),
}


def init_app(app: Flask) -> None:
    """A page for every error, and a log line for our own, without a word of what a visitor sent."""
    app.register_error_handler(HTTPException, _page)
    app.register_error_handler(Exception, _ours)
    for error in STORE_ERRORS:
        app.register_error_handler(error, _store)
    # For what fails while an error page is made: Flask's own line would quote the address and the exception.
    app.log_exception = _log_kind  # type: ignore[method-assign, assignment]


def words(status: int) -> tuple[str, list[str]]:
    """The headline and the sentences of a status; where it has none, those of 400 or 500."""
    title, sentences = PAGES.get(status) or PAGES[500 if status >= 500 else 400]
    return _(title), [_(sentence) for sentence in sentences]


def error_page(status: int) -> Response:
    """The page of a status."""
    if is_for_programs():
        return problem(status)  # our sentences speak of pages and browsers
    title, sentences = words(status)
    if request.path.endswith(".json"):
        response = jsonify(error=title)
    else:
        response = make_response(render_template("errors/error.html", page_title=title, sentences=sentences))
    response.status_code = status
    return response


def _page(error: HTTPException) -> Response:
    response = error_page(error.code or 500)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _store(error: Exception) -> Response:
    services().tell(services().database.told(error), logging.ERROR)
    return error_page(503)


def _ours(error: Exception) -> Response:
    _log_kind((type(error), error, error.__traceback__))
    return error_page(InternalServerError.code)


def _log_kind(told: Any) -> None:
    # Without the message, which may quote what a visitor typed: the place is enough to find the cause.
    kind, _error, where = told
    log.error("%s at %s\n%s", kind.__name__, request.endpoint, "".join(traceback.format_tb(where)))
