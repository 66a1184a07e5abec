"""What visitors download, as small as it can be: style sheets and scripts without comments, pages compressed."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, request
from rjsmin import jsmin

_YEAR_SECONDS = 31_536_000
_KINDS = {".css": "text/css", ".js": "text/javascript"}
# A page has one script. `frame.js`, which speaks with the page around it, is silent where there is none.
_MADE_OF = {
    "form.js": ("frame.js", "form.js"),
    "form-with-times.js": ("frame.js", "form.js", "when.js"),
    "confirmation.js": ("frame.js", "confirmation.js"),
}
_ADDRESSED = {
    "css": "ringback.css",
    "form_js": "form.js",
    "form_with_times_js": "form-with-times.js",
    "confirmation_js": "confirmation.js",
    "frame_js": "frame.js",
}


@dataclass(frozen=True)
class Asset:
    """One file, made once from its commented sources, so that there is no build step to forget."""

    mimetype: str
    plain: bytes
    zipped: bytes
    etag: str


_ASSET_SECONDS = 31_536_000


def init_app(app: Flask, folder: Path) -> None:
    """Answer `/static/…` for them. Their addresses change with what is in them, so they may be kept for ever."""
    sources = {path.name: (path.name,) for path in folder.iterdir() if path.suffix in _KINDS}
    assets = {name: _made_of([folder / part for part in parts]) for name, parts in (sources | _MADE_OF).items()}
    addresses = {key: f"/static/{name}?v={assets[name].etag}" for key, name in _ADDRESSED.items()}
    icon = hashlib.sha256((folder / "icon.svg").read_bytes()).hexdigest()[:16]
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = _ASSET_SECONDS
    app.jinja_env.globals["assets"] = addresses | {"icon": f"/static/icon.svg?v={icon}"}

    @app.get("/static/<name>")
    def asset(name: str) -> Response:
        if name not in assets:
            return app.send_static_file(name)
        found = assets[name]
        accepts_gzip = request.accept_encodings["gzip"] > 0
        response = Response(found.zipped if accepts_gzip else found.plain, mimetype=found.mimetype)
        if accepts_gzip:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_SECONDS}, immutable"
        response.set_etag(found.etag + ("-gzip" if accepts_gzip else ""))
        response.make_conditional(request)
        return response

    app.after_request(_compress_page)


def _compress_page(response: Response) -> Response:
    """A page is a third of its size then, and no proxy in front has to be told.

    That a secret and what somebody typed are compressed together (BREACH) tells a stranger nothing: there is no
    cookie, so no request of theirs is ever answered with what is another person's.
    """
    if response.mimetype != "text/html" or response.is_streamed:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] > 0 and "Content-Encoding" not in response.headers:
        response.set_data(gzip.compress(response.get_data(), mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _made_of(paths: list[Path]) -> Asset:
    kind = paths[0].suffix
    texts = [path.read_text(encoding="utf-8") for path in paths]
    if len(texts) > 1:
        texts = [f"{{{text}}}\n" for text in texts]  # each keeps its names to itself
    source = "".join(texts)
    plain = (_without_comments(source) if kind == ".css" else str(jsmin(source))).encode()
    etag = hashlib.sha256(plain).hexdigest()[:16]
    return Asset(_KINDS[kind], plain, gzip.compress(plain, 9, mtime=0), etag)


def _without_comments(css: str) -> str:
    """Of our own style sheets, in which no string holds a comment's sign or a line's end."""
    without = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", "\n", without).strip()
