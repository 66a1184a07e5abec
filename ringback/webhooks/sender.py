"""Telling programs what happened to each request: sent at least once, tried again for a day.

Each delivery has a thread of its own and an end to the time it may take in whole, and receivers that failed come
last, a few at a time: so one that is dead delays no other. What there is to tell stands in the store: a process
that dies between sending and noting it down sends once more, with the same id.
"""

import gc
import logging
import threading
from collections import Counter, deque
from contextlib import closing
from datetime import datetime
from time import monotonic

from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.deadline import Deadline
from ringback.signed_post import NotReceivedError, SignedPost
from ringback.store.database import Database
from ringback.store.failures import log_failure
from ringback.webhooks import deliveries
from ringback.webhooks.deliveries import Claim, host_of
from ringback.webhooks.message import body_of, id_of
from ringback.webhooks.settling import Answer, give_up, settle

log = logging.getLogger("ringback.webhooks")

SEND_SECONDS = 10.0  # for one delivery, in whole
_LOOK_SECONDS = 0.25
_GIVE_UP_EVERY_SECONDS = 60.0


class Webhooks:
    """What one process does to have programs told."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Clock = utc_now,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        """Do nothing yet: `start` does."""
        self._database = database
        self._clock = clock
        self._send_seconds = send_seconds
        self._receivers = {webhook.url: webhook for webhook in settings.webhooks}
        self._posts = {url: SignedPost(url, settings.secret_keys) for url in self._receivers}
        self._busy: Counter[str] = Counter()  # of the loop alone, as its threads tell by `_done`
        self._done: deque[tuple[str, Answer | None]] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._gave_up_at = -_GIVE_UP_EVERY_SECONDS

    def register(self) -> None:
        """Note in the store who is told. Raises STORE_ERRORS."""
        with self._database.write() as connection:
            deliveries.register(connection, list(self._receivers))

    def start(self) -> None:
        """Tell in the background of this process, if anybody is to be told. More than once does nothing."""
        if self._thread or not self._receivers:
            return
        gc.freeze()  # else a burst of threads has the whole app looked through for garbage, a quarter of its time
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self, patience_seconds: float) -> None:
        """Begin no delivery more, and wait this long for those that are on their way."""
        self._stopping.set()
        self._wake.set()
        until = monotonic() + patience_seconds
        if self._thread:
            self._thread.join(patience_seconds)
        while self._busy.total() and monotonic() < until:
            self._wake.wait(max(until - monotonic(), 0))
            self._wake.clear()
            self._settle()  # the loop that did so has ended

    def run_once(self) -> None:
        """Tell what may be told now, one after the other."""
        self._prepare()
        while claims := deliveries.claim(self._database, self._busy, self._clock()):
            for claim in claims:
                self._note([self._deliver(claim)])

    def try_out(self) -> list[tuple[str, str]]:
        """Send each receiver a test that names no request; its host, and what it answered or why it did not."""
        now, body = self._clock(), '{"type": "ringback.test", "data": {}}'
        return [(host_of(url), self._sent(url, "msg_ringback_test", body, now)[1]) for url in self._receivers]

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._settle()
                self._prepare()
                self._send_what_is_due()
            except Exception as error:
                log_failure(log, "webhooks", error)
            self._wake.wait(_LOOK_SECONDS)

    def _prepare(self) -> None:
        while deliveries.spread(self._database, self._receivers, self._clock()):
            pass
        if monotonic() - self._gave_up_at >= _GIVE_UP_EVERY_SECONDS:
            self._gave_up_at = monotonic()
            with self._database.write() as connection:
                give_up(connection, self._clock())

    def _send_what_is_due(self) -> None:
        for claim in deliveries.claim(self._database, +self._busy, self._clock()):
            threading.Thread(target=self._work, args=(claim,), name="webhook", daemon=True).start()
            self._busy[claim.receiver] += 1  # not if there is no thread left for it

    def _work(self, claim: Claim) -> None:
        answer = None
        try:
            answer = self._deliver(claim)
        except Exception as error:
            log_failure(log, "webhooks", error)  # its lease ends, and it is sent once more
        self._done.append((claim.receiver, answer))
        self._wake.set()

    def _settle(self) -> None:
        """Note what the deliveries that are over came to."""
        done = [self._done.popleft() for _ in range(len(self._done))]
        self._busy.subtract(receiver for receiver, _ in done)
        if answers := [answer for _, answer in done if answer]:
            try:
                self._note(answers)
            except Exception as error:
                log_failure(log, "webhooks", error)  # their leases end, and they are sent once more

    def _note(self, answers: list[Answer]) -> None:
        with self._database.write() as connection:
            settle(connection, answers, self._clock())
        for answer in answers:
            if not answer.is_taken:
                log.warning("webhook %s: not received (%s)", host_of(answer.claim.receiver), answer.text)

    def _deliver(self, claim: Claim) -> Answer:
        receiver = self._receivers[claim.receiver]
        # Between claiming and sending a burst of others may have been begun.
        row = deliveries.as_it_is(self._database, claim) if receiver.personal_data else claim.row
        body = body_of(row, receiver.personal_data)
        status, text = self._sent(claim.receiver, id_of(claim.row), body, self._clock())
        return Answer(claim, status, text)

    def _sent(self, url: str, id: str, body: str, now: datetime) -> tuple[int | None, str]:
        """The status, None where there was no answer; and what is noted of it."""
        with closing(Deadline(self._send_seconds)) as deadline:
            deadline.is_public_only = not self._receivers[url].allow_private
            try:
                status = self._posts[url].send(deadline, id, body, now)
            except NotReceivedError as error:
                return error.status, f"answered {error.status}"
            except Exception as error:
                if deadline.timed_out:
                    return None, deadline.too_late
                why = "no answer that can be read" if deadline.was_sent else deadline.why_not_sent(error)
                return None, why
        return status, f"answered {status}"
