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
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from ringback import logs, telemetry
from ringback.clock import Clock, utc_now
from ringback.config.settings import Settings
from ringback.handover.agent_note import what_the_agent_sees
from ringback.handover.in_the_air import WORKERS, InTheAir
from ringback.handover.outcomes import Accepted, Busy, Misconfigured, NotSent, Outcome, Refused, Unclear
from ringback.handover.samespace import Samespace
from ringback.outbox import transitions
from ringback.outbox.calls.outcome_key import outcome_key
from ringback.outbox.claims import Claim, Settlement
from ringback.outbox.heartbeat import BEAT_SECONDS
from ringback.outbox.outbox import Outbox
from ringback.outbox.pacing.breaker import UpstreamSignal
from ringback.outbox.wrong_clock import LONGEST_ASKED_WAIT_SECONDS, WAITS_VARY_FROM, WAITS_VARY_TO
from ringback.store.failures import STORE_ERRORS, log_failure

log = logging.getLogger("ringback.delivery")

POLL_SECONDS = 0.25
_EXPIRE_SECONDS = 1.0
_AFTER_AN_ERROR_SECONDS = 1.0
_STUCK_SECONDS = 15.0
_STILL_ANSWERS_SECONDS = 10.0  # after a call that was taken
_OVERSHOOT_SECONDS = 0.001  # what waiting for a time takes longer than asked for, and would tell


class Delivery:
    """The hand-over of one process."""

    def __init__(
        self,
        outbox: Outbox,
        samespace: Samespace,
        settings: Settings,
        clock: Clock = utc_now,
        beside: Callable[[], object] = lambda: None,
    ) -> None:
        """Do nothing yet: `start` or `run` does. `beside`: what else is to be done once a second."""
        self._outbox = outbox
        self._samespace = samespace
        self._settings = settings
        self._clock = clock
        self._beside = beside
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._free_workers = threading.Semaphore(WORKERS)
        self._in_the_air = InTheAir(lambda busy: outbox.claim(self._owner, busy))
        self._last_turn = time.monotonic()
        self._last_expiry = 0.0
        self._recent: deque[float] = deque(maxlen=50)  # seconds that calls took
        self._answered_at: float | None = None  # when the last call was, if Samespace took it
        self._last_probe = 0.0
        self._last_beat = -BEAT_SECONDS

    def start(self) -> None:
        """Hand over in the background of this process. Once is enough; more does nothing."""
        if self._thread is None:
            # No daemon: one that is cut off with a claim leaves a request that nobody can say anything about.
            self._thread = threading.Thread(target=self.run, name="hand-over")
            self._thread.start()

    def run(self) -> None:
        """Hand over until `stop`, or until the program has come to its end."""
        while not self._is_over():
            try:
                self._turn()
                self._last_turn = time.monotonic()
            except Exception as error:
                log_failure(log, "hand-over", error)
                self._stopping.wait(_AFTER_AN_ERROR_SECONDS)
        for _ in range(WORKERS):
            self._free_workers.acquire()  # once each has come back, nothing is in the air

    def run_once(self) -> None:
        """Hand over what may go now, in this thread, and return when each has ended."""
        self._look_around()
        while claim := self._outbox.claim(self._owner):
            self.hand_over(claim)

    def _is_over(self) -> bool:
        return self._stopping.is_set() or not threading.main_thread().is_alive()

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
        if time.monotonic() - self._last_beat > BEAT_SECONDS:
            self._last_beat = time.monotonic()
            self._outbox.heartbeat.beat()
        self._outbox.arrived.wait(POLL_SECONDS)
        self._outbox.arrived.clear()
        self._look_around()
        # However much is due, what is cut off and whether we are alive is looked at again in time.
        until = time.monotonic() + _EXPIRE_SECONDS
        while not self._is_over() and time.monotonic() < until and self._take_one():
            pass

    def _look_around(self) -> None:
        """Whatever comes in: `expire` once a second, and a probe of Samespace four times a second."""
        now = time.monotonic()
        if now - self._last_expiry > _EXPIRE_SECONDS:
            self._last_expiry = now
            try:
                self._beside()
            except Exception as error:  # nobody waits for a call because of it
                log_failure(log, "acts", error)
            self._outbox.canaries.take(self._clock())
            for reference in self._outbox.expire():
                log.warning(
                    "request %s: lease expired, resent or given up; `requests show` tells which", reference
                )
        if now - self._last_probe > POLL_SECONDS:
            self._last_probe = now
            if self._outbox.take_probe() and self._samespace.probe():
                self._outbox.samespace_answers()

    def _take_one(self) -> bool:
        """Claim a number and give it to a free worker, which goes on by itself. False when nothing is due."""
        if not self._free_workers.acquire(timeout=POLL_SECONDS):
            return True
        is_taken = False
        try:
            if claim := self._in_the_air.claim():
                threading.Thread(target=self._work, args=(claim,), name="hand-over").start()
                is_taken = True
        finally:
            if not is_taken:
                self._free_workers.release()
        return is_taken

    def _work(self, claim: Claim | None) -> None:
        """Hand over, and then whatever is due next, as long as there is any."""
        try:
            while claim:
                self._carry(claim)
                claim = None if self._is_over() else self._in_the_air.claim()
        except Exception as error:
            log_failure(log, "hand-over", error)
        finally:
            self._free_workers.release()
            self._outbox.arrived.set()  # what waited for a worker may have one now

    def _carry(self, claim: Claim) -> None:
        try:
            self.hand_over(claim)
        except Exception as error:
            # The claim runs out by itself and becomes unknown, which is what it is.
            log_failure(log, f"request {claim.requests[0].reference}", error)
        finally:
            self._in_the_air.landed(claim)

    def hand_over(self, claim: Claim) -> None:
        """Make one call for a claim and record how it ended, in the log under its visitor's HTTP request."""
        with logs.traced(claim.requests[0].trace or ""), telemetry.span("hand over") as told:
            told["settled"] = self._hand_over(claim)

    def _hand_over(self, claim: Claim) -> str:
        """In a word, how it ended."""
        settlement = self._ring_nobody(claim) if claim.is_held else self._ring(claim)
        settled = self._settle(claim, settlement)
        for request in claim.requests:
            if claim.is_held:
                log.info("request %s: held, nobody was called", request.reference)
            elif settled:
                after = settled.transition.after
                log.info("request %s: attempt %d, now %s", request.reference, claim.attempt, after)
            else:
                log.warning("request %s: its claim ran out before the answer came", request.reference)
        return "held" if claim.is_held else settled.transition.after.value if settled else "too late"

    def _settle(self, claim: Claim, settlement: Settlement) -> Settlement | None:
        """Record it, and try again while the claim is ours: an answer that we have is not to become unknown."""
        delivery = self._settings.delivery
        until = time.monotonic() + delivery.lease_seconds - delivery.timeout_seconds
        while True:
            try:
                return self._outbox.settle(claim, settlement)
            except STORE_ERRORS:
                if time.monotonic() > until:
                    raise
                time.sleep(_AFTER_AN_ERROR_SECONDS / 4)  # also while stopping: the answer is to be recorded first

    def _ring(self, claim: Claim) -> Settlement:
        widget = self._settings.widget(claim.widget)
        if widget is None:
            # Taken out of the file while requests waited: nobody to give them to, so a person decides.
            return Settlement(transitions.FAIL, "its widget is no longer configured")
        number, started = claim.requests[0].answers.phone, time.monotonic()
        tried = max(request.attempt for request in claim.requests)
        attributes = what_the_agent_sees(
            claim.requests, tried, widget, self._settings.public_url, self._clock(), self._outcome_key(claim)
        )
        outcome = self._samespace.make_call(widget.team_name, number, attributes)
        self._recent.append(time.monotonic() - started)
        self._answered_at = time.monotonic() if isinstance(outcome, Accepted) else None
        return self.settlement_of(outcome, claim)

    def _outcome_key(self, claim: Claim) -> str:
        """By which the agent says what became of the call of all of them; nothing where that is not wanted."""
        if not self._settings.samespace.outcome_links:
            return ""
        return outcome_key(self._settings.secret_keys[-1], claim.requests[0].reference)

    def _ring_nobody(self, claim: Claim) -> Settlement:
        """A held request takes the same steps and time as a real call, so its page reveals nothing."""
        until = time.monotonic() + (random.choice(self._recent) if self._recent else 0)  # noqa: S311 no secret
        settlement = self._as_any_other(claim)
        self._stopping.wait(max(until - time.monotonic() - _OVERSHOOT_SECONDS, 0))
        while time.monotonic() < until and not self._stopping.is_set():
            time.sleep(0)  # lets others run; any wait would overshoot
        return settlement

    def _as_any_other(self, claim: Claim) -> Settlement:
        """How a call would end at the moment, as far as that can be known without making one."""
        widget = self._settings.widget(claim.widget)
        if widget and self._outbox.breaker.is_paused(widget):
            return self._again(claim, "held; the team is paused")
        if widget and self._outbox.breaker.refuses(widget):
            if self._is_last(claim):
                return Settlement(transitions.FAIL, "held; the team refused to the last")
            return self._again(claim, "held; the team refuses at the moment")
        # Asked only where no call has just told it: to ask takes time as well.
        if self._was_answered_lately() or self._samespace.probe():
            return Settlement(transitions.TAKEN, "held, on the attention list")
        return self._again(claim, "held; Samespace did not answer", UpstreamSignal.UNREACHED)

    def _was_answered_lately(self) -> bool:
        answered_at = self._answered_at
        return answered_at is not None and time.monotonic() - answered_at < _STILL_ANSWERS_SECONDS

    def settlement_of(self, outcome: Outcome, claim: Claim) -> Settlement:
        """What an outcome means for the request. If unclear, `on_unknown` says what follows."""
        match outcome:
            case Accepted(reply=reply):
                return Settlement(transitions.TAKEN, f"accepted: {reply}", UpstreamSignal.SOUND)
            case Refused(message=message, retry_after=wait):
                if self._is_last(claim):
                    return Settlement(transitions.FAIL, f"refused to the last: {message}", UpstreamSignal.REFUSED)
                return self._again(claim, f"refused: {message}", UpstreamSignal.REFUSED, wait or 0)
            case NotSent(reason=reason):
                return self._again(claim, f"not sent: {reason}", UpstreamSignal.UNREACHED)
            case Busy(retry_after=wait, status=status):
                return self._again(claim, f"busy ({status})", UpstreamSignal.BUSY, wait or 0)
            case Misconfigured(status=status, reply=reply):
                reference, advice = claim.requests[0].reference, "check [samespace] and team_name"
                log.error(
                    "request %s: Samespace answered %d. Unless it is the number, %s", reference, status, advice
                )
                return self._again(claim, f"answered {status}: {reply}", UpstreamSignal.MISCONFIGURED)
            case Unclear(reason=reason, reply=reply):
                return self._outbox.lost(f"{reason}: {reply}" if reply else reason, claim)

    def _is_last(self, claim: Claim) -> bool:
        """Whether it is refused for the last time, and has waited all the waits: some may have been cut short."""
        waits = timedelta(seconds=sum(self._settings.delivery.retry_seconds) * WAITS_VARY_FROM)
        has_waited = all(self._clock() - request.due_at >= waits for request in claim.requests)
        return self._settings.delivery.is_last(claim.attempt) and has_waited

    def _again(
        self, claim: Claim, detail: str, sign: UpstreamSignal | None = None, at_least: float = 0
    ) -> Settlement:
        varied = random.uniform(WAITS_VARY_FROM, WAITS_VARY_TO)  # noqa: S311 no secret
        wait = self._settings.delivery.wait_after(claim.attempt) * varied
        asked = min(at_least, LONGEST_ASKED_WAIT_SECONDS)
        later = self._clock() + timedelta(seconds=max(wait, asked))
        return Settlement(transitions.RETURN, detail, sign, later, asked)
