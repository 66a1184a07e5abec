"""The script that a site owner pastes: `/embed.js`."""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response
from rcssmin import cssmin

from ringback.config.settings import Settings
from ringback.config.widget import Widget
from ringback.web.compression import CompressedFile
from ringback.web.page import own_address
from ringback.web.small_script import minify
from ringback.web.theme import text_on

KEPT_SECONDS = 300

# What the source has in place of what the script is made for.
_SERVED = '"SERVED"'


def embed_script(folder: Path, settings: Settings) -> Blueprint:
    """Its address; it is minified once, at the start, so that there is no build step to forget."""
    script_for = _maker(folder, list(settings.widgets.values()))
    blueprint = Blueprint("embedding", __name__)

    @blueprint.get("/embed.js")
    def embed() -> Response:
        response = script_for(own_address()).response(f"public, max-age={KEPT_SECONDS}")
        # Any site may load it, with or without its own isolation.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    return blueprint


def _maker(folder: Path, widgets: list[Widget]) -> Callable[[str], CompressedFile]:
    """What makes the script for one of our public addresses: there are several in the sandbox, else one."""
    source = minify((folder / "embed.js").read_text(encoding="utf-8"))
    styles = str(cssmin((folder / "embed.css").read_text(encoding="utf-8")))

    @lru_cache(maxsize=8)
    def script_for(base: str) -> CompressedFile:
        served = json.dumps([base, _forms(base, widgets), styles], separators=(",", ":"))
        return CompressedFile.of(source.replace(_SERVED, served), "text/javascript")

    return script_for


def _forms(base: str, widgets: list[Widget]) -> dict[str, list[str]]:
    """By the address of each form, in small letters: how we write it, the launcher's colours, its attributes."""
    forms = {
        f"{base}/{widget.key}".lower(): [
            f"{base}/{widget.key}",
            widget.brand,
            text_on(widget.brand),
            *(name.lower() for name in widget.attributes),
        ]
        for widget in widgets
    }
    return {base.lower(): next(iter(forms.values())), **forms}
