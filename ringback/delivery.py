"""The hand-over: claim, call Samespace, settle, until told to stop.

It starts from what is in the store, not from what it remembers, so a process that was killed goes on
where it was; and it never dies of an error, since a hand-over that stopped in silence would be found
days later by the people nobody called.
"""

import logging
import os
import random
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from ringback.agent_note import what_the_agent_sees
from ringback.callback_request import EventKind, State
from ringback.outbox import Claim, Clock, Outbox, Settlement, utc_now
from ringback.samespace import Accepted, Busy, Misconfigured, NotSent, Outcome, Refused, Samespace, Unclear
from ringback.settings import Settings

log = logging.getLogger("ringback.delivery")

POLL_SECONDS = 0.25
_EXPIRE_SECONDS = 1.0
_HANDS = 8  # calls in the air at once, so that a slow Samespace does not make everybody queue
_AFTER_AN_ERROR_SECONDS = 1.0
_STUCK_SECONDS = 15.0
_CONFIGURATION_FAULT_SECONDS = 300.0
_LONGEST_RETRY_AFTER_SECONDS = 3600.0


class Delivery:
    """The hand-over of one process."""

    def __init__(self, outbox: Outbox, samespace: Samespace, settings: Settings, clock: Clock = utc_now) -> None:
        """Do nothing yet: `start` or `run` does."""
        self._outbox = outbox
        self._samespace = samespace
        self._settings = settings
        self._clock = clock
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._free_hands = threading.Semaphore(_HANDS)
        self._pool: ThreadPoolExecutor | None = None
        self._last_turn = time.monotonic()
        self._last_expiry = 0.0

    def start(self) -> None:
        """Hand over in the background of this process. Once is enough; more does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self.run, name="hand-over", daemon=True)
            self._thread.start()

    def run(self) -> None:
        """Hand over until `stop`."""
        self._pool = ThreadPoolExecutor(_HANDS, thread_name_prefix="hand")
        while not self._stopping.is_set():
            try:
                self._turn()
                self._last_turn = time.monotonic()
            except Exception as error:
                log.error("hand-over: the store did not answer (%s); trying again", type(error).__name__)
                self._stopping.wait(_AFTER_AN_ERROR_SECONDS)
        self._pool.shutdown(wait=True)

    def stop(self, patience_seconds: float) -> None:
        """Claim nothing more, finish what is in the air, return."""
        self._stopping.set()
        self._outbox.arrived.set()
        if self._thread:
            self._thread.join(patience_seconds)

    @property
    def is_running(self) -> bool:
        """Whether it runs here and has looked at the store lately."""
        alive = self._thread is not None and self._thread.is_alive()
        return alive and time.monotonic() - self._last_turn < _STUCK_SECONDS

    def _turn(self) -> None:
        self._outbox.arrived.wait(POLL_SECONDS)
        self._outbox.arrived.clear()
        if time.monotonic() - self._last_expiry > _EXPIRE_SECONDS:
            self._last_expiry = time.monotonic()
            for reference in self._outbox.expire():
                log.warning("request %s needs a person", reference)
        while not self._stopping.is_set() and self._take_one():
            pass

    def _take_one(self) -> bool:
        """Claim a number and give it to a free hand. False when nothing is due."""
        if not self._free_hands.acquire(timeout=POLL_SECONDS):
            return True
        claim = None
        try:
            claim = self._outbox.claim(self._owner)
        finally:
            if claim is None:
                self._free_hands.release()
        if claim is None or self._pool is None:
            return False
        self._pool.submit(self._hand, claim)
        return True

    def _hand(self, claim: Claim) -> None:
        try:
            self.hand_over(claim)
        except Exception as error:
            # The claim runs out by itself and becomes unknown, which is what it is.
            log.error("request %s: could not be settled (%s)", claim.requests[0].reference, type(error).__name__)
        finally:
            self._free_hands.release()

    def hand_over(self, claim: Claim) -> None:
        """Make one call for a claim and record how it ended."""
        settlement = self._ring_nobody(claim) if claim.is_held else self._ring(claim)
        settled = self._outbox.settle(claim, settlement)
        for request in claim.requests:
            if settled:
                log.info("request %s: attempt %d, now %s", request.reference, claim.attempt, settlement.state)
            else:
                log.warning("request %s: its claim ran out before the answer came", request.reference)

    def _ring(self, claim: Claim) -> Settlement:
        now = self._clock()
        widget = self._settings.widgets.get(claim.requests[0].answers.widget)
        if widget is None:
            # Taken out of the file while requests waited: nobody to give them to, so a person decides.
            return Settlement(State.FAILED, EventKind.FAILED, "its widget is no longer configured")
        attributes = what_the_agent_sees(claim.requests, claim.attempt, widget, self._settings.public_url, now)
        number = claim.requests[0].answers.phone
        return self.judge(self._samespace.make_call(widget.team_name, number, attributes), claim.attempt)

    def _ring_nobody(self, claim: Claim) -> Settlement:
        """A held request takes the same steps as any other, so that its page tells nothing."""
        if self._samespace.probe():
            return Settlement(State.WITH_TEAM, EventKind.WITH_TEAM, "held, on the attention list")
        return self._again(claim.attempt, "Samespace did not answer")

    def judge(self, outcome: Outcome, attempt: int) -> Settlement:
        """What an outcome means for the request. What cannot be told is never sent again by itself."""
        match outcome:
            case Accepted(reply=reply):
                return Settlement(State.WITH_TEAM, EventKind.WITH_TEAM, f"accepted: {reply}")
            case Refused(message=message):
                return self._again(attempt, f"refused: {message}")
            case NotSent(reason=reason):
                return self._again(attempt, f"not sent: {reason}")
            case Busy(retry_after=retry_after, status=status):
                return self._again(attempt, f"busy ({status})", at_least=retry_after or 0)
            case Misconfigured(status=status):
                log.error("Samespace answered %d: check [samespace] and team_name in the configuration", status)
                return self._again(attempt, f"answered {status}", at_least=_CONFIGURATION_FAULT_SECONDS)
            case Unclear(reason=reason, reply=reply):
                return Settlement(State.UNKNOWN, EventKind.UNKNOWN, f"{reason}: {reply}" if reply else reason)

    def _again(self, attempt: int, detail: str, at_least: float = 0) -> Settlement:
        waits = self._settings.delivery.retry_seconds
        wait = waits[min(attempt, len(waits)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311 spreads load, no secret
        wait = max(wait, min(at_least, _LONGEST_RETRY_AFTER_SECONDS))
        return Settlement(State.WAITING, EventKind.RETURNED, detail, self._later(wait))

    def _later(self, seconds: float) -> datetime:
        return self._clock() + timedelta(seconds=seconds)
