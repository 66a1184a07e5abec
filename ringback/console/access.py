"""Who may see which page of the console, and do what there.

Every page names the least role that it is for. Whatever is not theirs is a 404, as if it were not there: so
nobody learns of it.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from flask import Blueprint, Flask, current_app, g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import NotFound

from ringback.accounts.operator import Operator, Role
from ringback.console.session import PAGES, csrf
from ringback.services import services
from ringback.web.page import Answer, own_address

View = TypeVar("View", bound=Callable[..., Answer])

PREFIX = "console"
_LONGEST_PATH = 2000  # of what stands in the cookie
_NO_COOKIE = (
    "PUBLIC_URL: it is {address}, and a form of the console that came without its cookie got 400. Open the "
    "console at that address, with its scheme, and have the proxy pass Cookie and Set-Cookie on"
)
# The sandbox is open to everybody.
_SANDBOX = Operator("sandbox", Role.ADMIN, samespace_user="sandbox")


def pages(name: str, import_name: str) -> Blueprint:
    """Pages of the console, under `/console/`."""
    return Blueprint(f"{PREFIX}_{name}", import_name, url_prefix="/console")


def needs(role: Role | None) -> Callable[[View], View]:
    """The least role that a view is for; None: for those who are not signed in, too."""

    def mark(view: View) -> View:
        view.__dict__["console_role"] = role
        return view

    return mark


def init_app(app: Flask) -> None:
    """Check every request for the console before its view sees it."""
    app.before_request(_check)


def operator() -> Operator:
    """Who is signed in. Only for views that need a role."""
    return cast(Operator, g.operator)


def by() -> str:
    """Who acts, as the audit has it."""
    return f"console:{operator().name}"


def _check() -> Answer | None:
    if not (request.blueprint or "").startswith(f"{PREFIX}_"):
        return None
    # A view without a rule is an error, and answers nobody.
    role = current_app.view_functions[request.endpoint or ""].__dict__["console_role"]
    g.operator = _signed_in()
    if request.method == "POST":
        _check_token()
    if role is None:
        return None
    if g.operator is None:
        # Where a person goes, not what a script on a page asks for meanwhile.
        if request.method == "GET" and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate":
            session["wanted"] = request.script_root + request.full_path.rstrip("?")
        return redirect(url_for("console_sign_in.sign_in"), 303)
    if g.operator.role < role:
        raise NotFound
    return None


def _check_token() -> None:
    """Raises CSRFError. Where no cookie comes at all, nobody can sign in: then the log says why that may be."""
    try:
        csrf.protect()
    except CSRFError:
        if current_app.config["SESSION_COOKIE_NAME"] not in request.cookies:
            services().tell(_NO_COOKIE.format(address=own_address()))
        raise


def _signed_in() -> Operator | None:
    if services().settings.sandbox:
        return _SANDBOX
    key = session.get("key")
    return services().accounts.sessions.operator_of(key) if key else None


def is_own_path(path: str) -> bool:
    """Whether an address is one of the console's own pages, and leads nowhere else."""
    below = path.removeprefix(request.script_root).partition("?")[0]
    is_ours = path.startswith(request.script_root) and PAGES.match(below)
    return bool(is_ours) and "\\" not in path and path.isprintable() and len(path) <= _LONGEST_PATH
