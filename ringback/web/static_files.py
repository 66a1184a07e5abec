"""Our style sheets and scripts, minified at the start so that there is no build step to forget."""

import hashlib
import re
from pathlib import Path

from flask import Flask, Response
from rcssmin import cssmin
from rjsmin import jsmin

from ringback.web.compression import CompressedFile, compress_page

_YEAR_SECONDS = 31_536_000
_KINDS = {".css": "text/css", ".js": "text/javascript"}
# A page has one script. `frame.js`, which speaks with the page around it, does nothing where there is none.
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
    "console_css": "console.css",
    "console_js": "console.js",
    "console_passkey_js": "console-passkey.js",
}
_DARK_RULE = re.compile(r':root\[data-theme="dark"\][^{}]*\{[^{}]*\}')


def init_app(app: Flask, folder: Path) -> None:
    """Answer `/static/…`. The addresses change with the content, so it may be cached for ever."""
    sources = {path.name: (path.name,) for path in folder.iterdir() if path.suffix in _KINDS}
    assets = {name: _made_of([folder / part for part in parts]) for name, parts in (sources | _MADE_OF).items()}
    addresses = {key: f"/static/{name}?v={assets[name].etag}" for key, name in _ADDRESSED.items()}
    icon = hashlib.sha256((folder / "icon.svg").read_bytes()).hexdigest()[:16]
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = _YEAR_SECONDS
    app.jinja_env.globals["assets"] = addresses | {"icon": f"/static/icon.svg?v={icon}"}

    @app.get("/static/<name>")
    def asset(name: str) -> Response:
        if name not in assets:
            return app.send_static_file(name)
        return assets[name].response(f"public, max-age={_YEAR_SECONDS}, immutable")

    app.after_request(compress_page)


def _made_of(paths: list[Path]) -> CompressedFile:
    kind = paths[0].suffix
    texts = [path.read_text(encoding="utf-8") for path in paths]
    if len(texts) > 1:
        texts = [f"{{{text}}}\n" for text in texts]  # each keeps its names to itself
    source = "".join(texts)
    small = cssmin(_with_auto_theme(source)) if kind == ".css" else jsmin(source)
    return CompressedFile.of(str(small), _KINDS[kind])


def _with_auto_theme(css: str) -> str:
    """With each rule of the dark theme once more, for a page in the system's theme while that is dark."""

    def twice(rule: re.Match[str]) -> str:
        auto = rule[0].replace('"dark"', '"auto"')
        return f"{rule[0]}\n@media (prefers-color-scheme: dark) {{{auto}}}"

    return _DARK_RULE.sub(twice, css)
