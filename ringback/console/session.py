"""The console's cookie. Visitors get none: their pages have no session."""

import re
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect

from ringback.config.settings import Settings

# The install pages of widgets stand beside their forms.
PAGES = re.compile(r"/console/|/[^/]+/install(/|$)")
# Checked where the console checks everything, not on visitors' posts, whose forms have a token of their own.
csrf = CSRFProtect()


class _ConsoleSessions(SecureCookieSessionInterface):
    """A signed cookie for the console's addresses, and for no others."""

    def open_session(self, app: Flask, request: Request) -> Any:
        """Return None outside the console, for which Flask uses an empty session that cannot be written to."""
        return super().open_session(app, request) if PAGES.match(request.path) else None


def init_app(app: Flask, settings: Settings) -> None:
    """Give the console its cookie, and check its posts."""
    app.config.update(
        # A name that begins so is only taken by a browser over HTTPS, for this host alone.
        SESSION_COOKIE_NAME="__Host-ringback" if settings.is_https else "ringback",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        SECRET_KEY_FALLBACKS=settings.secret_keys[:-1],
        WTF_CSRF_SECRET_KEY=settings.secret_keys,  # all open, the last one signs; by itself it knows no fallbacks
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page may stand open all morning
        WTF_CSRF_SSL_STRICT=False,  # is the Referer, which a browser may be told not to send
    )
    app.session_interface = _ConsoleSessions()
    csrf.init_app(app)
