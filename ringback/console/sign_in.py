"""Signing in and out."""

from ringback.console import access
from ringback.console.page import page
from ringback.web.page import Answer

blueprint = access.pages("sign_in", __name__)


@blueprint.get("/sign-in")
@access.needs(None)
def sign_in() -> Answer:
    """The form."""
    return page("sign_in.html", "Sign in")
