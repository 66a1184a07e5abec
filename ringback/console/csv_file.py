"""A table as a file that spreadsheets open, and compute nothing of."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from flask import Response

# What a cell begins with that is computed; what strangers typed is in cells, too
# (https://owasp.org/www-community/attacks/CSV_Injection).
_BEHIND_A_SEPARATOR = re.compile(r"([;|\t\r\n]\s*)([=+@-])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Response:
    """The file of this name, with a line of columns before the rows."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    answer = Response(text.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


def _safe(cell: str | int) -> str | int:
    if not isinstance(cell, str):
        return cell
    # Where lists are separated by another sign than a comma, a cell may begin behind it.
    cell = _BEHIND_A_SEPARATOR.sub(r"\1'\2", cell)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
