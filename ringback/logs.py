"""One line per event, with the reference and the outcome; never a name, a number or a request's link."""

import logging
import sys
import traceback


def configure() -> None:
    """Log to standard error, unless somebody has set up logging already."""
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
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
