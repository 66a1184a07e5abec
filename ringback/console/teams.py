"""The teams: which are paused, why and since when; and whether Samespace is reached."""

from datetime import UTC, datetime, tzinfo

from flask import abort, redirect, request, url_for

from ringback.accounts.operator import Role
from ringback.config.widget import Widget
from ringback.console import access
from ringback.console.clock_text import day_and_time
from ringback.console.page import page
from ringback.console.troubles import told, troubles
from ringback.handover.auth_token import LOCKED_OUT, LockedOutError
from ringback.handover.outcomes import NewToken, Unclear
from ringback.handover.token_renewal import BusyError, NotKeptError, NoTokenError
from ringback.outbox.operators.attention import NOBODY
from ringback.outbox.pacing.teams import Team
from ringback.services import services
from ringback.store.failures import STORE_ERRORS
from ringback.web.page import Answer

blueprint = access.pages("teams", __name__)


@blueprint.get("/teams")
@access.needs(Role.VIEWER)
def listed() -> Answer:
    """Those of the widgets that are theirs."""
    return _page()


def _page(wrong: str = "") -> Answer:
    now, zones, mine = services().clock(), _zones(), access.operator()
    outbox = services().outbox
    breaker = outbox.breaker.status(now)
    zone = next(iter(zones.values()), UTC)
    return page(
        "teams.html",
        "Teams",
        422 if wrong else 200,
        teams=[
            (team, _since(team, now, zones[team.name]), _widgets_of(team.name))
            for team in outbox.teams.listed()
            if team.name in zones
        ],
        nobody=next((told(each, now) for each in troubles() if each.kind == NOBODY), ""),
        breaker=breaker,
        since=day_and_time(breaker.opened_at, now, zone) if breaker.opened_at else "",
        probe=day_and_time(breaker.probe_at, now, zone) if breaker.probe_at else "now",
        trial=day_and_time(breaker.trial_at, now, zone) if breaker.trial_at else "as soon as it answers",
        may_act=mine.role >= Role.OPERATOR,
        may_reset=mine.role >= Role.OPERATOR and mine.widgets is None,
        may_renew=mine.role >= Role.ADMIN and mine.widgets is None,
        **_token(now, zone),
        wrong=wrong,
    )


def _since(team: Team, now: datetime, zone: tzinfo) -> str:
    """Since when it is paused, or refuses."""
    at = team.paused_at or team.refuses_since
    return day_and_time(at, now, zone) if at else ""


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


@blueprint.post("/teams/token/renew")
@access.needs(Role.ADMIN)
def renew() -> Answer:
    """Have a new auth token made. It is shown to nobody."""
    if access.operator().widgets is not None:
        abort(404)
    wrong = _renew()
    return _page(wrong) if wrong else redirect(url_for("console_teams.listed", _anchor="token"), 303)


def _renew() -> str:
    """Nothing where there is a new one; else what stands in the way."""
    services().audit.note(access.by(), "reset", "token")
    try:
        outcome = services().token_renewal.renew()
    except NoTokenError:
        return "There is no token yet: set SAMESPACE_AUTH_TOKEN."
    except BusyError:
        return "It is being renewed at this moment."
    except LockedOutError:
        return LOCKED_OUT
    except (NotKeptError, *STORE_ERRORS):
        return "The store did not take it. Have a token made at Samespace, and set SAMESPACE_AUTH_TOKEN to it."
    if isinstance(outcome, NewToken):
        return ""
    if isinstance(outcome, Unclear):
        return "Samespace gave no clear answer, so the token in use may be dead. Try again, or set a new one."
    return "Samespace made none: the token in use is as it was."


def _token(now: datetime, zone: tzinfo) -> dict[str, str]:
    """When the auth token was renewed, and how often it is."""
    at, days = services().auth_token.renewed_at(), services().settings.samespace.renew_token_days
    return {
        "renewed_at": day_and_time(at, now, zone) if at else "",
        "renewed_every": f"every {days} days" if days else "never, by hand only",
    }


def _zones() -> dict[str, tzinfo]:
    """The teams that are theirs, each with its clock."""
    return {widget.team_name: widget.team_zone for widget in _theirs()}


def _theirs() -> list[Widget]:
    return [widget for key, widget in services().settings.widgets.items() if access.operator().may_see(key)]


def _widgets_of(name: str) -> list[str]:
    return [widget.key for widget in _theirs() if widget.team_name == name]
