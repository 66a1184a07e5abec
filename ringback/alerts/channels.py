"""How operators are reached: by mail and by a signed webhook, each within a time of its own.

Each message has an end to the time it may take in whole: a receiver that hangs or drips is hung up on.
"""

import ipaddress
import logging
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from ringback.alerts.message import Message
from ringback.config.settings import Settings
from ringback.deadline import Deadline
from ringback.signed_post import NotReceivedError, SignedPost, secrets_of

__all__ = ["Email", "NotEncryptedError", "NotReceivedError", "SignedWebhook", "webhook_secret"]

log = logging.getLogger("ringback.alerts")

_SMTP_PORTS = {"smtp": 587, "smtps": 465}  # RFC 8314, 3.3


class NotEncryptedError(Exception):
    """The mail server offers no encryption, so the password was not sent."""


def webhook_secret(settings: Settings) -> str:
    """The secret a receiver verifies webhooks with, as the Standard Webhooks libraries take it: `whsec_…`.

    It follows from SECRET_KEY, and changes with it.
    """
    return secrets_of(settings.secret_keys)[0]


class Email:
    """Mail to the operators, by the site owner's mail server."""

    def __init__(self, smtp_url: str, settings: Settings) -> None:
        server = urlsplit(smtp_url)
        self._host = server.hostname or ""
        self._port = server.port or _SMTP_PORTS[server.scheme]
        self._user, self._password = unquote(server.username or ""), unquote(server.password or "")
        self._tls_at_once = server.scheme == "smtps"
        self._recipients = settings.alerts.email
        self._domain = (urlsplit(settings.public_url).hostname or "").encode("idna").decode()
        self._sender = settings.alerts.sender or f"ringback@{self._domain}"

    def send(self, deadline: Deadline, message: Message, now: datetime) -> str:
        """What became of it, in words. Raises OSError or NotEncryptedError."""
        return self.post(deadline, self._mail(message, now))

    def probe(self, deadline: Deadline) -> str:
        """Sign in, and send nothing. What became of it. Raises OSError or NotEncryptedError."""
        with self._signed_in(deadline) as smtp:
            smtp.noop()
        return f"{self._host} answers"

    @contextmanager
    def _signed_in(self, deadline: Deadline) -> "Iterator[_Smtp]":
        tls = self._tls() if self._tls_at_once else None
        with closing(_Smtp(deadline, self._host, self._port, tls, self._domain)) as smtp:
            if not self._tls_at_once:
                self._encrypt(smtp)
            if self._password:
                smtp.login(self._user, self._password)
            yield smtp

    def post(self, deadline: Deadline, mail: EmailMessage) -> str:
        """Send any mail, to those in its `To`. What became of it. Raises OSError or NotEncryptedError."""
        with self._signed_in(deadline) as smtp:
            refused = smtp.send_message(mail)
            # Not waiting for the answer: the mail is theirs already, and a slow goodbye must not send it again.
            with suppress(OSError):
                smtp.putcmd("quit")
        if refused:
            total = len(str(mail["To"]).split(","))
            log.error("alerts by email: the mail server refused %d of %d recipients", len(refused), total)
            return f"taken by {self._host}, which refused {len(refused)} of {total} recipients"
        return f"taken by {self._host}"

    def _encrypt(self, smtp: "_Smtp") -> None:
        smtp.ehlo_or_helo_if_needed()
        if smtp.has_extn("starttls"):
            smtp.starttls(context=self._tls())
        elif self._needs_secrecy:
            raise NotEncryptedError

    @property
    def _needs_secrecy(self) -> bool:
        return bool(self._password) and not _is_this_machine(self._host)

    def _tls(self) -> ssl.SSLContext:
        """Checks who the server is where that protects something.

        Without a password and with plain text for the asking, a check would keep out no attacker (RFC 7435),
        only the many relays of one's own whose certificate was signed by nobody.
        """
        context = ssl.create_default_context()
        if _is_this_machine(self._host) or not (self._tls_at_once or self._needs_secrecy):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _mail(self, message: Message, now: datetime) -> EmailMessage:
        mail = self.begun(message.id, message.subject, now)
        mail["To"] = ", ".join(self._recipients)
        mail.set_content(message.text)
        return mail

    def begun(self, id: str, subject: str, now: datetime) -> EmailMessage:
        """A mail of ours, to nobody yet, with nothing in it. `id` is no secret."""
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["Subject"] = subject
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = f"<{id}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no "I am on holiday" in answer
        return mail


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Smtp(smtplib.SMTP):
    """smtplib's client on a line of ours."""

    def __init__(self, deadline: Deadline, host: str, port: int, tls: ssl.SSLContext | None, name: str) -> None:
        self._deadline = deadline
        self._tls = tls
        # With the name given, it does not ask the network for one.
        super().__init__(host, port, local_hostname=name)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = self._deadline.open(host, port)
        if self._tls:
            sock = self._tls.wrap_socket(sock, server_hostname=host)
        self._deadline.established()
        return sock


class SignedWebhook:
    """A signed POST to the site owner's receiver, by the Standard Webhooks specification."""

    def __init__(self, address: str, settings: Settings) -> None:
        self._post = SignedPost(address, settings.secret_keys)
        self._allows_private = settings.alerts.allow_private

    def send(self, deadline: Deadline, message: Message, now: datetime) -> str:
        """What was answered. Raises NotReceivedError for any answer but 2xx, and what the network raises."""
        deadline.is_public_only = not self._allows_private
        return f"answered {self._post.send(deadline, message.id, message.body, now)}"
