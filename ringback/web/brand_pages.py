"""Serves the site owners' logos and fonts, from memory and from our own origin."""

from flask import Blueprint, Response, abort

from ringback.config.brand_files import BrandFile
from ringback.config.settings import Settings

_YEAR_SECONDS = 31_536_000
# Opened by itself, an SVG is a document and may hold scripts: this lets it run and load nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


def brand_pages(settings: Settings) -> Blueprint:
    """`/static/own/…`: the files that the configuration names, and no others."""
    widgets = settings.widgets.values()
    files: dict[str, BrandFile] = {
        file.name: file for widget in widgets for file in (widget.logo, widget.font) if file
    }
    blueprint = Blueprint("brand_files", __name__)

    @blueprint.get("/static/own/<name>")
    def brand_file(name: str) -> Response:
        file = files.get(name) or abort(404)
        response = Response(file.content, mimetype=file.mimetype)
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_SECONDS}, immutable"
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    return blueprint
