"""Numbers that are not called: blocked by operators, or stopped by the people they belong to.

They hold for all widgets, so they are for those who may see all of them.
"""

from flask import abort, redirect, request, url_for

from ringback.accounts.operator import Role
from ringback.console import access
from ringback.console.page import page
from ringback.phone import typed
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("numbers", __name__)


@blueprint.get("/numbers")
@access.needs(Role.VIEWER)
def listed() -> Answer:
    """What is blocked, and how many are stopped."""
    return _page()


@blueprint.post("/numbers/block")
@access.needs(Role.OPERATOR)
def block() -> Answer:
    """Hold what waits and will come for a number, or for all that begin so."""
    written = request.form.get("number", "")
    try:
        digits, is_range = typed.number_or_range(written)
    except ValueError as error:
        return _page("block", f"This {error}.", written)
    _check_all_widgets()
    if services().operations.block(digits, is_range, access.by()) is None:
        return _page("block", "This is blocked already.", written)
    return _back()


@blueprint.post("/numbers/unblock")
@access.needs(Role.OPERATOR)
def unblock() -> Answer:
    """Let what comes from now on be handed over; if it is not blocked, nothing changes."""
    _check_all_widgets()
    services().operations.unblock(
        request.form.get("digits", ""), request.form.get("is_range") == "yes", access.by()
    )
    return _back()


@blueprint.post("/numbers/unstop")
@access.needs(Role.OPERATOR)
def unstop() -> Answer:
    """End a stop, for somebody who wants calls again."""
    written = request.form.get("number", "")
    _check_all_widgets()
    try:
        digits = typed.number(written)
    except ValueError as error:
        return _page("unstop", f"This {error}.", written)
    if not services().outbox.unstop(digits, access.by()):
        return _page("unstop", "This number is not stopped.", written)
    return _back()


def _check_all_widgets() -> None:
    if access.operator().widgets is not None:
        abort(404)


def _back() -> Answer:
    return redirect(url_for("console_numbers.listed"), 303)


def _page(form: str = "", wrong: str = "", written: str = "") -> Answer:
    _check_all_widgets()
    operations = services().operations
    return page(
        "numbers.html",
        "Numbers",
        422 if wrong else 200,
        blocked=operations.blocked(),
        stopped=operations.stopped(),
        may_act=access.operator().role >= Role.OPERATOR,
        stop_days=services().settings.privacy.stop_days,
        form=form,
        wrong=wrong,
        written=written[:40],
    )
