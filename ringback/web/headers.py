"""Who may frame a widget, every security header, and the script a site owner pastes."""

import base64
import gzip
import hashlib
from collections.abc import Iterable
from pathlib import Path

from flask import Blueprint, Flask, Response, request
from rjsmin import jsmin

from ringback.config.settings import Settings
from ringback.config.widget import Widget
from ringback.web import theme

SCRIPT_SECONDS = 300
_YEAR_SECONDS = 31_536_000


def is_embedded() -> bool:
    """Whether the page asked for is to stand in a frame."""
    return request.args.get("embed") == "1"


def origins_of(widgets: Iterable[Widget]) -> list[str]:
    """Every site that may frame one of them, once."""
    return list(dict.fromkeys(origin for widget in widgets for origin in widget.origins))


def content_security_policy(frame_ancestors: Iterable[str] = (), style: str = "") -> str:
    """What a page of ours may load: ours only. `style` is the text of its one inline style element."""
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
    """Put the headers on every answer. What a view has set already stays."""
    headers = {
        "Content-Security-Policy": content_security_policy(style=theme.style(theme.OURS)),
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer: that turns the Origin of our own post into "null".
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        # Only our own pages load what is ours, in a frame too; what others load says so itself.
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        # Pages have people in them; what may be kept (scripts, styles) says so itself.
        "Cache-Control": "no-store",
    }
    if settings.public_url.startswith("https:"):
        headers["Strict-Transport-Security"] = f"max-age={2 * _YEAR_SECONDS}; includeSubDomains"

    # A page that tells of an error may have no widget; in a frame it has to be read all the same.
    errors_policy = content_security_policy(origins_of(settings.widgets.values()), theme.style(theme.OURS))

    @app.after_request
    def set_headers(response: Response) -> Response:
        if is_embedded():
            # A page that isolates itself takes no frame that does not. All that ours loads is ours.
            response.headers.setdefault("Cross-Origin-Embedder-Policy", "require-corp")
            response.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
            if response.status_code >= 400:
                response.headers.setdefault("Content-Security-Policy", errors_policy)
        if "/requests/" in request.path:
            # The address of a request is its key: not even the next page of ours is told it.
            response.headers.setdefault("Referrer-Policy", "strict-origin")
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response


def embed_script(folder: Path) -> Blueprint:
    """`/embed.js`: made once from the commented source, so that there is no build step to forget."""
    script = str(jsmin((folder / "embed.js").read_text(encoding="utf-8"))).encode()
    zipped = gzip.compress(script, 9, mtime=0)
    etag = hashlib.sha256(script).hexdigest()[:16]
    blueprint = Blueprint("embedding", __name__)

    @blueprint.get("/embed.js")
    def embed() -> Response:
        accepts_gzip = request.accept_encodings["gzip"] > 0
        response = Response(zipped if accepts_gzip else script, mimetype="text/javascript")
        if accepts_gzip:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = f"public, max-age={SCRIPT_SECONDS}"
        # Any site may load it, with or without its own isolation.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.set_etag(etag + ("-gzip" if accepts_gzip else ""))
        response.make_conditional(request)
        return response

    return blueprint
