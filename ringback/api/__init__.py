"""For other people's programs: requests asked for and followed in JSON."""

from flask import Flask

from ringback.api import openapi, routes


def init_app(app: Flask) -> None:
    """Add the addresses under `/api/`, and their description."""
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(openapi.blueprint)
