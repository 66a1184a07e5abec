"""Call reports: what Samespace's records say became of the calls (its Analytics API, with a key of its own).

Read by one process of all, in a thread of its own, so that a report that hangs delays no hand-over. A reading
covers a window that ends a moment ago, page by page; each page is kept in one transaction, and reading it again
changes nothing. So a process that is killed loses nothing: the next reading begins with the oldest request that
waits for its call.
"""

import json
import logging
import os
import socket
import uuid
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from ringback.background import BackgroundLoop
from ringback.config.settings import Settings
from ringback.handover.call_records import ReportPage, ShapeError, read_page
from ringback.handover.outcomes import Answer
from ringback.handover.samespace import exchange
from ringback.logs import Sparing
from ringback.outbox.calls.calls import Calls, Window
from ringback.outbox.calls.not_called import NotCalled

log = logging.getLogger("ringback.call_reports")

SESSIONS = "/manage/api/analytics/sessions"
PAGE_RECORDS = 100
_PAGE_BYTES = 8_000_000
# While records come and go between two pages some are missed: then the window is read once more.
_ROUNDS = 5
_QUIET_ROUNDS = 2  # without anything new: the total may count what is never shown
_MOST_PAGES = 2_000
_STALE_PAGES = 3  # one after the other without anything that had not come before: it goes round in circles
# A request of which there is never a record keeps the window long: with many calls it would be read all day.
MANY_PAGES = 50
_WHOLE_EVERY = timedelta(hours=1)
_RECENT = timedelta(days=1)
_LOOK_SECONDS = 1.0


class ReportError(Exception):
    """A reading that failed, with why in words for the log. Nothing that Samespace answered is quoted."""


class CallReports:
    """The vendor's Analytics API, as far as it is read here."""

    def __init__(self, base_url: str, api_key: str, timeout_seconds: float) -> None:
        self._url = base_url + SESSIONS
        self._api_key = api_key
        self._timeout_seconds = timeout_seconds

    def page(self, window: Window, skip: int, limit: int = PAGE_RECORDS) -> ReportPage:
        """Some of the calls that began in the window, from the one after `skip` on. Raises ReportError."""
        filters = {"start_time": _written(window.start), "end_time": _written(window.end), "type": "team"}
        content = json.dumps({"filters": filters, "limit": limit, "skip": skip}).encode()
        answer = exchange(
            "POST", self._url, content, self._timeout_seconds, {"x-api-key": self._api_key}, _PAGE_BYTES
        )
        if not isinstance(answer, Answer):
            raise ReportError(answer.reason)
        if not answer.successful:
            raise ReportError(_why_refused(answer.status))
        if answer.flaw:
            raise ReportError(answer.flaw)
        try:
            return read_page(answer.body)
        except ShapeError as error:
            raise ReportError(f"the shape of the answer has changed: {error}") from None


def _why_refused(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f'answered {status}: check SAMESPACE_API_KEY, which should be an API key of the type "Voice"'
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "answered 429: it is asked too often; raise call_reports_seconds"
    return f"answered {status}"


def _written(at: datetime) -> str:
    """As the vendor's page has it: `2021-05-14T05:37:27.734Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class CallReportLoop(BackgroundLoop):
    """The reading of one process."""

    def __init__(
        self, calls: Calls, not_called: NotCalled, settings: Settings, reports: CallReports | None = None
    ) -> None:
        """Do nothing yet: `start` does, where there is a key. `reports`: in place of those of the settings."""
        look_seconds = min(_LOOK_SECONDS, settings.samespace.call_reports_seconds)
        super().__init__(log, "call reports", look_seconds)
        self._calls = calls
        self._not_called = not_called
        self._reports = reports or reports_of(settings)
        self._busy_seconds = settings.delivery.timeout_seconds * 2 + 30
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._tell = Sparing(log)
        self._whole_again_at: datetime | None = None

    @property
    def is_wanted(self) -> bool:
        """Without a key there is nothing to read."""
        return self._reports is not None

    def begin(self) -> None:
        """Say that call reports are read from now on."""
        self._calls.begin()

    def turn(self) -> None:
        """Read, if it is this process's turn."""
        self.run_once()

    def fault(self, now: datetime) -> str:
        """Why a record of the last hour cannot be read; nothing where it can, or none has to be."""
        if self._reports is None:
            return ""
        try:
            self._reports.page(Window(now - timedelta(hours=1), now), 0, limit=1)
        except ReportError as error:
            return str(error)
        return ""

    def run_once(self) -> bool:
        """Read, if it is this process's turn. Whether a whole reading was made."""
        if self._reports is None or not self._calls.take_turn(self._owner, self._busy_seconds):
            return False
        try:
            window = self._calls.window()
            if window:
                self._read(self._reports, self._as_far_as_is_due(window))
                self._calls.ended_well(self._owner, window.end)
            else:
                self._calls.ended_well(self._owner, None)
        except ReportError as error:
            self._calls.failed(self._owner, str(error))
            self._tell(f"call reports: {error}")
            return False
        except Exception as error:  # of our own; where it lasts, somebody is told of it as well
            self._calls.failed(self._owner, f"an error in Ringback: {type(error).__name__}")
            raise
        self._not_called.tell()
        if ways := self._calls.ways_to_tell():
            log.info("call reports: %s", ways)
        return True

    def _as_far_as_is_due(self, whole: Window) -> Window:
        """The whole window; of one that took many pages the last day, but for once an hour."""
        if self._whole_again_at is None or whole.end >= self._whole_again_at:
            self._whole_again_at = None
            return whole
        return Window(max(whole.start, whole.end - _RECENT), whole.end)

    def _read(self, reports: CallReports, window: Window) -> None:
        """Page through the window until as many records came as there are. Raises ReportError."""
        seen: set[str] = set()
        quiet = 0
        for _ in range(_ROUNDS):
            before = len(seen)
            total, unreadable = self._read_round(reports, window, seen)
            quiet = quiet + 1 if len(seen) == before else 0
            if len(seen) + unreadable >= total or quiet == _QUIET_ROUNDS:
                return

    def _read_round(self, reports: CallReports, window: Window, seen: set[str]) -> tuple[int, int]:
        """Every page once: how many records there are by its word, and how many of them cannot be read."""
        skip, total, unreadable, stale = 0, 0, 0, 0
        this_round: set[str] = set()
        for number in range(_MOST_PAGES):
            if number == MANY_PAGES and self._whole_again_at is None:
                self._whole_again_at = window.end + _WHOLE_EVERY
            page = reports.page(window, skip)
            self._keep(page)
            came = {record.uuid for record in page.records}
            stale = stale + 1 if came and came <= this_round else 0
            this_round |= came
            skip += page.length
            unreadable += page.unreadable
            total = skip if page.total is None else page.total
            # A full page may be followed by another whatever the total says.
            is_last = page.length < PAGE_RECORDS and (page.total is None or skip >= total)
            if page.length == 0 or is_last or stale == _STALE_PAGES:
                break
            if self.stopping.is_set() or not self._calls.goes_on(self._owner, self._busy_seconds):
                raise ReportError("it was broken off")
        if unreadable and unreadable == skip:
            raise ReportError("the shape of the answer has changed: no record has a uuid and a start_time")
        seen |= this_round
        return total, unreadable

    def _keep(self, page: ReportPage) -> None:
        if page.unreadable:
            self._tell(f"call reports: {page.unreadable} records have no uuid or start_time, and were left out")
        for first in range(0, len(page.records), PAGE_RECORDS):  # of whatever length a page comes
            for reference in self._calls.keep(page.records[first : first + PAGE_RECORDS]).called:
                log.info("request %s: called, by a call report", reference)


def reports_of(settings: Settings) -> CallReports | None:
    """The API with the key that is set, or None."""
    key = settings.samespace_api_key
    if key is None:
        return None
    return CallReports(settings.samespace.url, key.get_secret_value(), settings.delivery.timeout_seconds)
