"""The one signed token in a form. It is three things at once:

- the protection against posts forged from other sites, without a cookie (a cookie fails in other
  people's pages, where browsers block it);
- the time trap: it says when the form was first shown;
- the idempotency key: a form sent twice carries the same id both times.

It names its widget, is valid for a day, and is tied to nobody.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from wtforms.csrf.core import CSRF
from wtforms.fields import HiddenField
from wtforms.form import BaseForm

# WCAG 2.2, 2.2.1: a limit of 20 hours or more is no time limit to a reader.
GOOD_FOR = timedelta(hours=24)
_OTHER_KEY = (
    "SECRET_KEY: a form came that another key signed, and was shown again. Give every machine the same key, and "
    "name the one from before in SECRET_KEY_FALLBACKS"
)
# Another process, with a clock a little ahead of ours, may have issued it; none is further ahead.
_CLOCK_SKEW = timedelta(minutes=5)


class TokenFault(StrEnum):
    """Why a token is not accepted."""

    MISSING = "missing"
    FORGED = "forged"
    OTHER_WIDGET = "other widget"
    OLD = "old"
    OTHER_WORDS = "other words"  # what it asks people to agree to has changed since


@dataclass(frozen=True)
class FormToken:
    """A token that was read. `first_shown_at` is kept when a form is shown again."""

    widget: str
    id: str
    issued_at: datetime
    first_shown_at: datetime
    shown: str


class Tokens:
    """Issues and reads tokens with the keys of the settings."""

    def __init__(
        self, secret_keys: list[str], clock: Callable[[], datetime], tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """`secret_keys`: oldest first; the last one signs, all are accepted. `tell`: where faults of ours go."""
        self._tell = tell
        self._serializer = URLSafeSerializer(secret_keys, salt="ringback form")
        self._clock = clock

    def issue(self, widget: str, first_shown_at: datetime | None = None, shown: str = "") -> str:
        """A fresh token for a form that is shown now, and was first shown then.

        `shown` marks what the form asks people to agree to.
        """
        now = self._clock()
        first = first_shown_at or now
        fields = [widget, secrets.token_hex(16), now.timestamp(), first.timestamp(), shown]
        return str(self._serializer.dumps(fields))

    def read(self, text: str | None, widget: str, shown: str = "") -> tuple[FormToken | None, TokenFault | None]:
        """The token and what is wrong with it. An old one is still returned, for when it was first shown."""
        if not text:
            return None, TokenFault.MISSING
        try:
            token = FormToken(*_fields(self._serializer.loads(text)))
        except (BadData, ValueError, TypeError, OverflowError, OSError):
            if self._is_of_another_key(text, widget):
                self._tell(_OTHER_KEY)
            return None, TokenFault.FORGED
        age = self._clock() - token.issued_at
        if token.widget != widget:
            return None, TokenFault.OTHER_WIDGET
        if age > GOOD_FOR or age < -_CLOCK_SKEW:
            return token, TokenFault.OLD
        if token.shown != shown:
            return token, TokenFault.OTHER_WORDS
        return token, None

    def _is_of_another_key(self, text: str, widget: str) -> bool:
        """Whether all but the signature is as we write it: what is not is a stranger's, and no fault of ours."""
        try:
            is_signed, loaded = self._serializer.loads_unsafe(text)
        except ValueError:  # half of a letter, which nothing can be made of
            return False
        return not is_signed and isinstance(loaded, list) and len(loaded) == 5 and loaded[0] == widget


def _fields(loaded: Any) -> tuple[str, str, datetime, datetime, str]:
    widget, id, issued_at, first_shown_at, shown = loaded
    return (
        str(widget),
        str(id),
        datetime.fromtimestamp(issued_at, UTC),
        datetime.fromtimestamp(first_shown_at, UTC),
        str(shown),
    )


class TokenCSRF(CSRF):
    """Our token in place of Flask-WTF's own, which needs a session cookie."""

    def setup_form(self, form: BaseForm) -> Any:
        """Called by WTForms with the form; `csrf_context` of its Meta is (Tokens, widget, what is shown)."""
        self._tokens, self._widget, self._shown = form.meta.csrf_context
        self.token: FormToken | None = None
        self.fault: TokenFault | None = None
        return super().setup_form(form)

    def generate_csrf_token(self, csrf_token_field: HiddenField) -> str:
        """A fresh token each time the form is shown, which keeps when it was first."""
        self.token, self.fault = self._tokens.read(csrf_token_field.data, self._widget, self._shown)
        first_shown_at = self.token.first_shown_at if self.token else None
        return str(self._tokens.issue(self._widget, first_shown_at, self._shown))

    def validate_csrf_token(self, form: BaseForm, field: HiddenField) -> None:
        """Raise nothing: a token that is not accepted is no mistake in a field; `decide` deals with it."""
