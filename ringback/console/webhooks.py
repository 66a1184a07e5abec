"""What programs were told of requests, what they answered, and what is sent again."""

from flask import abort, flash, redirect, request, url_for

from ringback.accounts.operator import Role
from ringback.console import access
from ringback.console.page import page
from ringback.services import services
from ringback.signed_post import secrets_of
from ringback.web.page import Answer
from ringback.webhooks.deliveries import DELIVERED, GIVEN_UP, WAITING, host_of
from ringback.webhooks.delivery_list import AT_ONCE

blueprint = access.pages("webhooks", __name__)

_STATES = {WAITING: "waiting", DELIVERED: "delivered", GIVEN_UP: "given up"}


@blueprint.get("/webhooks")
@access.needs(Role.ADMIN)
def listed() -> Answer:
    """The newest deliveries; `receiver` is the place of one in the configuration, `before` the last id shown."""
    urls = [webhook.url for webhook in services().settings.webhooks]
    place, state = request.args.get("receiver", type=int), request.args.get("state")
    chosen = urls[place] if place is not None and 0 <= place < len(urls) and _is_theirs(place) else None
    known, before = state if state in _STATES else None, request.args.get("before", type=_id)
    shown = services().delivery_list.page(chosen, known, before, access.operator().widgets)
    off = services().delivery_list.switched_off()
    return page(
        "webhooks.html",
        "Webhooks",
        deliveries=shown,
        receivers=[
            (index, f"{index + 1}: {host_of(url)}", url in off)
            for index, url in enumerate(urls)
            if _is_theirs(index)
        ],
        chosen=place if chosen else None,
        state=state,
        states=_STATES,
        host_of=host_of,
        secrets=len(secrets_of(services().settings.secret_keys)),
        older=shown[-1].id if len(shown) == AT_ONCE else None,
    )


@blueprint.post("/webhooks/deliveries/<int:id>/again")
@access.needs(Role.ADMIN)
def send_again(id: int) -> Answer:
    """Send one again, now."""
    is_sent = services().delivery_list.send_again(id, access.operator().widgets) if id <= _MOST else None
    if is_sent is None:
        abort(404)
    flash("It is sent again now." if is_sent else _NOBODY_LISTENS)
    receiver, state = request.args.get("receiver"), request.args.get("state")
    return redirect(url_for("console_webhooks.listed", receiver=receiver, state=state), 303)


@blueprint.post("/webhooks/receivers/<int:place>/on")
@access.needs(Role.ADMIN)
def switch_on(place: int) -> Answer:
    """Tell a receiver again that said it was gone."""
    webhooks = services().settings.webhooks
    if (
        place >= len(webhooks)
        or not _is_theirs(place)
        or not services().delivery_list.switch_on(webhooks[place].url)
    ):
        abort(404)
    return redirect(url_for("console_webhooks.listed"), 303)


_MOST = 2**63 - 1
_NOBODY_LISTENS = "It was not sent: its receiver is switched off, or is not in ringback.toml any more."


def _id(text: str) -> int:
    """An id as stores have it. Raises ValueError."""
    id = int(text)
    if not 0 <= id <= _MOST:
        raise ValueError
    return id


def _is_theirs(place: int) -> bool:
    """Whether a receiver follows no widget but theirs: its address and its rest concern all that it follows."""
    mine, followed = access.operator().widgets, services().settings.webhooks[place].widgets
    return mine is None or (bool(followed) and mine.issuperset(followed))
