"""The list of requests. What is shown is in the address, so that a view can be kept as a bookmark."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from urllib.parse import urlencode

from flask import jsonify, request, url_for
from werkzeug.utils import redirect

from ringback.accounts.operator import Role
from ringback.console import access, words
from ringback.console.page import page
from ringback.console.troubles import told, troubles
from ringback.console.typed import typed
from ringback.outbox.operators.attention import Trouble
from ringback.outbox.operators.console_view import ATTENTION, VIEWS, Count, View
from ringback.outbox.operators.intended import Intention
from ringback.outbox.operators.reached import reached_since
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("requests", __name__)

_LONGEST_SEARCH = 200  # characters
# What is done to many at once, in the order of its buttons, with its name.
MANY = {
    "retry": "Hand over now",
    "release": "Release",
    "claim": "Claim",
    "cancel": "Cancel",
    "erase": "Erase",
}


@blueprint.get("/")
@access.needs(Role.VIEWER)
def home() -> Answer:
    """The way in."""
    return redirect(url_for("console_requests.listed"), 303)


@blueprint.get("/requests")
@access.needs(Role.VIEWER)
def listed() -> Answer:
    """What was asked for, the most urgent first."""
    return list_page()


@blueprint.get("/requests.json")
@access.needs(Role.VIEWER)
def counts() -> Answer:
    """How many there are of each state, and how many have come `since`: for a page that is open."""
    view = view_asked_for()
    found = _counts(view, troubles(view.widget))
    new = services().console_list.arrived(view, _moment(request.args.get("since", "")))
    return jsonify(
        new=str(new),
        counts={name: str(count) for name, count in found.items()},
        attention=str(found[ATTENTION]),
    )


def list_page(status: int = 200, problem: str = "") -> Answer:
    """The list as its address asks for it; `problem` says why an act was not done."""
    view, now = view_asked_for(), services().clock()
    found = services().console_list.page(view)
    operator, troubled = access.operator(), troubles(view.widget)
    about_to = services().intended.acts_on([each.id for each in found.requests])
    reached = reached_since(services().database, found.requests, operator.widgets)
    return page(
        "requests.html",
        "Requests",
        status,
        rows=[
            words.row_of(each, services().settings, now, _about_to(about_to.get(each.id)), reached.get(each.id))
            for each in found.requests
        ],
        troubles=[told(each, now) for each in troubled] if view.state in ("", ATTENTION) else [],
        counts=_counts(view, troubled),
        after=found.after,
        too_many=found.too_many,
        view=view,
        views=[(name, words.VIEW_NAMES[name]) for name in ("", *VIEWS)],
        widgets=[key for key in services().settings.widgets if operator.may_see(key)],
        acts=MANY if operator.role >= Role.OPERATOR else {},
        address=_address,
        export=_address(page="console_list_export.as_csv"),
        asked_from=request.args.get("from", ""),
        asked_to=request.args.get("to", ""),
        rendered_at=now.isoformat(),
        undo=intentions(),
        act_names=ACT_NAMES,
        problem=problem,
    )


def _counts(view: View, troubled: Sequence[Trouble]) -> Mapping[str, Count]:
    """How many there are of each state. What keeps many waiting needs a person as much as a request does."""
    counts = services().console_list.counts(view)
    requests = counts[ATTENTION]
    return {**counts, ATTENTION: Count(requests.number + len(troubled), requests.more)}


ACT_NAMES = {
    "retry": "Hand over",
    "release": "Release",
    "resolve": "Resolve",
    "cancel": "Cancel",
    "erase": "Erase",
    "block": "Block the number",
}


def intentions() -> list[Intention]:
    """What whoever looks can still take back."""
    return services().intended.of(access.operator().name)


def _about_to(act: str | None) -> str:
    return f"{ACT_NAMES[act]}: in a moment" if act else ""


def view_asked_for() -> View:
    """What the address asks for. What it cannot mean is left out."""
    state = _given("state")
    return View(
        state=state if state in VIEWS else "",
        widget=_given("widget"),
        typed=_given("q"),
        asked_from=_day(_given("from"), timedelta()),
        asked_to=_day(_given("to"), timedelta(days=1)),
        after=_given("after"),
        widgets=access.operator().widgets,
    )


def _given(name: str) -> str:
    return typed(name, _LONGEST_SEARCH)


def _address(page: str = "console_requests.listed", **changed: str) -> str:
    """The same list with something else shown. Another view begins at its first page."""
    kept = {name: _given(name) for name in ("state", "widget", "q", "from", "to")}
    shown = {name: value for name, value in (kept | changed).items() if value}
    return url_for(page) + (f"?{urlencode(shown)}" if shown else "")


def _zone() -> tzinfo:
    known = services().settings.widgets
    theirs = (each for key, each in known.items() if access.operator().may_see(key))
    return next(theirs, next(iter(known.values()))).team_zone


def _day(written: str, later: timedelta) -> datetime | None:
    """When a day begins for the team, or so much later."""
    try:
        return datetime.combine(date.fromisoformat(written) + later, time(), _zone()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _moment(written: str) -> datetime:
    """When a page was made; now if it does not say."""
    try:
        found = datetime.fromisoformat(written)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return services().clock()
