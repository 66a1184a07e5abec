"""The way in and out, the same for every way of signing in: a new session, and where one wanted to go."""

import re

from flask import redirect, request, session, url_for
from werkzeug.exceptions import NotFound

from ringback.accounts.passkeys import Site
from ringback.accounts.sign_in import PER_ADDRESS
from ringback.console import access, known_browser
from ringback.services import services
from ringback.web import limits
from ringback.web.page import Answer

# An office and its guests; the network around an address gets what eight addresses get.
_PER_SITE = PER_ADDRESS * limits.NETWORKS_FOR_ONE
_SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Mac", "Linux")
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}


def begin(name: str, way: str) -> Answer:
    """Sign somebody in, in a session of their own, and take them where they wanted to go."""
    wanted = session.get("wanted", "")
    end_session()
    accounts = services().accounts
    key = accounts.sessions.begin(name, way, _browser(request.user_agent.string))
    if key is None:  # removed at this moment
        raise NotFound
    session["key"] = key
    services().audit.note(f"console:{name}", "sign-in", f"operator {name}")
    response = redirect(wanted if access.is_own_path(wanted) else url_for("console_requests.home"), 303)
    known_browser.remember(response, name)
    return response


def addresses() -> dict[str, int]:
    """Where this was sent from, and how often each may try."""
    return {f"address {limits.address_key()}": PER_ADDRESS, f"site {limits.site_key()}": _PER_SITE}


def site() -> Site:
    """The site that passkeys are for: the host that was asked, which was checked."""
    return Site(re.sub(r":\d+$", "", request.host), request.host_url.rstrip("/"))


def end_session() -> None:
    """Sign out, here and in the store."""
    if key := session.get("key"):
        services().accounts.sessions.end_key(key)
    session.clear()


def _browser(agent: str) -> str:
    """A browser as its owner knows it: Firefox on Linux."""
    name = next((name for mark, name in _BROWSERS.items() if f"{mark}/" in agent), "")
    system = next((system for system in _SYSTEMS if system in agent), "")
    return " on ".join(part for part in (name, system) if part) or "A browser"
