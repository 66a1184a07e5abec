"""How operators are reached: by mail and by a signed webhook, each within a time of its own.

Each message has an end to the time it may take in whole: a receiver that hangs or drips is hung up on.
"""

import base64
import ipaddress
import logging
import smtplib
import socket
import ssl
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from standardwebhooks import Webhook

from ringback.alerts.message import Message
from ringback.config.settings import Settings
from ringback.deadline import Deadline, OneCall
from ringback.keyed_hash import keyed_hash

log = logging.getLogger("ringback.alerts")

_SMTP_PORTS = {"smtp": 587, "smtps": 465}  # RFC 8314, 3.3


class NotReceivedError(Exception):
    """A receiver answered, and did not say that it has the message. `status` is HTTP's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"answered {status}")
        self.status = status


class NotEncryptedError(Exception):
    """The mail server offers no encryption, so the password was not sent."""


def webhook_secret(settings: Settings) -> str:
    """The secret a receiver verifies webhooks with, as the Standard Webhooks libraries take it: `whsec_…`.

    It follows from SECRET_KEY, and changes with it.
    """
    return _webhook_secrets(settings)[0]


def _webhook_secrets(settings: Settings) -> list[str]:
    """One for each key, the present one first."""
    digests = [keyed_hash(key, "Ringback alerts: webhook") for key in settings.secret_keys]
    return [f"whsec_{base64.b64encode(digest).decode()}" for digest in reversed(digests)]


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

    def send(self, deadline: Deadline, message: Message, now: datetime) -> str:
        """What became of it, in words. Raises OSError or NotEncryptedError."""
        with closing(
            _Smtp(deadline, self._host, self._port, self._tls() if self._tls_at_once else None, self._domain)
        ) as smtp:
            if not self._tls_at_once:
                self._encrypt(smtp)
            if self._password:
                smtp.login(self._user, self._password)
            refused = smtp.send_message(self._mail(message, now))
            # Not waiting for the answer: the mail is theirs already, and a slow goodbye must not send it again.
            with suppress(OSError):
                smtp.putcmd("quit")
        if refused:
            total = len(self._recipients)
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
        mail = EmailMessage()
        mail["From"] = f"ringback@{self._domain}"
        mail["To"] = ", ".join(self._recipients)
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = f"<{message.id}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no "I am on holiday" in answer
        mail.set_content(message.text)
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
        self._address = address
        # With every key, so that a receiver has time to change over while the old one is a fallback.
        self._signers = [Webhook(secret) for secret in _webhook_secrets(settings)]

    def send(self, deadline: Deadline, message: Message, now: datetime) -> str:
        """What was answered. Raises NotReceivedError for any answer but 2xx, and what the network raises."""
        with OneCall(deadline) as session:
            response = session.post(
                self._address,
                message.body.encode(),
                headers=self._headers(message, now),
                stream=True,
                timeout=deadline.socket_seconds,
                allow_redirects=False,
            )
            # The status says it all; the body may be endless, and is not read.
            status = response.status_code
            if response.raw:  # what a test made by hand may have none
                response.close()
        if deadline.timed_out:
            raise TimeoutError
        if not 200 <= status < 300:
            raise NotReceivedError(status)
        return f"answered {status}"

    def _headers(self, message: Message, now: datetime) -> dict[str, str]:
        utc = now.astimezone(UTC)
        signatures = [signer.sign(message.id, utc, message.body) for signer in self._signers]
        return {
            "Content-Type": "application/json",
            "User-Agent": "Ringback",
            "Connection": "close",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(utc.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
