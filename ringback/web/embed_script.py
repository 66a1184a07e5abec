"""The script that a site owner pastes: `/embed.js`."""

from pathlib import Path

from flask import Blueprint, Response
from rjsmin import jsmin

from ringback.web.compression import CompressedFile

KEPT_SECONDS = 300


def embed_script(folder: Path) -> Blueprint:
    """Its address; it is minified once, at the start, so that there is no build step to forget."""
    script = CompressedFile.of(str(jsmin((folder / "embed.js").read_text(encoding="utf-8"))), "text/javascript")
    blueprint = Blueprint("embedding", __name__)

    @blueprint.get("/embed.js")
    def embed() -> Response:
        response = script.response(f"public, max-age={KEPT_SECONDS}")
        # Any site may load it, with or without its own isolation.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    return blueprint
