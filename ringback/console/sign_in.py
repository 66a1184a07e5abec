"""Signing in and out: by password and code, by passkey, and by a link that sets a password."""

from datetime import datetime, timedelta

from flask import Response, g, redirect, request, session, url_for

from ringback.accounts.operator import Role
from ringback.accounts.people import AccountError
from ringback.accounts.sign_in import No, TooMany, Yes
from ringback.console import access, known_browser, single_sign_on
from ringback.console.entrance import addresses, begin, end_session, site
from ringback.console.page import page
from ringback.console.typed import typed
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("sign_in", __name__)

# Between the right password and the code.
_HALF_WAY = timedelta(minutes=5)

WRONG = "The user name or the password is not right."
WRONG_CODE = "That code is not right, or was used already. Wait for the next one."
WRONG_PASSKEY = "That passkey did not work here. Try again, or use your password."


@blueprint.get("/sign-in")
@access.needs(None)
def sign_in() -> Answer:
    """The form."""
    if g.operator is not None:
        return redirect(url_for("console_requests.home"), 303)
    session.pop("half", None)
    return _form()


@blueprint.post("/sign-in")
@access.needs(None)
def enter() -> Answer:
    """A name with its password, and a code where there is a second factor."""
    name, password, code = typed("username"), request.form.get("password", ""), typed("code")
    half, half_stamp = _half_way()
    ways_in = services().accounts.sign_in
    stamp = ways_in.stamp(name)  # before the password is looked at: one that is changed meanwhile is another
    if half and not password:
        answer = ways_in.by_code(half, code, addresses(), half_stamp, known_browser.of(half))
    else:
        answer = ways_in.by_password(name, password, code, addresses(), known_browser.of(name))
    match answer:
        case Yes(name=known):
            return begin(known, "password")
        case TooMany(wait=wait):
            return _too_many(wait)
        case No.NEEDS_CODE:
            session["half"] = [name, services().clock().isoformat(), stamp]
            return _form(422, needs_code=True)
        case No.WRONG_CODE:
            if not half:
                session["half"] = [name, services().clock().isoformat(), stamp]
            return _form(422, needs_code=True, error=WRONG_CODE)
        case _:
            return _form(422, error=WRONG, username=name)


@blueprint.get("/sign-in/passkey")
@access.needs(None)
def passkey_options() -> Answer:
    """What the browser is to ask a passkey for."""
    passkeys = services().accounts.passkeys
    session["challenge"] = challenge = passkeys.challenge()
    return Response(passkeys.request_options(site(), challenge), mimetype="application/json")


@blueprint.post("/sign-in/passkey")
@access.needs(None)
def enter_with_passkey() -> Answer:
    """What a passkey signed."""
    accounts = services().accounts
    # Counted by themselves: whoever tries passwords from this address keeps nobody's passkey out.
    each = {f"passkey {address}": most for address, most in addresses().items()}
    if wait := accounts.tries.spend(each):
        return _too_many(wait)
    challenge = session.pop("challenge", "")
    name = accounts.passkeys.owner_of(request.form.get("credential", ""), site(), challenge)
    if name is None:
        return _form(422, error=WRONG_PASSKEY)
    accounts.tries.give_back(*each)
    return begin(name, "passkey")


@blueprint.route("/password/<key>", methods=["GET", "POST"])
@access.needs(None)
def set_password(key: str) -> Answer:
    """What a link leads to that sets a password, once."""
    people = services().accounts.people
    name = people.owner_of_link(key)
    if name is None:
        return page("link_used.html", "This link sets no password any more", 410)
    if request.method != "POST":
        return page("password.html", "Set your password", name=name, key=key)
    try:
        is_set = people.set_password_by_link(key, request.form.get("password", ""))
    except AccountError as error:
        return page("password.html", "Set your password", 422, name=name, key=key, error=str(error))
    if not is_set:
        return page("link_used.html", "This link sets no password any more", 410)
    return begin(name, "link")


@blueprint.post("/sign-out")
@access.needs(Role.VIEWER)
def sign_out() -> Answer:
    """End the session, here and in the store."""
    end_session()
    services().audit.note(access.by(), "sign-out", f"operator {access.operator().name}")
    return redirect(url_for("console_sign_in.sign_in"), 303)


def _half_way() -> tuple[str, str]:
    """Whose password was right a moment ago, in this browser, and the stamp of the account it was right for."""
    name, at, *stamp = session.get("half") or ("", "")
    if name and services().clock() - datetime.fromisoformat(at) < _HALF_WAY:
        return str(name), "".join(stamp)
    return "", ""


def _form(status: int = 200, error: str = "", username: str = "", needs_code: bool = False) -> Response:
    return page(
        "sign_in.html",
        "Sign in",
        status,
        error=error,
        username=username,
        needs_code=needs_code,
        has_single_sign_on=single_sign_on.is_set(),
    )


def _too_many(wait: timedelta) -> Response:
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    sentence = f"Too many tries. Wait {minutes} minute{'' if minutes == 1 else 's'}, then try again."
    response = _form(429, error=sentence)
    response.headers["Retry-After"] = str(max(1, int(wait.total_seconds())))
    return response
