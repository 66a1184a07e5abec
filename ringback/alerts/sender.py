"""Telling the operators, by e-mail and by webhook, that something needs a person.

What there is to tell stands in the store, written in the transaction of the change itself. So nothing is
lost when a mail server is dead or a process is killed: it waits, and goes with the next message. A process
that dies between sending and noting it down sends once more; a webhook keeps its id then.

Each channel has a thread of its own, and each message an end to the time it may take in whole: a receiver
that hangs or drips delays neither the other channel nor the hand-over.
"""

import logging
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import sqlalchemy as sa

from ringback.alerts.channels import Email, SignedWebhook
from ringback.alerts.message import BETWEEN_MESSAGES, Alert, Message
from ringback.alerts.still_true import still_true
from ringback.alerts.watch import Watch
from ringback.clock import SKEW, Clock, utc_now
from ringback.config.settings import Settings
from ringback.deadline import Deadline
from ringback.outbox.calls.not_called import NOT_CALLED
from ringback.outbox.operators.attention import LATE
from ringback.outbox.wrong_clock import run_out
from ringback.store.database import Database
from ringback.store.failures import log_failure
from ringback.store.locks import lock_table
from ringback.store.tables import alert_channels, alerts

log = logging.getLogger("ringback.alerts")

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(minutes=10)
# A channel that has just been configured is told of this much of the past.
NEW_CHANNEL_HEARS = timedelta(days=1)
SEND_SECONDS = 10.0  # for one message, in whole
_LEASE = timedelta(seconds=60)
_LOOK_SECONDS = 1.0
_WATCH_SECONDS = 5.0
# Requests that need a person may wait for the next message; whatever keeps many waiting, or is late, may not.
_NOT_URGENT = ("unknown", "failed", "held", NOT_CALLED)


@dataclass(frozen=True)
class _Claim:
    """A channel that is ours until `lease`, to tell of the alerts above `sent_up_to`, up to `up_to`."""

    channel: str
    sent_up_to: int
    sent_at: datetime | None
    up_to: int
    lease: datetime


class Alerts:
    """What one process does to have the operators told."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Clock = utc_now,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        """Do nothing yet: `start` does. A message may take `send_seconds`, with all that belongs to it."""
        self._database = database
        self._settings = settings
        self._clock = clock
        self._send_seconds = send_seconds
        self._watch = Watch(database, settings, clock)
        self._watched_at = 0.0
        self._channels: dict[str, Email | SignedWebhook] = {}
        self._console = f"{settings.console_pages}/requests"
        if settings.alerts.email and settings.smtp_url:
            self._channels["email"] = Email(settings.smtp_url.get_secret_value(), settings)
        if settings.alerts.webhook:
            self._channels["webhook"] = SignedWebhook(settings.alerts.webhook, settings)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Tell in the background of this process, if anybody is to be told. Once is enough; more does nothing."""
        if self._threads:
            return
        for channel in self._channels:
            thread = threading.Thread(target=self._run, args=(channel,), name=f"alerts-{channel}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, patience_seconds: float) -> None:
        """Begin no message more, and wait this long for those that are on their way."""
        self._stopping.set()
        deadline = monotonic() + patience_seconds
        for thread in self._threads:
            thread.join(max(deadline - monotonic(), 0))

    def run_once(self) -> None:
        """Look at what lasts, and tell each channel, one after the other, what may be told now."""
        self._look_around()
        for channel in self._channels:
            self._look(channel)

    def test(self) -> dict[str, tuple[bool, str]]:
        """Send a test to each channel, one after the other: whether it took it, and what it answered."""
        message = Message([Alert(0, self._clock(), "test", "a test")], self._console)
        return {name: self._test(channel, message) for name, channel in self._channels.items()}

    def try_out(self) -> dict[str, tuple[bool, str]]:
        """Whether each channel can be used: the mail server is signed in to, a webhook gets a test."""
        message = Message([Alert(0, self._clock(), "test", "a test")], self._console)
        return {
            name: self._probe(channel) if isinstance(channel, Email) else self._test(channel, message)
            for name, channel in self._channels.items()
        }

    def _probe(self, channel: Email) -> tuple[bool, str]:
        try:
            with closing(Deadline(self._send_seconds)) as deadline:
                return True, channel.probe(deadline)
        except Exception as error:
            return False, _reason(error)

    def _test(self, channel: Email | SignedWebhook, message: Message) -> tuple[bool, str]:
        try:
            return True, self._send(channel, message, self._clock())
        except Exception as error:
            return False, _reason(error)

    def _run(self, channel: str) -> None:
        while not self._stopping.is_set():
            if channel == next(iter(self._channels)) and monotonic() - self._watched_at > _WATCH_SECONDS:
                self._watched_at = monotonic()
                self._look_around()
            self._look(channel)
            self._stopping.wait(_LOOK_SECONDS)

    def _look_around(self) -> None:
        try:
            if self._channels:
                self._watch.look()
        except Exception as error:
            log_failure(log, "alerts", error)

    def _look(self, channel: str) -> None:
        """Send what may be sent, if anything."""
        try:
            claim = self._claim(channel) if self._is_due(channel) else None
            if claim:
                self._tell(claim)
        except Exception as error:
            log_failure(log, f"alerts by {channel}", error)

    # --- the store's side ---

    def _is_due(self, channel: str) -> bool:
        now = self._clock()
        with self._database.read() as connection:
            mine = alert_channels.c.channel == channel
            if connection.execute(sa.select(alert_channels.c.channel).where(mine)).first():
                newest = sa.select(sa.func.max(alerts.c.id)).scalar_subquery()
                due = sa.select(alert_channels.c.channel).where(
                    *_due(channel, now), newest > alert_channels.c.sent_up_to
                )
                return connection.execute(due).first() is not None
        self._begin(channel, now)
        return True

    def _begin(self, channel: str, now: datetime) -> None:
        """Give a new channel its row. It starts with the last day: who sets it up late knows of the rest."""
        past = sa.select(sa.func.max(alerts.c.id)).where(alerts.c.at < now - NEW_CHANNEL_HEARS)
        # Another process may do the same at this moment.
        with suppress(sa.exc.IntegrityError), self._database.write() as connection:
            heard = connection.execute(past).scalar() or 0
            connection.execute(alert_channels.insert().values(channel=channel, sent_up_to=heard))

    def _claim(self, channel: str) -> _Claim | None:
        """Take the channel, so that no other process sends the same. None: nothing to send, or it is taken."""
        now = self._clock()
        with self._database.write() as connection:
            newest = self._newest(connection)
            if newest is None:
                return None
            claimed = (
                alert_channels.update()
                .where(*_due(channel, now), alert_channels.c.sent_up_to < newest)
                .values(busy_until=now + _LEASE)
                .returning(alert_channels.c.sent_up_to, alert_channels.c.sent_at)
            )
            row = connection.execute(claimed).first()
            return _Claim(channel, row.sent_up_to, row.sent_at, newest, now + _LEASE) if row else None

    def _newest(self, connection: sa.Connection) -> int | None:
        """The newest alert that has none before it which is still to be committed.

        PostgreSQL gives out ids as rows are written, and shows the rows as they are committed: one with a
        lower id may appear after we have passed it. This lock is had when nobody is in the midst of
        writing one; who wants to write one meanwhile waits for us, so we do not wait long ourselves.
        """
        lock_table(connection, alerts, "SHARE", patience_ms=200)
        return connection.execute(sa.select(sa.func.max(alerts.c.id))).scalar()

    def _tell(self, claim: _Claim) -> None:
        """Send what was claimed and is still true, and note how it ended."""
        message = self._message(claim)
        if message is None:
            self._settle(claim, sent_up_to=claim.up_to, busy_until=None)
            return
        channel, now = self._channels[claim.channel], self._clock()
        try:
            self._send(channel, message, now)
        except Exception as error:
            wait = self._wait(claim, message)
            self._settle(claim, busy_until=self._clock() + wait)
            reason, seconds = _reason(error), wait.total_seconds()
            log.error("alerts by %s: not sent (%s); trying again in %d s", claim.channel, reason, seconds)
        else:
            self._settle(claim, sent_up_to=claim.up_to, sent_at=self._clock(), busy_until=None)
            log.info("alerts by %s: sent, %d in one message", claim.channel, len(message.alerts))

    def _send(self, channel: Email | SignedWebhook, message: Message, now: datetime) -> str:
        with closing(Deadline(self._send_seconds)) as deadline:
            try:
                return channel.send(deadline, message, now)
            except Exception as error:
                # Our own hanging up shows as whatever the library at work makes of a broken connection.
                raise TimeoutError if deadline.timed_out else error from error

    def _message(self, claim: _Claim) -> Message | None:
        """What waits and is true at this moment; None where nothing of it is."""
        with self._database.read() as connection:
            true = still_true(connection, self._settings, self._clock(), claim.sent_up_to, claim.up_to)
        return Message(true, self._console) if true else None

    def _wait(self, claim: _Claim, message: Message) -> timedelta:
        """A minute after the first failure, then twice as long each time, up to ten minutes.

        Reckoned from how long the oldest alert could have been sent: so it needs no count, and holds over
        processes and restarts.
        """
        since = message.alerts[0].at
        if claim.sent_at:
            since = max(since, claim.sent_at + BETWEEN_MESSAGES)
        return min(max(self._clock() - since, timedelta()) + FIRST_RETRY, LONGEST_RETRY)

    def _settle(self, claim: _Claim, **values: Any) -> None:
        """Give the channel back, unless our claim ran out and it is another's now."""
        ours = alert_channels.c.channel == claim.channel, alert_channels.c.busy_until == claim.lease
        with self._database.write() as connection:
            connection.execute(alert_channels.update().where(*ours).values(values))


def _due(channel: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Nobody is sending by it, and the last message was long enough ago."""
    columns = alert_channels.c
    free = run_out(columns.busy_until, now, LONGEST_RETRY)  # the lease is shorter
    too_soon = sa.and_(columns.sent_at > now - BETWEEN_MESSAGES, columns.sent_at <= now + SKEW)
    rested = sa.or_(columns.sent_at.is_(None), sa.not_(too_soon))
    return columns.channel == channel, free, sa.or_(rested, _is_urgent(now))


def _is_urgent(now: datetime) -> sa.ColumnElement[bool]:
    """Whether something waits that does not bear it, and of which the channel was told nothing for ten minutes."""
    told, up_to = alerts.alias(), alert_channels.c.sent_up_to
    same = sa.or_(told.c.about == alerts.c.about, alerts.c.kind == LATE)
    lately = told.c.at > now - BETWEEN_MESSAGES, told.c.id <= up_to
    is_told = sa.exists().where(told.c.kind == alerts.c.kind, same, *lately)
    waits = alerts.c.id > up_to, alerts.c.kind.not_in(_NOT_URGENT), sa.not_(is_told)
    return sa.exists().where(*waits).correlate(alert_channels)


def _reason(error: Exception) -> str:
    """What kind of failure it was: the text of an error may hold an address or a password."""
    code = getattr(error, "status", None) or getattr(error, "smtp_code", None)
    name = type(error).__name__
    return f"{name} {code}" if isinstance(code, int) else name
