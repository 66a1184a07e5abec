"""Who may frame a widget, and every security header."""

import base64
import hashlib
from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Flask, Response, request

from ringback.config.settings import Settings
from ringback.config.widget import Widget
from ringback.web import theme

_YEAR_SECONDS = 31_536_000


def is_embedded() -> bool:
    """Whether the page is asked for in a frame."""
    return request.args.get("embed") == "1"


def is_framed_by_us() -> bool:
    """Whether a browser says that a page of ours frames this one: the preview of an install page."""
    fetched = request.headers.get("Sec-Fetch-Dest"), request.headers.get("Sec-Fetch-Site")
    return fetched == ("iframe", "same-origin")


def is_kept_out(widget: Widget) -> bool:
    """Whether a browser says that a page frames this one which may not, so that it will show an empty frame."""
    if request.headers.get("Sec-Fetch-Dest") != "iframe" or is_framed_by_us() or not request.referrer:
        return False
    page = urlsplit(request.referrer)
    return f"{page.scheme}://{page.netloc}" not in widget.origins


def origins_of(widgets: Iterable[Widget]) -> list[str]:
    """Every site that may frame one of them, once."""
    return list(dict.fromkeys(origin for widget in widgets for origin in widget.origins))


def content_security_policy(frame_ancestors: Iterable[str] = (), style: str = "") -> str:
    """The policy of our pages, which load only what is ours. `style` is the text of their one inline style."""
    styles = "'self'" + (f" '{_digest(style)}'" if style else "")
    ancestors = " ".join(frame_ancestors) or "'none'"
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            f"style-src {styles}",
            "img-src 'self'",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {ancestors}",
        ]
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def init_app(app: Flask, settings: Settings) -> None:
    """Set the headers of every answer. What a view has set stays."""
    headers = {
        "Content-Security-Policy": content_security_policy(style=theme.style(theme.OURS)),
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer: that turns the Origin of our own post into "null".
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        # Only our own pages load what is ours, in a frame too; what other sites may load says so itself.
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        # Pages hold personal data; what may be cached (scripts, styles) says so itself.
        "Cache-Control": "no-store",
    }
    # Under a path we are a guest, and the host's other pages are not ours to bind.
    if settings.public_url.startswith("https:") and not settings.path:
        headers["Strict-Transport-Security"] = f"max-age={2 * _YEAR_SECONDS}; includeSubDomains"

    # An error page may have no widget; in a frame it has to be readable all the same.
    errors_policy = content_security_policy(origins_of(settings.widgets.values()), theme.style(theme.OURS))

    @app.after_request
    def set_headers(response: Response) -> Response:
        if is_embedded():
            # An isolated page loads no frame that is not isolated too. Our pages load only what is ours.
            response.headers.setdefault("Cross-Origin-Embedder-Policy", "require-corp")
            response.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
            if response.status_code >= 400:
                response.headers.setdefault("Content-Security-Policy", errors_policy)
        if "/requests/" in request.path or "/outcome/" in request.path:
            # The address of a request is its key: not even our own next page is sent it.
            response.headers.setdefault("Referrer-Policy", "strict-origin")
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response
