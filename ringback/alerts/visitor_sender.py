"""Sending visitors the way to their page, by the mail server of the alerts, again while that does not take it."""

import logging
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringback.alerts.channels import Email
from ringback.alerts.sender import FIRST_RETRY, LONGEST_RETRY, SEND_SECONDS
from ringback.alerts.visitor_mail import mail_of
from ringback.background import BackgroundLoop
from ringback.clock import Clock
from ringback.config.settings import Settings
from ringback.deadline import Deadline
from ringback.outbox.wrong_clock import run_out
from ringback.store.database import Database
from ringback.store.program_tables import visitor_mails
from ringback.store.tables import requests

log = logging.getLogger("ringback.alerts")

TRIED_FOR = timedelta(hours=24)
_LEASE = timedelta(seconds=60)
_LOOK_SECONDS = 1.0


class VisitorMails(BackgroundLoop):
    """What one process does to have visitors written to."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        """Do nothing yet: `start` does."""
        super().__init__(log, "mail to visitors", _LOOK_SECONDS)
        self._database = database
        self._settings = settings
        self._clock = clock
        wanted = any(widget.confirm_by_email for widget in settings.widgets.values())
        url = settings.smtp_url.get_secret_value() if settings.smtp_url and wanted else ""
        self._email = Email(url, settings) if url else None

    @property
    def is_wanted(self) -> bool:
        """Whether any widget writes to its visitors."""
        return self._email is not None

    def turn(self) -> None:
        """Send what may be sent now, one after the other."""
        while self._email and not self.stopping.is_set() and (row := self._claim()):
            self._send(self._email, row)

    def _claim(self) -> Any:
        """The mail that waits longest, with its request, ours for a while; None if there is none."""
        now, table = self._clock(), visitor_mails.c
        due = table.next_at.is_not(None), run_out(table.next_at, now, LONGEST_RETRY)
        joined = sa.select(visitor_mails, requests).join_from(visitor_mails, requests)
        with self._database.read() as connection:
            row = connection.execute(joined.where(*due).order_by(table.at).limit(1)).first()
        if row is None:
            return None
        mine = table.request_id == row.request_id, table.next_at == row.next_at
        with self._database.write() as connection:
            taken = visitor_mails.update().where(*mine).values(next_at=now + _LEASE)
            return row if connection.execute(taken).rowcount else None

    def _send(self, email: Email, row: Any) -> None:
        now, widget = self._clock(), self._settings.widgets.get(row.widget)
        is_over = row.erased_at is not None or now - row.at > TRIED_FOR or widget is None
        mail = None if is_over or widget is None else mail_of(email, row, widget, self._settings.public_url, now)
        if mail is None:
            self._settle(row, None)
            return
        with closing(Deadline(SEND_SECONDS)) as deadline:
            try:
                email.post(deadline, mail)
            except Exception as error:
                wait = min(max(now - row.at, timedelta()) + FIRST_RETRY, LONGEST_RETRY)
                self._settle(row, now + wait)
                kind = type(error).__name__  # its text may hold an address
                log.error("mail about request %s: not sent (%s); trying again", row.reference, kind)
            else:
                self._settle(row, None, now)

    def _settle(self, row: Any, next_at: datetime | None, sent_at: datetime | None = None) -> None:
        mine = visitor_mails.update().where(visitor_mails.c.request_id == row.request_id)
        with self._database.write() as connection:
            connection.execute(mine.values(next_at=next_at, sent_at=sent_at))
