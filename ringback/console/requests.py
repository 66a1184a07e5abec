"""The list of requests."""

from flask import url_for
from werkzeug.utils import redirect

from ringback.accounts.operator import Role
from ringback.console import access
from ringback.console.page import page
from ringback.web.page import Answer

blueprint = access.pages("requests", __name__)


@blueprint.get("/")
@access.needs(Role.VIEWER)
def home() -> Answer:
    """The way in."""
    return redirect(url_for("console_requests.listed"), 303)


@blueprint.get("/requests")
@access.needs(Role.VIEWER)
def listed() -> Answer:
    """What was asked for, the most urgent first."""
    return page("requests.html", "Requests")
