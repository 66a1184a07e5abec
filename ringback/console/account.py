"""One's own account: password, second factor, passkeys, and where one is signed in."""

import segno
from flask import Response, flash, redirect, request, session, url_for
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from ringback.accounts.operator import Role
from ringback.accounts.people import Account, AccountError
from ringback.console import access, known_browser
from ringback.console.entrance import site
from ringback.console.page import page
from ringback.console.typed import typed
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("account", __name__)

WRONG_PASSWORD = "That is not your password."  # noqa: S105 (a sentence)
WRONG_CODE = "That is not the code the app shows now. Check the clock of your phone, then type the next one."
_LONGEST_LABEL = 60
_LONGEST_ID = 2000  # of a passkey: 1,023 bytes at most


@blueprint.get("/account")
@access.needs(Role.VIEWER)
def account() -> Answer:
    """What there is to one's account."""
    return _page()


@blueprint.post("/account/password")
@access.needs(Role.VIEWER)
def change_password() -> Answer:
    """A new password, for who knows the old one; all other sessions end."""
    mine = _mine()
    if not _knows_password(mine):
        return _page(422, errors={"old": WRONG_PASSWORD})
    try:
        services().accounts.people.set_password(
            mine.operator.name, request.form.get("password", ""), by=access.by()
        )
    except AccountError as error:
        return _page(422, errors={"password": str(error)})
    services().accounts.sessions.end_others(mine.operator.name, session["key"])
    answer = _done("Your password is changed. Everywhere else you are signed out.")
    known_browser.remember(answer, mine.operator.name)
    return answer


@blueprint.route("/account/second-factor", methods=["GET", "POST"])
@access.needs(Role.VIEWER)
def second_factor() -> Answer:
    """An app to scan a picture with, and a code of it to begin with."""
    mine, factor = _mine(), services().accounts.second_factor
    if request.method != "POST" or "secret" not in session:
        session.setdefault("secret", factor.new_secret())
        return _second_factor_page(mine)
    if not _knows_password(mine):
        return _second_factor_page(mine, 422, {"old": WRONG_PASSWORD})
    codes = factor.begin(mine.operator.name, session["secret"], typed("code"))
    if codes is None:
        return _second_factor_page(mine, 422, {"code": WRONG_CODE})
    session.pop("secret")
    services().accounts.sessions.end_others(mine.operator.name, session["key"])
    flash("\n".join(codes), "codes")
    return redirect(url_for("console_account.account"), 303)


@blueprint.post("/account/second-factor/end")
@access.needs(Role.VIEWER)
def end_second_factor() -> Answer:
    """No second factor any more."""
    mine = _mine()
    if not _knows_password(mine):
        return _page(422, errors={"end": WRONG_PASSWORD})
    services().accounts.second_factor.end(mine.operator.name)
    return _done("You sign in without a code now.")


@blueprint.get("/account/passkey")
@access.needs(Role.VIEWER)
def passkey_options() -> Answer:
    """What the browser is to make a passkey of."""
    passkeys = services().accounts.passkeys
    session["challenge"] = challenge = passkeys.challenge()
    options = passkeys.creation_options(_mine().operator.name, site(), challenge)
    return Response(options, mimetype="application/json")


@blueprint.post("/account/passkeys")
@access.needs(Role.VIEWER)
def add_passkey() -> Answer:
    """The passkey that a browser made."""
    label = typed("label", _LONGEST_LABEL) or "Passkey"
    is_kept = services().accounts.passkeys.add(
        _mine().operator.name, request.form.get("credential", ""), site(), session.pop("challenge", ""), label
    )
    if not is_kept:
        return _page(422, errors={"passkey": "That passkey was not taken. Try again."})
    return _done("You can sign in with your passkey now.")


@blueprint.post("/account/passkeys/remove")
@access.needs(Role.VIEWER)
def remove_passkey() -> Answer:
    """One passkey less."""
    if not services().accounts.passkeys.remove(_mine().operator.name, typed("id", _LONGEST_ID)):
        raise NotFound
    return _done("The passkey signs nobody in any more.")


@blueprint.post("/account/sessions/end")
@access.needs(Role.VIEWER)
def end_session() -> Answer:
    """Sign out elsewhere: one session, or all but this one."""
    name, sessions = _mine().operator.name, services().accounts.sessions
    if session_id := typed("id"):
        if not sessions.end(name, session_id):
            raise NotFound
    else:
        sessions.end_others(name, session["key"])
    return _done("Signed out there.")


def _mine() -> Account:
    """The account of who is signed in. The sandbox has none."""
    found = services().accounts.people.find(access.operator().name)
    if services().settings.sandbox or found is None:
        raise NotFound
    return found


def _knows_password(mine: Account) -> bool:
    """Whether they typed their password; who signs in by passkey or single sign-on alone has none to type."""
    if not mine.has_password:
        return True
    return services().accounts.sign_in.knows_password(mine.operator.name, request.form.get("old", ""))


def _done(sentence: str) -> Answer:
    flash(sentence)
    return redirect(url_for("console_account.account"), 303)


def _page(status: int = 200, errors: dict[str, str] | None = None) -> Response:
    if services().settings.sandbox:
        return page("account_sandbox.html", "Your account", status)
    mine, accounts = _mine(), services().accounts
    name = mine.operator.name
    return page(
        "account.html",
        "Your account",
        status,
        mine=mine,
        errors=errors or {},
        passkeys=accounts.passkeys.listed(name),
        sessions=accounts.sessions.listed(name),
        this_session=accounts.sessions.id_of(session["key"]),
    )


def _second_factor_page(mine: Account, status: int = 200, errors: dict[str, str] | None = None) -> Response:
    secret = session["secret"]
    address = services().accounts.second_factor.address_of(mine.operator.name, secret)
    # On white whatever the theme: cameras read dark on light.
    picture = segno.make(address).svg_inline(light="#fff", omitsize=True, svgclass=None, lineclass=None, border=4)
    return page(
        "second_factor.html",
        "Set up a second factor",
        status,
        mine=mine,
        errors=errors or {},
        picture=Markup(picture),  # noqa: S704 (made of squares alone)
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
    )
