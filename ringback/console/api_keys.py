"""The keys of other people's programs: what each is for and when it was used last; made and removed by admins."""

from flask import flash, redirect, request, url_for
from werkzeug.exceptions import NotFound

from ringback.accounts.api_keys import NAME_RULE, ApiKey, is_name
from ringback.accounts.operator import Role
from ringback.accounts.people import AccountError
from ringback.console import access
from ringback.console.choosing import choices, chosen_widgets
from ringback.console.page import page
from ringback.console.typed import typed
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("api_keys", __name__)

_LONGEST_TYPED = 300


@blueprint.get("/api-keys")
@access.needs(Role.ADMIN)
def listed() -> Answer:
    """All that are theirs to manage."""
    return _page()


@blueprint.post("/api-keys")
@access.needs(Role.ADMIN)
def add() -> Answer:
    """A new key, in the answer to this post and nowhere else: not even in a cookie."""
    name = typed("name", _LONGEST_TYPED)
    try:
        if not is_name(name):
            raise AccountError(NAME_RULE, "name")
        widgets = chosen_widgets()
        key = services().api_keys.add(name, widgets or (), by=access.by())
        if key is None:
            raise AccountError(f"There is a key {name} already. Remove it, or take another name.", "name")
    except AccountError as error:
        return _page(422, error=error)
    return _page(made=(name, key))


@blueprint.post("/api-keys/<program>/remove")
@access.needs(Role.ADMIN)
def remove(program: str) -> Answer:
    """A key works no more, once that is confirmed."""
    if not any(each.name == program for each in _theirs()):
        raise NotFound
    if request.form.get("sure") != "yes":
        return _page(422, asked=program)
    services().api_keys.remove(program, by=access.by())
    flash(f"The key {program} works no more.")
    return redirect(url_for("console_api_keys.listed"), 303)


def _theirs() -> list[ApiKey]:
    """Whoever is bound to widgets manages no key that is for more than these."""
    bound = access.operator().widgets
    return [
        each
        for each in services().api_keys.listed()
        if bound is None or (each.widgets is not None and each.widgets <= bound)
    ]


def _page(
    status: int = 200, error: AccountError | None = None, made: tuple[str, str] | None = None, asked: str = ""
) -> Answer:
    """`made`: a name and the key that is shown this once. `asked`: the key whose removal is not confirmed."""
    return page(
        "api_keys.html",
        "API keys",
        status,
        keys=_theirs(),
        made=made,
        asked=asked,
        error=error,
        choices=choices(),
        may_see_all=access.operator().widgets is None,
        typed=request.form if error else {},
    )
