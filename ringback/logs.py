"""One line per event, with the reference and the outcome; never a name, a number or a request's link."""

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Protocol

_ONCE_A = 60.0  # seconds
_MOST_LINES = 50


# By what the HTTP request is known that a line belongs to; of a hand-over, the one that its visitor sent.
trace: ContextVar[str] = ContextVar("trace", default="")


@contextmanager
def traced(request_id: str) -> Iterator[None]:
    """Log under this id for a while."""
    before = trace.set(request_id)
    try:
        yield
    finally:
        trace.reset(before)


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, and `request_id` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """As logging calls it."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if found := trace.get():
            line["request_id"] = found
        if record.exc_info or record.exc_text:
            line["error"] = record.exc_text or self.formatException(record.exc_info)  # type: ignore[arg-type]
        return json.dumps(line, ensure_ascii=False)


def configure(log_format: str = "text") -> None:
    """Log to standard error, unless somebody has set up logging already. `log_format` as LOG_FORMAT."""
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        handler.setFormatter(JsonLines() if log_format == "json" else text)
        root.addHandler(handler)
        root.setLevel(logging.INFO)
    # The development server writes each address it serves, and a request's link is its key; of what it cannot
    # read it writes the line itself, as an error.
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    # Writes the hashed address of whoever reaches a limit, which is to be kept no longer than the limit.
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)
    # Says where each migration goes, at every start.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def kind_and_place(error: BaseException) -> str:
    """The name of an exception and where it came from. Its words may quote what a visitor typed: they stay out."""
    return f"{type(error).__name__} at\n{''.join(traceback.format_tb(error.__traceback__))}".rstrip()


class _Log(Protocol):
    def log(self, level: int, message: str, /, *args: object) -> None: ...


class Sparing:
    """Says the same at most once a minute: what everybody meets would fill the log, and unsaid nobody finds it."""

    def __init__(self, log: _Log, seconds: Callable[[], float] = time.monotonic) -> None:
        """`seconds`: a clock that is never set back."""
        self._log = log
        self._seconds = seconds
        self._said: dict[str, tuple[float, int]] = {}  # when it was said, and how often it was not since

    def __call__(self, text: str, level: int = logging.WARNING) -> None:
        """Say it, with how often it came unsaid."""
        now = self._seconds()
        said_at, unsaid = self._said.get(text, (now - _ONCE_A, 0))
        if now - said_at < _ONCE_A:
            self._said[text] = said_at, unsaid + 1
            return
        if len(self._said) >= _MOST_LINES:
            self._said.clear()
        self._said[text] = now, 0
        self._log.log(level, "%s%s", text, f" ({unsaid} times more since this was said last)" if unsaid else "")
