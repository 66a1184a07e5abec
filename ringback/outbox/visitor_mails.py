"""The mail that leads a visitor to their page, written down in the transaction that stores the request.

One an address and hour: nobody is to have a stranger's letter box filled by it. Also for what is held: whether
there is a mail would tell that it is.
"""

from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringback.config.settings import Settings
from ringback.keyed_hash import keyed_hash
from ringback.outbox.request import Answers
from ringback.store.locks import lock
from ringback.store.program_tables import visitor_mails
from ringback.store.tables import Instant, requests

ONE_IN = timedelta(hours=1)
_KNOWN_FOR = timedelta(days=1)


def note(
    connection: sa.Connection, id: str, answers: Answers, is_suspect: bool, settings: Settings, now: datetime
) -> None:
    """Have the mail sent, if the widget sends any. A machine's post (`is_suspect`) has none sent to anybody."""
    if is_suspect or not answers.email or not settings.widgets[answers.widget].confirm_by_email:
        return
    address = keyed_hash(settings.secret_keys[-1], f"e-mail {box_of(answers.email)}").hex()
    lock(connection, f"mail {address}")  # always the last that is taken
    connection.execute(_NOTE, {"of_request": id, "address": address, "now_at": now, "earliest": now - ONE_IN})


def box_of(email: str) -> str:
    """What counts as one letter box, whatever its case, its dots, the part behind a plus, and the domain's script.

    Many mail servers do not look at them. Of two people whose addresses differ in dots alone, one may get no mail
    for an hour.
    """
    local, _, domain = email.lower().rpartition("@")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode()
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def drop_old(connection: sa.Connection, now: datetime) -> None:
    """Forget to whom mails went, once that limits nothing any more."""
    done = visitor_mails.c.at <= now - _KNOWN_FOR, visitor_mails.c.next_at.is_(None)
    connection.execute(visitor_mails.delete().where(*done))


_LATELY = sa.exists().where(
    visitor_mails.c.address_hash == sa.bindparam("address"),
    visitor_mails.c.at > sa.bindparam("earliest", type_=Instant),
)
_NOTE = (
    visitor_mails.insert()
    .from_select(
        ["request_id", "address_hash", "at", "next_at"],
        sa.select(
            requests.c.id,
            sa.bindparam("address", type_=sa.String),
            sa.bindparam("now_at", type_=Instant),
            sa.bindparam("now_at", type_=Instant),
        ).where(requests.c.id == sa.bindparam("of_request"), sa.not_(_LATELY)),
    )
    .inline()
)
