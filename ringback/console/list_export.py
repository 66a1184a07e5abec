"""The list of requests as a file: all that its address asks for, whichever page is looked at."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from flask import request

from ringback.accounts.operator import Role
from ringback.console import access, words
from ringback.console.csv_file import csv_file
from ringback.console.requests import view_asked_for
from ringback.outbox.request import CallbackRequest
from ringback.services import services
from ringback.web.page import Answer

blueprint = access.pages("list_export", __name__)

MOST = 10_000  # requests in one file
_ANSWERS = ("widget", "name", "phone", "email", "company", "message", "page", "language")
_COLUMNS = ("reference", "state", "requested_at", "due_at", *_ANSWERS)


@blueprint.get("/requests.csv")
@access.needs(Role.OPERATOR)
def as_csv() -> Answer:
    """The list with names and numbers: so it is written down who took it."""
    now = services().clock()
    if request.method == "GET":  # a HEAD takes nothing
        services().audit.note(access.by(), "export", "list")
    rows = (_row(each, now) for each in _all())
    return csv_file(f"ringback-requests-{now:%Y-%m-%d}.csv", _COLUMNS, rows)


def _all() -> Iterator[CallbackRequest]:
    view, left = replace(view_asked_for(), after=""), MOST
    while left > 0:
        found = services().console_list.page(view)
        yield from found.requests[:left]
        left -= len(found.requests)
        if not found.after:
            return
        view = replace(view, after=found.after)


def _row(one: CallbackRequest, now: datetime) -> list[str]:
    zone = words.zone_of(one, services().settings)
    times = [at.astimezone(zone).isoformat(timespec="minutes") for at in (one.requested_at, one.due_at)]
    answers = [str(getattr(one.answers, name)) for name in _ANSWERS]
    return [one.reference, words.state_words(one, now), *times, *answers]
