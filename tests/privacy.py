"""What no log may know: everybody who was submitted in a whole run of the tests.

The tests say here what they submit, and at the end everything that was logged is searched for it: by this
process, and by the servers it started. A number is looked for by its last nine digits, however they are
grouped; a name, an e-mail address and a message as they were typed. A single word, such as "nobody", and what
is shorter than six characters say nothing, and are left out. The id of a request is a key, so nothing that
looks like one may be there at all.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

_SHORTEST = 6
_DIGITS_OF_A_NUMBER = 9
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")

_submitted: defaultdict[str, set[str]] = defaultdict(set)
_files: set[Path] = set()


def submits(fields: Mapping[str, str]) -> None:
    """Remember what somebody sent."""
    for kind, value in _telling(fields):
        _submitted[kind].add(value)


def quoted(fields: Mapping[str, str], lines: list[str]) -> list[str]:
    """What of these fields is in these lines: for tests that send too much to remember it all."""
    submitted: defaultdict[str, set[str]] = defaultdict(set)
    for kind, value in _telling(fields):
        submitted[kind].add(value)
    return list(_kinds_in("\n".join(lines), submitted))


def _telling(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What of the fields says who somebody is, with its kind."""
    for kind in ("name", "email", "message"):
        value = fields.get(kind, "").strip()
        if len(value) >= _SHORTEST and re.search(r"\w[\s@]+\w", value):
            yield kind, value
    digits = re.sub(r"\D", "", fields.get("phone", ""))
    if len(digits) >= _DIGITS_OF_A_NUMBER:
        yield "phone", digits[-_DIGITS_OF_A_NUMBER:]


def writes(file: Path) -> None:
    """Remember where a server prints to."""
    _files.add(file)


class Listener(logging.Handler):
    """Hears every line that this process logs, at any level that anybody would read."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line as it would be printed, with its traceback."""
        self.lines.append(self.format(record))


def findings(lines: list[str]) -> list[str]:
    """Where somebody is in a log, and as what; never who."""
    logs = {"the tests' own process": "\n".join(lines)}
    logs |= {str(file): file.read_text(errors="replace") for file in _files if file.exists()}
    return [f"{log}: {kind}" for log, text in logs.items() for kind in _kinds_in(text, _submitted)]


def _kinds_in(text: str, submitted: Mapping[str, set[str]]) -> Iterator[str]:
    ungrouped = re.sub(r"(?<=\d)[ ().-]+(?=\d)", "", text)
    for kind, values in submitted.items():
        if any(value in (ungrouped if kind == "phone" else text) for value in values):
            yield kind
    if _ID.search(text):
        yield "the id of a request"
