"""The widgets that an admin chooses for somebody, or for a program: of those that they may see themselves."""

from collections.abc import Collection

from flask import request

from ringback.accounts.people import AccountError
from ringback.console import access
from ringback.services import services

NO_WIDGET = "Choose at least one widget."


def choices(kept: Collection[str] | None = None) -> list[str]:
    """Widgets to choose from: those of the configuration, and those that are `kept` from before."""
    bound, known = access.operator().widgets, services().settings.widgets
    return [*(key for key in known if bound is None or key in bound), *sorted(set(kept or ()) - set(known))]


def chosen_widgets(kept: Collection[str] | None = None) -> list[str] | None:
    """Those that were chosen; None for all. Raises AccountError."""
    chosen = [key for key in choices(kept) if key in request.form.getlist("widget")]
    is_all = request.form.get("sees") == "all" and access.operator().widgets is None
    if not is_all and not chosen:
        raise AccountError(NO_WIDGET, "widget")
    return None if is_all else chosen
