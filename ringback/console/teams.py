"""The teams: which are paused, why and since when; and whether Samespace is reached."""

from datetime import tzinfo

from flask import abort, redirect, request, url_for

from ringback.accounts.operator import Role
from ringback.config.widget import Widget
from ringback.console import access
from ringback.console.clock_text import day_and_time
from ringback.console.page import page
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("teams", __name__)


@blueprint.get("/teams")
@access.needs(Role.VIEWER)
def listed() -> Answer:
    """Those of the widgets that are theirs."""
    now, zones, mine = services().clock(), _zones(), access.operator()
    outbox = services().outbox
    breaker = outbox.breaker.status(now)
    zone = next(iter(zones.values()))
    return page(
        "teams.html",
        "Teams",
        teams=[
            (team, team.paused_at and day_and_time(team.paused_at, now, zones[team.name]), _widgets_of(team.name))
            for team in outbox.teams.listed()
            if team.name in zones
        ],
        breaker=breaker,
        since=day_and_time(breaker.opened_at, now, zone) if breaker.opened_at else "",
        probe=day_and_time(breaker.probe_at, now, zone) if breaker.probe_at else "now",
        trial=day_and_time(breaker.trial_at, now, zone) if breaker.trial_at else "as soon as it answers",
        may_act=mine.role >= Role.OPERATOR,
        may_reset=mine.role >= Role.OPERATOR and mine.widgets is None,
    )


@blueprint.post("/teams/resume")
@access.needs(Role.OPERATOR)
def resume() -> Answer:
    """Hand over to a team again; if it is not paused, nothing changes."""
    name = request.form.get("team", "")
    if name not in _zones():
        abort(404)
    services().outbox.teams.resume(name, access.by())
    return redirect(url_for("console_teams.listed"), 303)


@blueprint.post("/teams/breaker/reset")
@access.needs(Role.OPERATOR)
def reset() -> Answer:
    """Close the breaker, which is everybody's: not for who may see some widgets only."""
    if access.operator().widgets is not None:
        abort(404)
    services().outbox.breaker.reset(access.by())
    return redirect(url_for("console_teams.listed"), 303)


def _zones() -> dict[str, tzinfo]:
    """The teams that are theirs, each with its clock."""
    return {widget.team_name: widget.team_zone for widget in _theirs()}


def _theirs() -> list[Widget]:
    return [widget for key, widget in services().settings.widgets.items() if access.operator().may_see(key)]


def _widgets_of(name: str) -> list[str]:
    return [widget.key for widget in _theirs() if widget.team_name == name]
