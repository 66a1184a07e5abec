"""ringback.toml as people save it: what editors put before the text, where a fault is, and what mends it."""

import codecs
import re
import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_ZEROS_OF_UTF_32 = 3  # of the four bytes of an ASCII letter
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_STATEMENT = re.compile(r"\s*(\[|[^#=]+=)")
_INVISIBLE = re.compile("[\u00a0\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_CURLY = re.compile("[\u2018-\u201f\u00ab\u00bb]")
# What stands where the reader gave up, and the mend.
_SLIPS = (
    (re.compile("[`\u00b4\u2032\u2033\uff02\uff07]"), '; quotes should be straight: "'),
    (re.compile("//"), "; a comment should begin with #"),
    (re.compile("="), "; one = is enough"),
    (re.compile(r",(?=.*\])"), "; one comma is enough"),
    (re.compile("[;,]"), "; the line should end without ; and ,"),
    (re.compile("\0"), "; take out the null character, which nobody sees"),
)
_BACKSLASH = r"a \ between double quotes should be \\, or the text should stand between 'single quotes'"
_MENDS = (
    (r"Unescaped '\\'|hex value", _BACKSLASH),
    ("Cannot overwrite|Cannot declare|Cannot mutate", "it stands further up already; keep one of them"),
    ("Invalid value", 'text should stand in quotes, "like this"'),
    ("Expected '=' after a key", 'it should be a name and what it is, like: team_name = "Sales"'),
    (
        "Invalid initial character for a key",
        "what is between { and } should stand on one line, with no comma before }",
    ),
    ("Invalid date", "it should be a day of the calendar, like 2026-12-27"),
    ("Expected newline or end", 'text should stand in quotes, "like this", and numbers begin with no 0'),
    ("Illegal character '.n'", "its closing quote is missing"),
    ("Unclosed array", 'a list should be texts in quotes between [ and ], with commas: ["en", "de"]'),
)


@dataclass(frozen=True)
class TomlFile:
    """What a file says. `text` is what it was read from."""

    text: str
    tables: dict[str, Any]

    def line_of(self, keys: Sequence[Any]) -> int | None:
        """The line where this key is set; where it is not, that of the table it should be in; None for neither.

        Python's reader keeps no places, so it is given the first statements alone, more or fewer of them.
        """
        while keys and not _has(self.tables, keys):
            keys = keys[:-1]
        if not keys:
            return None
        lines = self.text.splitlines(keepends=True)
        starts = [number for number, line in enumerate(lines) if _STATEMENT.match(line)] + [len(lines)]

        def read_before(start: int) -> tuple[int, dict[str, Any]]:
            """What stands before a start; if that is one within a longer text, before the last one that is not."""
            while start:
                with suppress(ValueError):
                    return start, tomllib.loads("".join(lines[: starts[start]]))
                start -= 1
            return 0, {}

        after = bisect_left(range(len(starts)), True, key=lambda start: _has(read_before(start)[1], keys))
        return starts[read_before(after - 1)[0]] + 1


def read_toml(path: Path) -> TomlFile:
    """Raises OSError, and ValueError with the line and the mend."""
    text = f"{_decoded(path.read_bytes())}\n"  # without an end of line the reader names no line
    try:
        return TomlFile(text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_toml_fault(text, str(error))) from None
    except ValueError as error:  # of a number without end Python says so itself
        raise ValueError(f"is not TOML: {error}") from None


def _decoded(content: bytes) -> str:
    """Without the mark that some editors put before the text (U+FEFF, "UTF-8 with BOM")."""
    if content.startswith(_UTF_32) or content[:4].count(0) == _ZEROS_OF_UTF_32:
        raise ValueError("is in UTF-32; save it as UTF-8")
    if content.startswith(_UTF_16) or content[:2].count(0) == 1:
        raise ValueError("is in UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: is not in UTF-8; save the file as UTF-8") from None


def _toml_fault(text: str, told: str) -> str:
    place = _PLACE.search(told)
    what = _PLACE.sub("", told)
    if re.search("\r(?!\n)", text):
        return f"is not TOML: {what}; its lines should end in LF or CR LF"
    if not place or not place[1]:
        return f"line {_opening(text)}: is not TOML: {what} that begins here, and the file ends"
    line = text.split("\n")[int(place[1]) - 1]
    return f"line {place[1]}: is not TOML: {what} at column {place[2]}{_mend(what, line, int(place[2]) - 1)}"


def _opening(text: str) -> int:
    """The line of the statement that goes on until the file ends: what stands before it can be read."""
    lines = text.splitlines(keepends=True)
    for number in range(len(lines), 0, -1):
        if _STATEMENT.match(lines[number - 1]):
            with suppress(ValueError):
                tomllib.loads("".join(lines[: number - 1]))
                return number
    return 1


def _mend(what: str, line: str, column: int) -> str:
    if unseen := _INVISIBLE.search(line):
        return f"; take out the character U+{ord(unseen[0]):04X}, which nobody sees"
    if re.match(r"\s*\[+[^\]=]*(\]|$)", line) and re.search("key part|end of a table", what):
        return "; a table should stand between [ and ], in letters, digits, - and _: [widgets.sales]"
    if _CURLY.search(line):
        return '; quotes should be straight: "'
    for slip, mend in _SLIPS:
        if slip.match(line, column):
            return mend
    return next((f"; {mend}" for pattern, mend in _MENDS if re.search(pattern, what)), "")


def _has(tables: Any, keys: Sequence[Any]) -> bool:
    for key in keys:
        try:
            tables = tables[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True
