"""Pages with a policy of their own and a style sheet that is not the visitors': they play somebody else's."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask
from flask import Response, current_app, request, url_for


def origin_on(host: str) -> str:
    """This server by another of its names: to a browser that is another site, as a customer's is."""
    port = urlsplit(f"//{request.host}").port
    return f"http://{host}:{port}" if port else f"http://{host}"


def bare_page(template: str, policy: str, *, ancestors: str = "'none'", **values: Any) -> Response:
    """A page with a policy of its own; `ancestors` may frame it."""
    answer = flask.make_response(flask.render_template(template, asset=_asset, **values))
    answer.headers["Content-Security-Policy"] = f"{policy}; base-uri 'none'; frame-ancestors {ancestors}"
    answer.cache_control.no_store = True
    return answer


def _asset(name: str) -> str:
    """The address of a static file, which changes when the file does: a browser keeps it for a year."""
    content = (Path(current_app.static_folder or "") / name).read_bytes()
    return url_for("static", filename=name, v=hashlib.sha256(content).hexdigest()[:12])
