"""The wall: a few large numbers, for a screen that hangs where the team sits."""

from datetime import UTC, tzinfo

from flask import abort, request

from ringback.accounts.operator import Role
from ringback.console import access
from ringback.console.clock_text import length
from ringback.console.figures import theirs, today
from ringback.console.page import page
from ringback.console.troubles import troubles
from ringback.outbox.figures.figures import read_figures
from ringback.outbox.operators.attention import NOBODY, REFUSES, SAMESPACE, Trouble
from ringback.outbox.operators.wall import read_wall
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("wall", __name__)

REFRESH_SECONDS = 10


@blueprint.get("/wall")
@access.needs(Role.VIEWER)
def shown() -> Answer:
    """How it stands. Its script asks again every few seconds; without one, the browser does."""
    now, day = services().clock(), today()
    widget = request.args.get("widget", "")
    if widget and widget not in theirs():
        abort(404)
    widgets = [widget] if widget else access.operator().widgets
    wall = read_wall(services().database, now, widgets)
    total = read_figures(services().database, day, day, widgets).total
    return page(
        "wall.html",
        "Wall",
        wall=wall,
        longest=length(now - wall.since) if wall.since else "–",
        share=f"{round(100 * total['handed_over'] / total['requests'])}\N{NO-BREAK SPACE}%"
        if total["requests"]
        else "–",
        total=total,
        widget=widget,
        trouble=[_told(each) for each in troubles(widget)],
        time=f"{now.astimezone(_zone(widget)):%H:%M}",
        refresh_seconds=REFRESH_SECONDS,
    )


def _told(trouble: Trouble) -> str:
    """In so few words that they are read from four metres."""
    words = {
        SAMESPACE: "Samespace is not reached",
        NOBODY: "Nobody hands over",
        REFUSES: f"{trouble.team} refuses",
    }
    return words.get(trouble.kind, f"{trouble.team} is paused")


def _zone(widget: str) -> tzinfo:
    """The clock of the widget, or of the first that they may see."""
    keys = [widget] if widget else theirs()
    return services().settings.widgets[keys[0]].team_zone if keys else UTC
