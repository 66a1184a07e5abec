"""Who has an account: for admins, and for those who are bound to widgets, people of these widgets alone."""

from flask import Response, flash, redirect, request, url_for
from werkzeug.exceptions import NotFound

from ringback.accounts.operator import Role
from ringback.accounts.people import Account, AccountError
from ringback.console import access
from ringback.console.choosing import choices, chosen_widgets
from ringback.console.page import page
from ringback.console.typed import typed
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("operators", __name__)

_ROLES = [role.name.lower() for role in Role]
_LONGEST_USER = 200
YOURSELF = "Ask another admin: nobody changes what they may do themselves."


@blueprint.get("/operators")
@access.needs(Role.ADMIN)
def listed() -> Answer:
    """Everybody with an account."""
    return _page()


@blueprint.post("/operators")
@access.needs(Role.ADMIN)
def add() -> Answer:
    """A new account. Its link is shown once."""
    name, role = typed("name"), _role()
    try:
        widgets = chosen_widgets()
        key = services().accounts.people.add(name, role, widgets, by=_me())
    except AccountError as error:
        return _page(422, error=error)
    return _show_link(name, key)


@blueprint.route("/operators/<name>", methods=["GET", "POST"])
@access.needs(Role.ADMIN)
def one(name: str) -> Answer:
    """What somebody may do and see."""
    account = _theirs(name)
    if request.method != "POST":
        return _one(account)
    try:
        _not_oneself(account)
        user = typed("samespace_user", _LONGEST_USER)
        services().accounts.people.change(
            account.operator.name, _role(), chosen_widgets(account.operator.widgets), user, by=_me()
        )
    except AccountError as error:
        return _one(account, 422, error)
    flash(f"{account.operator.name}: saved. It holds from their next page on.")
    return redirect(url_for("console_operators.listed"), 303)


@blueprint.post("/operators/<name>/reset")
@access.needs(Role.ADMIN)
def reset(name: str) -> Answer:
    """Every way in is taken away, and a link sets a new password."""
    account = _theirs(name)
    try:
        _not_oneself(account)
        key = services().accounts.people.reset(account.operator.name, by=_me())
    except AccountError as error:
        return _one(account, 422, error)
    return _show_link(account.operator.name, key)


@blueprint.post("/operators/<name>/remove")
@access.needs(Role.ADMIN)
def remove(name: str) -> Answer:
    """No account any more."""
    account = _theirs(name)
    try:
        _not_oneself(account)
        services().accounts.people.remove(account.operator.name, by=_me())
    except AccountError as error:
        return _one(account, 422, error)
    flash(f"{account.operator.name} has no account any more, and is signed out.")
    return redirect(url_for("console_operators.listed"), 303)


def _me() -> str:
    return f"console:{access.operator().name}"


def _is_mine(account: Account) -> bool:
    """Whether who is signed in manages this account: whoever is bound manages nobody who may see more."""
    bound, theirs = access.operator().widgets, account.operator.widgets
    return bound is None or (theirs is not None and theirs <= bound)


def _theirs(name: str) -> Account:
    account = services().accounts.people.find(name)
    if account is None or not _is_mine(account):
        raise NotFound
    return account


def _not_oneself(account: Account) -> None:
    """So one admin is left, whatever happens. Raises AccountError."""
    if account.operator.name == access.operator().name:
        raise AccountError(YOURSELF)


def _role() -> Role:
    chosen = request.form.get("role", "")
    if chosen not in _ROLES:
        raise NotFound  # no form of ours sent it
    return Role[chosen.upper()]


def _show_link(name: str, key: str | None) -> Answer:
    flash(name, "link_of")
    flash(f"{services().settings.console_url}{url_for('console_sign_in.set_password', key=key)}", "link")
    return redirect(url_for("console_operators.listed"), 303)


def _page(status: int = 200, error: AccountError | None = None) -> Response:
    accounts = [account for account in services().accounts.people.listed() if _is_mine(account)]
    return page(
        "operators.html",
        "Operators",
        status,
        accounts=accounts,
        error=error,
        roles=_ROLES,
        choices=choices(),
        may_see_all=access.operator().widgets is None,
        typed=request.form,
        me=access.operator().name,
    )


def _one(account: Account, status: int = 200, error: AccountError | None = None) -> Response:
    return page(
        "operator.html",
        account.operator.name,
        status,
        account=account,
        error=error,
        roles=_ROLES,
        choices=choices(account.operator.widgets),
        may_see_all=access.operator().widgets is None,
        is_me=account.operator.name == access.operator().name,
    )
