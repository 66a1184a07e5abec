"""Who did what. Who is bound to widgets reads what was done about these; of accounts, only admins read."""

from flask import request
from werkzeug.exceptions import NotFound

from ringback.accounts.operator import Operator, Role
from ringback.console import access
from ringback.console.page import page
from ringback.console.typed import typed
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("audit", __name__)

_LONGEST = 100
_LAST_ID = 2**63 - 1


@blueprint.get("/audit")
@access.needs(Role.VIEWER)
def listed() -> Answer:
    """The newest first; what is shown is in the address."""
    who, act, about = (typed(name, _LONGEST) for name in ("who", "act", "about"))
    me, audit_list = access.operator(), services().audit_list
    acts, before = audit_list.page(
        who,
        act,
        about,
        _before(),
        me.widgets,
        _bounds(me),
        with_people=me.role >= Role.ADMIN,
    )
    return page(
        "audit.html",
        "Audit",
        acts=acts,
        before=before,
        filters={"who": who, "act": act, "about": about},
        # What others do is not told either.
        words=audit_list.acts() if me.widgets is None else sorted({each.act for each in acts}),
    )


def _bounds(me: Operator) -> list[str] | None:
    """The widgets that bound somebody, and their teams, as the list names them."""
    if me.widgets is None:
        return None
    theirs = [widget for key, widget in services().settings.widgets.items() if key in me.widgets]
    return [f"widget {widget.key}" for widget in theirs] + [f"team {widget.team_name}" for widget in theirs]


def _before() -> int | None:
    text = request.args.get("after", "")
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or int(text[:20]) > _LAST_ID:
        raise NotFound
    return int(text)
