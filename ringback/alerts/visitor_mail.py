"""The mail that leads a visitor to their page: our words and the link, in their language, and no word of theirs.

What stands in it may be sent to anybody: who typed the address may have typed somebody else's.
"""

import hashlib
import re
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from markupsafe import escape

from ringback.alerts.channels import Email
from ringback.config.widget import Widget
from ringback.i18n import languages
from ringback.i18n.languages import N_

SUBJECT = N_("Your call request to %(company)s")
STORED = N_("We have your request. On its page you see where it stands, and change or cancel it:")
REFERENCE = N_("Reference: %(reference)s")
NOT_YOU = N_(
    "Somebody entered this address on a form of %(company)s. If it was not you, you need not do anything."
)
# Nothing that would mean something in a header, or a second address.
_ADDRESS = re.compile(r"(?P<local>[!#$%&'*+/=?^_`{|}~.\w-]+)@(?P<domain>[\w.-]+)")


def address_of(typed: str) -> str | None:
    """The one address that a mail can be sent to, its domain as the network knows it; or None."""
    found = _ADDRESS.fullmatch(typed)
    if found is None or not found["local"].isascii():
        return None
    try:
        return f"{found['local']}@{found['domain'].encode('idna').decode()}"
    except UnicodeError:
        return None


def mail_of(by: Email, row: Any, widget: Widget, public_url: str, now: datetime) -> EmailMessage | None:
    """The mail about a request of the store; None where its address is none that can be written to."""
    address = address_of(row.email)
    if address is None:
        return None
    said = languages.language(languages.choose(widget.languages, [row.language]))
    link = f"{public_url}/requests/{row.id}"
    subject = said.gettext(SUBJECT, company=widget.company)
    parts = [
        said.gettext(STORED),
        link,
        said.gettext(REFERENCE, reference=row.reference),
        said.gettext(NOT_YOU, company=widget.company),
    ]
    mail = by.begun(hashlib.sha256(f"mail {row.id}".encode()).hexdigest()[:32], " ".join(subject.split()), now)
    mail["To"] = address
    mail.set_content("\n\n".join(parts) + "\n")
    shown = f'<a href="{escape(link)}">{escape(link)}</a>'
    body = "".join(f"<p>{shown if part == link else escape(part)}</p>" for part in parts)
    head = f'<html lang="{said.html}" dir="{said.direction}"><head><meta charset="utf-8">'
    title = f"<title>{escape(subject)}</title></head>"
    mail.add_alternative(f"<!doctype html>{head}{title}<body>{body}</body></html>\n", subtype="html")
    return mail
