"""Two of the sandbox's pages: a customer's web site with the form on it, and an agent's dock."""

from datetime import UTC
from typing import Any, NamedTuple

import flask
from flask import Blueprint, Response, abort, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ringback.sandbox.call_log import CallEnd
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import Call, SandboxSamespace
from ringback.web.bare_page import bare_page, origin_on

POLL_SECONDS = 1


class Behaviour(NamedTuple):
    """One way for Samespace to behave, as the dock offers it."""

    mode: Mode
    name: str
    effect: str


BEHAVIOURS = (
    Behaviour(Mode.ANSWERS, "Answers", "Takes every call: the visitor reads that the team has it."),
    Behaviour(Mode.REFUSES, "Refuses", "Says “Cant make call! Not logged In”, as when no agent is there."),
    Behaviour(Mode.SLOW, "Is slow", "Takes its time to answer. The visitor does not wait for it."),
    Behaviour(Mode.DOWN, "Is down", "Cannot be reached. Requests are kept until it is back."),
)


ENDS = ((CallEnd.ANSWERED, "Answered"), (CallEnd.NO_ANSWER, "No answer"), (CallEnd.NOT_YET, "Not yet"))


def sandbox_pages(samespace: SandboxSamespace) -> Blueprint:
    """The pages under `/sandbox`, which show and steer this pretend Samespace."""
    views = _Views(samespace)
    pages = Blueprint("sandbox", __name__, url_prefix="/sandbox")
    pages.add_url_rule("/site", view_func=site)
    pages.add_url_rule("/dock", view_func=views.dock, endpoint="dock")
    pages.add_url_rule("/calls.json", view_func=views.calls, endpoint="calls")
    pages.add_url_rule("/calls", view_func=views.end, endpoint="end", methods=["POST"])
    pages.add_url_rule("/samespace", view_func=views.behave, endpoint="behave", methods=["POST"])
    return pages


def site() -> Response:
    """The customer's web site, with the policy of a customer who allows our script and our frame only."""
    form_origin = origin_on("127.0.0.1")
    policy = f"default-src 'none'; script-src {form_origin}; frame-src {form_origin}; style-src 'self'"
    return bare_page("sandbox/host_page.html", policy, form_origin=form_origin)


class _Views:
    """What the dock shows of a pretend Samespace, and how it steers it."""

    def __init__(self, samespace: SandboxSamespace) -> None:
        self._samespace = samespace

    def dock(self) -> Response:
        calls = self._samespace.calls
        return bare_page(
            "sandbox/dock.html",
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; form-action 'self'",
            site_url=origin_on("localhost") + url_for("sandbox.site"),
            calls=[self._shown(call) for call in reversed(calls)],
            ends=ENDS,
            latest=_latest_serial(calls),
            behaviours=BEHAVIOURS,
            mode=self._samespace.mode,
            poll_seconds=POLL_SECONDS,
        )

    def calls(self) -> Response:
        """The calls since `?after=`, oldest first, and the newest serial there is."""
        after = request.args.get("after", 0, type=int)
        calls = self._samespace.calls
        newer = [self._shown(call) for call in calls if call.serial > after]
        answer = flask.jsonify(calls=newer, latest=_latest_serial(calls))
        answer.cache_control.no_store = True
        return answer

    def end(self) -> AnyResponse:
        """Say what became of a call, as its agent would know."""
        _refuse_others()
        end, serial = request.form.get("end"), request.form.get("serial", 0, type=int)
        if end not in list(CallEnd) or not self._samespace.ends(serial, CallEnd(end)):
            abort(400)
        return flask.redirect(url_for("sandbox.dock"), 303)

    def behave(self) -> AnyResponse:
        """Change how Samespace behaves."""
        _refuse_others()
        mode = request.form.get("mode")
        if mode not in list(Mode):
            abort(400)
        self._samespace.mode = Mode(mode)
        return flask.redirect(url_for("sandbox.dock"), 303)

    def _shown(self, call: Call) -> dict[str, Any]:
        """A call as the dock shows it; `received_at` is ISO 8601 in UTC, attributes are in their order."""
        return {
            "serial": call.serial,
            "number": f"+{call.number}",
            "team": call.team_name,
            "received_at": call.received_at.astimezone(UTC).isoformat(timespec="seconds"),
            "attributes": [{"name": name, "value": value} for name, value in call.attributes.items()],
            "end": self._samespace.call_log.end_of(call.serial).value,
        }


def _latest_serial(calls: list[Call]) -> int:
    return calls[-1].serial if calls else 0


def _refuse_others() -> None:
    """Refuse what another site's form does blindly."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        abort(403)
